import { hasDurable, type ResolvedConnection } from '@laminar/definitions';
import { headers } from '@laminar/protocol';
import type { ConnectionLog } from '../connection-log.js';
import type { Batch, ConsumerSnapshot, Reader, ReaderCounters } from '../contract.js';

/** What a reader reads, as the attributes of its lines. */
type Target = { readonly [name: string]: string | undefined };

/** A reader that says when it begins and ends, under `debug`, and what it hands over, under `trace`: of each message its subject and size, and nothing of what it holds. */
export class LoggedReader implements Reader {
  readonly #target: Target;
  #open = false;

  constructor(
    readonly inner: Reader,
    readonly connection: ResolvedConnection,
    readonly log: ConnectionLog,
  ) {
    this.#target = targetOf(connection);
  }

  get counters(): ReaderCounters {
    return this.inner.counters;
  }
  get repeatsUntilMs(): number {
    return this.inner.repeatsUntilMs;
  }
  get sourceIncarnation(): string | undefined {
    return this.inner.sourceIncarnation;
  }

  async open(): Promise<void> {
    await this.inner.open();
    this.#open = true;
    this.#debug('subscribed');
  }

  async read(): Promise<Batch | undefined> {
    const batch = await this.inner.read();
    if (batch && this.connection.trace) this.#received(batch);
    return batch;
  }

  keepAlive(): void {
    this.inner.keepAlive();
  }

  async stop(): Promise<void> {
    await this.inner.stop();
    this.#ended();
  }

  async close(): Promise<void> {
    await this.inner.close();
    this.#ended();
  }

  consumerInfo(): Promise<ConsumerSnapshot | undefined> {
    return this.inner.consumerInfo();
  }

  #ended(): void {
    if (this.#open) this.#debug('unsubscribed');
    this.#open = false;
  }

  #debug(message: string): void {
    if (this.connection.debug) this.log.write('debug', message, () => ({ attributes: this.#target }));
  }

  #received({ messages }: Batch): void {
    for (const message of messages) {
      this.log.write('trace', 'received', () => ({
        attributes: {
          subject: message.subject,
          size: message.data.length,
          sequence: message.sequence,
          delivered: message.delivered,
        },
        traceparent: message.header(headers.traceparent),
      }));
    }
  }
}

function targetOf(connection: ResolvedConnection): Target {
  if (connection.role === 'source-core') return { subject: connection.subject, queue_group: connection.queueGroup };
  if (connection.role === 'source-kv') return { bucket: connection.bucket, keys: connection.keys };
  if (connection.role === 'source-object') return { bucket: connection.bucket };
  if (!('filterSubjects' in connection)) return {};
  return {
    stream: connection.streamName,
    consumer: hasDurable(connection) ? connection.consumer.name : undefined,
    subject: connection.filterSubjects.join(', ') || undefined,
  };
}
