import { BusUnavailable } from '@laminar/event-store';
import { laminar, subjects } from '@laminar/protocol';
import { SqlError } from '@laminar/sql';
import { createInbox, type Msg, type NatsConnection } from '@nats-io/nats-core';
import { parse } from 'lossless-json';
import { QueryRejected } from '../definitions/query-check.js';
import { Refusal } from '../refusal.js';
import { noIngestion } from './no-ingestion.js';

const { LiveEnd, LiveEvent, LiveFailure, LiveQueryRequest } = laminar.v1;

/** An instance says every 500 ms that it is still there. */
const silenceMs = 3000;

export interface LiveRequest {
  /** A SELECT that was bound as a live query at `revision`. */
  readonly query: string;
  readonly revision: number;
  readonly timeoutMs: number;
  /** Where the rows are cut. */
  readonly rowsMax: number;
  readonly bytesMax: number;
}

/** What comes of a live query, in this order: rows as they come, then its end. */
export type LiveNews =
  | { readonly type: 'rows'; readonly rows: readonly (readonly unknown[])[] }
  | {
      readonly type: 'end';
      readonly reason: 'limit' | 'timeout' | 'size';
      /** Messages that could not be decoded or evaluated, and what was wrong with the first. */
      readonly failedMessages: number;
      readonly firstFailure: string;
    };

/**
 * Runs a live query on an ingestion instance. Numbers in rows are of lossless-json, with all digits. The query ends when the iteration does, when `signal` aborts (then without an
 * end), or by itself. Throws a `Refusal`, `QueryRejected` and `BusUnavailable`.
 */
export async function* liveQuery(
  nc: NatsConnection,
  { query, revision, timeoutMs, rowsMax, bytesMax }: LiveRequest,
  signal: AbortSignal,
): AsyncGenerator<LiveNews> {
  if (signal.aborted) return;
  const inbox = nc.subscribe(createInbox());
  const leave = () => inbox.unsubscribe();
  signal.addEventListener('abort', leave);
  let silence: NodeJS.Timeout | undefined;
  const listen = () => {
    silence = setTimeout(leave, silenceMs);
  };
  try {
    const request = LiveQueryRequest.encode({ query, revision, timeoutMs, rowsMax, bytesMax }).finish();
    nc.publish(subjects.liveQuery, request, { reply: inbox.getSubject() });
    listen();
    for await (const message of inbox) {
      // Whoever takes the news may take long over it; nobody is silent meanwhile.
      clearTimeout(silence);
      const news = newsOf(message, query);
      if (news) yield news;
      if (news?.type === 'end') return;
      // Asks for the next event.
      message.respond();
      listen();
    }
    if (signal.aborted) return;
    if (nc.isClosed()) throw new BusUnavailable('the bus is away; try again when it is back');
    throw new Refusal('ingestion_unavailable', `the ingestion instance that answered was silent for ${silenceMs} ms`, {
      headers: { 'retry-after': '1' },
    });
  } finally {
    clearTimeout(silence);
    signal.removeEventListener('abort', leave);
    inbox.unsubscribe();
  }
}

function newsOf(message: Msg, query: string): LiveNews | undefined {
  if (message.data.length === 0 && message.headers?.code === 503) throw noIngestion();
  const { rows, end, failure } = LiveEvent.decode(message.data);
  if (failure) throw refusalOf(failure, query);
  if (rows) return { type: 'rows', rows: (rows.rows ?? []).map(readRow) };
  if (!end) return undefined;
  const { reason, failedMessages, firstFailure } = end;
  return {
    type: 'end',
    reason:
      reason === LiveEnd.Reason.REASON_LIMIT ? 'limit' : reason === LiveEnd.Reason.REASON_SIZE ? 'size' : 'timeout',
    failedMessages: Number(failedMessages ?? 0),
    firstFailure: firstFailure ?? '',
  };
}

const utf8 = new TextDecoder();

const readRow = (text: Uint8Array): readonly unknown[] =>
  parse(utf8.decode(text), undefined, { onDuplicateKey: ({ newValue }) => newValue }) as unknown[];

function refusalOf({ kind, message, offset }: laminar.v1.LiveFailure.$Properties, query: string): Error {
  const why = message ?? '';
  const later = { headers: { 'retry-after': '1' } };
  switch (kind) {
    case LiveFailure.Kind.KIND_QUERY:
      return new QueryRejected(new SqlError('unknown_table', why, offset ?? 0), query);
    case LiveFailure.Kind.KIND_UNSUPPORTED:
      return new QueryRejected(new SqlError('unsupported', why, 0), query);
    case LiveFailure.Kind.KIND_BUSY:
      return new Refusal('too_many_queries', why, later);
    case LiveFailure.Kind.KIND_CONNECTION:
      return new Refusal('connection_unavailable', why);
    default:
      return new Refusal('ingestion_unavailable', why, later);
  }
}
