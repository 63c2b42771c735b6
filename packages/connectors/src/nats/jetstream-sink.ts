import {
  createInbox,
  type Msg,
  type NatsConnection,
  PermissionViolationError,
  type Status,
  type Subscription,
} from '@nats-io/nats-core';
import { ConnectorError, type OutputMessage, type Sink } from '../contract.js';
import { within } from '../within.js';
import { publishError } from './errors.js';
import { Outbound } from './outbound.js';
import { publishAnswerOf } from './publish-answer.js';
import { followStatus } from './status.js';

/** Published and not yet acknowledged, at most: messages, and bytes of their payloads and headers, which a retry needs again. */
const pendingMax = 4096;
const pendingBytesMax = 16 * 1024 * 1024;
/** Unacknowledged for that long, a message is published again with its id. */
const ackTimeoutMs = 5000;
const retryDelayMs = 500;
const sweepIntervalMs = 250;

interface Pending {
  readonly message: OutputMessage;
  readonly settled: ((error?: ConnectorError) => void) | undefined;
  readonly bytes: number;
  /** When to publish it again unless it is acknowledged before, in monotonic milliseconds. */
  dueMs: number;
}

/** It waits for another message of its subject, which was published before it and refused. */
const behindAnother = Number.POSITIVE_INFINITY;

/**
 * Publishes to JetStream with everything in flight at once: one inbox subscription, a counter in the reply subject, one map of
 * what is pending, and one timer for all. What is not acknowledged is published again with the same bytes and message id, and in the order in which it
 * came: where a message is refused for now, those of its subject behind it wait until it is stored.
 */
export class JetStreamSink implements Sink {
  /** By token, in the order of their publishing. */
  readonly #pending = new Map<number, Pending>();
  #pendingBytes = 0;
  /** Token of the first message that was refused for now, by subject. */
  readonly #refused = new Map<string, number>();
  #duplicates = 0;
  readonly #inbox: string;
  readonly #outbound: Outbound;
  #next = 0;
  #subscription: Subscription | undefined;
  #sweeper: NodeJS.Timeout | undefined;
  #waiting: { promise: Promise<void>; resolve: () => void } | undefined;
  /** Who waits for everything before a token, of which so many messages are left. */
  #confirming: { readonly before: number; left: number; readonly resolve: () => void }[] = [];
  #problem: string | undefined;
  #connected = true;
  #unfollow: (() => void) | undefined;

  constructor(readonly nc: NatsConnection) {
    this.#inbox = `${createInbox()}.`;
    this.#outbound = Outbound.of(nc);
  }

  get problem(): string | undefined {
    return this.#problem;
  }

  /** Messages that the stream had before, by their ids: each was confirmed as if it were new. */
  get duplicates(): number {
    return this.#duplicates;
  }

  async open(): Promise<void> {
    this.#subscription = this.nc.subscribe(`${this.#inbox}*`, {
      callback: (error, message) => {
        if (!error) this.#take(message);
      },
    });
    this.#sweeper = setInterval(() => this.#sweep(), sweepIntervalMs);
    this.#unfollow = followStatus(this.nc, (status) => this.#takeStatus(status));
  }

  publish(message: OutputMessage, settled?: (error?: ConnectorError) => void): void {
    const bytes = message.data.length + message.headers.encode().length;
    const pending: Pending = { message, settled, bytes, dueMs: behindAnother };
    const token = this.#next++;
    if (!this.#refused.has(message.subject)) this.#send(token, pending);
    this.#pending.set(token, pending);
    this.#pendingBytes += bytes;
  }

  ready(): Promise<void> | undefined {
    if (this.#pending.size < pendingMax && this.#pendingBytes < pendingBytesMax) return undefined;
    if (!this.#waiting) {
      let resolve: () => void = () => undefined;
      const promise = new Promise<void>((done) => {
        resolve = done;
      });
      this.#waiting = { promise, resolve };
    }
    return this.#waiting.promise;
  }

  /** Acknowledgements come by themselves. */
  flush(): void {}

  confirmed(): Promise<void> {
    if (this.#pending.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#confirming.push({ before: this.#next, left: this.#pending.size, resolve });
    });
  }

  async close(timeoutMs: number): Promise<void> {
    await within(timeoutMs, this.confirmed());
    clearInterval(this.#sweeper);
    this.#subscription?.unsubscribe();
    this.#unfollow?.();
    const left = [...this.#pending.values()];
    this.#pending.clear();
    this.#pendingBytes = 0;
    this.#refused.clear();
    for (const { resolve } of this.#confirming.splice(0)) resolve();
    // It may be stored all the same: whoever publishes it again does so with the same id.
    for (const { message, settled } of left)
      settled?.(new ConnectorError('blocked', `publishing to ${message.subject} was not acknowledged before it ended`));
  }

  /** A message keeps its token when it is published again, so that a late acknowledgement of the first attempt counts. */
  #send(token: number, pending: Pending): void {
    const { subject, data, headers } = pending.message;
    try {
      this.#outbound.publish(subject, data, headers, this.#inbox + token);
    } catch (error) {
      throw publishError(this.nc, subject, data, error);
    }
    pending.dueMs = performance.now() + ackTimeoutMs;
  }

  #take(message: Msg): void {
    const token = Number(message.subject.slice(this.#inbox.length));
    const pending = this.#pending.get(token);
    // A second acknowledgement, after a retry.
    if (!pending) return;
    const answer = publishAnswerOf(message);
    if (answer.stored) {
      if (answer.duplicate) this.#duplicates++;
      this.#problem = undefined;
      this.#settle(token, pending);
    } else if (answer.final) {
      this.#settle(
        token,
        pending,
        new ConnectorError('failed', `publishing to ${pending.message.subject} failed: ${answer.reason}`),
      );
    } else {
      this.#problem = `publishing to ${pending.message.subject} waits: ${answer.reason}`;
      this.#wait(token, pending);
    }
  }

  /** A message was refused for now: the first of its subject is tried again after a while, and the others follow it. */
  #wait(token: number, pending: Pending): void {
    const { subject } = pending.message;
    const first = this.#refused.get(subject);
    pending.dueMs = behindAnother;
    if (first !== undefined && first < token) return;
    const before = first === undefined ? undefined : this.#pending.get(first);
    if (before && before !== pending) before.dueMs = behindAnother;
    this.#refused.set(subject, token);
    pending.dueMs = performance.now() + retryDelayMs;
  }

  #settle(token: number, pending: Pending, error?: ConnectorError): void {
    this.#pending.delete(token);
    this.#pendingBytes -= pending.bytes;
    const { subject } = pending.message;
    if (this.#refused.size > 0 && this.#refused.get(subject) === token) this.#follow(subject);
    pending.settled?.(error);
    if (this.#waiting && this.#pending.size < pendingMax / 2 && this.#pendingBytes < pendingBytesMax / 2) {
      this.#waiting.resolve();
      this.#waiting = undefined;
    }
    if (this.#confirming.length > 0) this.#countDown(token);
  }

  /** The message that those of a subject waited for is done with. */
  #follow(subject: string): void {
    this.#refused.delete(subject);
    for (const [token, pending] of [...this.#pending])
      if (pending.dueMs === behindAnother && pending.message.subject === subject) this.#sendAgain(token, pending);
  }

  #countDown(token: number): void {
    for (const waiting of this.#confirming) {
      if (token < waiting.before && --waiting.left === 0) waiting.resolve();
    }
    this.#confirming = this.#confirming.filter(({ left }) => left > 0);
  }

  /**
   * While the connection is away nothing is published again. The client throws away what it has not sent when it reconnects, so that then
   * everything is.
   */
  #takeStatus(status: Status): void {
    if (status.type === 'disconnect') {
      this.#connected = false;
      this.#problem = `publishing waits: the connection to ${status.server} was lost`;
    } else if (status.type === 'reconnect') {
      this.#connected = true;
      this.#problem = undefined;
      this.#refused.clear();
      for (const pending of this.#pending.values()) pending.dueMs = 0;
    } else if (status.type === 'error' && status.error instanceof PermissionViolationError) this.#refuse(status.error);
  }

  #refuse({ operation, subject, message }: PermissionViolationError): void {
    if (operation !== 'publish') return;
    this.#problem = `publishing to ${subject} is not permitted: ${message}`;
    this.#refused.delete(subject);
    for (const [token, pending] of [...this.#pending])
      if (pending.message.subject === subject)
        this.#settle(token, pending, new ConnectorError('failed', this.#problem));
  }

  #sweep(): void {
    if (this.#pending.size === 0 || !this.#connected || this.nc.isClosed()) return;
    const now = performance.now();
    for (const [token, pending] of [...this.#pending]) {
      if (pending.dueMs > now) continue;
      if (pending.dueMs > 0)
        this.#problem ??= `publishing to ${pending.message.subject} waits: no acknowledgement within ${ackTimeoutMs} ms`;
      this.#sendAgain(token, pending);
    }
  }

  #sendAgain(token: number, pending: Pending): void {
    try {
      this.#send(token, pending);
    } catch (error) {
      // The server's limits have changed since it was taken.
      this.#settle(
        token,
        pending,
        error instanceof ConnectorError ? error : new ConnectorError('failed', String(error)),
      );
    }
  }
}
