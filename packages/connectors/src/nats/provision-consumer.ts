import { type ConsumerSource, unmetNeed } from '@laminar/definitions';
import {
  type ConsumerConfig,
  type ConsumerInfo,
  DeliverPolicy,
  type JetStreamManager,
  RetentionPolicy,
  type StreamInfo,
} from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { ConnectorError } from '../contract.js';
import { consumerName, deleteConsumer, findConsumer, putConsumer } from './consumer-api.js';
import {
  differences,
  fixedSettings,
  type Maker,
  madeFor,
  madeForName,
  startConfig,
  wantedConsumer,
} from './consumer-config.js';
import { connectorError } from './errors.js';
import { incarnationOf, type PositionMemory } from './read-position.js';

/** What was found and done about a consumer, as far as somebody should know of it. */
export interface ConsumerProvision {
  /** Settings in which it is not what the definition says, and stays so. */
  readonly drift: readonly string[];
  /** It was gone and was made again. */
  readonly remark: string | undefined;
  /** It was made as if for the first time. */
  readonly isNew: boolean;
}

export interface ConsumerContext {
  readonly nc: NatsConnection;
  readonly jsm: JetStreamManager;
  readonly maker: Maker;
  readonly source: ConsumerSource;
  readonly memory: PositionMemory;
}

/**
 * Makes the durable that a definition asks for, where it is missing: from the position that is remembered, if the stream is still the same. One that was
 * made for this definition is brought up to date; one that a dropped namesake left behind is made anew; what somebody else made is compared and
 * left as it is. Throws `ConnectorError`.
 */
export async function ensureConsumer(context: ConsumerContext): Promise<ConsumerProvision> {
  const { nc, jsm, maker, source } = context;
  const version = nc.info?.version ?? '';
  const unmet = unmetNeed(source.needs, version);
  if (unmet)
    throw new ConnectorError('failed', `${unmet.what} needs nats-server ${unmet.version}, and this one is ${version}`);
  const existing = await findConsumer(jsm, source);
  if (!existing) return make(context);
  const { description } = existing.config;
  if (description === madeFor(maker)) return bringUpToDate(context, existing);
  if (description?.startsWith(madeForName(maker.name))) {
    await deleteConsumer(jsm, source);
    return make(context);
  }
  const differing = differences(existing.config, wantedConsumer(maker, source));
  if (differing.includes('delivery')) {
    const kind = source.role === 'source-push' ? 'pull' : 'push';
    throw new ConnectorError(
      'failed',
      `${consumerName(source)} is a ${kind} consumer that somebody else made; give this connection a consumer_name of its own`,
    );
  }
  return { drift: driftOf(source, differing), remark: undefined, isNew: false };
}

/** Of two that make it at once the second finds the same settings. */
async function make(context: ConsumerContext): Promise<ConsumerProvision> {
  const { source, memory } = context;
  const { position } = memory;
  if (position === undefined) return { ...(await put(context, startConfig(source.start), undefined)), isNew: true };
  const stream = await streamOf(context);
  if (incarnationOf(stream) !== position.incarnation) {
    return put(context, { deliver_policy: DeliverPolicy.All }, newStreamRemark(source.streamName));
  }
  const next = position.sequence + 1;
  const first = stream.state.first_seq;
  // As a stream of retention "interest" does when its last consumer goes.
  const gap = first > next ? `; the stream let go of ${next} to ${first - 1} meanwhile` : '';
  const remark = `${consumerName(source)} was gone and was made again, to go on after sequence ${position.sequence}${gap}`;
  return put(context, startAt(stream, next), remark);
}

async function streamOf({ jsm, source }: ConsumerContext): Promise<StreamInfo> {
  return jsm.streams.info(source.streamName).catch((error) => {
    throw connectorError(`looking at the stream "${source.streamName}"`, error);
  });
}

/** A work queue holds only what is not acknowledged, and takes no consumer that would begin elsewhere. */
const startAt = ({ config }: StreamInfo, sequence: number): Partial<ConsumerConfig> =>
  config.retention === RetentionPolicy.Workqueue
    ? { deliver_policy: DeliverPolicy.All }
    : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: sequence };

export const newStreamRemark = (stream: string): string =>
  `the stream "${stream}" was deleted and made anew; it is read from its beginning`;

async function bringUpToDate(context: ConsumerContext, existing: ConsumerInfo): Promise<ConsumerProvision> {
  const { nc, jsm, maker, source } = context;
  const wanted = wantedConsumer(maker, source);
  const differing = differences(existing.config, wanted);
  if (differing.length === 0) return { drift: [], remark: undefined, isNew: false };
  if (fixedSettings.some((setting) => differing.includes(setting))) {
    // The server changes neither: it is made anew, and goes on where it was.
    const stream = await streamOf(context);
    await deleteConsumer(jsm, source);
    return put(context, startAt(stream, existing.ack_floor.stream_seq + 1), undefined);
  }
  const { backoff: _, filter_subject: __, filter_subjects: ___, ...kept } = existing.config;
  const changed = await putConsumer(nc, source.streamName, { ...kept, ...wanted }).catch((error) => {
    throw connectorError(`changing ${consumerName(source)}`, error);
  });
  return {
    drift: driftOf(source, differences(changed.config, wanted)),
    remark: undefined,
    isNew: false,
  };
}

async function put(
  { nc, maker, source }: ConsumerContext,
  start: Partial<ConsumerConfig>,
  remark: string | undefined,
): Promise<ConsumerProvision> {
  const wanted = wantedConsumer(maker, source);
  const made = await putConsumer(nc, source.streamName, { ...wanted, ...start }).catch((error) => {
    throw connectorError(`creating ${consumerName(source)}`, error);
  });
  maker.log?.write('info', 'created the consumer', () => ({
    attributes: { stream: source.streamName, consumer: wanted.durable_name },
  }));
  // Older servers ignore in silence what they do not know, and accounts have limits.
  return { drift: driftOf(source, differences(made.config, wanted)), remark, isNew: false };
}

const driftOf = (source: ConsumerSource, differing: readonly string[]): string[] =>
  differing.map(
    (setting) => `${consumerName(source)} has another ${setting} than the definition says, and was left as it is`,
  );
