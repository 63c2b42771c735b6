import type { ConsumerSpec } from '@laminar/definitions';
import { NumberMap } from '../number-map.js';
import { type Acknowledgement, type Answer, answers, isLastDelivery } from './acknowledgement.js';
import type { JetStreamMessage } from './message.js';

/** Each message by itself. */
export class ExplicitAcknowledgement implements Acknowledgement {
  /** Bytes of each by its stream sequence; empty where they are not kept count of any more. */
  readonly #unsettled = new NumberMap<number>();
  /** Those of them that are to come again. */
  readonly #refused = new Set<number>();
  /** Of those that are not to come again. */
  #bytes = 0;
  #counts = true;
  #highest: number | undefined;

  constructor(
    readonly answer: Answer,
    readonly limits: Pick<ConsumerSpec, 'maxDeliver' | 'maxAckPending'>,
  ) {}

  received({ sequence, data }: JetStreamMessage): boolean {
    if (!this.#counts) return true;
    // It may come again while it is worked on.
    this.#leave(sequence);
    this.#unsettled.set(sequence, data.length);
    this.#bytes += data.length;
    if (this.#unsettled.size > this.limits.maxAckPending) this.#stopCounting();
    if (this.#highest === undefined || sequence > this.#highest) this.#highest = sequence;
    return true;
  }

  ack(message: JetStreamMessage): void {
    this.answer(message, answers.ack);
    this.#settle(message.sequence);
  }

  nak(message: JetStreamMessage, delayMs: number): void {
    this.answer(message, answers.nak(delayMs));
    const { sequence } = message;
    if (isLastDelivery(message, this.limits.maxDeliver)) this.#settle(sequence);
    else if (this.#unsettled.has(sequence)) {
      this.#leave(sequence);
      this.#refused.add(sequence);
    }
  }

  term(message: JetStreamMessage): void {
    this.answer(message, answers.term);
    this.#settle(message.sequence);
  }

  working(message: JetStreamMessage): void {
    this.answer(message, answers.working);
  }

  keepAlive(): void {}

  gone(through: number): void {
    for (const [sequence] of this.#unsettled.entries()) {
      if (sequence > through) return;
      this.#settle(sequence);
    }
  }

  overdue(): undefined {
    return undefined;
  }

  get settledThrough(): number | undefined {
    if (!this.#counts) return undefined;
    const [first] = this.#unsettled.entries();
    return first === undefined ? this.#highest : first[0] - 1;
  }

  get unacknowledged(): number {
    return this.#unsettled.size;
  }

  get underWay(): number {
    return this.#unsettled.size - this.#refused.size;
  }

  get bytesUnderWay(): number {
    return this.#bytes;
  }

  hold(): void {}
  release(): void {}

  /** More than the server lets be under way: messages that were refused here are settled by other readers. */
  #stopCounting(): void {
    this.#counts = false;
    this.#unsettled.clear();
    this.#refused.clear();
    this.#bytes = 0;
  }

  #settle(sequence: number): void {
    this.#leave(sequence);
    this.#unsettled.delete(sequence);
  }

  /** Nobody works on it any more, nor does it have to come again for that. */
  #leave(sequence: number): void {
    if (this.#refused.size > 0 && this.#refused.delete(sequence)) return;
    this.#bytes -= this.#unsettled.get(sequence) ?? 0;
  }
}
