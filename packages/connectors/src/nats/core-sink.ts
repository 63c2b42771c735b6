import type { NatsConnection } from '@nats-io/nats-core';
import { ConnectorError, type OutputMessage, type Sink } from '../contract.js';

/** Published and not yet known to have left this machine, at most, before `ready` holds back. */
const unflushedMax = 16_384;

/** Publishes without JetStream; a round trip to the server confirms all that went before it. */
export class CoreSink implements Sink {
  #unflushed = 0;
  #waiting: ((error?: ConnectorError) => void)[] = [];
  #flushing: Promise<void> | undefined;
  #problem: string | undefined;

  constructor(readonly nc: NatsConnection) {}

  get problem(): string | undefined {
    return this.#problem;
  }

  async open(): Promise<void> {}

  publish({ subject, data, headers }: OutputMessage, settled?: (error?: ConnectorError) => void): void {
    try {
      this.nc.publish(subject, data, { headers: headers.asHeaders() });
    } catch (error) {
      throw new ConnectorError(
        'failed',
        `a message of ${data.length} bytes cannot be published to ${subject}: ${error instanceof Error ? error.message : String(error)}`,
        { cause: error },
      );
    }
    this.#unflushed++;
    if (settled) this.#waiting.push(settled);
  }

  ready(): Promise<void> | undefined {
    return this.#unflushed < unflushedMax ? undefined : this.#flush();
  }

  flush(): void {
    if (this.#waiting.length > 0) void this.#flush();
  }

  async close(timeoutMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    const drained = async () => {
      while (this.#unflushed > 0 && !this.nc.isClosed()) await this.#flush();
    };
    await Promise.race([drained(), limit]);
    clearTimeout(timer);
  }

  /** One round trip at a time; what is published meanwhile waits for the next. */
  #flush(): Promise<void> {
    this.#flushing ??= this.#roundTrip().finally(() => {
      this.#flushing = undefined;
      if (this.#waiting.length > 0) void this.#flush();
    });
    return this.#flushing;
  }

  async #roundTrip(): Promise<void> {
    const covered = this.#waiting;
    const count = this.#unflushed;
    this.#waiting = [];
    let failure: ConnectorError | undefined;
    try {
      // Resolves after a reconnect, too, when the client has sent its buffer.
      await this.nc.flush();
      this.#problem = undefined;
    } catch (error) {
      this.#problem = `the connection to ${this.nc.getServer()} is gone: ${error instanceof Error ? error.message : String(error)}`;
      failure = new ConnectorError('blocked', this.#problem, { cause: error });
    }
    this.#unflushed -= count;
    for (const settled of covered) settled(failure);
  }
}
