import type { Message } from '@laminar/codecs';
import { type ConsumerConfig, DeliverPolicy, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import type { Tap, TapRange } from '../contract.js';
import { ConsumerTap } from './consumer-tap.js';
import { connectorError, hasCode } from './errors.js';
import { managerOf } from './jetstream-manager.js';
import { filtersIn } from './positioned/mirror-origin.js';
import { StoredTap } from './stored-tap.js';

/** What a tap reads of a stream. */
export interface TappedStream {
  readonly name: string;
  /** Empty for every subject. */
  readonly filters: readonly string[];
  /** As `StreamView` has it. */
  readonly mirrored?: (origin: string) => readonly string[];
  /** Where it begins, as the JetStream API takes it. */
  readonly start: Partial<ConsumerConfig>;
  /** Behind whose end nothing is wanted. */
  readonly range: TapRange | undefined;
  /** What is read, and for what: whole messages for a live query, or their headers alone for whoever looks what an output holds. */
  readonly purpose: TapPurpose;
}

export type TapPurpose = 'live query' | 'output history';

/** The error code (nats-server, server/errors.json) of a stream that takes no more consumers. */
const consumersMaxReached = 10026;

/**
 * Reads along by an ephemeral consumer of its own. A work queue allows no second consumer for a subject, and any stream may have as many as it takes: there messages
 * are looked up one by one, which leaves them where they are.
 */
export class StreamTap implements Tap {
  #tap: Tap | undefined;
  #closed = false;

  constructor(
    readonly nc: NatsConnection,
    readonly stream: TappedStream,
  ) {}

  async open(): Promise<void> {
    try {
      const jsm = await managerOf(this.nc);
      this.#tap = await this.#opened(jsm);
    } catch (error) {
      throw connectorError(`reading the stream "${this.stream.name}"`, error);
    }
    if (this.#closed) await this.#tap.close();
  }

  async read(): Promise<readonly Message[] | undefined> {
    return this.#tap?.read();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#tap?.close();
  }

  async #opened(jsm: JetStreamManager): Promise<Tap> {
    const { name, start } = this.stream;
    const { config, state } = await jsm.streams.info(name);
    const stream = { ...this.stream, filters: await filtersIn(jsm, config, this.stream) };
    if (config.retention !== 'workqueue') {
      const tap = new ConsumerTap(this.nc, jsm, stream, state.last_seq);
      try {
        await tap.open();
        return tap;
      } catch (error) {
        // The present entries of a store can only be had from a consumer.
        if (!hasCode(error, consumersMaxReached) || start.deliver_policy === DeliverPolicy.LastPerSubject) throw error;
      }
    }
    return new StoredTap(jsm, stream, state);
  }
}
