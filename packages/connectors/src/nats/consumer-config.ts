import type { ConsumerSource, StartPosition } from '@laminar/definitions';
import { AckPolicy, type ConsumerConfig, type ConsumerInfo, DeliverPolicy, ReplayPolicy } from '@nats-io/jetstream';
import { nanos } from '@nats-io/nats-core';
import type { ConnectionLog } from '../connection-log.js';

/** The definition for which something is made; `incarnation` tells it from a dropped namesake. */
export interface Maker {
  readonly name: string;
  readonly incarnation: number;
  /** Told of what was made. */
  readonly log?: ConnectionLog;
}

/** Consumers of nats-server 2.9 have no metadata, but a description. */
export const madeFor = ({ name, incarnation }: Maker): string => `${madeForName(name)}${incarnation}`;
export const madeForName = (name: string): string => `made for the connection ${name} of revision `;
/** The name for which a mark says that a durable was made; undefined for any other description. */
export const madeNameOf = (description = ''): string | undefined =>
  /^made for the connection (\S+) of revision \d+$/.exec(description)?.[1];
/** A pipeline's own reader is named `<connection>.<pipeline>`, and no connection has a dot in its name. */
export const isOwnReader = (name: string): boolean => name.includes('.');

/** What the server reports that nothing is under way, where a consumer says so. */
const pushHeartbeatMs = 5000;

const ackPolicies = { explicit: AckPolicy.Explicit, all: AckPolicy.All, none: AckPolicy.None } as const;

export type WantedConsumer = Partial<ConsumerConfig> & { readonly durable_name: string };

/**
 * The consumer that a definition asks for, but for where it starts. Waits between deliveries are not the server's affair: its `backoff` would replace
 * `ack_wait`, and deliver messages again that are only held up.
 */
export function wantedConsumer(maker: Maker, source: ConsumerSource): WantedConsumer {
  const { consumer, filterSubjects } = source;
  const acknowledged = consumer.ackPolicy !== 'none';
  const [filterSubject] = filterSubjects;
  return {
    durable_name: consumer.name,
    description: madeFor(maker),
    ack_policy: ackPolicies[consumer.ackPolicy],
    replay_policy: ReplayPolicy.Instant,
    max_deliver: consumer.maxDeliver,
    ...(acknowledged ? { ack_wait: nanos(consumer.ackWaitMs), max_ack_pending: maxAckPending(source) } : {}),
    ...(filterSubjects.length > 1
      ? { filter_subjects: [...filterSubjects] }
      : // A list of one needs no nats-server 2.10.
        filterSubject === undefined
        ? {}
        : { filter_subject: filterSubject }),
    ...(source.role === 'source-push'
      ? {
          deliver_subject: `_INBOX.laminar.${source.streamName}.${consumer.name}`,
          // Also for one reader alone: an old and a new owner of its slot must not both get a message.
          deliver_group: source.deliverGroup ?? consumer.name,
          flow_control: true,
          idle_heartbeat: nanos(pushHeartbeatMs),
        }
      : {}),
  };
}

/** Of a push consumer with a rate limit no more is under way than half of `ack_wait` lets its reader hand on. */
function maxAckPending({ role, consumer, rateLimit }: ConsumerSource): number {
  if (role !== 'source-push' || rateLimit === undefined) return consumer.maxAckPending;
  return Math.min(consumer.maxAckPending, Math.max(1, Math.floor((rateLimit * consumer.ackWaitMs) / 2000)));
}

/** What cannot be changed of a consumer that stands, so that it has to be made anew. */
const fixedSettings = new Set(['ack_policy', 'delivery']);

/** Those of the `differences` for which a consumer has to be made anew. */
export const fixedDifferences = (config: ConsumerConfig, wanted: WantedConsumer): string[] =>
  differences(config, wanted).filter((setting) => fixedSettings.has(setting));

/** The settings in which a consumer is not what is wanted, by their names in the server's API; `delivery` is whether it pulls or pushes. */
export function differences(config: ConsumerConfig, wanted: WantedConsumer): string[] {
  const differing: string[] = [];
  const isPush = config.deliver_subject !== undefined;
  if (isPush !== (wanted.deliver_subject !== undefined)) differing.push('delivery');
  if (config.ack_policy !== wanted.ack_policy) differing.push('ack_policy');
  if (wanted.ack_policy !== AckPolicy.None) {
    if (config.ack_wait !== wanted.ack_wait) differing.push('ack_wait');
    if (config.max_ack_pending !== wanted.max_ack_pending) differing.push('max_ack_pending');
    if ((config.max_deliver ?? -1) !== wanted.max_deliver) differing.push('max_deliver');
    if ((config.backoff ?? []).length > 0) differing.push('backoff');
  }
  if (filters(config) !== filters(wanted)) differing.push(filterName(config, wanted));
  if (isPush && config.deliver_group !== wanted.deliver_group) differing.push('deliver_group');
  return differing;
}

const filters = ({ filter_subject, filter_subjects }: Partial<ConsumerConfig>): string =>
  [...(filter_subjects ?? (filter_subject ? [filter_subject] : []))].sort().join();

const filterName = (a: Partial<ConsumerConfig>, b: Partial<ConsumerConfig>): string =>
  (a.filter_subjects ?? b.filter_subjects) ? 'filter_subjects' : 'filter_subject';

/** Where a consumer that is made begins. */
export function startConfig(start: StartPosition): Partial<ConsumerConfig> {
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

/** What is said of a consumer that is paused. */
export const pauseOf = ({ config }: ConsumerInfo): string =>
  `is paused by somebody until ${config.pause_until}, and delivers nothing meanwhile`;
