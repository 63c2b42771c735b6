import type { ConsumerSource } from '@laminar/definitions';
import type { ConsumerConfig } from '@nats-io/jetstream';
import { ConnectorError } from '../contract.js';
import { consumerName } from './consumer-api.js';

/** What a consumer sends beyond this, while nobody reads, is dropped and counted, unless the definition lets more be under way. */
const waitingMax = 65_536;
/** The same in bytes of payloads, of what is pushed without acknowledgements; as much as NATS clients let wait. */
const waitingBytesMax = 64 * 1024 * 1024;
/** Flow control lets 32 MiB be on their way, subjects included: of the smallest messages about so many. */
const flowControlledMax = 2 ** 19;

/** What may wait to be read; what comes beyond that is dropped. */
export interface WaitingMax {
  readonly messages: number;
  /** Of payloads. A message that comes within them may be larger by itself. */
  readonly bytes: number;
}

/**
 * How much of a consumer may wait to be read: as many messages as it lets be under way itself, since what it sends and finds no place uses up deliveries for nothing. What is pushed without
 * acknowledgements is bounded here; where the consumer has flow control that holds the server back before, unless another reader answers for this one. Throws `ConnectorError` for
 * a push consumer that somebody else made and that nothing bounds.
 */
export function waitingMaxOf(source: ConsumerSource, config: ConsumerConfig): WaitingMax {
  const { ackPolicy, maxAckPending } = source.consumer;
  const isPush = source.role === 'source-push';
  if (ackPolicy === 'none') {
    const messages = config.flow_control ? flowControlledMax + maxAckPending : waitingMax;
    return { messages, bytes: isPush ? waitingBytesMax : Number.POSITIVE_INFINITY };
  }
  const bytes = Number.POSITIVE_INFINITY;
  // A pull consumer sends what it is asked for.
  if (!isPush) return { messages: maxAckPending, bytes };
  const underWay = config.max_ack_pending ?? maxAckPending;
  const most = Math.max(waitingMax, maxAckPending);
  if (underWay >= 1 && underWay <= most) return { messages: Math.max(underWay, maxAckPending), bytes };
  const limit = underWay < 1 ? 'any number of messages' : `${underWay} messages`;
  throw new ConnectorError(
    'failed',
    `${consumerName(source)} pushes ${limit} before any of them is acknowledged, and ${most} can be held here; give it a max_ack_pending of at most that, or this connection a consumer_name of its own`,
  );
}
