import type { JetStreamMessage } from './message.js';

/**
 * Tells messages that are delivered for the first time from those of which the server says so. Where a redelivery finds nobody who asked for it, as when a reader has
 * died and left a pull, nats-server 2.9 goes back by one message, which it has delivered, and counts its deliveries from 1 again.
 */
export class FirstDeliveries {
  /** `through` is the stream sequence that the consumer had come to before this reader. */
  constructor(private through = 0) {}

  /** Whether it was delivered before, here or to somebody else, though its count says that it was not. Asked once for each delivery. */
  isAgain({ delivered, sequence }: Pick<JetStreamMessage, 'delivered' | 'sequence'>): boolean {
    if (delivered > 1) return false;
    if (sequence <= this.through) return true;
    this.through = sequence;
    return false;
  }
}
