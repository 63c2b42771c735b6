import type { JetStreamManager, StreamConfig, StreamState } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import {
  ConnectorError,
  type HistoryEnd,
  type HistoryPart,
  type HistoryPlace,
  type OutputHistory,
  type StoredOutput,
} from '../contract.js';
import { apiCodes, connectorError, hasCode, isNotPermitted } from './errors.js';
import { managerOf } from './jetstream-manager.js';
import { incarnationSince } from './read-position.js';
import { StreamTap } from './stream-tap.js';
import { SubjectStreams } from './subject-streams.js';
import { rangeStart } from './tap-range.js';

const requestTimeoutMs = 3000;

/** Reads streams by their headers alone, with a consumer that the server forgets, or where it allows none message by message. */
export class NatsOutputHistory implements OutputHistory {
  readonly #streams = new SubjectStreams(() => this.#manager());

  /** What is published by the time of a read is in it: `published` resolves when the server has stored it. */
  constructor(
    readonly nc: NatsConnection,
    readonly published: () => Promise<void>,
  ) {}

  async streamOf(subject: string): Promise<string | undefined> {
    try {
      return await this.#streams.of(subject);
    } catch (error) {
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

  async read(part: HistoryPart, onStored: (stored: StoredOutput) => void, onAnew?: () => void): Promise<HistoryEnd> {
    const { stream, goOn } = part;
    await this.published();
    try {
      const info = await (await this.#manager()).streams.info(stream);
      const { config, state } = info;
      const incarnation = incarnationSince(goOn?.incarnation, info);
      const first = goOn && isPlaceOf(goOn, incarnation, state) ? goOn.sequence : undefined;
      if (goOn && first === undefined) onAnew?.();
      if (state.messages > 0 && state.last_seq >= (first ?? 1))
        await this.#readUntil(state.last_seq, config, part, first, onStored);
      return {
        next: { incarnation, sequence: state.last_seq + 1 },
        duplicateWindowMs: windowMsOf(config),
      };
    } catch (error) {
      if (!hasCode(error, apiCodes.streamNotFound))
        throw historyError(`looking at what the stream "${stream}" holds`, error);
      // Nothing is there that was published before.
      if (goOn) onAnew?.();
      return { next: { incarnation: undefined, sequence: 1 }, duplicateWindowMs: 0 };
    }
  }

  async #readUntil(
    last: number,
    config: StreamConfig,
    { stream, subject, sinceMs }: HistoryPart,
    first: number | undefined,
    onStored: (stored: StoredOutput) => void,
  ): Promise<void> {
    const range = {
      fromSequence: first,
      toSequence: undefined,
      fromMicros: Math.floor(sinceMs * 1000),
      toMicros: undefined,
    };
    // What such a stream takes it keeps under other subjects.
    const filters = subject === undefined || config.subject_transform !== undefined ? [] : [subject];
    const tap = new StreamTap(this.nc, {
      name: stream,
      filters,
      start: rangeStart(range),
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
    return managerOf(this.nc, { timeout: requestTimeoutMs });
  }
}

/** Whether a stream, which is of this incarnation now, still holds something from before a place, or held nothing then. */
const isPlaceOf = (
  place: HistoryPlace,
  incarnation: string,
  { first_seq, last_seq }: Pick<StreamState, 'first_seq' | 'last_seq'>,
): boolean =>
  place.incarnation === incarnation &&
  place.sequence <= last_seq + 1 &&
  (place.sequence === 1 || first_seq < place.sequence);

/** A stream that confirms nothing refuses nothing either that it was told again: only what it holds shows what it took. */
const windowMsOf = ({ no_ack, duplicate_window }: StreamConfig): number => (no_ack ? 0 : duplicate_window / 1e6);

/** Who may not read an output can only be told so. */
function historyError(what: string, error: unknown): ConnectorError {
  const root = error instanceof ConnectorError && error.cause !== undefined ? error.cause : error;
  if (isNotPermitted(root)) {
    const why = root instanceof Error && root.cause instanceof Error ? root.cause.message : (root as Error).message;
    return new ConnectorError('failed', `${what} is not permitted: ${why}`, { cause: root });
  }
  return connectorError(what, error);
}
