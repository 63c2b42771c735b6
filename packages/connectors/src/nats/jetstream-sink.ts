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
import { ConnectorError, type OutputHistory, type OutputMessage, type Settle, type Sink } from '../contract.js';
import { NumberMap } from '../number-map.js';
import { within } from '../within.js';
import { digitsOf } from './digits.js';
import { publishError } from './errors.js';
import { Lane, type Pending } from './lane.js';
import { lineOf } from './message-line.js';
import { Outbound } from './outbound.js';
import { NatsOutputHistory } from './output-history.js';
import { publishAnswerOf } from './publish-answer.js';
import { ReplyNumbers } from './reply-numbers.js';
import { followStatus } from './status.js';
import { storedIds } from './stored-ids.js';

/** Published and not yet acknowledged, at most: messages, and bytes of their payloads and headers, which a retry needs again. */
const pendingMax = 4096;
const pendingBytesMax = 16 * 1024 * 1024;
/** Unacknowledged for that long, a message is looked for, and published again with its id. */
const ackTimeoutMs = 5000;
const retryDelayMs = 500;
const sweepIntervalMs = 250;
/** A process that stood still for that long does not know whether others have published what it holds meanwhile. */
const stallMs = 2000;

/**
 * Publishes to JetStream with everything in flight at once: one inbox subscription, a number in the reply subject, one map of
 * what is pending, and one timer for all. What is not acknowledged is looked for, and published again with the same bytes and message id where it is not stored, and in the order in which it
 * came: where a message is refused for now, those of its subject behind it wait until it is stored.
 */
export class JetStreamSink implements Sink {
  /** By number. */
  readonly #pending = new NumberMap<Pending>();
  readonly #numbers = new ReplyNumbers();
  #pendingBytes = 0;
  /** By subject, of those of which something is pending. */
  readonly #lanes = new Map<string, Lane>();
  readonly #inbox: string;
  readonly #outbound: Outbound;
  #next = 0;
  #subscription: Subscription | undefined;
  #sweeper: NodeJS.Timeout | undefined;
  #waiting: { promise: Promise<void>; resolve: () => void } | undefined;
  /** Who waits for everything before a place, of which so many messages are left. */
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

  /** For others, who may ask about what is still on its way. */
  readonly history: OutputHistory;
  readonly #ownHistory: OutputHistory;

  constructor(readonly nc: NatsConnection) {
    this.history = new NatsOutputHistory(nc, () => this.confirmed());
    this.#ownHistory = new NatsOutputHistory(nc, () => Promise.resolve());
    this.#inbox = `${createInbox()}.`;
    this.#outbound = Outbound.of(nc);
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
    this.#unfollow = followStatus(this.nc, (status) => this.#takeStatus(status));
  }

  publish(message: OutputMessage, settled?: Settle, publisher?: object): void {
    const bytes = message.data.length + message.headers.encode().length;
    const { subject } = message;
    const known = this.#lanes.get(subject);
    const isHeld = this.#isHeldBack || known?.refused !== undefined;
    const number = this.#numbers.take();
    if (!isHeld) this.#write(number, message);
    const lane = known ?? this.#openLane(subject);
    const pending: Pending = {
      number,
      place: this.#next++,
      message,
      lane,
      settled,
      publisher,
      bytes,
      state: 'held',
      dueMs: 0,
      publishedMs: performance.now(),
      timesSent: 0,
      inFront: undefined,
      behind: undefined,
    };
    if (!isHeld) this.#noteSent(pending);
    lane.add(pending);
    this.#pending.set(number, pending);
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
    const left = this.#inOrder();
    this.#pending.clear();
    this.#pendingBytes = 0;
    this.#lanes.clear();
    for (const { resolve } of this.#confirming.splice(0)) resolve();
    // It may be stored all the same: whoever publishes it again does so with the same id.
    for (const { message, settled } of left)
      settled?.(new ConnectorError('blocked', `publishing to ${message.subject} was not acknowledged before it ended`));
  }

  withdraw(publisher: object): void {
    const withdrawn = this.#inOrder().filter((pending) => pending.publisher === publisher);
    // Those behind a refused one go on when it is gone: first nothing of the publisher is left to go with them.
    for (const pending of withdrawn) pending.state = 'withdrawn';
    for (const pending of withdrawn) {
      const reason = `publishing to ${pending.message.subject} was given up before it was acknowledged`;
      this.#settle(pending, new ConnectorError('blocked', reason));
    }
  }

  #openLane(subject: string): Lane {
    const lane = new Lane(subject);
    this.#lanes.set(subject, lane);
    return lane;
  }

  /** A message keeps its number when it is published again, so that a late acknowledgement of the first attempt counts. */
  #write(number: number, { subject, data, headers }: OutputMessage): void {
    try {
      this.#outbound.publish(subject, data, headers, this.#inbox + number);
    } catch (error) {
      throw publishError(this.nc, subject, data, error);
    }
  }

  #noteSent(pending: Pending): void {
    pending.state = 'sent';
    pending.timesSent++;
    pending.dueMs = performance.now() + ackTimeoutMs;
  }

  #take(message: Msg): void {
    const { subject } = lineOf(message);
    const number = digitsOf(subject, this.#inbox.length, subject.length);
    const pending = this.#pending.get(number);
    if (!pending) {
      this.#numbers.noteStray(number);
      return;
    }
    const answer = publishAnswerOf(message);
    if (answer.stored) {
      this.#problem = undefined;
      this.#settle(pending, undefined, answer.duplicate);
    } else if (answer.final) {
      const reason = `publishing to ${pending.message.subject} failed: ${answer.reason}`;
      this.#settle(pending, new ConnectorError('failed', reason));
    } else {
      this.#problem = `publishing to ${pending.message.subject} waits: ${answer.reason}`;
      this.#wait(pending);
      return;
    }
    // Sent again, it may be answered again.
    if (pending.timesSent === 1) this.#numbers.giveBack(number);
  }

  /** A message was refused for now: the first of its subject is tried again after a while, and the others follow it. */
  #wait(pending: Pending): void {
    const { lane } = pending;
    const first = lane.refused;
    pending.state = 'held';
    // What is in front of it may turn out not to be stored: all that is held goes out in order once that is known.
    if (this.#looking || (first && first.place < pending.place)) return;
    // Where the stream's leader has just died those without an answer were lost in silence, or are stored and the answer was lost; the servers refuse what comes as soon as they know.
    if (lane.hasUnanswered(pending)) {
      this.#doubt();
      return;
    }
    if (first) first.state = 'held';
    lane.refused = pending;
    pending.state = 'sent';
    pending.dueMs = performance.now() + retryDelayMs;
  }

  #settle(pending: Pending, error?: ConnectorError, wasThere = false): void {
    if (!this.#isPending(pending)) return;
    const { number, place, lane } = pending;
    this.#pending.delete(number);
    this.#pendingBytes -= pending.bytes;
    lane.remove(pending);
    if (lane.refused === pending) this.#follow(lane);
    if (lane.isEmpty && this.#lanes.get(lane.subject) === lane) this.#lanes.delete(lane.subject);
    pending.settled?.(error, wasThere);
    if (this.#waiting && this.#pending.size < pendingMax / 2 && this.#pendingBytes < pendingBytesMax / 2) {
      this.#waiting.resolve();
      this.#waiting = undefined;
    }
    if (this.#confirming.length > 0) this.#countDown(place);
  }

  /** The message that those of a subject waited for is done with. */
  #follow(lane: Lane): void {
    lane.refused = undefined;
    if (!this.#isHeldBack) this.#sendHeld(lane.all());
  }

  #sendHeld(inOrder: readonly Pending[]): void {
    for (const pending of inOrder) if (pending.state === 'held') this.#sendAgain(pending);
  }

  #countDown(place: number): void {
    for (const waiting of this.#confirming) {
      if (place < waiting.before && --waiting.left === 0) waiting.resolve();
    }
    this.#confirming = this.#confirming.filter(({ left }) => left > 0);
  }

  /**
   * Nothing is sent until it is known what is stored of what came before, and nothing while the connection is away: the client throws away what it has not
   * sent each time that it dials, and sends what it is given after that as soon as it is greeted, in front of what it threw away. A connection that has ended takes
   * nothing, and says so.
   */
  get #isHeldBack(): boolean {
    return !this.nc.isClosed() && (this.#looking || !this.#connected || !this.#outbound.connected);
  }

  /** After a reconnect everything is published again, but what is found to be stored: the stream may have forgotten its ids. */
  #takeStatus(status: Status): void {
    if (status.type === 'disconnect') {
      this.#connected = false;
      this.#problem = `publishing waits: the connection to ${status.server} was lost`;
    } else if (status.type === 'reconnect') {
      this.#connected = true;
      this.#problem = undefined;
      this.#doubt();
    } else if (status.type === 'error' && status.error instanceof PermissionViolationError) this.#refuse(status.error);
  }

  /**
   * What was sent may be stored, or not, and others may have published what was not, where its messages were delivered to them meanwhile: all is looked for before it is published
   * again, and what comes after it waits.
   */
  #doubt(): void {
    for (const lane of this.#lanes.values()) lane.refused = undefined;
    for (const pending of this.#pending.values()) {
      this.#doubtedSinceMs = Math.min(this.#doubtedSinceMs, pending.publishedMs + this.#clockOffsetMs);
      pending.state = 'doubted';
    }
    if (!this.#looking) void this.#look();
  }

  /** Settles what is found, and publishes the rest again. */
  async #look(): Promise<void> {
    this.#looking = true;
    for (let doubted = this.#doubted(); doubted.length > 0 && !this.nc.isClosed(); doubted = this.#doubted()) {
      const sinceMs = this.#doubtedSinceMs;
      this.#doubtedSinceMs = Number.POSITIVE_INFINITY;
      try {
        const messages = doubted.map(({ message }) => message);
        // The clock that says more: one may stand still while the machine does, the other may be set.
        const agoMs = Math.max(Date.now(), performance.now() + this.#clockOffsetMs) - sinceMs;
        this.#foundOut(doubted, await storedIds(this.#ownHistory, messages, { sinceMs, agoMs }));
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
    if (!this.nc.isClosed() && !this.#isHeldBack) this.#sendHeld(this.#inOrder());
  }

  #doubted(): Pending[] {
    return this.#inOrder().filter(({ state }) => state === 'doubted');
  }

  #foundOut(doubted: readonly Pending[], stored: ReadonlySet<string>): void {
    for (const pending of doubted) {
      if (!this.#isPending(pending) || pending.state !== 'doubted') continue;
      if (stored.has(pending.message.headers.find(headers.messageId) ?? '')) this.#settle(pending, undefined, true);
      else pending.state = 'held';
    }
  }

  /** In the order of their publishing. */
  #inOrder(): Pending[] {
    return this.#pending.values().sort((a, b) => a.place - b.place);
  }

  /** Another one may have its number since. */
  #isPending(pending: Pending): boolean {
    return this.#pending.get(pending.number) === pending;
  }

  #noteClock(): void {
    this.#sweptMs = Date.now();
    this.#clockOffsetMs = this.#sweptMs - performance.now();
  }

  #refuse({ operation, subject, message }: PermissionViolationError): void {
    if (operation !== 'publish') return;
    this.#problem = `publishing to ${subject} is not permitted: ${message}`;
    const lane = this.#lanes.get(subject);
    if (!lane) return;
    lane.refused = undefined;
    for (const pending of lane.all()) this.#settle(pending, new ConnectorError('failed', this.#problem));
  }

  #sweep(): void {
    const stalled = Date.now() - this.#sweptMs > stallMs;
    if (stalled) this.#doubt();
    this.#noteClock();
    if (stalled || this.#pending.size === 0 || this.#isHeldBack || this.nc.isClosed()) return;
    const now = performance.now();
    let unanswered: Pending | undefined;
    for (const pending of this.#pending.values()) {
      if (pending.state !== 'sent' || pending.dueMs > now) continue;
      if (pending.lane.refused === pending) this.#sendAgain(pending);
      else unanswered ??= pending;
    }
    if (!unanswered) return;
    this.#problem ??= `publishing to ${unanswered.message.subject} waits: no acknowledgement within ${ackTimeoutMs} ms`;
    this.#doubt();
  }

  #sendAgain(pending: Pending): void {
    try {
      this.#write(pending.number, pending.message);
      this.#noteSent(pending);
    } catch (error) {
      // The server's limits have changed since it was taken.
      this.#settle(pending, error instanceof ConnectorError ? error : new ConnectorError('failed', String(error)));
    }
  }
}
