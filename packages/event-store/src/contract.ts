/** One entry of the log as stored. */
export interface StoredEvent {
  readonly key: string;
  readonly data: Uint8Array;
  /** Position in the log, from 1. */
  readonly revision: number;
  /** Unix milliseconds: when the bus stored it. */
  readonly storedAtMs: number;
}

export interface AppendRequest {
  readonly key: string;
  readonly data: Uint8Array;
  /** The position that the decision was made at; 0 for an empty log. */
  readonly expectedRevision: number;
  /** Also the message id, so that a retry after a lost acknowledgement finds the first append instead of a conflict. */
  readonly eventId: string;
}

/** The log moved on since the decision: fold up to `actualRevision` (where known) and decide again. */
export class RevisionConflict extends Error {
  override readonly name = 'RevisionConflict';
  constructor(readonly expectedRevision: number) {
    super(`the log has moved on since revision ${expectedRevision}`);
  }
}

/** The bus does not answer; nothing is known to be written. */
export class BusUnavailable extends Error {
  override readonly name = 'BusUnavailable';
}

export class EventTooLarge extends Error {
  override readonly name = 'EventTooLarge';
  constructor(
    readonly size: number,
    readonly limit: number,
  ) {
    super(`the event has ${size} bytes, the limit is ${limit}`);
  }
}

/** A subscription to the log from its beginning, in order, without gaps, across reconnects. */
export interface LogSubscription {
  /** Resolves when everything that the log held at the time of subscribing has been handed over. */
  readonly caughtUp: Promise<void>;
  /** Position of the newest event handed over. */
  readonly revision: number;
  /** Resolves when `revision` has reached `revision`. Rejects at `timeoutMs`. */
  reached(revision: number, timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}
