import { type ConsumerSource, hasDurable, unmetNeed } from '@laminar/definitions';
import {
  type ConsumerConfig,
  type ConsumerInfo,
  DeliverPolicy,
  type JetStreamManager,
  RetentionPolicy,
  type StreamInfo,
} from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { ConnectorError, type Position } from '../contract.js';
import { consumerName, deleteConsumer, findConsumer, putConsumer } from './consumer-api.js';
import {
  differences,
  fixedDifferences,
  isOwnReader,
  type Maker,
  madeFor,
  madeForName,
  madeNameOf,
  startConfig,
  wantedConsumer,
} from './consumer-config.js';
import { apiCodes, connectorError, hasCode } from './errors.js';
import { inheritedPosition, notInherited } from './inherited-position.js';
import type { Lineage } from './lineage.js';
import { floorOf, incarnationSince, type PositionMemory, type ReadPosition } from './read-position.js';
import { dropStandIn, mayHaveStandIn, placeStandIn } from './stand-in.js';

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
  readonly lineage: Lineage;
}

/**
 * Makes the durable that a definition asks for, where it is missing: from the position that is remembered here, or was last seen by any reader, or was reached by other means
 * before, if the stream is still the same. One that was made for this definition is brought up to date; one that a dropped namesake left behind is made anew, or taken over where others
 * read by it; what somebody else made is compared and left as it is. Throws `ConnectorError`.
 */
export async function ensureConsumer(context: ConsumerContext): Promise<ConsumerProvision> {
  const { nc, jsm, maker, source, lineage } = context;
  const version = nc.info?.version ?? '';
  const unmet = unmetNeed(source.needs, version);
  if (unmet)
    throw new ConnectorError('failed', `${unmet.what} needs nats-server ${unmet.version}, and this one is ${version}`);
  const existing = await findConsumer(jsm, source);
  if (!existing) return standing(context, await make(context));
  const { description } = existing.config;
  if (description === madeFor(maker)) return standing(context, await bringUpToDate(context, existing));
  if (description?.startsWith(madeForName(maker.name))) {
    if (lineage.sharers(source, maker).length > 0) return bringUpToDate(context, existing);
    refuseStale(context);
    await deleteConsumer(jsm, source);
    return make(context);
  }
  refuseAnothersOwn(maker, source, description);
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

/** The durable stands: what a process left that ended while it made it anew has no place to keep any more. */
async function standing(context: ConsumerContext, provision: ConsumerProvision): Promise<ConsumerProvision> {
  if (mayHaveStandIn(context.source, context.lineage)) await letGoOfPlace(context);
  return provision;
}

const letGoOfPlace = (context: ConsumerContext): Promise<void> =>
  dropStandIn(context).catch((error) => {
    throw connectorError(`deleting what kept the place of ${consumerName(context.source)}`, error);
  });

/** What a definition that is gone would make nobody deletes again, and what it would replace is its successor's. */
function refuseStale({ maker, source, lineage }: ConsumerContext): void {
  if (lineage.isCurrent()) return;
  throw new ConnectorError(
    'blocked',
    `${consumerName(source)} is not made: the definition of "${maker.name}" was dropped meanwhile`,
  );
}

/** The durable of a pipeline's own reader is never shared: two that read by it would each miss what the other takes. */
function refuseAnothersOwn(maker: Maker, source: ConsumerSource, description: string | undefined): void {
  const owner = madeNameOf(description);
  if (owner === undefined || !(isOwnReader(owner) || isOwnReader(maker.name))) return;
  throw new ConnectorError(
    'failed',
    `${consumerName(source)} is that of "${owner}", and is not shared; give one of the connections another consumer_name, or delete the consumer where nothing reads by it any more`,
  );
}

/** Of two that make it at once the second finds the same settings. */
async function make(context: ConsumerContext): Promise<ConsumerProvision> {
  const { source } = context;
  const known = await knownPosition(context);
  const inherited = known === undefined ? await inherit(context) : undefined;
  refuseStale(context);
  const position = known ?? inherited;
  if (position === undefined) {
    const remark = notInherited({ ...context, streamName: source.streamName });
    return { ...(await put(context, startConfig(source.start), remark)), isNew: true };
  }
  const stream = await streamOf(context);
  if (stream.config.retention === RetentionPolicy.Workqueue) await makeRoom(context);
  if (incarnationSince(position.incarnation, stream) !== position.incarnation) {
    return put(context, { deliver_policy: DeliverPolicy.All }, newStreamRemark(source.streamName));
  }
  const next = position.sequence + 1;
  const first = stream.state.first_seq;
  // As a stream of retention "interest" does when its last consumer goes.
  const gap = first > next ? `; the stream let go of ${next} to ${first - 1} meanwhile` : '';
  if (inherited) return put(context, startAt(stream, next), gap === '' ? undefined : gap.slice(2));
  const remark = `${consumerName(source)} was gone and was made again, to go on after sequence ${position.sequence}${gap}`;
  return put(context, startAt(stream, next), remark);
}

/** How far the definition as it is now was read by its durable: by a reader of this process, or as any was last seen. */
const knownPosition = async ({ memory, lineage }: ConsumerContext): Promise<ReadPosition | undefined> =>
  memory.position ?? (await lineage.lastSeen());

function inherit(context: ConsumerContext): Promise<Position | undefined> {
  const { source } = context;
  return inheritedPosition({ ...context, streamName: source.streamName }).catch((error) => {
    throw connectorError(`looking how far the stream "${source.streamName}" was read before`, error);
  });
}

/** A work queue has one consumer for each subject, and keeps what that one has not done: its successor can be made when it is gone. */
async function makeRoom({ jsm, maker, source, lineage }: ConsumerContext): Promise<void> {
  for (const form of lineage.predecessors()) {
    if (!hasDurable(form) || form.streamName !== source.streamName) continue;
    const old = await findConsumer(jsm, form);
    if (old?.config.description === madeFor(maker)) await deleteConsumer(jsm, form);
  }
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
  if (differing.length === 0 && existing.config.description === wanted.description)
    return { drift: [], remark: undefined, isNew: false };
  const fixed = fixedDifferences(existing.config, wanted);
  if (fixed.length > 0) {
    const { start, next, remark } = await inPlaceOf(context, existing, fixed);
    if (next !== undefined) await placeStandIn(context, existing, next);
    await deleteConsumer(jsm, source);
    const provision = await put(context, start, remark);
    if (next !== undefined) await letGoOfPlace(context);
    return provision;
  }
  const { backoff: _, filter_subject: __, filter_subjects: ___, ...kept } = existing.config;
  const changed = await putConsumer(nc, source.streamName, {
    ...kept,
    ...wanted,
    ...flowControlOf(existing.config),
  }).catch((error) => {
    throw connectorError(`changing ${consumerName(source)}`, error);
  });
  return {
    drift: driftOf(source, differences(changed.config, wanted)),
    remark: undefined,
    isNew: false,
  };
}

/** No server changes it, and a durable that was made without is read as well, with no bound in bytes. */
const flowControlOf = ({ flow_control, idle_heartbeat }: ConsumerConfig): Partial<ConsumerConfig> => ({
  flow_control: flow_control ?? false,
  idle_heartbeat: idle_heartbeat ?? 0,
});

interface InPlace {
  readonly start: Partial<ConsumerConfig>;
  /** The sequence from which it goes on, where something has to keep that meanwhile: a work queue itself knows what is not done. */
  readonly next: number | undefined;
  readonly remark: string | undefined;
}

/**
 * Where a durable goes on that is made anew because the server changes neither of `fixed`: where the one before it was. If a position is known of the definition as it is now, then it was not the
 * definition that changed: somebody replaced the durable, and how far that one came says nothing.
 */
async function inPlaceOf(context: ConsumerContext, existing: ConsumerInfo, fixed: readonly string[]): Promise<InPlace> {
  const { source, lineage } = context;
  const stream = await streamOf(context);
  const known = await knownPosition(context);
  const isKnown =
    known !== undefined && incarnationSince(known.incarnation, stream, { consumer: existing }) === known.incarnation;
  if (!isKnown && lineage.beginsAnew()) return { start: startConfig(source.start), next: undefined, remark: undefined };
  const sequence = isKnown ? known.sequence : floorOf(existing);
  const start = startAt(stream, sequence + 1);
  const remark = isKnown
    ? `${consumerName(source)} had been made anew with another ${fixed.join(' and ')}; it was put right, to go on after sequence ${sequence}`
    : undefined;
  return { start, next: start.opt_start_seq, remark };
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

/** The durable that was made for `mark` is `heir`'s from now on, or deleted where there is none. One that is gone already is fine. Throws what the server answers. */
export async function passOnConsumer(
  { nc, jsm, source }: Pick<ConsumerContext, 'nc' | 'jsm' | 'source'>,
  mark: string,
  heir: string | undefined,
): Promise<void> {
  const { streamName, consumer } = source;
  const info = await jsm.consumers.info(streamName, consumer.name).catch((error) => {
    if (hasCode(error, apiCodes.consumerNotFound) || hasCode(error, apiCodes.streamNotFound)) return undefined;
    throw error;
  });
  if (info?.config.description !== mark) return;
  if (heir === undefined) await deleteConsumer(jsm, source);
  else await putConsumer(nc, streamName, { ...info.config, durable_name: consumer.name, description: heir });
}

const driftOf = (source: ConsumerSource, differing: readonly string[]): string[] =>
  differing.map(
    (setting) => `${consumerName(source)} has another ${setting} than the definition says, and was left as it is`,
  );
