import { DeliverPolicy, type JetStreamManager, jetstreamManager, type StreamConfig } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import {
  ConnectorError,
  type HistoryEnd,
  type HistoryPart,
  type OutputHistory,
  type StoredOutput,
} from '../contract.js';
import { apiCodes, connectorError, hasCode, isNotPermitted } from './errors.js';
import { StreamTap } from './stream-tap.js';
import { rangeStart } from './tap-range.js';

const requestTimeoutMs = 3000;

/** Reads streams by their headers alone, with a consumer that the server forgets, or where it allows none message by message. */
export class NatsOutputHistory implements OutputHistory {
  /** What is asked for many messages at once is asked once. */
  readonly #asked = new Map<string, Promise<string | undefined>>();

  /** What is published by the time of a read is in it: `published` resolves when the server has stored it. */
  constructor(
    readonly nc: NatsConnection,
    readonly published: () => Promise<void>,
  ) {}

  streamOf(subject: string): Promise<string | undefined> {
    const asked = this.#asked.get(subject) ?? this.#find(subject).finally(() => this.#asked.delete(subject));
    this.#asked.set(subject, asked);
    return asked;
  }

  async #find(subject: string): Promise<string | undefined> {
    try {
      return await (await this.#manager()).streams.find(subject);
    } catch (error) {
      if (error instanceof Error && error.message === 'no stream matches subject') return undefined;
      throw historyError(`looking which stream takes "${subject}"`, error);
    }
  }

  async duplicateWindowMs(stream: string): Promise<number> {
    try {
      return windowMsOf((await (await this.#manager()).streams.info(stream)).config);
    } catch (error) {
      if (hasCode(error, apiCodes.streamNotFound)) return 0;
      throw historyError(`looking at the duplicate window of the stream "${stream}"`, error);
    }
  }

  async read({ stream, subject, from }: HistoryPart, onStored: (stored: StoredOutput) => void): Promise<HistoryEnd> {
    const first = 'sequence' in from ? from.sequence : 1;
    await this.published();
    try {
      const { config, state } = await (await this.#manager()).streams.info(stream);
      const end = {
        nextSequence: Math.max(first, state.last_seq + 1),
        duplicateWindowMs: windowMsOf(config),
      };
      // What such a stream takes it keeps under other subjects.
      const filter = config.subject_transform === undefined ? subject : undefined;
      if (state.messages > 0 && state.last_seq >= first)
        await this.#readUntil(state.last_seq, stream, filter, from, onStored);
      return end;
    } catch (error) {
      // Nothing is there that was published before.
      if (hasCode(error, apiCodes.streamNotFound)) return { nextSequence: first, duplicateWindowMs: 0 };
      throw historyError(`looking at what the stream "${stream}" holds`, error);
    }
  }

  async #readUntil(
    last: number,
    stream: string,
    subject: string | undefined,
    from: HistoryPart['from'],
    onStored: (stored: StoredOutput) => void,
  ): Promise<void> {
    const start =
      'sequence' in from
        ? { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: from.sequence }
        : rangeStart({
            fromSequence: undefined,
            toSequence: undefined,
            fromMicros: Math.floor(from.sinceMs * 1000),
            toMicros: undefined,
          });
    const tap = new StreamTap(this.nc, {
      name: stream,
      filters: subject === undefined ? [] : [subject],
      start,
      range: { fromSequence: undefined, toSequence: last, fromMicros: undefined, toMicros: undefined },
      purpose: 'output history',
    });
    try {
      await tap.open();
      for (let messages = await tap.read(); messages; messages = await tap.read())
        for (const message of messages) onStored(message);
    } finally {
      await tap.close();
    }
  }

  #manager(): Promise<JetStreamManager> {
    return jetstreamManager(this.nc, { timeout: requestTimeoutMs, checkAPI: false });
  }
}

const windowMsOf = (config: StreamConfig): number => config.duplicate_window / 1e6;

/** Who may not read an output can only be told so. */
function historyError(what: string, error: unknown): ConnectorError {
  const root = error instanceof ConnectorError && error.cause !== undefined ? error.cause : error;
  if (isNotPermitted(root)) {
    const why = root instanceof Error && root.cause instanceof Error ? root.cause.message : (root as Error).message;
    return new ConnectorError('failed', `${what} is not permitted: ${why}`, { cause: root });
  }
  return connectorError(what, error);
}
