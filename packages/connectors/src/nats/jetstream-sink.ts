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
import { within } from '../within.js';
import { digitsOf } from './digits.js';
import { publishError } from './errors.js';
import { InFlight } from './in-flight.js';
import type { Lane, Pending } from './lane.js';
import { lineOf } from './message-line.js';
import { Outbound } from './outbound.js';
import { NatsOutputHistory } from './output-history.js';
import { publishAnswerOf } from './publish-answer.js';
import { ReplyNumbers } from './reply-numbers.js';
import { followStatus } from './status.js';
import { storedIds } from './stored-ids.js';

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
  readonly #inFlight = new InFlight();
  readonly #numbers = new ReplyNumbers();
  readonly #inbox: string;
  readonly #outbound: Outbound;
  #subscription: Subscription | undefined;
  #sweeper: NodeJS.Timeout | undefined;
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
    const isHeld = this.#isHeldBack || this.#inFlight.lane(message.subject)?.refused !== undefined;
    const number = this.#numbers.take();
    if (!isHeld) this.#write(number, message);
    const pending = this.#inFlight.add({ number, message, settled, publisher });
    if (!isHeld) this.#noteSent(pending, pending.publishedMs);
  }

  ready(): Promise<void> | undefined {
    return this.#inFlight.ready();
  }

  /** Acknowledgements come by themselves. */
  flush(): void {}

  confirmed(): Promise<void> {
    return this.#inFlight.confirmed();
  }

  async close(timeoutMs: number): Promise<void> {
    await within(timeoutMs, this.confirmed());
    clearInterval(this.#sweeper);
    this.#subscription?.unsubscribe();
    this.#unfollow?.();
    // It may be stored all the same: whoever publishes it again does so with the same id.
    for (const { message, settled } of this.#inFlight.clear())
      settled?.(new ConnectorError('blocked', `publishing to ${message.subject} was not acknowledged before it ended`));
  }

  withdraw(publisher: object): void {
    const withdrawn = this.#inFlight.inOrder().filter((pending) => pending.publisher === publisher);
    // Those behind a refused one go on when it is gone: first nothing of the publisher is left to go with them.
    for (const pending of withdrawn) pending.state = 'withdrawn';
    for (const pending of withdrawn) {
      const reason = `publishing to ${pending.message.subject} was given up before it was acknowledged`;
      this.#settle(pending, new ConnectorError('blocked', reason));
    }
  }

  /** A message keeps its number when it is published again, so that a late acknowledgement of the first attempt counts. */
  #write(number: number, { subject, data, headers }: OutputMessage): void {
    try {
      this.#outbound.publish(subject, data, headers, this.#inbox + number);
    } catch (error) {
      throw publishError(this.nc, subject, data, error);
    }
  }

  #noteSent(pending: Pending, nowMs: number): void {
    pending.state = 'sent';
    pending.timesSent++;
    pending.dueMs = nowMs + ackTimeoutMs;
  }

  #take(message: Msg): void {
    const { subject } = lineOf(message);
    const number = digitsOf(subject, this.#inbox.length, subject.length);
    const pending = this.#inFlight.get(number);
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
    if (!this.#inFlight.remove(pending)) return;
    const { lane } = pending;
    if (lane.refused === pending) this.#follow(lane);
    pending.settled?.(error, wasThere);
  }

  /** The message that those of a subject waited for is done with. */
  #follow(lane: Lane): void {
    lane.refused = undefined;
    if (!this.#isHeldBack) this.#sendHeld(lane.all());
  }

  #sendHeld(inOrder: readonly Pending[]): void {
    for (const pending of inOrder) if (pending.state === 'held') this.#sendAgain(pending);
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
    for (const lane of this.#inFlight.lanes()) lane.refused = undefined;
    for (const pending of this.#inFlight.values()) {
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
    if (!this.nc.isClosed() && !this.#isHeldBack) this.#sendHeld(this.#inFlight.inOrder());
  }

  #doubted(): Pending[] {
    return this.#inFlight.inOrder().filter(({ state }) => state === 'doubted');
  }

  #foundOut(doubted: readonly Pending[], stored: ReadonlySet<string>): void {
    for (const pending of doubted) {
      if (!this.#inFlight.has(pending) || pending.state !== 'doubted') continue;
      if (stored.has(pending.message.headers.find(headers.messageId) ?? '')) this.#settle(pending, undefined, true);
      else pending.state = 'held';
    }
  }

  #noteClock(): void {
    this.#sweptMs = Date.now();
    this.#clockOffsetMs = this.#sweptMs - performance.now();
  }

  #refuse({ operation, subject, message }: PermissionViolationError): void {
    if (operation !== 'publish') return;
    this.#problem = `publishing to ${subject} is not permitted: ${message}`;
    const lane = this.#inFlight.lane(subject);
    if (!lane) return;
    lane.refused = undefined;
    for (const pending of lane.all()) this.#settle(pending, new ConnectorError('failed', this.#problem));
  }

  #sweep(): void {
    const stalled = Date.now() - this.#sweptMs > stallMs;
    if (stalled) this.#doubt();
    this.#noteClock();
    if (stalled || this.#inFlight.size === 0 || this.#isHeldBack || this.nc.isClosed()) return;
    const now = performance.now();
    let unanswered: Pending | undefined;
    for (const pending of this.#inFlight.values()) {
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
      this.#noteSent(pending, performance.now());
    } catch (error) {
      // The server's limits have changed since it was taken.
      this.#settle(pending, error instanceof ConnectorError ? error : new ConnectorError('failed', String(error)));
    }
  }
}
