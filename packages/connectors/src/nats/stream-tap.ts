import {
  AckPolicy,
  type ConsumerConfig,
  type ConsumerMessages,
  type JetStreamManager,
  type JsMsg,
  jetstream,
  jetstreamManager,
  ReplayPolicy,
} from '@nats-io/jetstream';
import { type NatsConnection, nanos, type QueuedIterator } from '@nats-io/nats-core';
import { ConnectorError, type Tap } from '../contract.js';
import { within } from '../within.js';
import { connectorError } from './errors.js';
import { JetStreamMessage } from './message.js';

/** Messages that are asked for ahead of their processing. */
const prefetchMax = 500;
/** When the server itself removes the consumer of a tap that could not. */
const inactiveThresholdMs = 30_000;
const deleteTimeoutMs = 1000;

/** What a tap reads of a stream. */
export interface TappedStream {
  readonly name: string;
  /** Empty for every subject. */
  readonly filters: readonly string[];
  /** Where it begins, as the JetStream API takes it. */
  readonly start: Partial<ConsumerConfig>;
}

/**
 * Reads along by an ephemeral consumer of its own, which acknowledges nothing. A work queue allows no second consumer for a subject, and is refused.
 */
export class StreamTap implements Tap {
  #jsm: JetStreamManager | undefined;
  #consumer: string | undefined;
  #messages: ConsumerMessages | undefined;
  #iterator: AsyncIterator<JsMsg> | undefined;
  #closed = false;

  constructor(
    readonly nc: NatsConnection,
    readonly stream: TappedStream,
  ) {}

  async open(): Promise<void> {
    const { name } = this.stream;
    try {
      this.#jsm = await jetstreamManager(this.nc);
      const { config } = await this.#jsm.streams.info(name);
      if (config.retention === 'workqueue') throw workQueue(name);
      const info = await this.#jsm.consumers.add(name, this.#config());
      this.#consumer = info.name;
      if (this.#closed) return await this.#delete();
      this.#messages = await jetstream(this.nc)
        .consumers.getConsumerFromInfo(info)
        .consume({ max_messages: prefetchMax });
      this.#iterator = this.#messages[Symbol.asyncIterator]();
      void this.#follow(this.#messages);
    } catch (error) {
      throw connectorError(`reading the stream "${name}"`, error);
    }
  }

  async read(): Promise<readonly JetStreamMessage[] | undefined> {
    if (!this.#iterator || this.#closed) return undefined;
    const { value, done } = await this.#iterator.next();
    return done || this.#closed ? undefined : [new JetStreamMessage(value, performance.now())];
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    stop(this.#messages);
    await this.#delete();
  }

  async #delete(): Promise<void> {
    if (this.nc.isClosed() || this.#consumer === undefined || !this.#jsm) return;
    // One that cannot be deleted now is removed by the server.
    await within(deleteTimeoutMs, this.#jsm.consumers.delete(this.stream.name, this.#consumer));
  }

  #config(): Partial<ConsumerConfig> {
    const { filters, start } = this.stream;
    const [only, ...others] = filters;
    return {
      description: 'a live query',
      ack_policy: AckPolicy.None,
      replay_policy: ReplayPolicy.Instant,
      inactive_threshold: nanos(inactiveThresholdMs),
      mem_storage: true,
      ...(others.length > 0 ? { filter_subjects: [...filters] } : only === undefined ? {} : { filter_subject: only }),
      ...start,
    };
  }

  async #follow(messages: ConsumerMessages): Promise<void> {
    const { name } = this.stream;
    for await (const { type } of messages.status()) {
      if (this.#closed) return;
      if (type === 'stream_not_found' || type === 'consumer_deleted' || type === 'consumer_not_found') {
        const what = type === 'stream_not_found' ? 'the stream' : 'the consumer of the live query on the stream';
        stop(messages, new ConnectorError('blocked', `${what} "${name}" is gone`));
      }
    }
  }
}

/** Ends what is being iterated, with an error where there is one. The client's types promise only to close it, which waits for whoever iterates. */
function stop(messages: ConsumerMessages | undefined, error?: Error): void {
  (messages as (ConsumerMessages & Pick<QueuedIterator<JsMsg>, 'stop'>) | undefined)?.stop(error);
}

const workQueue = (stream: string): ConnectorError =>
  new ConnectorError(
    'failed',
    `the stream "${stream}" is a work queue, where each message is for one consumer: it cannot be read along with; read it by a pipeline`,
  );
