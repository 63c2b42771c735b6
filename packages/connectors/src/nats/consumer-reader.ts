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
import { Arrivals } from './arrivals.js';
import { consumerName } from './consumer-api.js';
import { ConsumerBatch, type Settling } from './consumer-batch.js';
import { type Maker, madeFor } from './consumer-config.js';
import { ConsumerWatch, type Observed } from './consumer-watch.js';
import { durableIncarnation } from './durable-incarnation.js';
import { DurableProgress } from './durable-progress.js';
import { closedWhileOpening, connectorError } from './errors.js';
import { type HeldBack, type Intake, type IntakeTarget, nothingHeld } from './intake.js';
import type { Lineage } from './lineage.js';
import { JetStreamMessage } from './message.js';
import { newStreamRemark } from './provision-consumer.js';
import { PullIntake } from './pull-intake.js';
import { PushIntake } from './push-intake.js';
import type { PositionMemory, ReadPosition } from './read-position.js';
import { Repeats } from './repeats.js';
import { SightingSaver } from './sighting-saver.js';
import { followStatus } from './status.js';

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
  readonly #acknowledgement: Acknowledgement;
  readonly #arrivals: Arrivals;
  readonly #progress: DurableProgress;
  readonly #repeats = new Repeats();
  readonly #intake: Intake;
  /** The batch that was read last, while whoever reads may still be at it. */
  #atHand: ConsumerBatch | undefined;
  readonly #watch: ConsumerWatch;
  readonly #sightings: SightingSaver;
  #sourceIncarnation: string | undefined;
  /** That was delivered here last. */
  #last: JetStreamMessage | undefined;
  #connected = true;
  #ticks = 0;
  #looking: Promise<Observed | undefined> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #unfollow: (() => void) | undefined;
  #stopping: Promise<void> | undefined;

  constructor(readonly options: ConsumerReaderOptions) {
    const { nc, maker, source, memory, lineage, positions, log, onRemark } = options;
    this.#acknowledgement = acknowledgementOf(nc, source.consumer);
    this.#arrivals = new Arrivals({
      source,
      acknowledgement: this.#acknowledgement,
      hasMore: () => this.#last !== undefined && this.#last.pending > 0,
    });
    this.#progress = new DurableProgress(source, this.#acknowledgement);
    const fail = (error: ConnectorError) => this.#arrivals.fail(error);
    const remember = () => void this.#remember();
    this.#watch = new ConsumerWatch({ nc, maker, source, memory, lineage, remember, onRemark, onLost: fail });
    this.#sightings = new SightingSaver(positions, source.streamName);
    const target: IntakeTarget = {
      take: (message) => this.#take(message),
      admits: (message, held) => this.#admits(new JetStreamMessage(message, 0), held),
      room: (asked) => this.#arrivals.room(asked),
      hasRoom: (held) => this.#arrivals.hasRoom(held),
      fail,
    };
    this.#intake =
      source.role === 'source-push' ? new PushIntake(nc, source, target) : new PullIntake(nc, source, target, log);
  }

  get repeatsUntilMs(): number {
    return this.#repeats.untilMs;
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
      this.#repeats.open({ stream, consumer }, nc.info?.server_id);
      this.#progress.open(consumer);
      if (consumer.num_ack_pending === 0) this.#acknowledgement.release();
      this.#arrivals.limitBy(consumer.config);
      this.#unfollow = followStatus(nc, (status) => this.#takeStatus(status));
      const askedMs = performance.now();
      await this.#intake.open(consumer.config);
      this.#arrivals.roundTrip(performance.now() - askedMs);
      if (this.#stopping) throw closedWhileOpening();
      this.#timer = setInterval(() => this.#tick(), tickMs);
      this.#noteSeen(consumer);
    } catch (error) {
      throw connectorError(`reading ${consumerName(source)}`, error);
    }
  }

  async read(): Promise<Batch | undefined> {
    this.#atHand = undefined;
    const messages = await this.#arrivals.next();
    if (!messages) return undefined;
    this.#intake.replenish();
    this.#atHand = new ConsumerBatch(this, messages);
    return this.#atHand;
  }

  keepAlive(): void {
    const before = performance.now() - this.options.source.consumer.ackWaitMs / 3;
    for (const message of this.#arrivals.waiting())
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
    this.#arrivals.end();
  }

  #take(message: Msg): void {
    const received = new JetStreamMessage(message, performance.now());
    if (!this.#admits(received, nothingHeld)) return;
    // Others may work on what did not come here, and it is not to be acknowledged with this.
    if (!this.#progress.came(received.delivery)) this.#acknowledgement.hold();
    this.#last = received;
    this.#repeats.came(received);
    if (!this.#acknowledgement.received(received)) return;
    this.counters.messages++;
    this.counters.bytes += message.data.length;
    this.#arrivals.push(received);
  }

  #admits({ delivered }: JetStreamMessage, held: HeldBack): boolean {
    if (this.#arrivals.admits(held)) return true;
    // Beyond the limit of unacknowledged messages those that come again wait here already: whoever reads is held up.
    if (delivered === 1) this.counters.dropped++;
    return false;
  }

  #settled(batch: ConsumerBatch, message: JetStreamMessage): void {
    this.#arrivals.settled(message, batch !== this.#atHand);
    this.#intake.replenish();
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
    const { gaps } = this.#progress;
    const seen = await this.#watch.check();
    if (!seen) return undefined;
    const { stream, consumer } = seen;
    this.#followLimit(consumer);
    this.#repeats.seen(stream);
    this.#acknowledgement.gone(Math.max(consumer.ack_floor.stream_seq, stream.state.first_seq - 1));
    await this.#passRemoved();
    if (gaps !== this.#progress.gaps) return seen;
    this.#progress.seen(consumer);
    // What came since the question is not counted, and was not acknowledged: the server has at least as much if others hold nothing.
    if (consumer.num_ack_pending <= unacknowledged) this.#acknowledgement.release();
    return seen;
  }

  /** Somebody may have changed how much may be under way; of the connection's own durable that is put right. */
  #followLimit({ config }: ConsumerInfo): void {
    if (config.description === madeFor(this.options.maker)) return;
    try {
      this.#arrivals.limitBy(config);
    } catch (error) {
      this.#arrivals.fail(connectorError(`reading ${consumerName(this.options.source)}`, error));
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
        if (isLate && this.#arrivals.size === 0) this.#arrivals.fail(notComing(source, sequence));
        return;
      }
    }
  }

  #takeStatus(status: Status): void {
    if (status.type === 'disconnect') this.#connected = false;
    else if (status.type === 'reconnect') {
      this.#connected = true;
      this.#repeats.reconnected(this.options.nc.info?.server_id);
      this.#watch.forgive();
      this.#intake.reconnected();
    } else if (status.type === 'error' && status.error instanceof PermissionViolationError) {
      const { streamName, consumer } = this.options.source;
      // The client itself would go on asking, or acknowledging, in vain.
      if (status.error.subject.includes(`.${streamName}.${consumer.name}`))
        this.#arrivals.fail(connectorError(`reading ${consumerName(this.options.source)}`, status.error));
    }
  }

  /** For whoever has to make the consumer again, elsewhere. */
  #noteSeen(consumer: ConsumerInfo): void {
    if (this.#sourceIncarnation === undefined || this.#stopping) return;
    this.#sightings.note({ incarnation: this.#sourceIncarnation, sequence: this.#progress.knownThrough(consumer) });
  }

  /** For whoever has to make the consumer again, here. */
  #remember(): ReadPosition | undefined {
    const consumer = this.#watch.consumer;
    if (!consumer || this.#sourceIncarnation === undefined) return undefined;
    const position = { incarnation: this.#sourceIncarnation, sequence: this.#progress.doneThrough(consumer) };
    this.options.memory.position = position;
    return position;
  }
}

const notComing = (source: ConsumerSource, sequence: number): ConnectorError =>
  new ConnectorError(
    'blocked',
    `message ${sequence} was refused and did not come again, which held back the acknowledgement of those behind it; ${consumerName(source)} is read anew`,
  );
