import type { JetStreamMessage } from './message.js';

/** How the messages of a consumer are settled, by its policy. */
export interface Acknowledgement {
  /** Notes a message that came; false for one that was settled before, and is not to be worked on again. */
  received(message: JetStreamMessage): boolean;
  ack(message: JetStreamMessage): void;
  nak(message: JetStreamMessage, delayMs: number): void;
  term(message: JetStreamMessage): void;
  working(message: JetStreamMessage): void;
  /** Puts off the redelivery of what is settled and came before `beforeMs` (monotonic), but cannot be acknowledged yet. */
  keepAlive(beforeMs: number): void;
  /** The server does not deliver anything up to this stream sequence again: it is acknowledged there, or removed from the stream. */
  gone(through: number): void;
  /** The message that was refused, holds back the acknowledgement of all behind it, and was to come again before `beforeMs` (monotonic). */
  overdue(beforeMs: number): number | undefined;
  /** The stream sequence up to which everything that came here is settled; undefined where nothing came, or where only the server knows. */
  readonly settledThrough: number | undefined;
  /** Messages that came and are not acknowledged, as far as they are kept count of here. */
  readonly unacknowledged: number;
  /** Messages that came and were not answered, as far as they are kept count of here: somebody works on them. */
  readonly underWay: number;
  /** Of their payloads. */
  readonly bytesUnderWay: number;
  /** The reader before this one may hold messages of the consumer, or some were lost on the way: none of them may be acknowledged with others. */
  hold(): void;
  /** It is known that there are none. */
  release(): void;
}

/** Says something to the server about a message. */
export type Answer = (message: JetStreamMessage, payload: Uint8Array) => void;

/** The payloads of NATS ADR-15. */
export const answers = {
  ack: Buffer.from('+ACK'),
  term: Buffer.from('+TERM'),
  working: Buffer.from('+WPI'),
  nak: (delayMs: number) => Buffer.from(delayMs > 0 ? `-NAK {"delay":${Math.round(delayMs * 1e6)}}` : '-NAK'),
} as const;

/** Whether the server gives a message up instead of delivering it again. */
export const isLastDelivery = ({ delivered }: JetStreamMessage, maxDeliver: number): boolean =>
  maxDeliver > 0 && delivered >= maxDeliver;
