import type { ConsumerSource } from '@laminar/definitions';
import type { ConsumerInfo } from '@nats-io/jetstream';
import type { Acknowledgement } from './acknowledgement.js';
import { floorOf } from './read-position.js';

/**
 * How far a durable has come: by what its server says, and by what was settled here, where that is all there is to know. Of messages that were delivered and did not come here, to another reader
 * or lost with a connection, the server alone knows what became of them.
 */
export class DurableProgress {
  /** Up to this sequence of the stream there may be messages that did not come here. */
  #elsewhereThrough = 0;
  /** Everything up to this sequence was done when the reader opened. */
  #floor = 0;
  #nextDelivery = 0;
  #gaps = 0;

  constructor(
    readonly source: ConsumerSource,
    readonly acknowledgement: Pick<Acknowledgement, 'settledThrough'>,
  ) {}

  /** Begins with a consumer as it is before anything of it comes here. */
  open(consumer: ConsumerInfo): void {
    this.#elsewhereThrough = consumer.delivered.stream_seq;
    this.#floor = floorOf(consumer);
    this.#nextDelivery = consumer.delivered.consumer_seq + 1;
  }

  /** Notes a message that came, by the number that the consumer gave its delivery: false where others before it did not come. */
  came(delivery: number): boolean {
    const isNext = delivery === this.#nextDelivery;
    this.#nextDelivery = delivery + 1;
    if (isNext) return true;
    this.#gaps++;
    this.#elsewhereThrough = Number.POSITIVE_INFINITY;
    return false;
  }

  /** Counts how often messages did not come. */
  get gaps(): number {
    return this.#gaps;
  }

  /** Takes what the server said, where all came that was delivered since it was asked. */
  seen(consumer: ConsumerInfo): void {
    this.#elsewhereThrough = Math.min(this.#elsewhereThrough, consumer.delivered.stream_seq);
  }

  /** The sequence up to which everything is done, as the server knows it or has known when the reader opened. */
  knownThrough(consumer: ConsumerInfo): number {
    if (this.source.consumer.ackPolicy === 'none') return consumer.delivered.stream_seq;
    return Math.max(this.#floor, floorOf(consumer));
  }

  /** The same with what was settled here, where no other reader takes part. */
  doneThrough(consumer: ConsumerInfo): number {
    const { ackPolicy } = this.source.consumer;
    const known = this.knownThrough(consumer);
    const isOnly = this.source.parallelism === 1 && (ackPolicy === 'none' || known >= this.#elsewhereThrough);
    return isOnly ? Math.max(known, this.acknowledgement.settledThrough ?? 0) : known;
  }
}
