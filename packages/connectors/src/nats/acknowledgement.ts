import type { ConsumerSource } from '@laminar/definitions';
import type { NatsConnection } from '@nats-io/nats-core';
import { AllAcknowledgement } from './acknowledge-all.js';
import type { JetStreamMessage } from './message.js';

/** How the messages of a consumer are settled, by its policy. Of a closed connection nothing is settled: what it delivered comes again. */
export interface Acknowledgement {
  /** Notes a message that came; false for one that was settled before, and is not to be worked on again. */
  received(message: JetStreamMessage): boolean;
  ack(message: JetStreamMessage): void;
  nak(message: JetStreamMessage, delayMs: number): void;
  term(message: JetStreamMessage): void;
  working(message: JetStreamMessage): void;
  /** Puts off the redelivery of what is settled and came before `beforeMs` (monotonic), but cannot be acknowledged yet. */
  keepAlive(beforeMs: number): void;
  /** The stream sequence up to which everything that came here is settled; undefined where nothing came. */
  readonly settledThrough: number | undefined;
  /** Messages that came and are not acknowledged. */
  readonly unacknowledged: number;
  /** The reader before this one may hold messages of the consumer, or some were lost on the way: none of them may be acknowledged with others. */
  hold(): void;
  /** It is known that there are none. */
  release(): void;
}

export function acknowledgementOf(nc: NatsConnection, { consumer }: ConsumerSource): Acknowledgement {
  const answer: Answer = (message, payload) => {
    if (!nc.isClosed()) nc.publish(message.message.reply ?? '', payload);
  };
  const { maxDeliver, ackPolicy } = consumer;
  if (ackPolicy === 'none') return new NoAcknowledgement();
  if (ackPolicy === 'all') return new AllAcknowledgement(answer, maxDeliver);
  return new ExplicitAcknowledgement(answer, maxDeliver);
}

/** Says something to the server about a message. */
export type Answer = (message: JetStreamMessage, payload: string) => void;

/** The payloads of NATS ADR-15. */
export const answers = {
  ack: '+ACK',
  term: '+TERM',
  working: '+WPI',
  nak: (delayMs: number) => (delayMs > 0 ? `-NAK {"delay":${Math.round(delayMs * 1e6)}}` : '-NAK'),
} as const;

/** Whether the server gives a message up instead of delivering it again. */
export const isLastDelivery = ({ delivered }: JetStreamMessage, maxDeliver: number): boolean =>
  maxDeliver > 0 && delivered >= maxDeliver;

/** Each message by itself. */
class ExplicitAcknowledgement implements Acknowledgement {
  /** In the order in which they first came, which is that of the stream. */
  readonly #unsettled = new Set<number>();
  #highest: number | undefined;

  constructor(
    readonly answer: Answer,
    readonly maxDeliver: number,
  ) {}

  received({ sequence }: JetStreamMessage): boolean {
    this.#unsettled.add(sequence);
    if (this.#highest === undefined || sequence > this.#highest) this.#highest = sequence;
    return true;
  }

  ack(message: JetStreamMessage): void {
    this.answer(message, answers.ack);
    this.#unsettled.delete(message.sequence);
  }

  nak(message: JetStreamMessage, delayMs: number): void {
    this.answer(message, answers.nak(delayMs));
    if (isLastDelivery(message, this.maxDeliver)) this.#unsettled.delete(message.sequence);
  }

  term(message: JetStreamMessage): void {
    this.answer(message, answers.term);
    this.#unsettled.delete(message.sequence);
  }

  working(message: JetStreamMessage): void {
    this.answer(message, answers.working);
  }

  keepAlive(): void {}

  get settledThrough(): number | undefined {
    const [first] = this.#unsettled;
    return first === undefined ? this.#highest : first - 1;
  }

  get unacknowledged(): number {
    return this.#unsettled.size;
  }

  hold(): void {}
  release(): void {}
}

/** Nothing is acknowledged: for the server a message is done when it is sent. */
class NoAcknowledgement implements Acknowledgement {
  #highest: number | undefined;
  readonly unacknowledged = 0;

  received({ sequence }: JetStreamMessage): boolean {
    this.#highest = sequence;
    return true;
  }
  ack(): void {}
  nak(): void {}
  term(): void {}
  working(): void {}
  keepAlive(): void {}
  get settledThrough(): number | undefined {
    return this.#highest;
  }
  hold(): void {}
  release(): void {}
}
