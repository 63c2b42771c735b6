import type { ConsumerConfig, JetStreamManager } from '@nats-io/jetstream';
import { type NatsConnection, nanos } from '@nats-io/nats-core';
import { ConnectorError, type Tap } from '../contract.js';
import { within } from '../within.js';
import { Batching } from './batching.js';
import { EphemeralConsumer } from './positioned/ephemeral-consumer.js';
import { PositionedMessage } from './positioned/positioned-message.js';
import type { TapPurpose, TappedStream } from './stream-tap.js';
import { hasEnd, isBeyond, isOver } from './tap-range.js';

/** Messages that are asked for ahead of their processing: at first, and at most. */
const prefetchMin = 16;
const prefetchMax = 1000;
/** Bytes of messages that are asked for ahead, judged by the largest that came. */
const prefetchBytes = 4 * 1024 * 1024;
/** Messages of one batch. */
const batchSize = 500;
const deleteTimeoutMs = 1000;
/** When the server itself removes the consumer of a tap that could not, because nobody pulls any more. */
const inactiveMs = 30_000;
/** How often one that is not read for long pulls a message more, so that it stays. */
const keepAliveMs = 10_000;
/** How often it is asked whether the end of the range was passed by messages that are none of the tap's. */
const endCheckIntervalMs = 500;

/** Its name begins with `name`. */
const configOf: { readonly [purpose in TapPurpose]: { readonly name: string } & Partial<ConsumerConfig> } = {
  'live query': { name: 'laminar-live', description: 'a live query' },
  'output history': { name: 'laminar-look', description: 'looks for rows that are there already', headers_only: true },
};

/** Reads along by an ephemeral consumer, which acknowledges nothing. Messages are asked for as they are read, which is what bounds the memory. */
export class ConsumerTap implements Tap {
  readonly #batching = new Batching<PositionedMessage>({ size: batchSize, timeoutMs: 0 });
  #consumer: EphemeralConsumer | undefined;
  #prefetch = prefetchMin;
  #largest = 1;
  /** Of the consumer's deliveries, those that came. */
  #delivered = 0;
  /** The stream had come to the end of the range before the last message that came. */
  #isOver: boolean;
  #ended = false;
  #endCheck: NodeJS.Timeout | undefined;
  #keepAlive: NodeJS.Timeout | undefined;

  constructor(
    readonly nc: NatsConnection,
    readonly jsm: JetStreamManager,
    readonly stream: TappedStream,
    lastSequence: number,
  ) {
    this.#isOver = stream.range !== undefined && isOver(stream.range, lastSequence, Date.now());
  }

  /** Throws what the client throws. */
  async open(): Promise<void> {
    const { name, range } = this.stream;
    this.#consumer = await EphemeralConsumer.create(this.nc, this.jsm, name, this.#config(), {
      onMessage: (message, standing) => {
        this.#delivered = standing.deliverySequence;
        this.#largest = Math.max(this.#largest, message.data.length);
        const taken = new PositionedMessage(message, standing);
        const beyond = range !== undefined && isBeyond(range, taken.sequence, taken.timestampMs);
        if (!beyond) this.#batching.push(taken);
        if (beyond || (this.#isOver && standing.pending === 0)) this.#end();
      },
      onUnserved: () => this.#request(),
      onEnd: (reason) => this.#fail(new ConnectorError('blocked', `${this.#what} is gone: ${reason}`)),
      onRefused: (error) => this.#fail(new ConnectorError('failed', `${this.#what} cannot be read: ${error.message}`)),
    });
    this.#keepAlive = setInterval(() => {
      if (this.#consumer?.requested === 0) this.#consumer.request(1);
    }, keepAliveMs);
    if (this.#isOver && this.#consumer.created.num_pending === 0) this.#end();
    else if (range !== undefined && hasEnd(range)) this.#checkEndLater();
  }

  async read(): Promise<readonly PositionedMessage[] | undefined> {
    this.#request();
    return this.#batching.next();
  }

  async close(): Promise<void> {
    this.#end();
    const consumer = this.#consumer;
    // One that cannot be deleted now is removed by the server.
    if (consumer && !this.nc.isClosed()) await within(deleteTimeoutMs, consumer.delete());
  }

  get #what(): string {
    return `the consumer of the ${this.stream.purpose} on the stream "${this.stream.name}"`;
  }

  /** Asks for as much as there is room for. */
  #request(): void {
    const consumer = this.#consumer;
    if (!consumer || this.#ended) return;
    this.#prefetch = Math.min(this.#prefetch * 2, prefetchMax, Math.max(1, Math.floor(prefetchBytes / this.#largest)));
    const room = this.#prefetch - consumer.requested - this.#batching.size;
    if (room > this.#prefetch / 2) consumer.request(room);
  }

  #end(): void {
    this.#askNoMore();
    this.#consumer?.stop();
    this.#batching.end();
  }

  #fail(error: ConnectorError): void {
    this.#askNoMore();
    this.#batching.fail(error);
  }

  #askNoMore(): void {
    this.#ended = true;
    clearTimeout(this.#endCheck);
    clearInterval(this.#keepAlive);
  }

  #config(): { name: string } & Partial<ConsumerConfig> {
    const { filters, start, purpose } = this.stream;
    const [only, ...others] = filters;
    return {
      ...configOf[purpose],
      name: `${configOf[purpose].name}-${crypto.randomUUID().slice(0, 13)}`,
      inactive_threshold: nanos(inactiveMs),
      ...(others.length > 0 ? { filter_subjects: [...filters] } : only === undefined ? {} : { filter_subject: only }),
      ...start,
    };
  }

  #checkEndLater(): void {
    this.#endCheck = setTimeout(() => void this.#checkEnd(), endCheckIntervalMs);
  }

  /** Messages of other subjects move the stream on, and the clock does. */
  async #checkEnd(): Promise<void> {
    const { name, range } = this.stream;
    const consumer = this.#consumer;
    if (this.#ended || !consumer || !range) return;
    try {
      const { state } = await this.jsm.streams.info(name);
      this.#isOver ||= isOver(range, state.last_seq, Date.now());
      const { num_pending, delivered } = await consumer.info();
      if (this.#isOver && num_pending === 0 && delivered.consumer_seq === this.#delivered) return this.#end();
    } catch {
      // What is gone, the consumer says itself.
    }
    if (!this.#ended) this.#checkEndLater();
  }
}
