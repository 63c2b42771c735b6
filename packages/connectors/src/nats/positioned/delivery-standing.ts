import { timestampMsIn } from '../timestamp.js';

/** Where a message stands in its stream and in what its consumer delivers, as its reply subject says. */
export interface DeliveryStanding {
  readonly stream: string;
  readonly consumer: string;
  readonly streamSequence: number;
  /** Counts what the consumer delivers, from 1. */
  readonly deliverySequence: number;
  /** When the stream took it. */
  readonly timestampMs: number;
  /** Messages for the consumer that were still to come after this one. */
  readonly pending: number;
}

/**
 * Reads `$JS.ACK.<stream>.<consumer>.<delivered>.<stream sequence>.<delivery sequence>.<timestamp>.<pending>`, which has domain and account before the stream
 * in newer servers (NATS ADR-15); undefined where it is none.
 */
export function parseStanding(reply: string | undefined): DeliveryStanding | undefined {
  const tokens = reply?.split('.') ?? [];
  if (tokens[0] !== '$JS' || tokens[1] !== 'ACK' || tokens.length < 9) return undefined;
  const at = tokens.length === 9 ? 2 : 4;
  const nanoseconds = Buffer.from(tokens[at + 5] ?? '');
  return {
    stream: tokens[at] ?? '',
    consumer: tokens[at + 1] ?? '',
    streamSequence: Number(tokens[at + 3]),
    deliverySequence: Number(tokens[at + 4]),
    timestampMs: timestampMsIn(nanoseconds, 0, nanoseconds.length),
    pending: Number(tokens[at + 6]),
  };
}
