import type { NatsConnection, QueuedIterator, Status } from '@nats-io/nats-core';

/** Waits, one at a time, that end early when the connection is back; it may have come back since the wait before. */
export class BusPauses {
  readonly #statuses: AsyncIterable<Status> & Pick<QueuedIterator<Status>, 'stop'>;
  #isBack = false;
  #wake: () => void = () => undefined;

  constructor(nc: NatsConnection) {
    // The client's types promise an iterable only; without `stop` the connection would keep a queue for each.
    this.#statuses = nc.status() as AsyncIterable<Status> & Pick<QueuedIterator<Status>, 'stop'>;
    void this.#follow();
  }

  /** Resolves after so many milliseconds, or when the connection is back, which it says. */
  async wait(ms: number): Promise<boolean> {
    if (!this.#isBack)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    const isBack = this.#isBack;
    this.#isBack = false;
    return isBack;
  }

  stop(): void {
    this.#statuses.stop();
  }

  async #follow(): Promise<void> {
    for await (const { type } of this.#statuses) {
      if (type !== 'reconnect') continue;
      this.#isBack = true;
      this.#wake();
    }
  }
}
