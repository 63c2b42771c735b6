import type { ConsumerSource } from '@laminar/definitions';
import type { ConsumerConfig } from '@nats-io/jetstream';
import type { ConnectorError } from '../contract.js';
import type { Acknowledgement } from './acknowledgement.js';
import { Batching } from './batching.js';
import { ByteRoom } from './byte-room.js';
import type { HeldBack } from './intake.js';
import type { JetStreamMessage } from './message.js';
import { Prefetch } from './prefetch.js';
import { type WaitingMax, waitingMaxOf } from './waiting-max.js';

export interface ArrivalsOptions {
  readonly source: ConsumerSource;
  readonly acknowledgement: Pick<Acknowledgement, 'underWay' | 'bytesUnderWay'>;
  /** The source has more than was delivered. */
  hasMore(): boolean;
}

/**
 * What a consumer delivered and nobody has read yet, and how much more may come: by number, by bytes, and, where messages are asked for, by the pace of whoever works on them.
 */
export class Arrivals {
  readonly #batching: Batching<JetStreamMessage>;
  readonly #byteRoom = new ByteRoom();
  /** Undefined where it is the server that decides what comes. */
  readonly #prefetch: Prefetch | undefined;
  #max: WaitingMax = { messages: 0, bytes: 0 };

  constructor(readonly options: ArrivalsOptions) {
    const { source, hasMore } = options;
    this.#batching = new Batching({ size: source.batchSize, timeoutMs: source.batchTimeoutMs });
    if (source.role === 'source-push') return;
    this.#prefetch = new Prefetch({
      batch: source.pullBatchSize,
      least: source.batchTimeoutMs > 0 ? 2 * source.batchSize : 1,
      max: source.consumer.maxAckPending,
      nowMs: performance.now(),
      hasMore,
    });
  }

  /** Messages that nobody has read yet. */
  get size(): number {
    return this.#batching.size;
  }

  /** The same, oldest first. */
  waiting(): readonly JetStreamMessage[] {
    return this.#batching.waiting();
  }

  /** Goes by the limits of the consumer. Throws `ConnectorError` where it has none that would do. */
  limitBy(config: ConsumerConfig): void {
    this.#max = waitingMaxOf(this.options.source, config);
  }

  /** Milliseconds from asking for messages to their coming. */
  roundTrip(ms: number): void {
    if (this.#prefetch) this.#prefetch.roundTripMs = ms;
  }

  /** Whether there is a place for one more, behind what waits and what is held back. */
  admits(held: HeldBack): boolean {
    const { messages, bytes } = this.#max;
    return this.#batching.size + held.messages < messages && this.#byteRoom.waiting + held.bytes < bytes;
  }

  push(message: JetStreamMessage): void {
    this.#byteRoom.came(message.data.length);
    this.#batching.push(message);
  }

  /** The next messages to be worked on, never none; undefined at the end. Throws the error that `fail` was given. */
  async next(): Promise<JetStreamMessage[] | undefined> {
    const messages = await this.#batching.next();
    if (messages) for (const { data } of messages) this.#byteRoom.read(data.length);
    return messages;
  }

  /** A message is done; it had to wait for something else than its reading if it is not of the batch that was read last. */
  settled({ receivedMs }: JetStreamMessage, hadToWait: boolean): void {
    if (!this.#prefetch) return;
    const nowMs = performance.now();
    this.#prefetch.settled(hadToWait ? nowMs - receivedMs : undefined, nowMs);
  }

  /** How many more messages may be asked for, beside those that were. */
  room(asked: number): number {
    const room = this.options.source.consumer.maxAckPending - this.#batching.size - asked;
    if (!this.#prefetch) return room;
    const { underWay, bytesUnderWay } = this.options.acknowledgement;
    return Math.min(room, this.#prefetch.room(underWay, asked), this.#byteRoom.for(asked, bytesUnderWay));
  }

  /** Whether a server that sends by itself may go on. */
  hasRoom(held: HeldBack): boolean {
    const { source, acknowledgement } = this.options;
    const hasPlace = this.#batching.size + held.messages < source.consumer.maxAckPending;
    return hasPlace && this.#byteRoom.isLeft(acknowledgement.bytesUnderWay, held.bytes);
  }

  /** Nothing more comes; what is here can still be read. */
  end(): void {
    this.#batching.end();
  }

  /** The same, for a reason that whoever reads is told. */
  fail(error: ConnectorError): void {
    this.#batching.fail(error);
  }
}
