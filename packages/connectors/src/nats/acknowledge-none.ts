import type { Acknowledgement } from './acknowledgement.js';
import type { JetStreamMessage } from './message.js';

/** Nothing is acknowledged: for the server a message is done when it is sent. */
export class NoAcknowledgement implements Acknowledgement {
  #highest: number | undefined;
  readonly unacknowledged = 0;
  readonly underWay = 0;
  readonly bytesUnderWay = 0;

  received({ sequence }: JetStreamMessage): boolean {
    this.#highest = sequence;
    return true;
  }
  ack(): void {}
  nak(): void {}
  term(): void {}
  working(): void {}
  keepAlive(): void {}
  gone(): void {}
  overdue(): undefined {
    return undefined;
  }
  get settledThrough(): number | undefined {
    return this.#highest;
  }
  hold(): void {}
  release(): void {}
}
