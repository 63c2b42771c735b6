import {
  type ConsumerSource,
  hasConsumer,
  type ResolvedConnection,
  type StartPosition,
  type StreamSpec,
} from '@laminar/definitions';
import {
  AckPolicy,
  type ConsumerConfig,
  type ConsumerInfo,
  DeliverPolicy,
  type JetStreamManager,
  jetstreamManager,
  ReplayPolicy,
  type RetentionPolicy,
  type StorageType,
  type StreamConfig,
} from '@nats-io/jetstream';
import { type NatsConnection, nanos } from '@nats-io/nats-core';
import { ConnectorError } from '../contract.js';
import { apiCodes, connectorError, hasCode } from './errors.js';
import { countsDeliveries, ensureCapture, removeCapture } from './exhausted-capture.js';

/** The definition for which something is made; `incarnation` tells it from a dropped namesake. */
export interface Maker {
  readonly name: string;
  readonly incarnation: number;
}

/**
 * Makes the stream and the durable that a definition asks for, where they are missing. A durable that was made for it is brought up to date; one that
 * a dropped namesake left behind is made anew. What somebody else made is compared and left as it is: `drift` says what differs. Throws `ConnectorError`.
 */
export async function provision(
  nc: NatsConnection,
  maker: Maker,
  connection: ResolvedConnection,
): Promise<{ drift: string | undefined }> {
  if (!('streamName' in connection)) return { drift: undefined };
  const jsm = await jetstreamManager(nc).catch((error) => {
    throw connectorError('asking for JetStream', error);
  });
  const drift: string[] = [];
  if (connection.stream && connection.streamName !== undefined)
    drift.push(...(await ensureStream(jsm, connection.streamName, connection.stream)));
  if (hasConsumer(connection)) {
    // Before the consumer, which may give up the first message at once.
    const uncaptured = countsDeliveries(connection) ? await ensureCapture(jsm, connection, madeFor(maker)) : [];
    drift.push(...(await ensureConsumer(jsm, maker, connection)), ...uncaptured);
  }
  return { drift: drift.length === 0 ? undefined : drift.join('; ') };
}

/** Deletes the durable that `provision` made for this definition. One that is gone already, or that was made for another, is let be. */
export async function deprovision(nc: NatsConnection, maker: Maker, connection: ResolvedConnection): Promise<void> {
  if (!hasConsumer(connection)) return;
  const { streamName, consumer } = connection;
  try {
    const jsm = await jetstreamManager(nc);
    await removeCapture(jsm, connection, madeFor(maker));
    const { config } = await jsm.consumers.info(streamName, consumer.name);
    if (config.description === madeFor(maker)) await jsm.consumers.delete(streamName, consumer.name);
  } catch (error) {
    if (hasCode(error, apiCodes.consumerNotFound) || hasCode(error, apiCodes.streamNotFound)) return;
    throw connectorError(`deleting the consumer "${consumer.name}" of the stream "${streamName}"`, error);
  }
}

async function ensureStream(jsm: JetStreamManager, name: string, spec: StreamSpec): Promise<string[]> {
  const wanted = {
    name,
    subjects: [...spec.subjects],
    retention: spec.retention as RetentionPolicy,
    storage: spec.storage as StorageType,
    max_msgs: spec.maxMsgs,
    max_age: nanos(spec.maxAgeS * 1000),
  } satisfies Partial<StreamConfig>;
  let config: StreamConfig;
  try {
    config = (await jsm.streams.info(name)).config;
  } catch (error) {
    if (!hasCode(error, apiCodes.streamNotFound)) throw connectorError(`looking for the stream "${name}"`, error);
    await jsm.streams.add(wanted).catch((failure) => {
      throw connectorError(`creating the stream "${name}"`, failure);
    });
    return [];
  }
  const settings = ['retention', 'storage', 'max_msgs', 'max_age'] as const;
  const differing: string[] = settings.filter((setting) => config[setting] !== wanted[setting]);
  if ([...(config.subjects ?? [])].sort().join() !== [...wanted.subjects].sort().join()) differing.push('subjects');
  return differing.map(
    (setting) => `the stream "${name}" has another ${setting} than the definition says, and was left as it is`,
  );
}

/** Consumers of nats-server 2.9 have no metadata, but a description. */
const madeFor = ({ name, incarnation }: Maker): string => `${madeForName(name)}${incarnation}`;
const madeForName = (name: string): string => `made for the connection ${name} of revision `;

async function ensureConsumer(
  jsm: JetStreamManager,
  maker: Maker,
  { streamName, consumer, filterSubjects: [filterSubject], start }: ConsumerSource,
): Promise<string[]> {
  const wanted = {
    durable_name: consumer.name,
    description: madeFor(maker),
    ack_policy: AckPolicy.Explicit,
    replay_policy: ReplayPolicy.Instant,
    ack_wait: nanos(consumer.ackWaitMs),
    max_ack_pending: consumer.maxAckPending,
    max_deliver: consumer.maxDeliver,
    ...(filterSubject === undefined ? {} : { filter_subject: filterSubject }),
    ...startConfig(start),
  } satisfies Partial<ConsumerConfig>;
  let existing: ConsumerInfo;
  try {
    existing = await jsm.consumers.info(streamName, consumer.name);
  } catch (error) {
    if (hasCode(error, apiCodes.streamNotFound)) {
      throw new ConnectorError(
        'blocked',
        `the stream "${streamName}" does not exist; create it, or give stream_subjects to have it created`,
        { cause: error },
      );
    }
    if (!hasCode(error, apiCodes.consumerNotFound))
      throw connectorError(`looking for the consumer "${consumer.name}"`, error);
    await createConsumer(jsm, streamName, wanted);
    return [];
  }
  const { config } = existing;
  if (config.deliver_subject !== undefined) {
    throw new ConnectorError(
      'failed',
      `the consumer "${consumer.name}" of the stream "${streamName}" is a push consumer; give this connection a consumer_name of its own`,
    );
  }
  if (config.description !== madeFor(maker) && config.description?.startsWith(madeForName(maker.name))) {
    await jsm.consumers.delete(streamName, consumer.name).catch((failure) => {
      if (hasCode(failure, apiCodes.consumerNotFound)) return;
      throw connectorError(`deleting the consumer "${consumer.name}" of a dropped connection`, failure);
    });
    await createConsumer(jsm, streamName, wanted);
    return [];
  }
  const settings = ['ack_policy', 'ack_wait', 'max_ack_pending', 'max_deliver'] as const;
  const differing: string[] = settings.filter((setting) => config[setting] !== wanted[setting]);
  if ((config.filter_subject ?? undefined) !== filterSubject) differing.push('filter_subject');
  if (differing.length > 0 && config.description === madeFor(maker)) {
    const { ack_wait, max_ack_pending, max_deliver } = wanted;
    const changes = {
      ack_wait,
      max_ack_pending,
      max_deliver,
      filter_subject: filterSubject,
    } as Partial<ConsumerConfig>;
    await jsm.consumers.update(streamName, consumer.name, changes).catch((failure) => {
      throw connectorError(`changing the consumer "${consumer.name}" of the stream "${streamName}"`, failure);
    });
    return [];
  }
  return differing.map(
    (setting) =>
      `the consumer "${consumer.name}" has another ${setting} than the definition says, and was left as it is`,
  );
}

/** Of two that make it at once the second finds the same settings. */
async function createConsumer(
  jsm: JetStreamManager,
  streamName: string,
  wanted: Partial<ConsumerConfig> & { readonly durable_name: string },
): Promise<void> {
  await jsm.consumers.add(streamName, wanted).catch((failure) => {
    throw connectorError(`creating the consumer "${wanted.durable_name}" of the stream "${streamName}"`, failure);
  });
}

function startConfig(start: StartPosition): Partial<ConsumerConfig> {
  switch (start.from) {
    case 'all':
      return { deliver_policy: DeliverPolicy.All };
    case 'new':
      return { deliver_policy: DeliverPolicy.New };
    case 'last':
      return { deliver_policy: DeliverPolicy.Last };
    case 'sequence':
      return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: start.sequence };
    case 'time':
      return { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(start.atMs).toISOString() };
  }
}
