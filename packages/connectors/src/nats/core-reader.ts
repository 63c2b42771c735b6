import type { CoreSource } from '@laminar/definitions';
import type { NatsConnection, Subscription } from '@nats-io/nats-core';
import type { Batch, ConnectorError, Reader, ReaderCounters } from '../contract.js';
import { within } from '../within.js';
import { Backlog } from './backlog.js';
import { Batching } from './batching.js';
import { connectorError } from './errors.js';
import { CoreMessage } from './message.js';

/** A connection that is away has nothing to hand over. */
const drainTimeoutMs = 1000;
/** Of what waits, that many messages are kept as they came. */
const wholeMax = 1024;

/**
 * Reads a plain subscription. It is always in a queue group: without one of the user's in an internal one, so that an old and a
 * new owner of the slot never both get a message.
 */
export class CoreReader implements Reader {
  readonly counters: ReaderCounters = { messages: 0, bytes: 0, dropped: 0 };
  readonly repeatsUntilMs = Number.NEGATIVE_INFINITY;
  readonly sourceIncarnation = undefined;
  readonly #batching: Batching<CoreMessage>;
  /** What waits behind those that are kept as they came; empty unless whoever reads is slow. */
  readonly #backlog: Backlog;
  #subscription: Subscription | undefined;

  constructor(
    readonly nc: NatsConnection,
    readonly source: CoreSource,
    readonly internalGroup: string,
  ) {
    this.#batching = new Batching({ size: source.batchSize, timeoutMs: source.batchTimeoutMs });
    this.#backlog = new Backlog(nc);
  }

  async open(): Promise<void> {
    const { subject, queueGroup, pendingLimit } = this.source;
    const { counters } = this;
    const batching = this.#batching;
    const backlog = this.#backlog;
    let refusal: ConnectorError | undefined;
    try {
      this.#subscription = this.nc.subscribe(subject, {
        queue: queueGroup ?? this.internalGroup,
        callback: (error, message) => {
          if (error) {
            refusal = connectorError(`reading ${subject}`, error);
            batching.fail(refusal);
            return;
          }
          counters.messages++;
          counters.bytes += message.data.length;
          if (batching.size + backlog.size >= pendingLimit) counters.dropped++;
          else if (backlog.size > 0 || batching.size >= wholeMax) backlog.push(message, Date.now());
          else batching.push(new CoreMessage(message, Date.now()));
        },
      });
      await this.nc.flush();
    } catch (error) {
      throw connectorError(`subscribing to ${subject}`, error);
    }
    // A refusal arrives before the answer to the flush.
    if (refusal) throw refusal;
  }

  async read(): Promise<Batch | undefined> {
    const messages = await this.#batching.next();
    this.#refill();
    return messages && new CoreBatch(messages);
  }

  keepAlive(): void {}

  async stop(): Promise<void> {
    const subscription = this.#subscription;
    // What the server has sent by now arrives before it answers.
    if (subscription && !subscription.isClosed()) await within(drainTimeoutMs, subscription.drain());
    this.#batching.end();
  }

  async close(): Promise<void> {
    this.#subscription?.unsubscribe();
    this.#batching.end();
  }

  async consumerInfo(): Promise<undefined> {
    return undefined;
  }

  #refill(): void {
    while (this.#batching.size < wholeMax) {
      const message = this.#backlog.shift();
      if (!message) return;
      this.#batching.push(message);
    }
  }
}

/** Nothing is acknowledged on a plain subscription. */
class CoreBatch implements Batch {
  constructor(readonly messages: readonly CoreMessage[]) {}
  ack(): void {}
  nak(): void {}
  term(): void {}
  working(): void {}
}
