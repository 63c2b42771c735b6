import { clearInterval, setInterval } from 'node:timers';
import type { ConsumerSource } from '@laminar/definitions';
import type { ConsumerInfo } from '@nats-io/jetstream';
import { type Msg, type NatsConnection, PermissionViolationError, type Status } from '@nats-io/nats-core';
import type { ConnectionLog } from '../connection-log.js';
import {
  type Batch,
  ConnectorError,
  type ConsumerSnapshot,
  type PositionStore,
  type Reader,
  type ReaderCounters,
} from '../contract.js';
import type { Acknowledgement } from './acknowledgement.js';
import { acknowledgementOf } from './acknowledgement-of.js';
import { Batching } from './batching.js';
import { ByteRoom } from './byte-room.js';
import { consumerName } from './consumer-api.js';
import { ConsumerBatch, type Settling } from './consumer-batch.js';
import { type Maker, madeFor } from './consumer-config.js';
import { ConsumerWatch, type Observed } from './consumer-watch.js';
import { durableIncarnation } from './durable-incarnation.js';
import { closedWhileOpening, connectorError } from './errors.js';
import { FirstDeliveries } from './first-deliveries.js';
import { type HeldBack, type Intake, type IntakeTarget, nothingHeld } from './intake.js';
import type { Lineage } from './lineage.js';
import { JetStreamMessage } from './message.js';
import { Prefetch } from './prefetch.js';
import { newStreamRemark } from './provision-consumer.js';
import { PullIntake } from './pull-intake.js';
import { PushIntake } from './push-intake.js';
import { floorOf, type PositionMemory, type ReadPosition } from './read-position.js';
import { SightingSaver } from './sighting-saver.js';
import { followStatus } from './status.js';
import { timestampMsOf } from './stored-message.js';
import { type WaitingMax, waitingMaxOf } from './waiting-max.js';

/** A server that is away delivers nothing to anybody. */
const stopTimeoutMs = 1000;
const tickMs = 1000;
/** With the watch's patience this says within 10 s whatever happens to the consumer. */
const ticksPerCheck = 2;
/** Messages that one look asks the stream for, at most. */
const probesMax = 100;
/** A refused message that did not come again for so many times `ack_wait` is not waited for any longer. */
const overdueMax = 5;

export interface ConsumerReaderOptions {
  readonly nc: NatsConnection;
  readonly maker: Maker;
  readonly source: ConsumerSource;
  readonly memory: PositionMemory;
  readonly lineage: Lineage;
  readonly positions: Pick<PositionStore, 'save'>;
  /** Told of each pull. */
  readonly log: ConnectionLog;
  onRemark(remark: string): void;
}

/**
 * Reads a durable consumer. What waits in memory is bounded by the consumer's own limit of unacknowledged messages, and in bytes where messages are asked for or the server has flow control. A consumer or stream that
 * goes away makes `read` throw, and the position up to which everything was done is remembered.
 */
export class ConsumerReader implements Reader, Settling {
  readonly counters: ReaderCounters = { messages: 0, bytes: 0, dropped: 0 };
  readonly #batching: Batching<JetStreamMessage>;
  readonly #acknowledgement: Acknowledgement;
  readonly #intake: Intake;
  /** Undefined where it is the server that decides what comes. */
  readonly #prefetch: Prefetch | undefined;
  readonly #byteRoom = new ByteRoom();
  /** The batch that was read last, while whoever reads may still be at it. */
  #atHand: ConsumerBatch | undefined;
  readonly #watch: ConsumerWatch;
  readonly #sightings: SightingSaver;
  #sourceIncarnation: string | undefined;
  #repeatsUntilMs = Number.POSITIVE_INFINITY;
  #serverId: string | undefined;
  /** Up to this sequence there may be messages that were delivered and did not come here: the server alone knows what became of them. */
  #elsewhereThrough = 0;
  /** Everything up to this sequence was done when this reader opened. */
  #floor = 0;
  #firstDeliveries: FirstDeliveries | undefined;
  #nextDelivery = 0;
  /** That was delivered here last. */
  #last: JetStreamMessage | undefined;
  #gaps = 0;
  #waitingMax: WaitingMax = { messages: 0, bytes: 0 };
  #connected = true;
  #ticks = 0;
  #looking: Promise<Observed | undefined> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #unfollow: (() => void) | undefined;
  #stopping: Promise<void> | undefined;

  constructor(readonly options: ConsumerReaderOptions) {
    const { nc, maker, source, memory, lineage, positions, log, onRemark } = options;
    this.#batching = new Batching({ size: source.batchSize, timeoutMs: source.batchTimeoutMs });
    this.#acknowledgement = acknowledgementOf(nc, source.consumer);
    const fail = (error: ConnectorError) => this.#batching.fail(error);
    const remember = () => void this.#remember();
    this.#watch = new ConsumerWatch({ nc, maker, source, memory, lineage, remember, onRemark, onLost: fail });
    this.#sightings = new SightingSaver(positions, source.streamName);
    const { maxAckPending } = source.consumer;
    if (source.role !== 'source-push')
      this.#prefetch = new Prefetch({
        batch: source.pullBatchSize,
        least: source.batchTimeoutMs > 0 ? 2 * source.batchSize : 1,
        max: maxAckPending,
        nowMs: performance.now(),
        hasMore: () => this.#last !== undefined && this.#last.pending > 0,
      });
    const target: IntakeTarget = {
      take: (message) => this.#take(message),
      admits: (message, held) => this.#admits(new JetStreamMessage(message, 0), held),
      room: (asked) => this.#room(asked),
      hasRoom: (held) => this.#hasRoom(held),
      fail,
    };
    this.#intake =
      source.role === 'source-push' ? new PushIntake(nc, source, target) : new PullIntake(nc, source, target, log);
  }

  get repeatsUntilMs(): number {
    return this.#repeatsUntilMs;
  }

  get sourceIncarnation(): string | undefined {
    return this.#sourceIncarnation;
  }

  async open(): Promise<void> {
    const { nc, source, memory, lineage, onRemark } = this.options;
    try {
      const { stream, consumer } = await this.#watch.open();
      const sourceIncarnation = await durableIncarnation({ memory, lineage, stream, consumer });
      if (this.#stopping) throw closedWhileOpening();
      this.#sourceIncarnation = sourceIncarnation;
      if (memory.position && memory.position.incarnation !== this.#sourceIncarnation)
        onRemark(newStreamRemark(source.streamName));
      this.#serverId = nc.info?.server_id;
      this.#repeatsUntilMs = repeatsUntilMs({ stream, consumer });
      this.#elsewhereThrough = consumer.delivered.stream_seq;
      this.#floor = floorOf(consumer);
      this.#firstDeliveries = new FirstDeliveries({
        delivered: consumer.delivered.stream_seq,
        ackPending: consumer.num_ack_pending,
      });
      this.#nextDelivery = consumer.delivered.consumer_seq + 1;
      if (consumer.num_ack_pending === 0) this.#acknowledgement.release();
      this.#waitingMax = waitingMaxOf(source, consumer.config);
      this.#unfollow = followStatus(nc, (status) => this.#takeStatus(status));
      const askedMs = performance.now();
      await this.#intake.open(consumer.config);
      if (this.#prefetch) this.#prefetch.roundTripMs = performance.now() - askedMs;
      if (this.#stopping) throw closedWhileOpening();
      this.#timer = setInterval(() => this.#tick(), tickMs);
      this.#noteSeen(consumer);
    } catch (error) {
      throw connectorError(`reading ${consumerName(source)}`, error);
    }
  }

  async read(): Promise<Batch | undefined> {
    this.#atHand = undefined;
    const messages = await this.#batching.next();
    if (!messages) return undefined;
    for (const { data } of messages) this.#byteRoom.read(data.length);
    this.#intake.replenish();
    this.#atHand = new ConsumerBatch(this, messages);
    return this.#atHand;
  }

  keepAlive(): void {
    const before = performance.now() - this.options.source.consumer.ackWaitMs / 3;
    for (const message of this.#batching.waiting())
      if (message.receivedMs < before) this.#acknowledgement.working(message);
    this.#acknowledgement.keepAlive(before);
    this.#intake.keepAlive(before);
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async close(): Promise<void> {
    await this.stop();
    const position = this.#remember();
    await this.#sightings.end(position);
  }

  /** Settles a message of a batch of this reader, as `nak` and `term` do. */
  ack(batch: ConsumerBatch, message: JetStreamMessage): void {
    this.#acknowledgement.ack(message);
    this.#settled(batch, message);
  }

  nak(batch: ConsumerBatch, message: JetStreamMessage, delayMs: number): void {
    this.#acknowledgement.nak(message, delayMs);
    this.#settled(batch, message);
  }

  term(batch: ConsumerBatch, message: JetStreamMessage): void {
    this.#acknowledgement.term(message);
    this.#settled(batch, message);
  }

  working(message: JetStreamMessage): void {
    this.#acknowledgement.working(message);
  }

  async consumerInfo(): Promise<ConsumerSnapshot | undefined> {
    const info = (await this.#look())?.consumer;
    return (
      info && {
        stream: info.stream_name,
        consumer: info.name,
        pending: info.num_pending,
        ackPending: info.num_ack_pending,
        redelivered: info.num_redelivered,
        waitingPulls: info.num_waiting ?? 0,
        lastDelivered: info.delivered.stream_seq,
      }
    );
  }

  async #stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#unfollow?.();
    // Once the server knows that nobody listens here, what comes next goes to other readers at once.
    await this.#intake.stop(stopTimeoutMs);
    this.#batching.end();
  }

  #take(message: Msg): void {
    const received = new JetStreamMessage(message, performance.now());
    if (!this.#admits(received, nothingHeld)) return;
    if (received.delivery !== this.#nextDelivery) this.#missed();
    this.#nextDelivery = received.delivery + 1;
    this.#last = received;
    if (this.#firstDeliveries?.isAgain(received))
      this.#repeatsUntilMs = Math.max(this.#repeatsUntilMs, received.timestampMs);
    if (!this.#acknowledgement.received(received)) return;
    this.counters.messages++;
    const { length } = message.data;
    this.counters.bytes += length;
    this.#byteRoom.came(length);
    this.#batching.push(received);
  }

  #admits(received: JetStreamMessage, held: HeldBack): boolean {
    const { messages, bytes } = this.#waitingMax;
    if (this.#batching.size + held.messages < messages && this.#byteRoom.waiting + held.bytes < bytes) return true;
    // Beyond the limit of unacknowledged messages those that come again wait here already: whoever reads is held up.
    if (received.delivered === 1) this.counters.dropped++;
    return false;
  }

  #hasRoom(held: HeldBack): boolean {
    const hasPlace = this.#batching.size + held.messages < this.options.source.consumer.maxAckPending;
    return hasPlace && this.#byteRoom.isLeft(this.#acknowledgement.bytesUnderWay, held.bytes);
  }

  #room(asked: number): number {
    const room = this.options.source.consumer.maxAckPending - this.#batching.size - asked;
    if (!this.#prefetch) return room;
    const { underWay, bytesUnderWay } = this.#acknowledgement;
    return Math.min(room, this.#prefetch.room(underWay, asked), this.#byteRoom.for(asked, bytesUnderWay));
  }

  /** Answered while its batch is at hand, a message had to wait for nothing. */
  #settled(batch: ConsumerBatch, { receivedMs }: JetStreamMessage): void {
    if (this.#prefetch) {
      const nowMs = performance.now();
      this.#prefetch.settled(batch === this.#atHand ? undefined : nowMs - receivedMs, nowMs);
    }
    this.#intake.replenish();
  }

  /** Deliveries did not come here: to another reader, or lost with a connection. */
  #missed(): void {
    this.#gaps++;
    this.#elsewhereThrough = Number.POSITIVE_INFINITY;
    this.#acknowledgement.hold();
  }

  #tick(): void {
    if (!this.#connected) return;
    this.#intake.tick();
    if (++this.#ticks % ticksPerCheck === 0) void this.#look().then((seen) => seen && this.#noteSeen(seen.consumer));
  }

  #look(): Promise<Observed | undefined> {
    this.#looking ??= this.#lookOnce().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #lookOnce(): Promise<Observed | undefined> {
    if (!this.#connected) return undefined;
    const { unacknowledged } = this.#acknowledgement;
    const gaps = this.#gaps;
    const seen = await this.#watch.check();
    if (!seen) return undefined;
    const { stream, consumer } = seen;
    this.#followLimit(consumer);
    if (this.#repeatsUntilMs === Number.POSITIVE_INFINITY) this.#repeatsUntilMs = timestampMsOf(stream.state.last_ts);
    this.#acknowledgement.gone(Math.max(consumer.ack_floor.stream_seq, stream.state.first_seq - 1));
    await this.#passRemoved();
    if (gaps !== this.#gaps) return seen;
    this.#elsewhereThrough = Math.min(this.#elsewhereThrough, consumer.delivered.stream_seq);
    // What came since the question is not counted, and was not acknowledged: the server has at least as much if others hold nothing.
    if (consumer.num_ack_pending <= unacknowledged) this.#acknowledgement.release();
    return seen;
  }

  /** Somebody may have changed how much may be under way; of the connection's own durable that is put right. */
  #followLimit({ config }: ConsumerInfo): void {
    if (config.description === madeFor(this.options.maker)) return;
    try {
      this.#waitingMax = waitingMaxOf(this.options.source, config);
    } catch (error) {
      this.#batching.fail(connectorError(`reading ${consumerName(this.options.source)}`, error));
    }
  }

  /** A refused message that does not come again holds back all behind it: it was removed from the midst of the stream, or is kept from this reader. */
  async #passRemoved(): Promise<void> {
    const { source } = this.options;
    const { ackWaitMs } = source.consumer;
    for (let probes = 0; probes < probesMax; probes++) {
      const nowMs = performance.now();
      const sequence = this.#acknowledgement.overdue(nowMs - ackWaitMs);
      if (sequence === undefined) return;
      if (await this.#watch.isRemoved(sequence)) this.#acknowledgement.gone(sequence);
      else {
        const isLate = this.#acknowledgement.overdue(nowMs - overdueMax * ackWaitMs) === sequence;
        // What waits to be read here may hold it up.
        if (isLate && this.#batching.size === 0) this.#batching.fail(notComing(source, sequence));
        return;
      }
    }
  }

  #takeStatus(status: Status): void {
    if (status.type === 'disconnect') this.#connected = false;
    else if (status.type === 'reconnect') {
      this.#connected = true;
      this.#noteServer();
      this.#watch.forgive();
      this.#intake.reconnected();
    } else if (status.type === 'error' && status.error instanceof PermissionViolationError) {
      const { streamName, consumer } = this.options.source;
      // The client itself would go on asking, or acknowledging, in vain.
      if (status.error.subject.includes(`.${streamName}.${consumer.name}`))
        this.#batching.fail(connectorError(`reading ${consumerName(this.options.source)}`, status.error));
    }
  }

  /** A server that crashed may have forgotten what it delivered last, and what was acknowledged. */
  #noteServer(): void {
    const serverId = this.options.nc.info?.server_id;
    if (serverId !== this.#serverId) this.#repeatsUntilMs = Number.POSITIVE_INFINITY;
    this.#serverId = serverId;
  }

  /** For whoever has to make the consumer again, elsewhere. */
  #noteSeen(consumer: ConsumerInfo): void {
    if (this.#sourceIncarnation === undefined || this.#stopping) return;
    this.#sightings.note({ incarnation: this.#sourceIncarnation, sequence: this.#doneThrough(consumer) });
  }

  /** As the server knows it, or has known when this reader opened. */
  #doneThrough(consumer: ConsumerInfo): number {
    if (this.options.source.consumer.ackPolicy === 'none') return consumer.delivered.stream_seq;
    return Math.max(this.#floor, floorOf(consumer));
  }

  /** For whoever has to make the consumer again, here. */
  #remember(): ReadPosition | undefined {
    const { source, memory } = this.options;
    const consumer = this.#watch.consumer;
    if (!consumer || this.#sourceIncarnation === undefined) return undefined;
    const { ackPolicy } = source.consumer;
    const known = this.#doneThrough(consumer);
    // What others received, or the reader before this one, only the server knows.
    const isOnly = source.parallelism === 1 && (ackPolicy === 'none' || known >= this.#elsewhereThrough);
    const sequence = isOnly ? Math.max(known, this.#acknowledgement.settledThrough ?? 0) : known;
    memory.position = { incarnation: this.#sourceIncarnation, sequence };
    return memory.position;
  }
}

/**
 * A consumer made in the midst of a stream may be in the place of one that delivered what came before. One of which its server does not know when it last
 * delivered anything stands on a server that has started since, perhaps after a crash.
 */
function repeatsUntilMs({ stream, consumer }: Observed): number {
  const isKnown = consumer.delivered.last_active !== undefined;
  return timestampMsOf(isKnown ? consumer.created : stream.state.last_ts);
}

const notComing = (source: ConsumerSource, sequence: number): ConnectorError =>
  new ConnectorError(
    'blocked',
    `message ${sequence} was refused and did not come again, which held back the acknowledgement of those behind it; ${consumerName(source)} is read anew`,
  );
