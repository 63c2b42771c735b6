import type { ConsumerSource } from '@laminar/definitions';
import type { ConsumerConfig } from '@nats-io/jetstream';
import { ConnectorError } from '../contract.js';
import { consumerName } from './consumer-api.js';

/** What a consumer sends beyond this, while nobody reads, is dropped and counted, unless the definition lets more be under way. */
const waitingMax = 65_536;

/**
 * How many messages of a consumer may wait to be read: as many as it lets be under way itself, since what it sends and finds no place uses up deliveries for nothing. Without
 * acknowledgements flow control holds the server back, where the consumer has it. Throws `ConnectorError` for a push consumer that somebody else made and that nothing bounds.
 */
export function waitingMaxOf(source: ConsumerSource, config: ConsumerConfig): number {
  const { ackPolicy, maxAckPending } = source.consumer;
  if (ackPolicy === 'none') return config.flow_control ? Number.POSITIVE_INFINITY : waitingMax;
  // A pull consumer sends what it is asked for.
  if (source.role !== 'source-push') return maxAckPending;
  const underWay = config.max_ack_pending ?? maxAckPending;
  const most = Math.max(waitingMax, maxAckPending);
  if (underWay >= 1 && underWay <= most) return Math.max(underWay, maxAckPending);
  const limit = underWay < 1 ? 'any number of messages' : `${underWay} messages`;
  throw new ConnectorError(
    'failed',
    `${consumerName(source)} pushes ${limit} before any of them is acknowledged, and ${most} can be held here; give it a max_ack_pending of at most that, or this connection a consumer_name of its own`,
  );
}
