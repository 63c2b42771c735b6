import { headers, streamOfBucket, subjectOfKey } from '@laminar/protocol';
import {
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  type StoredMsg,
} from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { ensureLogBucket } from './bucket.js';
import {
  type AppendRequest,
  BusUnavailable,
  EventTooLarge,
  type LogSubscription,
  RevisionConflict,
  type StoredEvent,
} from './contract.js';
import { subscribeToLog } from './subscription.js';

/** Bytes of one event at most. */
const eventBytesMax = 512 * 1024;
/** One attempt to append; a lost acknowledgement is asked for again with the same id. */
const appendTimeoutMs = 1000;
const appendAttemptsMax = 3;
/** Direct reads under way at once. */
const readsInFlightMax = 64;

const wrongLastSequence = 10071;
const wrongLastSequenceUnknown = 10164;
/** "maximum messages per subject exceeded", with discard new per subject: the key exists. */
const streamStoreFailed = 10077;

/** The event log: append at an expected position, follow from the beginning, read back. Safe to share. */
export interface EventLog {
  /** The position of the event. Throws `RevisionConflict`, `EventTooLarge`, `BusUnavailable`. */
  append(request: AppendRequest): Promise<number>;
  /** Hands over every event from the first, in order, without gaps. `onEvent` must not throw. */
  subscribe(onEvent: (event: StoredEvent) => void): Promise<LogSubscription>;
  /** The event of a key, or undefined. */
  read(key: string): Promise<StoredEvent | undefined>;
  /** Events from `fromRevision` on, at most `limit`, in order. */
  readRange(fromRevision: number, limit: number): Promise<StoredEvent[]>;
  /** Position of the newest event, 0 where there is none. */
  lastRevision(): Promise<number>;
}

/** Opens the log of a bucket, made where it is missing. Throws `UnsafeLog` where it exists and is no log. */
export async function openEventLog(
  nc: NatsConnection,
  options: { bucket: string; replicas: number },
): Promise<EventLog> {
  const jsm = await jetstreamManager(nc);
  await ensureLogBucket(jsm, options.bucket, options.replicas);
  return new KvEventLog(nc, jetstream(nc), jsm, options.bucket);
}

class KvEventLog implements EventLog {
  readonly #stream: string;
  readonly #keyOffset: number;

  constructor(
    readonly nc: NatsConnection,
    readonly js: JetStreamClient,
    readonly jsm: JetStreamManager,
    readonly bucket: string,
  ) {
    this.#stream = streamOfBucket(bucket);
    this.#keyOffset = subjectOfKey(bucket, '').length;
  }

  async append({ key, data, expectedRevision, eventId }: AppendRequest): Promise<number> {
    if (data.length > eventBytesMax) throw new EventTooLarge(data.length, eventBytesMax);
    const options = {
      msgID: eventId,
      expect: { lastSequence: expectedRevision },
      timeout: appendTimeoutMs,
      retries: 0,
    };
    let lastError: unknown;
    for (let attempt = 1; attempt <= appendAttemptsMax; attempt++) {
      try {
        return (await this.js.publish(subjectOfKey(this.bucket, key), data, options)).seq;
      } catch (error) {
        if (isConflict(error)) return await this.#ownRevision(key, eventId, expectedRevision);
        if (error instanceof JetStreamApiError) throw unavailable('refused the event', error);
        lastError = error;
      }
    }
    throw unavailable('does not answer', lastError);
  }

  subscribe(onEvent: (event: StoredEvent) => void): Promise<LogSubscription> {
    return subscribeToLog({
      nc: this.nc,
      jsm: this.jsm,
      stream: this.#stream,
      keyOfSubject: (subject) => subject.slice(this.#keyOffset),
      onEvent,
    });
  }

  async read(key: string): Promise<StoredEvent | undefined> {
    return this.#get({ last_by_subj: subjectOfKey(this.bucket, key) });
  }

  async readRange(fromRevision: number, limit: number): Promise<StoredEvent[]> {
    const events: StoredEvent[] = [];
    for (let from = fromRevision; events.length < limit; from += readsInFlightMax) {
      const count = Math.min(readsInFlightMax, limit - events.length);
      const page = await Promise.all(Array.from({ length: count }, (_, i) => this.#get({ seq: from + i })));
      for (const event of page) if (event) events.push(event);
      // Nothing is ever deleted, so that a hole is the end.
      if (page.includes(undefined)) break;
    }
    return events;
  }

  async lastRevision(): Promise<number> {
    try {
      return (await this.jsm.streams.info(this.#stream)).state.last_seq;
    } catch (error) {
      throw unavailable('does not answer', error);
    }
  }

  /**
   * The position of an event that is stored already, by an attempt whose acknowledgement was lost. Servers before 2.12 say so themselves, by the event's
   * id; later ones look at the expected position first. Throws `RevisionConflict` where the key is another's. Asks the stream's leader, since a
   * replica may not have it yet.
   */
  async #ownRevision(key: string, eventId: string, expectedRevision: number): Promise<number> {
    let stored: StoredMsg | null;
    try {
      stored = await this.jsm.streams.getMessage(this.#stream, { last_by_subj: subjectOfKey(this.bucket, key) });
    } catch (error) {
      if (error instanceof JetStreamApiError) throw unavailable('refused to read the event', error);
      throw unavailable('does not answer', error);
    }
    if (stored?.header.get(headers.messageId) === eventId) return stored.seq;
    throw new RevisionConflict(expectedRevision);
  }

  async #get(query: { seq: number } | { last_by_subj: string }): Promise<StoredEvent | undefined> {
    try {
      const message = await this.jsm.direct.getMessage(this.#stream, query);
      if (!message) return undefined;
      return {
        key: message.subject.slice(this.#keyOffset),
        data: message.data,
        revision: message.seq,
        storedAtMs: message.time.getTime(),
      };
    } catch (error) {
      throw unavailable('does not answer', error);
    }
  }
}

function isConflict(error: unknown): boolean {
  if (!(error instanceof JetStreamApiError)) return false;
  return (
    error.code === wrongLastSequence ||
    error.code === wrongLastSequenceUnknown ||
    (error.code === streamStoreFailed && error.message.includes('per subject'))
  );
}

function unavailable(what: string, cause: unknown): BusUnavailable {
  const why = cause instanceof Error ? `: ${cause.message}` : '';
  return new BusUnavailable(`the bus ${what}${why}`, { cause });
}
