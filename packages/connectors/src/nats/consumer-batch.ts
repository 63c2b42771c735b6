import type { Batch } from '../contract.js';
import type { JetStreamMessage } from './message.js';

/** Settles the messages of a batch. */
export interface Settling {
  ack(batch: ConsumerBatch, message: JetStreamMessage): void;
  nak(batch: ConsumerBatch, message: JetStreamMessage, delayMs: number): void;
  term(batch: ConsumerBatch, message: JetStreamMessage): void;
  working(message: JetStreamMessage): void;
}

/** What a reader of a durable consumer hands over together; each message is settled through the reader. */
export class ConsumerBatch implements Batch {
  constructor(
    readonly reader: Settling,
    readonly messages: readonly JetStreamMessage[],
  ) {}

  ack(index: number): void {
    this.reader.ack(this, this.#at(index));
  }
  nak(index: number, delayMs: number): void {
    this.reader.nak(this, this.#at(index), delayMs);
  }
  term(index: number): void {
    this.reader.term(this, this.#at(index));
  }
  working(index: number): void {
    this.reader.working(this.#at(index));
  }

  #at(index: number): JetStreamMessage {
    const message = this.messages[index];
    if (!message) throw new RangeError(`the batch has no message ${index}`);
    return message;
  }
}
