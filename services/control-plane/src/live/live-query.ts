import { laminar } from '@laminar/protocol';
import { SqlError, type SqlErrorCode } from '@laminar/sql';
import type { NatsConnection } from '@nats-io/nats-core';
import { QueryRejected } from '../definitions/query-check.js';
import { problemCodes } from '../http/problem-codes.js';
import { Refusal } from '../refusal.js';
import { LiveInbox } from './live-inbox.js';

const { LiveEnd, LiveFailure } = laminar.v1;

/** Instances that are asked before the answer is that they are busy. */
const attemptsMax = 3;

export interface LiveRequest {
  /** A SELECT that was bound as a live query at `revision`. */
  readonly query: string;
  readonly revision: number;
  readonly timeoutMs: number;
  /** Where the rows are cut; 0 is nowhere. */
  readonly rowsMax: number;
  readonly bytesMax: number;
  /** Of the request that asks. */
  readonly traceparent: string;
  /** Each message that cannot be read is news, and not only counted. */
  readonly tellFailed: boolean;
}

/** What comes of a live query: that it is open, then rows as they come, then its end. */
export type LiveNews =
  /** From now on no message is missed. */
  | { readonly type: 'opened' }
  /** Each the text of a JSON array. */
  | { readonly type: 'rows'; readonly rows: readonly Uint8Array[] }
  /** A message that could not be decoded or evaluated. */
  | {
      readonly type: 'failed';
      readonly message: string;
      readonly subject: string;
      /** Undefined where it came from no stream. */
      readonly stream: string | undefined;
      readonly sequence: number | undefined;
    }
  | {
      readonly type: 'end';
      readonly reason: 'limit' | 'range' | 'timeout' | 'size';
      /** Messages that could not be decoded or evaluated, and what was wrong with the first. */
      readonly failedMessages: number;
      readonly firstFailure: string;
    };

/**
 * Runs a live query on an ingestion instance, which reads no further than its news are taken. The query ends when the iteration does, when `signal` aborts (then without
 * an end), or by itself. Throws a `Refusal`, `QueryRejected` and `BusUnavailable`.
 */
export async function* liveQuery(
  nc: NatsConnection,
  request: LiveRequest,
  signal: AbortSignal,
): AsyncGenerator<LiveNews> {
  if (signal.aborted) return;
  const inbox = new LiveInbox(nc);
  const leave = () => inbox.leave();
  signal.addEventListener('abort', leave);
  try {
    const joined = new JoinedRows();
    inbox.ask(request);
    for (let attempts = 1; ; ) {
      const event = await inbox.next();
      if (!event) return;
      if (event.failure?.kind === LiveFailure.Kind.KIND_BUSY && attempts++ < attemptsMax) {
        inbox.ask(request);
        continue;
      }
      const news = newsOf(event, joined, request.query);
      if (news) yield news;
      if (news?.type === 'end') return;
    }
  } finally {
    signal.removeEventListener('abort', leave);
    inbox.leave();
  }
}

/** Puts rows together that came in pieces. */
class JoinedRows {
  #pieces: Uint8Array[] = [];

  /** The rows that are whole now. */
  take({ rows, unfinished }: laminar.v1.LiveRows.$Properties): Uint8Array[] {
    const [first, ...others] = rows ?? [];
    if (!first) return [];
    this.#pieces.push(first);
    if (unfinished && others.length === 0) return [];
    const whole = [this.#pieces.length === 1 ? first : Buffer.concat(this.#pieces), ...others];
    this.#pieces = unfinished ? whole.splice(-1) : [];
    return whole;
  }
}

function newsOf(event: laminar.v1.LiveEvent, joined: JoinedRows, query: string): LiveNews | undefined {
  const { opened, rows, failed, end, failure } = event;
  if (failure) throw refusalOf(failure, query);
  if (opened) return { type: 'opened' };
  if (rows) return { type: 'rows', rows: joined.take(rows) };
  if (failed) {
    const sequence = Number(failed.sequence ?? 0);
    return {
      type: 'failed',
      message: failed.message ?? '',
      subject: failed.subject ?? '',
      stream: failed.stream || undefined,
      sequence: sequence || undefined,
    };
  }
  if (!end) return undefined;
  const { reason, failedMessages, firstFailure } = end;
  return {
    type: 'end',
    reason: endReasons[reason ?? LiveEnd.Reason.REASON_UNSPECIFIED] ?? 'timeout',
    failedMessages: Number(failedMessages ?? 0),
    firstFailure: firstFailure ?? '',
  };
}

const endReasons: { readonly [reason: number]: Extract<LiveNews, { type: 'end' }>['reason'] | undefined } = {
  [LiveEnd.Reason.REASON_LIMIT]: 'limit',
  [LiveEnd.Reason.REASON_RANGE]: 'range',
  [LiveEnd.Reason.REASON_SIZE]: 'size',
};

function refusalOf({ kind, message, offset, code }: laminar.v1.LiveFailure.$Properties, query: string): Error {
  const why = message ?? '';
  const later = { headers: { 'retry-after': '1' } };
  switch (kind) {
    case LiveFailure.Kind.KIND_QUERY: {
      const known = code && Object.hasOwn(problemCodes, code) ? (code as SqlErrorCode) : 'unknown_table';
      return new QueryRejected(new SqlError(known, why, offset ?? 0), query);
    }
    case LiveFailure.Kind.KIND_UNSUPPORTED:
      return new QueryRejected(new SqlError('unsupported', why, 0), query);
    case LiveFailure.Kind.KIND_BUSY:
      return new Refusal('too_many_queries', why, later);
    case LiveFailure.Kind.KIND_CONNECTION:
      return new Refusal('connection_unavailable', why);
    case LiveFailure.Kind.KIND_NOT_PERMITTED:
      return new Refusal('not_permitted', why);
    case LiveFailure.Kind.KIND_CHANGED:
      return new Refusal('definition_changed', why);
    case LiveFailure.Kind.KIND_TOO_FAST:
      return new Refusal('messages_too_fast', why);
    default:
      return new Refusal('ingestion_unavailable', why, later);
  }
}
