import type { PullSource } from '@laminar/definitions';
import { type Consumer, type ConsumerMessages, type JsMsg, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { type NatsConnection, PermissionViolationError, type Status } from '@nats-io/nats-core';
import { type Batch, ConnectorError, type ConsumerSnapshot, type Reader, type ReaderCounters } from '../contract.js';
import { within } from '../within.js';
import { Batching } from './batching.js';
import { connectorError } from './errors.js';
import { countsDeliveries } from './exhausted-capture.js';
import { JetStreamMessage } from './message.js';
import { followStatus } from './status.js';

/** A server that is away delivers nothing to anybody. */
const stopTimeoutMs = 1000;
/** A crash costs everything that was fetched one delivery: where those are counted, little is. */
const countedFetchMax = 64;
/** The client refuses less. */
const pullTimeoutMsMin = 1000;

/**
 * Reads a durable pull consumer. What waits in memory is bounded by the consumer's own limit of unacknowledged messages. A
 * consumer or stream that goes away makes `read` throw, since the client itself would wait for ever.
 */
export class PullReader implements Reader {
  readonly counters: ReaderCounters = { messages: 0, bytes: 0, dropped: 0 };
  readonly #batching = new Batching<JetStreamMessage>();
  #consumer: Consumer | undefined;
  #messages: ConsumerMessages | undefined;
  #sourceIncarnation: string | undefined;
  #stopping = false;
  #unfollow: (() => void) | undefined;

  constructor(
    readonly nc: NatsConnection,
    readonly source: PullSource,
  ) {}

  get sourceIncarnation(): string | undefined {
    return this.#sourceIncarnation;
  }

  async open(): Promise<void> {
    const { streamName, consumer, pullBatchSize, pullTimeoutMs } = this.source;
    try {
      const jsm = await jetstreamManager(this.nc);
      const { created } = await jsm.streams.info(streamName);
      this.#sourceIncarnation = Date.parse(created).toString(36);
      this.#consumer = await jetstream(this.nc).consumers.get(streamName, consumer.name);
      this.#unfollow = followStatus(this.nc, (status) => this.#takeStatus(status));
      this.#messages = await this.#consumer.consume({
        max_messages: countsDeliveries(this.source) ? Math.min(pullBatchSize, countedFetchMax) : pullBatchSize,
        expires: Math.max(pullTimeoutMs, pullTimeoutMsMin),
        callback: (message) => this.#take(message),
      });
      void this.#follow(this.#messages);
    } catch (error) {
      throw connectorError(`reading the consumer "${consumer.name}" of the stream "${streamName}"`, error);
    }
  }

  async read(): Promise<Batch | undefined> {
    const messages = await this.#batching.next();
    return messages && new JetStreamBatch(this.nc, messages);
  }

  keepAlive(): void {
    const before = performance.now() - this.source.consumer.ackWaitMs / 3;
    if (this.nc.isClosed()) return;
    for (const { message, receivedMs } of this.#batching.waiting()) if (receivedMs < before) message.working();
  }

  async stop(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#unfollow?.();
    await this.#messages?.close();
    // Once the server knows that nobody listens here, what comes next goes to other readers at once.
    if (this.#messages) await within(stopTimeoutMs, this.nc.flush());
    this.#batching.end();
  }

  async close(): Promise<void> {
    await this.stop();
  }

  async consumerInfo(): Promise<ConsumerSnapshot | undefined> {
    const info = await this.#consumer?.info();
    return (
      info && {
        stream: info.stream_name,
        consumer: info.name,
        pending: info.num_pending,
        ackPending: info.num_ack_pending,
        redelivered: info.num_redelivered,
        waitingPulls: info.num_waiting,
        lastDelivered: info.delivered.stream_seq,
      }
    );
  }

  #take(message: JsMsg): void {
    // Beyond the limit of unacknowledged messages these are redeliveries of what waits here already: whoever reads is held up.
    if (this.#batching.size >= this.source.consumer.maxAckPending) return;
    this.counters.messages++;
    this.counters.bytes += message.data.length;
    this.#batching.push(new JetStreamMessage(message, performance.now()));
  }

  /** The client itself would go on pulling, or acknowledging, in vain. */
  #takeStatus(status: Status): void {
    if (status.type !== 'error' || !(status.error instanceof PermissionViolationError)) return;
    const { streamName, consumer } = this.source;
    const { subject } = status.error;
    if (!subject.includes(`.${streamName}.${consumer.name}`)) return;
    this.#batching.fail(
      connectorError(`reading the consumer "${consumer.name}" of the stream "${streamName}"`, status.error),
    );
  }

  async #follow(messages: ConsumerMessages): Promise<void> {
    const { streamName, consumer } = this.source;
    const what = `reading the consumer "${consumer.name}" of the stream "${streamName}"`;
    for await (const status of messages.status()) {
      if (this.#stopping) return;
      if (status.type === 'consumer_deleted' || status.type === 'consumer_not_found') {
        this.#batching.fail(
          new ConnectorError(
            'blocked',
            `the consumer "${consumer.name}" of the stream "${streamName}" is gone; it is made again`,
          ),
        );
      } else if (status.type === 'stream_not_found') {
        this.#batching.fail(new ConnectorError('blocked', `the stream "${streamName}" is gone`));
      } else if (status.type === 'heartbeats_missed') {
        // The client pulls again by itself, also where nobody ever answers.
        await this.consumerInfo().catch((error) => this.#batching.fail(connectorError(what, error)));
      }
    }
    const ended = await messages.closed();
    if (ended instanceof Error && !this.#stopping) this.#batching.fail(connectorError(what, ended));
  }
}

/** What a connection that has ended delivered comes again; nothing can be said to the server any more. */
class JetStreamBatch implements Batch {
  constructor(
    readonly nc: NatsConnection,
    readonly messages: readonly JetStreamMessage[],
  ) {}

  ack(index: number): void {
    this.#open(index)?.ack();
  }
  nak(index: number, delayMs: number): void {
    this.#open(index)?.nak(delayMs);
  }
  term(index: number): void {
    this.#open(index)?.term();
  }
  working(index: number): void {
    this.#open(index)?.working();
  }

  #open(index: number): JsMsg | undefined {
    return this.nc.isClosed() ? undefined : this.messages[index]?.message;
  }
}
