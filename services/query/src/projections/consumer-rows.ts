import type { ConsumerFigures } from '../mesh/metrics-board.js';
import type { natsJetstreamConsumers } from '../schema.js';
import { moment } from './moment.js';

/**
 * The rows of a connection's consumers: the newest word of a live instance on each, since several that share a durable see the same consumer.
 * `exhausted` alone is the highest that any instance ever saw, so that it does not go back when another takes over.
 */
export function consumerRows(
  figures: readonly ConsumerFigures[],
  isAlive: (session: string) => boolean,
): (typeof natsJetstreamConsumers.$inferSelect)[] {
  const consumers = new Map<string, ConsumerFigures>();
  for (const entry of figures) {
    const known = consumers.get(keyOf(entry));
    if (isAlive(entry.session) && !(known && known.atMs >= entry.atMs)) consumers.set(keyOf(entry), entry);
  }
  return [...consumers.values()].map((entry) => ({
    connection_name: entry.name,
    stream_name: entry.stream,
    consumer_name: entry.consumer,
    pending_messages: entry.pending,
    ack_pending: entry.ackPending,
    redelivered: entry.redelivered,
    waiting_pulls: entry.waitingPulls,
    last_delivered: entry.lastDelivered,
    lag: entry.pending + entry.ackPending,
    exhausted: Math.max(...figures.filter((other) => keyOf(other) === keyOf(entry)).map(({ exhausted }) => exhausted)),
    updated_at: moment(entry.atMs),
  }));
}

const keyOf = ({ stream, consumer }: ConsumerFigures): string => JSON.stringify([stream, consumer]);
