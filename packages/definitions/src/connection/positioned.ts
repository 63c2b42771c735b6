import { optionFacts } from './options.js';
import {
  type ConsumerSource,
  type ConsumerSpec,
  hasConsumer,
  isSink,
  type KvSource,
  type ObjectSource,
  type OrderedSource,
  type ResolvedConnection,
} from './resolve.js';

/** A source without a durable: the mesh itself keeps how far it has come in its stream. */
export type PositionedSource = OrderedSource | KvSource | ObjectSource | EphemeralSource;

type EphemeralSource = ConsumerSource & { readonly consumer: ConsumerSpec & { readonly durable: false } };

export function isPositioned(connection: ResolvedConnection): connection is PositionedSource {
  return !isSink(connection) && connection.role !== 'source-core' && !hasDurable(connection);
}

/** A source whose place in the stream the server keeps. */
export function hasDurable(connection: ResolvedConnection): connection is ConsumerSource {
  return hasConsumer(connection) && connection.consumer.durable;
}

/** Of sources that take no `consumer_ack_wait_s`. */
const ackWaitMsDefault = Number(optionFacts('consumer_ack_wait_s').default) * 1000;

/** Milliseconds after which a message that was not settled is handed over again; undefined where nothing is settled. A position moves on as messages are settled, whatever the server is told. */
export function ackWaitMsOf(connection: ResolvedConnection): number | undefined {
  if (hasDurable(connection) && connection.consumer.ackPolicy === 'none') return undefined;
  if (hasConsumer(connection)) return connection.consumer.ackWaitMs;
  return isPositioned(connection) ? ackWaitMsDefault : undefined;
}
