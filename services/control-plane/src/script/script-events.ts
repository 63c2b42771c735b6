import type { NatsConnection } from '@nats-io/nats-core';
import { stringify } from 'lossless-json';
import type { RowEvent } from '../http/row-events.js';
import { slowClientMs } from '../http/row-stream.js';
import { type LiveNews, liveQuery } from '../live/live-query.js';
import { toProblem } from '../problem.js';
import type { Rows } from './rows.js';
import type { OpenLive, ScriptRun, StatementResult } from './run-script.js';

export interface ScriptEventsOptions {
  readonly timeoutMs: number;
  readonly traceparent: string;
  /** Aborts when nobody waits any more, or the service stops. */
  readonly signal: AbortSignal;
  /** Aborts when the client takes nothing any more. */
  readonly slow: AbortSignal;
}

/** Why a stream ends. */
type EndReason =
  | 'complete'
  | 'limit'
  | 'range'
  | 'timeout'
  | 'cut'
  | 'changed'
  | 'interrupted'
  | 'slow_client'
  | 'shutdown';

/**
 * A script that was run but for the live query that it may end with, as row events: what its statements came to, then the rows of the last one. Throws `StatementFailed` where
 * the live query cannot begin, before anything was told; whatever ends it later is told.
 */
export async function* scriptEvents(
  nc: NatsConnection,
  run: ScriptRun,
  options: ScriptEventsOptions,
): AsyncGenerator<readonly RowEvent[]> {
  const results = run.results();
  if (run.live) yield* liveEvents(nc, run.live, resultsEvent(results), options);
  else yield finishedEvents(results);
}

const resultsEvent = (results: readonly StatementResult[]): RowEvent[] =>
  results.length === 0 ? [] : [{ event: 'results', data: { results } }];

function columnsEvent(statement: string, { columns, warnings = [] }: Pick<Rows, 'columns' | 'warnings'>): RowEvent {
  return { event: 'columns', data: { statement, columns, warnings } };
}

function endEvent(reason: EndReason, rows: number, failedMessages = 0): RowEvent {
  const complete = reason === 'complete' || reason === 'limit' || reason === 'range';
  return { event: 'end', data: { reason, complete, rows, failed_messages: failedMessages } };
}

/** A script of which nothing is still to come. */
function finishedEvents(results: readonly StatementResult[]): RowEvent[] {
  const last = results.at(-1);
  if (!last || !('rows' in last)) return [...resultsEvent(results), endEvent('complete', 0)];
  return [
    ...resultsEvent(results.slice(0, -1)),
    columnsEvent(last.statement, last),
    ...last.rows.map((row): RowEvent => ({ event: 'row', text: stringify(row) ?? '' })),
    endEvent(last.complete ? 'complete' : 'cut', last.rows.length),
  ];
}

async function* liveEvents(
  nc: NatsConnection,
  live: OpenLive,
  before: readonly RowEvent[],
  { timeoutMs, traceparent, signal, slow }: ScriptEventsOptions,
): AsyncGenerator<readonly RowEvent[]> {
  const { query, revision, bound, statement } = live;
  const request = { query, revision, timeoutMs, traceparent, rowsMax: 0, bytesMax: 0, tellFailed: true };
  const told: RowEvent[] = [...before, columnsEvent(statement, bound)];
  let begun = false;
  let rows = 0;
  let failed = 0;
  try {
    for await (const news of liveQuery(nc, request, AbortSignal.any([signal, slow]))) {
      const events = begun ? [] : told;
      begun = true;
      if (news.type === 'rows') rows += news.rows.length;
      if (news.type === 'failed') failed++;
      if (news.type === 'end') return yield [...events, endEvent(endOf(news), rows, failed)];
      yield [...events, ...eventsOf(news)];
    }
  } catch (error) {
    if (!begun) throw live.failed(error);
    const { code, detail } = toProblem(error).body;
    return yield [
      { event: 'error', data: { code, detail } },
      endEvent(code === 'definition_changed' ? 'changed' : 'interrupted', rows, failed),
    ];
  }
  const [reason, detail] = slow.aborted
    ? (['slow_client', `nothing was taken for ${slowClientMs} ms; rows that came meanwhile were not kept`] as const)
    : (['shutdown', 'the service that answers is stopping; ask again'] as const);
  yield [...(begun ? [] : told), { event: 'error', data: { code: reason, detail } }, endEvent(reason, rows, failed)];
}

const endOf = ({ reason }: Extract<LiveNews, { type: 'end' }>): EndReason => (reason === 'size' ? 'cut' : reason);

const utf8 = new TextDecoder();

function eventsOf(news: LiveNews): RowEvent[] {
  if (news.type === 'rows') return news.rows.map((row) => ({ event: 'row', text: utf8.decode(row) }));
  if (news.type !== 'failed') return [];
  const { message: detail, subject, stream, sequence } = news;
  return [{ event: 'error', data: { code: 'failed_message', detail, subject, stream, sequence } }];
}
