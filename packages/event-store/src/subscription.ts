import type { JetStreamManager, JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import type { LogSubscription, StoredEvent } from './contract.js';
import { followStream, type StreamFollowing } from './follow-stream.js';

/** Events asked for ahead of their processing. */
const prefetchMax = 5000;

interface Waiter {
  readonly revision: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout | undefined;
}

export interface LogSubscriptionOptions {
  readonly nc: NatsConnection;
  readonly jsm: JetStreamManager;
  readonly stream: string;
  keyOfSubject(subject: string): string;
  onEvent(event: StoredEvent): void;
}

/** Follows the log from its first event. */
export async function subscribeToLog(options: LogSubscriptionOptions): Promise<LogSubscription> {
  const subscription = new OrderedLogSubscription(options);
  await subscription.start();
  return subscription;
}

class OrderedLogSubscription implements LogSubscription {
  revision = 0;
  caughtUp: Promise<void> = Promise.resolve();
  #following: StreamFollowing | undefined;
  #waiters: Waiter[] = [];

  constructor(readonly options: LogSubscriptionOptions) {}

  async start(): Promise<void> {
    const { nc, jsm, stream } = this.options;
    const { state } = await jsm.streams.info(stream);
    this.caughtUp = this.#wait(state.last_seq, undefined);
    // Who closes before having caught up does not ask any more.
    this.caughtUp.catch(() => undefined);
    const onMessage = (message: JsMsg) => this.#take(message);
    this.#following = await followStream({ nc, stream, prefetch: prefetchMax, onMessage });
  }

  reached(revision: number, timeoutMs: number): Promise<void> {
    return this.#wait(revision, timeoutMs);
  }

  async close(): Promise<void> {
    await this.#following?.close();
    for (const waiter of this.#waiters.splice(0)) {
      clearTimeout(waiter.timer);
      waiter.reject(new Error('the subscription to the event log was closed'));
    }
  }

  #take(message: JsMsg): void {
    const { keyOfSubject, onEvent } = this.options;
    const storedAtMs = message.info.timestampNanos / 1e6;
    onEvent({ key: keyOfSubject(message.subject), data: message.data, revision: message.seq, storedAtMs });
    this.revision = message.seq;
    if (this.#waiters.length > 0) this.#release();
  }

  #wait(revision: number, timeoutMs: number | undefined): Promise<void> {
    if (this.revision >= revision) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const timer =
        timeoutMs === undefined
          ? undefined
          : setTimeout(() => {
              this.#waiters = this.#waiters.filter((other) => other !== waiter);
              reject(
                new Error(
                  `the event log did not reach revision ${revision} within ${timeoutMs} ms; it is at ${this.revision}`,
                ),
              );
            }, timeoutMs);
      const waiter: Waiter = { revision, resolve, reject, timer };
      this.#waiters.push(waiter);
    });
  }

  #release(): void {
    const due = this.#waiters.filter((waiter) => waiter.revision <= this.revision);
    this.#waiters = this.#waiters.filter((waiter) => waiter.revision > this.revision);
    for (const waiter of due) {
      clearTimeout(waiter.timer);
      waiter.resolve();
    }
  }
}
