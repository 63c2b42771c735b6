import { type ConsumerSource, covers } from '@laminar/definitions';
import type { ConsumerInfo, JetStreamManager, StreamInfo } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { ConnectorError } from '../contract.js';
import { consumerName } from './consumer-api.js';
import { differences, fixedDifferences, type Maker, madeFor, pauseOf, wantedConsumer } from './consumer-config.js';
import { apiCodes, connectorError, hasCode } from './errors.js';
import { managerOf } from './jetstream-manager.js';
import type { Lineage } from './lineage.js';
import { ensureConsumer } from './provision-consumer.js';
import type { PositionMemory } from './read-position.js';

const requestTimeoutMs = 2000;
/** A server may miss a question, as when another one takes the lead. */
const patienceMs = 3900;

export interface ConsumerWatchOptions {
  readonly nc: NatsConnection;
  readonly maker: Maker;
  readonly source: ConsumerSource;
  readonly memory: PositionMemory;
  readonly lineage: Lineage;
  /** Keeps in `memory` how far the reader has come by what was seen last, for whoever makes the consumer again. */
  remember(): void;
  /** The stream or the consumer is not there any more, is another one, or does not answer. */
  onLost(error: ConnectorError): void;
  /** Something changed that reading survives. */
  onRemark(remark: string): void;
}

export interface Observed {
  readonly stream: StreamInfo;
  readonly consumer: ConsumerInfo;
}

/** Looks again and again whether a stream and its consumer still are what they were, since the server does not say what others do to them. */
export class ConsumerWatch {
  #jsm: JetStreamManager | undefined;
  #last: Observed | undefined;
  #failingSinceMs: number | undefined;
  /** The time of creation of a stream that may be another one. */
  #suspect: string | undefined;
  #drift = '';
  #paused = false;

  constructor(readonly options: ConsumerWatchOptions) {}

  /** The consumer as it was seen last. */
  get consumer(): ConsumerInfo | undefined {
    return this.#last?.consumer;
  }

  /** The first look. Throws what the server answers. */
  async open(): Promise<Observed> {
    this.#jsm = await managerOf(this.options.nc, { timeout: requestTimeoutMs });
    this.#last = await this.#observe(this.#jsm);
    this.#drift = this.#differences(this.#last.consumer);
    this.#lookForPause(this.#last.consumer);
    return this.#last;
  }

  /** One more look, one at a time; undefined where nothing was to be seen. Never throws. */
  async check(): Promise<Observed | undefined> {
    if (!this.#jsm || !this.#last) return undefined;
    const startedMs = performance.now();
    try {
      const seen = await this.#observe(this.#jsm);
      this.#failingSinceMs = undefined;
      if (this.#isAnother(seen, this.#last) || this.#isAnotherKind(seen.consumer)) return undefined;
      this.#lookForGap(this.#last, seen);
      this.#last = seen;
      this.#lookForPause(seen.consumer);
      await this.#lookForChanges(this.#jsm, seen.consumer);
      return seen;
    } catch (error) {
      this.#failed(error, startedMs);
      return undefined;
    }
  }

  /** Whether the stream certainly does not hold a message any more. Never throws. */
  async isRemoved(sequence: number): Promise<boolean> {
    const { streamName } = this.options.source;
    const answer = this.#jsm?.streams.getMessage(streamName, { seq: sequence });
    // Newer clients say it without an error.
    return (
      answer?.then(
        (message) => message === null,
        (error) => hasCode(error, apiCodes.messageNotFound),
      ) ?? false
    );
  }

  /** What was not answered while the connection was away says nothing. */
  forgive(): void {
    this.#failingSinceMs = undefined;
  }

  async #observe(jsm: JetStreamManager): Promise<Observed> {
    const { streamName, consumer } = this.options.source;
    const [stream, info] = await Promise.all([
      jsm.streams.info(streamName),
      jsm.consumers.info(streamName, consumer.name),
    ]);
    return { stream, consumer: info };
  }

  /** A server that restarts gives out other times of creation for a moment: a stream has to differ twice, and a consumer has to count anew. */
  #isAnother({ stream, consumer }: Observed, before: Observed): boolean {
    const { source, onLost } = this.options;
    const suspect = this.#suspect;
    this.#suspect = stream.created === before.stream.created ? undefined : stream.created;
    if (this.#suspect !== undefined) {
      if (this.#suspect === suspect)
        onLost(new ConnectorError('blocked', `the stream "${source.streamName}" was deleted and made anew`));
      return true;
    }
    const countsAnew = consumer.delivered.consumer_seq < before.consumer.delivered.consumer_seq;
    if (consumer.created === before.consumer.created || !countsAnew) return false;
    onLost(new ConnectorError('blocked', `${consumerName(source)} was deleted and made anew`));
    return true;
  }

  /** What the server changes of no consumer is changed of the connection's own: somebody made that anew, and where it stands now says nothing of what was done. */
  #isAnotherKind({ config }: ConsumerInfo): boolean {
    const { maker, source, onLost } = this.options;
    const differing = fixedDifferences(config, wantedConsumer(maker, source));
    if (config.description !== madeFor(maker) || differing.length === 0) return false;
    const reason = `${consumerName(source)} was deleted and made anew with another ${differing.join(' and ')}; it is put right`;
    onLost(new ConnectorError('blocked', reason));
    return true;
  }

  #failed(error: unknown, askedMs: number): void {
    const { nc, source, onLost } = this.options;
    this.#failingSinceMs ??= askedMs;
    if (hasCode(error, apiCodes.streamNotFound)) {
      onLost(new ConnectorError('blocked', `the stream "${source.streamName}" is gone`, { cause: error }));
    } else if (hasCode(error, apiCodes.consumerNotFound)) {
      const reason = `${consumerName(source)} was deleted; it is made again`;
      onLost(new ConnectorError('blocked', reason, { cause: error }));
    } else if (performance.now() - this.#failingSinceMs >= patienceMs && !nc.isClosed()) {
      onLost(connectorError(`looking at ${consumerName(source)}`, error));
    }
  }

  /** The connection's own durable is put right; that of somebody else is left as it is. Either is said once. */
  async #lookForChanges(jsm: JetStreamManager, info: ConsumerInfo): Promise<void> {
    const { nc, maker, source, memory, lineage, remember, onRemark } = this.options;
    const drift = this.#differences(info);
    const isNew = drift !== '' && drift !== this.#drift;
    this.#drift = drift;
    if (!isNew) return;
    const changed = `somebody changed ${drift} of ${consumerName(source)}`;
    if (info.config.description !== madeFor(maker)) {
      onRemark(`${changed}, which is not what the definition says, and was left as it is`);
      return;
    }
    // Should somebody delete it at this moment, it is made again.
    remember();
    await ensureConsumer({ nc, jsm, maker, source, memory, lineage }).then(
      () => onRemark(`${changed}; it was put right`),
      (error: Error) => onRemark(`${changed}, and it could not be put right: ${error.message}`),
    );
  }

  /** A consumer that somebody paused looks like one for which nothing comes. Servers pause from 2.11 on. */
  #lookForPause(info: ConsumerInfo): void {
    const { source, onRemark } = this.options;
    const paused = info.paused === true;
    if (paused === this.#paused) return;
    this.#paused = paused;
    onRemark(`${consumerName(source)} ${paused ? pauseOf(info) : 'was paused by somebody, and goes on'}`);
  }

  #differences({ config }: ConsumerInfo): string {
    const { maker, source } = this.options;
    return differences(config, wantedConsumer(maker, source)).join(' and ');
  }

  /** Messages that were removed from the stream, by a purge or its limits, before the consumer came to them. */
  #lookForGap(before: Observed, now: Observed): void {
    const { source, onRemark } = this.options;
    const deliveredBefore = before.consumer.delivered.stream_seq;
    const removedThrough = now.stream.state.first_seq - 1;
    if (removedThrough <= deliveredBefore) return;
    const deliveries = now.consumer.delivered.consumer_seq - before.consumer.delivered.consumer_seq;
    // Where a filter leaves some out, only those are known to have been for the consumer that were pending.
    const lost = wantsAll(source, now.stream)
      ? Math.max(removedThrough, now.consumer.delivered.stream_seq) - deliveredBefore - deliveries
      : before.consumer.num_pending - now.consumer.num_pending - deliveries;
    if (lost <= 0) return;
    onRemark(
      `the stream "${source.streamName}" lost messages up to sequence ${removedThrough}, by a purge or its limits, before they were read; about ${Math.min(lost, removedThrough - deliveredBefore)} of them were for ${consumerName(source)}`,
    );
  }
}

/** Whether no message of the stream is left out by the consumer's filters. One that is filled from other streams may hold any subject. */
function wantsAll({ filterSubjects }: ConsumerSource, { config }: StreamInfo): boolean {
  if (filterSubjects.length === 0) return true;
  if (config.mirror || (config.sources ?? []).length > 0) return false;
  return config.subjects.every((subject) => filterSubjects.some((filter) => covers(filter, subject)));
}
