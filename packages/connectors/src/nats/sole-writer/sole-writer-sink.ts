import { headers } from '@laminar/protocol';
import type { JetStreamManager } from '@nats-io/jetstream';
import {
  createInbox,
  type Msg,
  type NatsConnection,
  PermissionViolationError,
  type Subscription,
} from '@nats-io/nats-core';
import { type Beginning, ConnectorError, type OutputMessage, type Settle, type Sink } from '../../contract.js';
import { within } from '../../within.js';
import { connectorError, publishError } from '../errors.js';
import { managerOf } from '../jetstream-manager.js';
import { Outbound } from '../outbound.js';
import { publishAnswerOf } from '../publish-answer.js';
import { followStatus } from '../status.js';
import { isBehind, type OutputTail, placeOf, type RowPlace, readTail } from './output-tail.js';
import { foreignWriter, type Resumption, resumptionOf } from './resumption.js';

/** Published and not yet acknowledged, at most: rows, and bytes of their payloads and headers. */
const pendingMax = 4096;
const pendingBytesMax = 16 * 1024 * 1024;
/** Unacknowledged for that long, it is looked what of it was stored. */
const ackTimeoutMs = 5000;
const retryDelayMs = 500;
const sweepIntervalMs = 250;
const apiTimeoutMs = 3000;

interface Pending {
  readonly message: OutputMessage;
  readonly id: string;
  readonly settled: Settle | undefined;
  readonly bytes: number;
}

/**
 * Publishes to a stream that it alone writes to: each message says which one has to be the last before it, by its sequence and, where that one is on its way, by its id,
 * so that the server refuses what comes twice, late, or from somebody whose work another one has taken over, and with one message all behind it. After a refusal, or where nothing is heard, the end of the stream tells what
 * was stored; the rest is published again behind it. It ends (`broken`) where somebody else has written.
 */
export class SoleWriterSink implements Sink {
  /** Rejects once nothing can be published any more. */
  readonly broken: Promise<never>;
  /** In the order of their publishing. */
  #pending: Pending[] = [];
  #pendingBytes = 0;
  /** Sequence in the stream of the message before the first pending one. */
  #base = 0;
  /** Rows up to here were stored before it began. */
  #resumedAt: RowPlace | undefined;
  #newest: RowPlace | undefined;
  /** Answers to what was published before the last look at the stream count no more. */
  #epoch = 0;
  /** It is known where the stream ended when it began, without which nothing can be told of what is there. */
  #begun = false;
  #ready = false;
  #ended: ConnectorError | undefined;
  #connected = true;
  #problem: string | undefined;
  #progressMs = 0;
  readonly #inbox = `${createInbox()}.`;
  readonly #outbound: Outbound;
  #subscription: Subscription | undefined;
  #sweeper: NodeJS.Timeout | undefined;
  #unfollow: (() => void) | undefined;
  #retryTimer: NodeJS.Timeout | undefined;
  #waiting: { before: number; resolve: () => void }[] = [];
  /** Pending ones that were settled so far. */
  #settledCount = 0;
  #break: (error: ConnectorError) => void = () => undefined;

  constructor(
    readonly nc: NatsConnection,
    readonly stream: string,
    /** With what the ids of its messages begin: `<pipeline>.<incarnation>`. */
    readonly writer: string,
  ) {
    this.#outbound = Outbound.of(nc);
    this.broken = new Promise((_, reject) => {
      this.#break = reject;
    });
    // Whoever uses the sink is told by it, too.
    this.broken.catch(() => undefined);
  }

  get problem(): string | undefined {
    return this.#problem;
  }

  async open(): Promise<void> {
    this.#subscription = this.nc.subscribe(`${this.#inbox}>`, {
      callback: (error, message) => {
        if (!error) this.#take(message);
      },
    });
    this.#sweeper = setInterval(() => this.#sweep(), sweepIntervalMs);
    this.#unfollow = followStatus(this.nc, (status) => {
      if (status.type === 'disconnect') {
        this.#connected = false;
        this.#problem = 'publishing waits: the connection was lost';
      } else if (status.type === 'reconnect') {
        this.#connected = true;
        if (this.#begun) this.#recover(0);
        else this.#problem = undefined;
      } else if (status.type === 'error' && status.error instanceof PermissionViolationError)
        this.#refuse(status.error);
    });
  }

  /**
   * Where the pipeline goes on, by the last row that is in the stream: rows up to there are not published again. To be called before anything is published, and again whenever
   * the messages come from another reader. Throws `ConnectorError`, `failed` where somebody else writes to the stream.
   */
  async resume(beginning: Beginning): Promise<Resumption | undefined> {
    await this.confirmed();
    if (this.#ended) throw this.#ended;
    this.#ready = false;
    const tail = await this.#tail();
    const { stream, writer } = this;
    const resumption = await resumptionOf({ tail, stream, writer }, beginning);
    this.#base = tail.lastSequence;
    this.#resumedAt = resumption?.place;
    this.#newest = undefined;
    this.#problem = undefined;
    this.#begun = true;
    this.#ready = true;
    return resumption;
  }

  publish(message: OutputMessage, settled?: Settle): void {
    if (this.#ended) throw this.#ended;
    if (this.nc.isClosed()) throw publishError(this.nc, message.subject, message.data, 'the connection has ended');
    const id = message.headers.find(headers.messageId) ?? '';
    const place = placeOf(id, this.writer);
    if (!place) throw new ConnectorError('failed', `a row without a place in its source cannot go to "${this.stream}"`);
    if (this.#resumedAt && !isBehind(place, this.#resumedAt)) {
      queueMicrotask(() => settled?.(undefined, true));
      return;
    }
    if (this.#newest && !isBehind(place, this.#newest)) {
      const reason = `row ${place.row} of message ${place.sequence} comes behind later ones, and rows go to "${this.stream}" in the order of their source`;
      throw new ConnectorError('failed', reason);
    }
    const bytes = message.data.length + message.headers.encode().length;
    const pending = { message, id, settled, bytes };
    if (this.#ready) this.#send(pending, this.#pending.length);
    this.#pending.push(pending);
    this.#pendingBytes += bytes;
    this.#newest = place;
  }

  ready(): Promise<void> | undefined {
    const { length } = this.#pending;
    if (length < pendingMax && this.#pendingBytes < pendingBytesMax) return undefined;
    return this.#settledUpTo(Math.ceil(length / 2));
  }

  /** Acknowledgements come by themselves. */
  flush(): void {}

  confirmed(): Promise<void> {
    return this.#pending.length === 0 ? Promise.resolve() : this.#settledUpTo(this.#pending.length);
  }

  async close(timeoutMs: number): Promise<void> {
    await within(timeoutMs, this.confirmed());
    clearInterval(this.#sweeper);
    clearTimeout(this.#retryTimer);
    this.#subscription?.unsubscribe();
    this.#unfollow?.();
    this.#end(
      new ConnectorError('blocked', `what was published to "${this.stream}" was not confirmed before it ended`),
    );
  }

  #send({ message }: Pending, index: number): void {
    const { subject, data } = message;
    let block = message.headers
      .with(headers.expectedStream, this.stream)
      .with(headers.expectedLastSequence, String(this.#base + index));
    // By its sequence alone a foreign message could stand for the one before it, which was refused.
    const before = this.#pending[index - 1];
    if (before) block = block.with(headers.expectedLastMessageId, before.id);
    const reply = `${this.#inbox}${this.#epoch}.${this.#settledCount + index}`;
    try {
      this.#outbound.publish(subject, data, block, reply);
    } catch (error) {
      throw publishError(this.nc, subject, data, error);
    }
    if (index === 0) this.#progressMs = performance.now();
  }

  #take(message: Msg): void {
    const [epoch, token] = message.subject.slice(this.#inbox.length).split('.').map(Number);
    const index = (token ?? 0) - this.#settledCount;
    const pending = this.#pending[index];
    if (epoch !== this.#epoch || !pending || !this.#ready) return;
    const answer = publishAnswerOf(message);
    if (answer.stored) {
      // Those before it were stored, or it would have been refused.
      if (answer.duplicate) {
        this.#settle(index);
        this.#settle(1, undefined, true);
        // It took no place in the stream, and all behind it are refused.
        this.#recover(0);
      } else {
        this.#settle(index + 1);
        this.#problem = undefined;
      }
    } else if (answer.kind === 'wrong_expectation') {
      this.#recover(0);
    } else if (answer.final) {
      this.#settle(index);
      const reason = `publishing to ${pending.message.subject} failed: ${answer.reason}`;
      this.#settle(1, new ConnectorError('failed', reason));
      this.#recover(0);
    } else {
      this.#problem = `publishing to ${pending.message.subject} waits: ${answer.reason}`;
      this.#recover(retryDelayMs);
    }
  }

  #settle(count: number, error?: ConnectorError, wasThere = false): void {
    const done: Pending[] = [];
    // One by one, since `splice` moves all that are left, which may be thousands for each message.
    while (done.length < count && this.#pending.length > 0) done.push(this.#pending.shift() as Pending);
    this.#settledCount += done.length;
    if (!error) this.#base += done.length;
    this.#progressMs = performance.now();
    for (const { bytes } of done) this.#pendingBytes -= bytes;
    for (const { settled } of done) settled?.(error, wasThere);
    this.#release();
  }

  /** One that can never be stored leaves those behind it their places. */
  #drop(index: number, error: ConnectorError): void {
    const [dropped] = this.#pending.splice(index, 1);
    for (const waiting of this.#waiting) if (waiting.before > this.#settledCount + index) waiting.before--;
    if (!dropped) return;
    this.#pendingBytes -= dropped.bytes;
    dropped.settled?.(error);
    this.#release();
  }

  /** What the server does not let it publish is given up, and what it refused behind that is published again. */
  #refuse({ operation, subject, message }: PermissionViolationError): void {
    if (operation !== 'publish' || !this.#pending.some((pending) => pending.message.subject === subject)) return;
    this.#problem = `publishing to ${subject} is not permitted: ${message}`;
    const error = new ConnectorError('failed', this.#problem);
    for (let index = 0; index < this.#pending.length; index++)
      if (this.#pending[index]?.message.subject === subject) this.#drop(index--, error);
    this.#recover(0);
  }

  #release(): void {
    for (const { resolve } of this.#waiting.filter(({ before }) => before <= this.#settledCount)) resolve();
    this.#waiting = this.#waiting.filter(({ before }) => before > this.#settledCount);
  }

  /** Resolves when so many of those that are pending now are settled. */
  #settledUpTo(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ before: this.#settledCount + count, resolve });
    });
  }

  /** Looks what is stored, and publishes the rest again behind it. */
  #recover(delayMs: number): void {
    if (this.#ended) return;
    this.#ready = false;
    this.#epoch++;
    clearTimeout(this.#retryTimer);
    const epoch = this.#epoch;
    this.#retryTimer = setTimeout(() => {
      void this.#tail().then(
        (tail) => {
          if (epoch === this.#epoch && !this.#ended) this.#goOnBehind(tail);
        },
        (error: unknown) => {
          if (epoch !== this.#epoch || this.#ended) return;
          this.#problem = `publishing waits: ${error instanceof Error ? error.message : String(error)}`;
          // Where the connection is away its return begins this anew.
          if (this.#connected) this.#recover(retryDelayMs);
        },
      );
    }, delayMs);
  }

  #goOnBehind({ lastSequence, last }: OutputTail): void {
    const stored = last === undefined ? -1 : this.#pending.findIndex(({ id }) => id === last.id);
    if (stored >= 0) this.#settle(stored + 1, undefined, true);
    else if (lastSequence < this.#base) {
      this.#end(new ConnectorError('blocked', `the stream "${this.stream}" has lost what it had confirmed`));
      return;
    } else if (last !== undefined && last.streamSequence > this.#base) {
      const isOurs = placeOf(last.id, this.writer) !== undefined;
      this.#end(
        isOurs
          ? new ConnectorError('blocked', `another instance has taken over, and writes to "${this.stream}"`)
          : foreignWriter(this.stream, last.streamSequence),
      );
      return;
    }
    this.#base = lastSequence;
    this.#ready = true;
    // Else it is over with the first that is stored.
    if (this.#pending.length === 0) this.#problem = undefined;
    for (let index = 0; index < this.#pending.length && this.#ready; index++) {
      const pending = this.#pending[index] as Pending;
      try {
        this.#send(pending, index);
      } catch (error) {
        // The servers' limits have changed since it was taken; those before it are on their way.
        this.#drop(index--, error instanceof ConnectorError ? error : new ConnectorError('failed', String(error)));
      }
    }
  }

  #sweep(): void {
    if (this.#pending.length === 0 || !this.#ready || !this.#connected || this.nc.isClosed()) return;
    if (performance.now() - this.#progressMs < ackTimeoutMs) return;
    this.#problem ??= `publishing to "${this.stream}" waits: no acknowledgement within ${ackTimeoutMs} ms`;
    this.#recover(0);
  }

  async #tail(): Promise<OutputTail> {
    try {
      const jsm: JetStreamManager = await managerOf(this.nc, { timeout: apiTimeoutMs });
      return await readTail(jsm, this.stream);
    } catch (error) {
      throw connectorError(`reading the end of the stream "${this.stream}"`, error);
    }
  }

  #end(error: ConnectorError): void {
    if (this.#ended) return;
    this.#ended = new ConnectorError('blocked', error.message);
    this.#problem = error.message;
    this.#ready = false;
    this.#settle(this.#pending.length, this.#ended);
    this.#break(error);
  }
}
