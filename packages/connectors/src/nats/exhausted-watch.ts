import type { ConsumerSource } from '@laminar/definitions';
import { type ConsumerMessages, type JetStreamManager, jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import type { Exhausted, ExhaustedWatch } from '../contract.js';
import { durableIncarnation, type ReadByDurable } from './durable-incarnation.js';
import { apiCodes, hasCode, isNotPermitted } from './errors.js';
import { advisoriesOf, captureStreamOf, noticeConsumer } from './exhausted-capture.js';
import { ackSubject, unreportedExhausted } from './exhausted-reconcile.js';
import { managerOf } from './jetstream-manager.js';
import { GoneMessage, StoredMessage } from './stored-message.js';

/** A message that could not be fetched, or kept, is tried again after that long. */
const retryDelayMs = 2000;
/** Notices in work at once. */
const noticesMax = 64;
const messageNotFound = 10037;

/** The part of the advisory (io.nats.jetstream.advisory.v1.max_deliver) that matters here. */
interface Notice {
  readonly stream_seq: number;
  readonly deliveries: number;
}

/**
 * Tells of messages that the server has given up delivering: those that ran out of deliveries before anybody captured it, then what the capture
 * stream holds, or, where there is none, what the server says from now on.
 */
export class NatsExhaustedWatch implements ExhaustedWatch {
  readonly #timers = new Set<NodeJS.Timeout>();
  #close: () => unknown = () => undefined;
  #closed = false;

  private constructor(
    readonly nc: NatsConnection,
    readonly jsm: JetStreamManager,
    readonly source: ConsumerSource,
    readonly streamIncarnation: string,
    readonly onExhausted: (exhausted: Exhausted) => void,
  ) {}

  static async open(
    nc: NatsConnection,
    source: ConsumerSource,
    known: Pick<ReadByDurable, 'memory' | 'lineage'>,
    onExhausted: (exhausted: Exhausted) => void,
    signal: AbortSignal,
  ): Promise<NatsExhaustedWatch> {
    const jsm = await managerOf(nc);
    const { streamName, consumer: durable } = source;
    const [stream, consumer] = await Promise.all([
      jsm.streams.info(streamName),
      jsm.consumers.info(streamName, durable.name),
    ]);
    const incarnation = await durableIncarnation({ ...known, stream, consumer });
    const watch = new NatsExhaustedWatch(nc, jsm, source, incarnation, onExhausted);
    try {
      await watch.#reconcile(signal);
      signal.throwIfAborted();
      await watch.#listen();
      return watch;
    } catch (error) {
      await watch.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#close();
  }

  /**
   * Slots that share a durable would take each other's messages for given up, and where an acknowledgement covers all before it none counts for one
   * message alone.
   */
  async #reconcile(signal: AbortSignal): Promise<void> {
    const { nc, jsm, source } = this;
    if (source.parallelism > 1 || source.consumer.ackPolicy === 'all') return;
    const messages = await unreportedExhausted({ nc, jsm, source, signal }).catch((error) => {
      // Whoever may not look at the stream is told so where an advisory comes.
      if (isNotPermitted(error)) return [];
      throw error;
    });
    for (const message of messages) this.#tellFound(message);
  }

  #tellFound(message: StoredMessage): void {
    this.onExhausted({
      message,
      streamIncarnation: this.streamIncarnation,
      problem: undefined,
      settle: (kept) => {
        if (kept) this.#acknowledge(message.sequence, message.delivered);
        else this.#later(() => this.#tellFound(message));
      },
    });
  }

  async #listen(): Promise<void> {
    let messages: ConsumerMessages;
    try {
      const consumer = await jetstream(this.nc).consumers.get(captureStreamOf(this.source), noticeConsumer);
      messages = await consumer.consume({
        max_messages: noticesMax,
        callback: (notice) => void this.#take(notice.data, (done) => (done ? notice.ack() : notice.nak(retryDelayMs))),
      });
    } catch (error) {
      const missing = hasCode(error, apiCodes.streamNotFound) || hasCode(error, apiCodes.consumerNotFound);
      if (!missing && !isNotPermitted(error)) throw error;
      // Why there is no such stream is said where it was to be made.
      this.#subscribe();
      return;
    }
    this.#close = () => messages.close();
    void this.#follow(messages);
  }

  /** A capture stream that somebody deletes leaves the advisories themselves. */
  async #follow(messages: ConsumerMessages): Promise<void> {
    for await (const { type } of messages.status()) {
      if (this.#closed) return;
      if (type !== 'consumer_deleted' && type !== 'consumer_not_found' && type !== 'stream_not_found') continue;
      messages.stop();
      this.#subscribe();
      return;
    }
  }

  /** Of several readers one is told. */
  #subscribe(): void {
    const { consumer } = this.source;
    const subscription = this.nc.subscribe(advisoriesOf(this.source), {
      queue: `laminar-${consumer.name}`,
      callback: (error, { data }) => {
        if (!error) void this.#take(data, (done) => void (done || this.#later(() => void this.#again(data))));
      },
    });
    this.#close = () => subscription.unsubscribe();
  }

  #again(data: Uint8Array): Promise<void> {
    return this.#take(data, (done) => void (done || this.#later(() => void this.#again(data))));
  }

  /** `settle` is told whether the notice is done with. */
  async #take(data: Uint8Array, settle: (done: boolean) => void): Promise<void> {
    const notice = readNotice(data);
    // Not from a server.
    if (!notice) return settle(true);
    const { stream_seq: sequence, deliveries } = notice;
    const { streamName, consumer } = this.source;
    let problem: string | undefined;
    let message: StoredMessage | GoneMessage | undefined;
    try {
      const stored = await this.jsm.streams.getMessage(streamName, { seq: sequence });
      if (stored) message = new StoredMessage(stored, streamName, consumer.name, deliveries);
      else problem = 'the stream does not hold it any more';
    } catch (error) {
      if (this.#closed) return;
      if (hasCode(error, messageNotFound)) problem = 'the stream does not hold it any more';
      else if (isNotPermitted(error)) problem = 'fetching it from the stream is not permitted';
      else return settle(false);
    }
    if (this.#closed) return;
    message ??= new GoneMessage(streamName, sequence, consumer.name, deliveries, Date.now());
    this.onExhausted({
      message,
      streamIncarnation: this.streamIncarnation,
      problem,
      settle: (kept) => {
        if (this.nc.isClosed()) return;
        if (kept) this.#acknowledge(sequence, deliveries);
        settle(kept);
      },
    });
  }

  /** The server keeps count of a message that it has given up as long as it is not acknowledged, and on a work queue the message itself. */
  #acknowledge(sequence: number, deliveries: number): void {
    if (this.nc.isClosed()) return;
    this.nc.publish(ackSubject(this.source, sequence, deliveries));
  }

  #later(work: () => void): void {
    if (this.#closed) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      work();
    }, retryDelayMs);
    this.#timers.add(timer);
  }
}

function readNotice(data: Uint8Array): Notice | undefined {
  try {
    const notice: Partial<Notice> = JSON.parse(new TextDecoder().decode(data));
    return Number.isSafeInteger(notice.stream_seq) && Number.isSafeInteger(notice.deliveries)
      ? (notice as Notice)
      : undefined;
  } catch {
    return undefined;
  }
}
