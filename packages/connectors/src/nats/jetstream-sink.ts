import { setTimeout } from 'node:timers/promises';
import { headers } from '@laminar/protocol';
import {
  createInbox,
  type Msg,
  type NatsConnection,
  PermissionViolationError,
  type Status,
  type Subscription,
} from '@nats-io/nats-core';
import { ConnectorError, type OutputHistory, type OutputMessage, type Sink } from '../contract.js';
import { within } from '../within.js';
import { publishError } from './errors.js';
import { NatsOutputHistory } from './output-history.js';
import { followStatus } from './status.js';
import { storedIds } from './stored-ids.js';

/** Published and not yet acknowledged, at most. */
const pendingMax = 4096;
/** Unacknowledged for that long, a message is published again with its id. */
const ackTimeoutMs = 5000;
const retryDelayMs = 500;
const sweepIntervalMs = 250;
/** A process that stood still for that long does not know whether others have published what it holds meanwhile. */
const stallMs = 2000;
/** When a message is due of which nobody knows whether it is stored. */
const unknown = Number.POSITIVE_INFINITY;

interface Pending {
  readonly message: OutputMessage;
  readonly settled: ((error?: ConnectorError) => void) | undefined;
  /** When to publish it again unless it is acknowledged before. */
  dueMs: number;
}

/**
 * Publishes to JetStream with everything in flight at once: one inbox subscription, a counter in the reply subject, one map of
 * what is pending, and one timer for all. What is not acknowledged is published again with the same bytes and message id.
 */
export class JetStreamSink implements Sink {
  /** By token, in the order of their publishing. */
  readonly #pending = new Map<number, Pending>();
  readonly #inbox: string;
  #next = 0;
  #subscription: Subscription | undefined;
  #sweeper: NodeJS.Timeout | undefined;
  #waiting: { promise: Promise<void>; resolve: () => void } | undefined;
  /** Who waits for everything before a token, of which so many messages are left. */
  #confirming: { readonly before: number; left: number; readonly resolve: () => void }[] = [];
  #problem: string | undefined;
  #connected = true;
  /** Unix milliseconds of the last sweep. */
  #sweptMs = Date.now();
  /** What is added to monotonic milliseconds to have Unix milliseconds, before whatever may have set a clock. */
  #clockOffsetMs = 0;
  /** Since when something may be stored that has yet to be looked for, in Unix milliseconds. */
  #doubtedSinceMs = Number.POSITIVE_INFINITY;
  #looking = false;
  #unfollow: (() => void) | undefined;

  readonly history: OutputHistory;

  constructor(readonly nc: NatsConnection) {
    this.history = new NatsOutputHistory(nc);
    this.#inbox = `${createInbox()}.`;
  }

  get problem(): string | undefined {
    return this.#problem;
  }

  async open(): Promise<void> {
    this.#subscription = this.nc.subscribe(`${this.#inbox}*`, {
      callback: (error, message) => {
        if (!error) this.#take(message);
      },
    });
    this.#noteClock();
    this.#sweeper = setInterval(() => this.#sweep(), sweepIntervalMs);
    this.#unfollow = followStatus(this.nc, (status) => this.#follow(status));
  }

  publish(message: OutputMessage, settled?: (error?: ConnectorError) => void): void {
    this.#send(this.#next++, { message, settled, dueMs: 0 });
  }

  ready(): Promise<void> | undefined {
    if (this.#pending.size < pendingMax) return undefined;
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
    for (const { resolve } of this.#confirming.splice(0)) resolve();
    // It may be stored all the same: whoever publishes it again does so with the same id.
    for (const { message, settled } of left)
      settled?.(new ConnectorError('blocked', `publishing to ${message.subject} was not acknowledged before it ended`));
  }

  /** A message keeps its token when it is published again, so that a late acknowledgement of the first attempt counts. */
  #send(token: number, pending: Pending): void {
    const { subject, data, headers } = pending.message;
    try {
      this.nc.publish(subject, data, { headers: headers.asHeaders(), reply: this.#inbox + token });
    } catch (error) {
      throw publishError(this.nc, subject, data, error);
    }
    pending.dueMs = performance.now() + ackTimeoutMs;
    this.#pending.set(token, pending);
  }

  #take(message: Msg): void {
    const token = Number(message.subject.slice(this.#inbox.length));
    const pending = this.#pending.get(token);
    // A second acknowledgement, after a retry.
    if (!pending) return;
    const refusal = refusalOf(message);
    if (refusal === undefined) {
      this.#problem = undefined;
      this.#settle(token, pending);
    } else if (refusal.final) {
      this.#settle(
        token,
        pending,
        new ConnectorError('failed', `publishing to ${pending.message.subject} failed: ${refusal.reason}`),
      );
    } else {
      this.#problem = `publishing to ${pending.message.subject} waits: ${refusal.reason}`;
      pending.dueMs = performance.now() + retryDelayMs;
    }
  }

  #settle(token: number, pending: Pending, error?: ConnectorError): void {
    this.#pending.delete(token);
    pending.settled?.(error);
    if (this.#waiting && this.#pending.size < pendingMax / 2) {
      this.#waiting.resolve();
      this.#waiting = undefined;
    }
    if (this.#confirming.length > 0) this.#countDown(token);
  }

  #countDown(token: number): void {
    for (const waiting of this.#confirming) {
      if (token < waiting.before && --waiting.left === 0) waiting.resolve();
    }
    this.#confirming = this.#confirming.filter(({ left }) => left > 0);
  }

  /**
   * While the connection is away nothing is published again. The client throws away what it has not sent when it reconnects, so that then
   * everything is, but what is found to be stored: the stream may have forgotten its ids.
   */
  #follow(status: Status): void {
    if (status.type === 'disconnect') {
      this.#connected = false;
      this.#problem = `publishing waits: the connection to ${status.server} was lost`;
    } else if (status.type === 'reconnect') {
      this.#connected = true;
      this.#problem = undefined;
      this.#doubt();
    } else if (status.type === 'error' && status.error instanceof PermissionViolationError) this.#refuse(status.error);
  }

  /** What is pending may be stored, or not: it is looked for before it is published again. */
  #doubt(): void {
    for (const pending of this.#pending.values()) {
      if (pending.dueMs === 0 || pending.dueMs === unknown) continue;
      // It was sent an acknowledgement's time before that, or later.
      const sentMs = pending.dueMs - ackTimeoutMs + this.#clockOffsetMs;
      this.#doubtedSinceMs = Math.min(this.#doubtedSinceMs, sentMs);
      pending.dueMs = unknown;
    }
    if (!this.#looking) void this.#look();
  }

  /** Settles what is found, and has the rest published again. */
  async #look(): Promise<void> {
    this.#looking = true;
    for (let doubted = this.#doubted(); doubted.length > 0 && this.#connected; doubted = this.#doubted()) {
      const sinceMs = this.#doubtedSinceMs;
      this.#doubtedSinceMs = Number.POSITIVE_INFINITY;
      try {
        const messages = doubted.map(([, { message }]) => message);
        this.#foundOut(doubted, await storedIds(this.history, messages, sinceMs));
      } catch (error) {
        if (!(error instanceof ConnectorError) || error.steer === 'failed') this.#foundOut(doubted, new Set());
        else {
          this.#doubtedSinceMs = Math.min(this.#doubtedSinceMs, sinceMs);
          this.#problem ??= `publishing waits until it is known what is stored: ${error.message}`;
          await setTimeout(retryDelayMs);
        }
      }
    }
    this.#looking = false;
  }

  #doubted(): [number, Pending][] {
    return [...this.#pending].filter(([, { dueMs }]) => dueMs === unknown);
  }

  #foundOut(doubted: readonly [number, Pending][], stored: ReadonlySet<string>): void {
    for (const [token, pending] of doubted) {
      if (this.#pending.get(token) !== pending || pending.dueMs !== unknown) continue;
      if (stored.has(pending.message.headers.find(headers.messageId) ?? '')) this.#settle(token, pending);
      else pending.dueMs = 0;
    }
  }

  #noteClock(): void {
    this.#sweptMs = Date.now();
    this.#clockOffsetMs = this.#sweptMs - performance.now();
  }

  #refuse({ operation, subject, message }: PermissionViolationError): void {
    if (operation !== 'publish') return;
    this.#problem = `publishing to ${subject} is not permitted: ${message}`;
    for (const [token, pending] of [...this.#pending])
      if (pending.message.subject === subject)
        this.#settle(token, pending, new ConnectorError('failed', this.#problem));
  }

  #sweep(): void {
    const stalled = Date.now() - this.#sweptMs > stallMs;
    if (stalled) this.#doubt();
    this.#noteClock();
    if (stalled || this.#pending.size === 0 || !this.#connected || this.nc.isClosed()) return;
    const now = performance.now();
    for (const [token, pending] of [...this.#pending]) {
      if (pending.dueMs > now) continue;
      if (pending.dueMs > 0)
        this.#problem ??= `publishing to ${pending.message.subject} waits: no acknowledgement within ${ackTimeoutMs} ms`;
      // Set again it stands last, in the order of publishing.
      this.#pending.delete(token);
      try {
        this.#send(token, pending);
      } catch (error) {
        // It went out before, so that the server's limits have changed since.
        this.#settle(
          token,
          pending,
          error instanceof ConnectorError ? error : new ConnectorError('failed', String(error)),
        );
      }
    }
  }
}

/** Error codes of the JetStream API after which the same message can never be stored. */
const finalCodes = new Set([
  10054 /* message size exceeds maximum allowed */, 10097 /* header size exceeds maximum allowed of 64k */,
]);

const noResponders = 503;
/** `{"error"`, where an acknowledgement begins with `{"stream"`. */
const letterE = 0x65;

function refusalOf(message: Msg): { final: boolean; reason: string } | undefined {
  if (message.data.length === 0) {
    const { code, description } = message.headers ?? { code: 0, description: 'an empty answer' };
    const reason =
      code === noResponders ? 'no stream takes this subject, or JetStream is away' : `${code} ${description}`;
    return { final: false, reason };
  }
  if (message.data[2] !== letterE) return undefined;
  const answer: { error?: { err_code?: number; description?: string } } = JSON.parse(
    new TextDecoder().decode(message.data),
  );
  if (!answer.error) return undefined;
  return {
    final: finalCodes.has(answer.error.err_code ?? 0),
    reason: answer.error.description ?? 'the server refused it',
  };
}
