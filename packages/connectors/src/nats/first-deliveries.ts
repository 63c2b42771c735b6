import type { JetStreamMessage } from './message.js';

/** What a consumer says of itself. */
export interface ConsumerStanding {
  /** The last message of the stream that it has delivered for the first time, as far as it knows. */
  readonly delivered: number;
  readonly ackPending: number;
}

/**
 * Tells messages that are delivered for the first time from those of which the server says so. Where a redelivery finds nobody who asked for it, as when a reader has
 * died and left a pull, nats-server 2.9 goes back by one message, which it has delivered, and counts its deliveries from 1 again.
 */
export class FirstDeliveries {
  /** Up to this sequence of the stream messages were delivered, or may have been. */
  #through: number;

  /** Before a reader opened its consumer may have gone back, by as many messages as wait for an acknowledgement at most. */
  constructor({ delivered, ackPending }: ConsumerStanding) {
    this.#through = delivered + ackPending;
  }

  /** Whether it may have been delivered before, here or to somebody else, though its count says that it was not. Asked once for each delivery. */
  isAgain({ delivered, sequence }: Pick<JetStreamMessage, 'delivered' | 'sequence'>): boolean {
    if (delivered > 1) return false;
    if (sequence <= this.#through) return true;
    this.#through = sequence;
    return false;
  }
}
