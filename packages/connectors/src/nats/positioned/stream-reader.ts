import type { Msg, NatsConnection } from '@nats-io/nats-core';
import {
  type Batch,
  ConnectorError,
  type ConsumerSnapshot,
  type Position,
  type PositionStore,
  type Reader,
  type ReaderCounters,
} from '../../contract.js';
import { closedWhileOpening, connectorError } from '../errors.js';
import { LargestOfLate } from '../largest-of-late.js';
import { RateLimit } from '../rate-limit.js';
import { Backlog } from './backlog.js';
import type { DeliveryStanding } from './delivery-standing.js';
import { Handover } from './handover.js';
import { PositionKeeper } from './position-keeper.js';
import { PositionedMessage } from './positioned-message.js';
import { StreamFeed } from './stream-feed.js';
import type { StreamView } from './stream-view.js';

/** Of messages that are received and not settled, as many bytes as a sink holds. */
const unsettledBytesMax = 16 * 1024 * 1024;
/** What a server lets a message have unless it is told otherwise: a guess while none has come. */
const firstBytes = 1024 * 1024;

/** How often it is looked whether somebody has forgotten a message, in its `ack_wait`. */
const checksPerAckWait = 4;

export interface StreamReaderOptions {
  readonly nc: NatsConnection;
  readonly view: StreamView;
  /** Of the connection. */
  readonly name: string;
  readonly batchSize: number;
  readonly batchTimeoutMs: number;
  readonly positions: PositionStore;
  /** Something was missed, or is read again: what, for people. */
  onRemark(remark: string): void;
}

/**
 * Reads a stream by its sequence, after a position that it moves on itself as messages are settled. Nothing of that is known to the server: what is to be handed over
 * again comes from here. What waits in memory is bounded, by number and size, by asking for no more.
 */
export class StreamReader implements Reader {
  readonly counters: ReaderCounters = { messages: 0, bytes: 0, dropped: 0 };
  readonly #backlog: Backlog<PositionedMessage>;
  readonly #handover: Handover<PositionedMessage>;
  readonly #feed: StreamFeed;
  readonly #largest = new LargestOfLate();
  #keeper: PositionKeeper | undefined;
  #abandonmentTimer: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(readonly options: StreamReaderOptions) {
    const { nc, view, name, batchSize, batchTimeoutMs, onRemark } = options;
    const limit = view.rateLimit === undefined ? undefined : new RateLimit(view.rateLimit, performance.now());
    this.#backlog = new Backlog(view.inOrder);
    this.#handover = new Handover(this.#backlog, { batchSize, batchTimeoutMs, limit });
    const events = {
      onMessage: (message: Msg, standing: DeliveryStanding) => this.#receive(message, standing),
      onUnserved: () => this.#request(),
      onFailed: (error: ConnectorError) => this.#handover.fail(error),
      onRemark,
    };
    this.#feed = new StreamFeed({ nc, view, name, events });
  }

  /** A position lags behind what its reader did: a crash repeats the rest. */
  get repeatsUntilMs(): number {
    return this.#feed.standingMs;
  }

  get sourceIncarnation(): string | undefined {
    return this.#feed.incarnation;
  }

  async open(): Promise<void> {
    const { positions, onRemark, view } = this.options;
    try {
      this.#backlog.startAfter(await this.#feed.open(await positions.load()));
      const position = this.#position();
      // From now on a reader before this one cannot move it on any more, and `start` has had its effect.
      await positions.save(position);
      if (this.#ended) throw closedWhileOpening();
      this.#keeper = new PositionKeeper(positions, position, () => this.#position(), {
        onTaken: (error) => this.#handover.fail(error),
        onUnsaved: (reason) => onRemark(`how far ${view.what} is read is not kept at the moment: ${reason}`),
      });
      this.#watchAbandoned();
      this.#feed.start();
      this.#request();
    } catch (error) {
      throw connectorError(`reading ${view.what}`, error);
    }
  }

  async read(): Promise<Batch | undefined> {
    const messages = await this.#handover.next();
    // Nobody settles what is not acknowledged: it is done with as soon as it is handed over.
    if (messages && this.options.view.ackWaitMs === undefined) for (const message of messages) this.settle(message);
    return messages && new PositionedBatch(this, messages);
  }

  /** What is not handed over yet is nobody else's in the meantime. */
  keepAlive(): void {}

  async stop(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#feed.stop();
    this.#handover.end();
  }

  async close(): Promise<void> {
    await this.stop();
    clearInterval(this.#abandonmentTimer);
    await this.#keeper?.stop();
    this.#keeper = undefined;
    await this.#feed.close();
  }

  async consumerInfo(): Promise<ConsumerSnapshot | undefined> {
    const info = await this.#feed.info();
    return (
      info && {
        stream: info.stream_name,
        consumer: info.name,
        pending: info.num_pending,
        ackPending: this.#backlog.size,
        redelivered: this.#backlog.again,
        waitingPulls: info.num_waiting,
        lastDelivered: info.delivered.stream_seq,
      }
    );
  }

  /** The message is done with. */
  settle(message: PositionedMessage): void {
    this.#backlog.settle(message);
    this.#request();
  }

  /** The message is to be handed over again, unless that was often enough. */
  putBack(message: PositionedMessage, delayMs: number): void {
    if (this.#isLastDelivery(message)) {
      this.settle(message);
      return;
    }
    this.#backlog.putBack(message, performance.now() + delayMs);
    this.#handover.putBack();
  }

  #isLastDelivery({ delivered }: PositionedMessage): boolean {
    const { maxDeliver } = this.options.view;
    return maxDeliver > 0 && delivered >= maxDeliver;
  }

  #receive(message: Msg, standing: DeliveryStanding): void {
    this.counters.messages++;
    this.counters.bytes += message.data.length;
    const received = new PositionedMessage(message, standing);
    this.#largest.note(received.bytes);
    this.#backlog.add(received);
    this.#handover.added();
    this.#request();
  }

  #request(): void {
    const { size, bytes } = this.#backlog;
    const byBytes = Math.floor((unsettledBytesMax - bytes) / (this.#largest.bytes || firstBytes));
    // A message that is larger than all that may be here comes alone.
    const room = size === 0 ? Math.max(1, byBytes) : byBytes;
    this.#feed.request(Math.min(this.options.view.unsettledMax - size, room));
  }

  #position(): Position {
    const sequence = this.#backlog.settledUntil;
    const { currentUntil, incarnation = '' } = this.#feed;
    const { source } = this.options.view;
    return { source, incarnation, sequence, currentUntil: sequence < currentUntil ? currentUntil : 0 };
  }

  /** What was handed over and forgotten comes again. In order that is only possible from the position on. */
  #watchAbandoned(): void {
    const { ackWaitMs, inOrder, what } = this.options.view;
    if (ackWaitMs === undefined) return;
    this.#abandonmentTimer = setInterval(() => {
      const abandoned = this.#backlog.abandoned(performance.now() - ackWaitMs);
      // Nor may one that was handed over for the last time be given up for whoever holds it.
      const stuck = inOrder ? abandoned[0] : abandoned.find((message) => this.#isLastDelivery(message));
      if (stuck !== undefined) {
        const reason = `message ${stuck.sequence} of ${what} was not done with in ${ackWaitMs / 1000} s; it is read again`;
        this.#handover.fail(new ConnectorError('blocked', reason));
      } else for (const message of abandoned) this.putBack(message, 0);
    }, ackWaitMs / checksPerAckWait);
  }
}

/** Settled here: the server keeps no account of it. */
class PositionedBatch implements Batch {
  constructor(
    readonly reader: Pick<StreamReader, 'settle' | 'putBack'>,
    readonly messages: readonly PositionedMessage[],
  ) {}

  ack(index: number): void {
    const message = this.messages[index];
    if (message) this.reader.settle(message);
  }
  nak(index: number, delayMs: number): void {
    const message = this.messages[index];
    if (message) this.reader.putBack(message, delayMs);
  }
  term(index: number): void {
    this.ack(index);
  }
  working(index: number): void {
    const message = this.messages[index];
    if (message?.workedOnMs !== undefined) message.workedOnMs = performance.now();
  }
}
