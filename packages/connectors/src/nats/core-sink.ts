import { type NatsConnection, PermissionViolationError, type Status } from '@nats-io/nats-core';
import { ConnectorError, type OutputMessage, type Settle, type Sink } from '../contract.js';
import { within } from '../within.js';
import { publishError } from './errors.js';
import { Outbound } from './outbound.js';
import { followStatus } from './status.js';

/** Published and not yet known to have left this machine, at most, before `ready` holds back: messages, and bytes of their payloads and headers. */
const unflushedMax = 16_384;
const unflushedBytesMax = 16 * 1024 * 1024;

interface Unconfirmed {
  readonly subject: string;
  readonly settled: Settle;
}

/** Publishes without JetStream; a round trip to the server confirms all that went before it. */
export class CoreSink implements Sink {
  /** Counts of messages: those handed to the client, and how many of them the server is known to have, or are lost. */
  #published = 0;
  #flushed = 0;
  /** The same in bytes of payloads and headers. */
  #publishedBytes = 0;
  #flushedBytes = 0;
  #waiting: Unconfirmed[] = [];
  #flushing: Promise<void> | undefined;
  #problem: string | undefined;
  #abandonRoundTrip: ((reason: Error) => void) | undefined;
  #unfollow: (() => void) | undefined;
  /** Subjects that the server has refused since the last round trip. */
  readonly #refused = new Map<string, string>();

  readonly #outbound: Outbound;

  constructor(readonly nc: NatsConnection) {
    this.#outbound = Outbound.of(nc);
  }

  get problem(): string | undefined {
    return this.#problem;
  }

  async open(): Promise<void> {
    this.#unfollow ??= followStatus(this.nc, (status) => this.#take(status));
  }

  publish({ subject, data, headers }: OutputMessage, settled?: Settle): void {
    try {
      this.#outbound.publish(subject, data, headers, '');
    } catch (error) {
      throw publishError(this.nc, subject, data, error);
    }
    this.#published++;
    this.#publishedBytes += data.length + headers.encode().length;
    if (settled) this.#waiting.push({ subject, settled });
  }

  ready(): Promise<void> | undefined {
    const isFull =
      this.#published - this.#flushed >= unflushedMax || this.#publishedBytes - this.#flushedBytes >= unflushedBytesMax;
    return isFull ? this.#flush() : undefined;
  }

  flush(): void {
    if (this.#waiting.length > 0) void this.#flush();
  }

  async confirmed(): Promise<void> {
    const published = this.#published;
    while (this.#flushed < published && !this.nc.isClosed()) await this.#flush();
  }

  async close(timeoutMs: number): Promise<void> {
    await within(timeoutMs, this.confirmed());
    this.#unfollow?.();
    if (this.#flushed === this.#published) return;
    this.#problem ??= 'publishing ended before it was confirmed';
    this.#abandonRoundTrip?.(new Error(this.#problem));
    this.#lose([]);
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
    const published = this.#published;
    const publishedBytes = this.#publishedBytes;
    this.#waiting = [];
    try {
      await new Promise<void>((resolve, reject) => {
        // A client that closes forgets the round trips that are under way.
        this.#abandonRoundTrip = reject;
        this.#outbound.write();
        this.nc.flush().then(resolve, reject);
      });
      // A refusal arrives before the answer to the flush, but is told a moment later.
      await new Promise((resolve) => setImmediate(resolve));
    } catch (error) {
      this.#problem = `the connection to ${this.nc.getServer()} is gone: ${error instanceof Error ? error.message : String(error)}`;
      this.#lose(covered, error);
      return;
    }
    this.#problem = [...this.#refused.values()][0];
    this.#flushed = Math.max(this.#flushed, published);
    this.#flushedBytes = Math.max(this.#flushedBytes, publishedBytes);
    for (const { subject, settled } of covered) {
      const refusal = this.#refused.get(subject);
      settled(refusal === undefined ? undefined : new ConnectorError('failed', refusal));
    }
    this.#refused.clear();
  }

  /** What was not confirmed by now is lost: on its way to reconnect the client throws away what it has not sent. */
  #lose(covered: readonly Unconfirmed[], cause?: unknown): void {
    const lost = [...covered, ...this.#waiting];
    this.#waiting = [];
    this.#flushed = this.#published;
    this.#flushedBytes = this.#publishedBytes;
    const reason = this.#problem ?? 'the connection was lost';
    for (const { settled } of lost) settled(new ConnectorError('blocked', reason, { cause }));
  }

  #take(status: Status): void {
    if (status.type === 'error' && status.error instanceof PermissionViolationError) {
      const { operation, subject, message } = status.error;
      if (operation !== 'publish') return;
      this.#problem = `publishing to ${subject} is not permitted: ${message}`;
      this.#refused.set(subject, this.#problem);
    } else if (status.type === 'disconnect' || status.type === 'reconnecting') {
      this.#problem = `publishing waits: the connection to ${this.nc.getServer()} was lost`;
      this.#lose([]);
    } else if (status.type === 'reconnect') this.#problem = undefined;
    else if (status.type === 'close') {
      this.#problem = 'the connection has ended';
      this.#abandonRoundTrip?.(new Error(this.#problem));
      this.#lose([]);
    }
  }
}
