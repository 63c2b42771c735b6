import { type Acknowledgement, type Answer, answers, isLastDelivery } from './acknowledgement.js';
import type { JetStreamMessage } from './message.js';

/** Each message by itself. */
export class ExplicitAcknowledgement implements Acknowledgement {
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
