import { type JetStreamManager, jetstreamManager, type StreamInfo } from '@nats-io/jetstream';
import { InvalidArgumentError, type Msg, type NatsConnection, nuid } from '@nats-io/nats-core';
import {
  type Batch,
  ConnectorError,
  type ConsumerSnapshot,
  type Position,
  type PositionStore,
  type Reader,
  type ReaderCounters,
} from '../../contract.js';
import { within } from '../../within.js';
import { apiCodes, connectorError, hasCode } from '../errors.js';
import { Backlog } from './backlog.js';
import type { DeliveryStanding } from './delivery-standing.js';
import { type ConsumerEvents, EphemeralConsumer } from './ephemeral-consumer.js';
import { Pace } from './pace.js';
import { PositionKeeper } from './position-keeper.js';
import { PositionedMessage } from './positioned-message.js';
import { goOn, removedNotice, type StartingPoint, type StreamFacts, startingPoint } from './starting-point.js';
import type { StreamView } from './stream-view.js';

/** Asked for in one pull at most. */
const pullMax = 1000;
/** The server takes names of 255 characters, some of which make this one unique. */
const consumerNameMax = 200;
/** How long the server may take to answer. */
const apiTimeoutMs = 3000;
/** How often it is looked whether somebody has forgotten a message, in its `ack_wait`. */
const checksPerAckWait = 4;
/** How often it is asked at most whether messages were removed before they were read. */
const gapIntervalMs = 1000;
/** What the end of a reader waits for a server that is away. */
const deleteTimeoutMs = 1000;

export interface StreamReaderOptions {
  readonly nc: NatsConnection;
  readonly view: StreamView;
  /** Of the connection; the consumer is named after it. */
  readonly name: string;
  readonly batchSize: number;
  readonly batchTimeoutMs: number;
  readonly positions: PositionStore;
  /** Something was missed, or is read again: what, for people. */
  onRemark(remark: string): void;
}

/**
 * Reads a stream by its sequence, after a position that it moves on itself. The consumer that the messages come from is made for this reader and made again
 * whenever it is gone, after the last message that was received. What waits in memory is bounded by asking for no more.
 */
export class StreamReader implements Reader {
  readonly counters: ReaderCounters = { messages: 0, bytes: 0, dropped: 0 };
  readonly #view: StreamView;
  #sourceIncarnation: string | undefined;
  #backlog: Backlog<PositionedMessage>;
  /** Up to this sequence only the newest message of each subject is wanted. */
  #currentUntil = 0;
  #consumer: EphemeralConsumer | undefined;
  /** The consumer is asked for messages: not before everything stands, nor while another one is made. */
  #reading = false;
  #keeper: PositionKeeper | undefined;
  readonly #pace: Pace | undefined;
  #abandonmentTimer: NodeJS.Timeout | undefined;
  #ended = false;
  #error: ConnectorError | undefined;
  #wake: (() => void) | undefined;
  #waking = false;
  /** Monotonic milliseconds of when the first message came that waits for a full batch. */
  #gatheringMs: number | undefined;
  #explaining = false;
  #gapTimer: NodeJS.Timeout | undefined;

  constructor(readonly options: StreamReaderOptions) {
    this.#view = options.view;
    this.#backlog = new Backlog(this.#view.inOrder, 0);
    const { rateLimit } = this.#view;
    this.#pace = rateLimit === undefined ? undefined : new Pace(rateLimit, performance.now());
  }

  get sourceIncarnation(): string | undefined {
    return this.#sourceIncarnation;
  }

  async open(): Promise<void> {
    const { positions, onRemark } = this.options;
    try {
      const jsm = await this.#manager();
      const stream = factsOf(await this.#info(jsm));
      const start = startingPoint(this.#view, stream, await positions.load());
      this.#sourceIncarnation = stream.incarnation;
      this.#currentUntil = start.currentUntil;
      const consumer = await this.#create(jsm, start);
      this.#consumer = consumer;
      this.#backlog = new Backlog(this.#view.inOrder, start.after ?? consumer.created.delivered.stream_seq);
      const position = this.#position();
      // From now on a reader before this one cannot move it on any more, and `start` has had its effect.
      await positions.save(position);
      this.#keeper = new PositionKeeper(positions, position, () => this.#position(), {
        onTaken: (error) => this.#fail(error),
        onUnsaved: (reason) => onRemark(`how far ${this.#view.what} is read is not kept at the moment: ${reason}`),
      });
      if (start.remark !== undefined) onRemark(start.remark);
      this.#watchAbandoned();
      this.#reading = true;
      this.#request();
    } catch (error) {
      throw connectorError(`reading ${this.#view.what}`, error);
    }
  }

  async read(): Promise<Batch | undefined> {
    for (;;) {
      const nowMs = performance.now();
      const pauseMs = this.#pauseMs(nowMs);
      if (pauseMs === 0) {
        const messages = this.#take(nowMs);
        if (messages.length > 0) return new PositionedBatch(this, messages);
        if (this.#error) throw this.#error;
        if (this.#ended) return undefined;
      }
      await this.#untilWoken(pauseMs);
    }
  }

  /** What is not handed over yet is nobody else's in the meantime. */
  keepAlive(): void {}

  async stop(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#backlog.forgetAgain();
    this.#consumer?.stop();
    clearTimeout(this.#gapTimer);
    this.#wakeSoon();
  }

  async close(): Promise<void> {
    await this.stop();
    clearInterval(this.#abandonmentTimer);
    await this.#keeper?.stop();
    this.#keeper = undefined;
    const consumer = this.#consumer;
    this.#consumer = undefined;
    if (consumer) await within(deleteTimeoutMs, consumer.delete());
  }

  async consumerInfo(): Promise<ConsumerSnapshot | undefined> {
    const info = await this.#consumer?.info();
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

  settle(message: PositionedMessage): void {
    this.#backlog.settle(message);
    this.#request();
  }

  putBack(message: PositionedMessage, delayMs: number): void {
    const { maxDeliver } = this.#view;
    // What a server would never deliver again is done with.
    if (maxDeliver > 0 && message.delivered >= maxDeliver) this.settle(message);
    else this.#backlog.putBack(message, performance.now() + delayMs);
    this.#wakeSoon();
  }

  #position(): Position {
    const sequence = this.#backlog.settledUntil;
    return {
      source: this.#view.source,
      incarnation: this.#sourceIncarnation ?? '',
      sequence,
      currentUntil: sequence < this.#currentUntil ? this.#currentUntil : 0,
    };
  }

  #manager(): Promise<JetStreamManager> {
    return jetstreamManager(this.options.nc, { timeout: apiTimeoutMs });
  }

  async #info(jsm: JetStreamManager): Promise<StreamInfo> {
    const { stream, what, remedy } = this.#view;
    try {
      const info = await jsm.streams.info(stream);
      if (info.config.retention === 'workqueue') {
        const reason = `${what} is a work queue, whose messages are taken by acknowledgement: only a durable consumer can read it`;
        throw new ConnectorError('failed', reason);
      }
      return info;
    } catch (error) {
      if (!hasCode(error, apiCodes.streamNotFound)) throw error;
      throw new ConnectorError('blocked', `${what} does not exist; ${remedy}`, { cause: error });
    }
  }

  async #create(jsm: JetStreamManager, { config }: StartingPoint): Promise<EphemeralConsumer> {
    const { nc, name } = this.options;
    const { stream, filters, consumerName = `laminar-${name}` } = this.#view;
    const [only, another] = filters;
    const filter =
      another !== undefined ? { filter_subjects: [...filters] } : only !== undefined ? { filter_subject: only } : {};
    const unique = `${consumerName.slice(0, consumerNameMax)}-${nuid.next()}`;
    const wanted = { name: unique, description: `of the connection ${name}`, ...filter };
    try {
      return await EphemeralConsumer.create(nc, jsm, stream, { ...wanted, ...config }, this.#events());
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      const reason = `${error.message}; the server at ${nc.getServer()} is ${nc.info?.version}`;
      throw new ConnectorError('failed', reason, { cause: error });
    }
  }

  #events(): ConsumerEvents {
    return {
      onMessage: (message, standing) => this.#receive(message, standing),
      onUnserved: () => this.#request(),
      onEnd: (reason) => void this.#renew(reason),
      onRefused: (error) => this.#fail(connectorError(`reading ${this.#view.what}`, error)),
    };
  }

  #receive(message: Msg, standing: DeliveryStanding): void {
    const { newest } = this.#backlog;
    const sequence = standing.streamSequence;
    // Only where a store is read by its newest entries: they were received before.
    if (sequence <= newest) {
      this.#request();
      return;
    }
    if (sequence !== newest + 1) this.#noteGap(newest, sequence);
    this.counters.messages++;
    this.counters.bytes += message.data.length;
    this.#backlog.add(new PositionedMessage(message, standing));
    this.#gatheringMs ??= performance.now();
    if (this.#wake) this.#wakeSoon();
    this.#request();
  }

  /** Asks for as much as there is room for, in pulls that are worth it. */
  #request(): void {
    const consumer = this.#consumer;
    if (!consumer || !this.#reading || this.#ended) return;
    const { unsettledMax } = this.#view;
    const { requested } = consumer;
    const room = unsettledMax - this.#backlog.size - requested;
    if (room <= 0 || requested > Math.min(pullMax, unsettledMax) / 2) return;
    if (requested > 0 && room < unsettledMax / 4) return;
    consumer.request(Math.min(room, pullMax));
  }

  /** Another consumer takes over after what was received, in the same stream. */
  async #renew(reason: string): Promise<void> {
    const { nc, onRemark } = this.options;
    if (!this.#reading || this.#ended || nc.isClosed()) return;
    this.#reading = false;
    const { what } = this.#view;
    try {
      void this.#consumer?.delete();
      const jsm = await this.#manager();
      const facts = factsOf(await this.#info(jsm));
      if (facts.incarnation !== this.#sourceIncarnation)
        throw new ConnectorError('blocked', `${what} was deleted and made again`);
      const { newest } = this.#backlog;
      if (facts.lastSequence < newest)
        throw new ConnectorError('blocked', `${what} ends at ${facts.lastSequence}, before ${newest}, which was read`);
      const removed = removedNotice(this.#view, newest, facts);
      if (removed !== undefined) onRemark(removed);
      this.#consumer = await this.#create(jsm, goOn(newest, this.#currentUntil, undefined));
      this.#reading = true;
      // Stopped in the meantime: nobody would close what came after.
      if (this.#ended) await this.#consumer.delete();
      else this.#request();
    } catch (error) {
      this.#fail(connectorError(`reading ${what} again (${reason})`, error));
    }
  }

  #fail(error: ConnectorError): void {
    this.#error ??= error;
    this.#wakeSoon();
  }

  #take(nowMs: number): PositionedMessage[] {
    const { batchSize } = this.options;
    const max = this.#pace ? Math.min(batchSize, this.#pace.allowed(nowMs)) : batchSize;
    const messages = this.#backlog.take(max, nowMs);
    this.#pace?.take(messages.length);
    this.#gatheringMs = this.#backlog.fresh > 0 ? nowMs : undefined;
    // Nobody settles what is not acknowledged: it is done with as soon as it is handed over.
    if (this.#view.ackWaitMs === undefined) for (const message of messages) this.settle(message);
    return messages;
  }

  /** Milliseconds until something may be handed over; 0 for now, undefined until something happens. */
  #pauseMs(nowMs: number): number | undefined {
    if (this.#error || this.#ended) return 0;
    const { batchSize, batchTimeoutMs } = this.options;
    const { fresh, again, nextDueMs } = this.#backlog;
    const dueMs = nextDueMs === undefined ? undefined : Math.max(0, nextDueMs - nowMs);
    let pauseMs = dueMs;
    if (fresh > 0 && !(this.#view.inOrder && again > 0)) {
      const gatherMs = fresh >= batchSize ? 0 : Math.max(0, (this.#gatheringMs ?? nowMs) + batchTimeoutMs - nowMs);
      pauseMs = Math.min(pauseMs ?? gatherMs, gatherMs);
    }
    if (pauseMs === 0 && this.#pace && this.#pace.allowed(nowMs) < 1) return this.#pace.waitMs;
    return pauseMs;
  }

  async #untilWoken(pauseMs: number | undefined): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = pauseMs === undefined ? undefined : setTimeout(resolve, Math.ceil(pauseMs));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }

  /** Everything that one chunk of the socket brings is handed over together. */
  #wakeSoon(): void {
    if (this.#waking) return;
    this.#waking = true;
    queueMicrotask(() => {
      this.#waking = false;
      this.#wake?.();
    });
  }

  /** What was handed over and forgotten comes again. In order that is only possible from the position on. */
  #watchAbandoned(): void {
    const { ackWaitMs, inOrder, what } = this.#view;
    if (ackWaitMs === undefined) return;
    this.#abandonmentTimer = setInterval(() => {
      const abandoned = this.#backlog.abandoned(performance.now() - ackWaitMs);
      const [first] = abandoned;
      if (first === undefined) return;
      if (inOrder) {
        const reason = `message ${first.sequence} of ${what} was not done with in ${ackWaitMs / 1000} s; it is read again`;
        this.#fail(new ConnectorError('blocked', reason));
      } else for (const message of abandoned) this.putBack(message, 0);
    }, ackWaitMs / checksPerAckWait);
  }

  /** What is missing between two messages was removed, or is of other subjects: that the stream tells, which is asked of it from time to time only. */
  #noteGap(after: number, before: number): void {
    if (this.#view.start.from === 'current' || this.#explaining) return;
    this.#explaining = true;
    void this.#explainGap(after, before);
    this.#gapTimer = setTimeout(() => {
      this.#explaining = false;
    }, gapIntervalMs);
  }

  async #explainGap(after: number, before: number): Promise<void> {
    try {
      const facts = factsOf(await this.#info(await this.#manager()));
      // Where the stream has moved on past both, nobody can tell any more what was between them.
      const firstSequence = this.#view.filters.length === 0 ? before : facts.firstSequence;
      const removed = firstSequence > before ? undefined : removedNotice(this.#view, after, { firstSequence });
      if (removed !== undefined && !this.#ended) this.options.onRemark(removed);
    } catch {
      // A stream that cannot be asked ends the consumer too, which says why.
    }
  }
}

function factsOf({ created, state }: StreamInfo): StreamFacts {
  return {
    incarnation: Date.parse(created).toString(36),
    firstSequence: state.first_seq,
    lastSequence: state.last_seq,
  };
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
