import type { ConnectionFigures, ConsumerFigures } from '../mesh/metrics-board.js';
import type { natsJetstreamConsumers } from '../schema.js';
import { moment } from './moment.js';

/**
 * The rows of a connection's consumers: the newest word of a live instance on each, since several that share a durable see the same consumer.
 * `exhausted` alone is counted by the instances themselves, each message by one of them, so that what all of them ever counted is added up.
 */
export function consumerRows(
  figures: readonly ConsumerFigures[],
  connection: readonly ConnectionFigures[],
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
    exhausted: connection.reduce((sum, { exhausted }) => sum + exhausted, 0),
    updated_at: moment(entry.atMs),
  }));
}

const keyOf = ({ stream, consumer }: ConsumerFigures): string => JSON.stringify([stream, consumer]);
