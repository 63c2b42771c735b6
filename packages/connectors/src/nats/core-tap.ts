import type { CoreSource } from '@laminar/definitions';
import type { NatsConnection, Subscription } from '@nats-io/nats-core';
import { type ConnectorError, Overrun, type Tap } from '../contract.js';
import { within } from '../within.js';
import { Batching } from './batching.js';
import { connectorError } from './errors.js';
import { CoreMessage } from './message.js';

const unsubscribeTimeoutMs = 1000;
/** What waits in memory at most. */
const waitingBytesMax = 8 * 1024 * 1024;

/** Reads along by a subscription that is in no queue group, so that every message comes here as well. */
export class CoreTap implements Tap {
  readonly #batching: Batching<CoreMessage>;
  #subscription: Subscription | undefined;
  #waitingBytes = 0;

  constructor(
    readonly nc: NatsConnection,
    readonly source: CoreSource,
  ) {
    this.#batching = new Batching({ size: source.batchSize, timeoutMs: 0 });
  }

  async open(): Promise<void> {
    const { subject } = this.source;
    let refusal: ConnectorError | undefined;
    try {
      this.#subscription = this.nc.subscribe(subject, {
        callback: (error, message) => {
          if (error) {
            refusal = connectorError(`reading ${subject}`, error);
            this.#batching.fail(refusal);
          } else this.#take(new CoreMessage(message, Date.now()));
        },
      });
      await this.nc.flush();
    } catch (error) {
      throw connectorError(`subscribing to ${subject}`, error);
    }
    // A refusal arrives before the answer to the flush.
    if (refusal) throw refusal;
  }

  async read(): Promise<readonly CoreMessage[] | undefined> {
    const messages = await this.#batching.next();
    for (const { data } of messages ?? []) this.#waitingBytes -= data.length;
    return messages;
  }

  async close(): Promise<void> {
    const subscription = this.#subscription;
    if (subscription && !subscription.isClosed()) {
      subscription.unsubscribe();
      await within(unsubscribeTimeoutMs, this.nc.flush());
    }
    this.#batching.end();
  }

  #take(message: CoreMessage): void {
    const { pendingLimit, subject } = this.source;
    if (this.#batching.size >= pendingLimit || this.#waitingBytes + message.data.length > waitingBytesMax) {
      this.#subscription?.unsubscribe();
      const why = `more than ${pendingLimit} messages or ${waitingBytesMax} bytes wait to be looked at`;
      this.#batching.fail(new Overrun(`messages on ${subject} come faster than they are taken: ${why}`));
      return;
    }
    this.#waitingBytes += message.data.length;
    this.#batching.push(message);
  }
}
