import type { LiveQuery, Warning } from '@laminar/sql';
import type { NatsConnection } from '@nats-io/nats-core';
import { parse } from 'lossless-json';
import type { Rows } from '../script/rows.js';
import { type LiveNews, type LiveRequest, liveQuery } from './live-query.js';

/** What one answer holds of a live query. */
const rowsMax = 10_000;
const bytesMax = 8 * 1024 * 1024;

/**
 * The rows that come of a live query until it is complete by its LIMIT or the end of its range, or until its time is up; numbers in them are of lossless-json, with all digits.
 * What ends it before any row came is thrown; after that it is a warning beside the rows. Throws what `liveQuery` throws.
 */
export async function liveRows(
  nc: NatsConnection,
  bound: LiveQuery,
  request: Pick<LiveRequest, 'query' | 'revision' | 'timeoutMs' | 'traceparent'>,
  signal: AbortSignal,
): Promise<Rows> {
  const rows: (readonly unknown[])[] = [];
  const warnings: Warning[] = [...bound.warnings];
  let complete = false;
  try {
    for await (const news of liveQuery(nc, { ...request, rowsMax, bytesMax, tellFailed: false }, signal)) {
      if (news.type === 'rows') for (const row of news.rows) rows.push(readRow(row));
      else if (news.type === 'end') {
        complete = news.reason === 'limit' || news.reason === 'range';
        warnings.push(...warningsOf(news));
      }
    }
  } catch (error) {
    if (rows.length === 0) throw error;
    warnings.push({ code: 'interrupted', message: error instanceof Error ? error.message : String(error) });
  }
  return { columns: bound.columns, rows, complete, warnings };
}

const utf8 = new TextDecoder();

const readRow = (text: Uint8Array): readonly unknown[] =>
  parse(utf8.decode(text), undefined, { onDuplicateKey: ({ newValue }) => newValue }) as unknown[];

/** What a rehearsal says of a live query: that it holds, and what its columns are. */
export const rehearsedRows = ({ columns, warnings }: LiveQuery): Rows => ({
  columns,
  rows: [],
  complete: false,
  warnings: [...warnings, { code: 'not_run', message: 'nothing was read: this is a rehearsal' }],
});

function warningsOf({ reason, failedMessages, firstFailure }: Extract<LiveNews, { type: 'end' }>): Warning[] {
  const warnings: Warning[] = [];
  if (failedMessages > 0) {
    const count = failedMessages === 1 ? '1 message' : `${failedMessages} messages`;
    warnings.push({ code: 'failed_messages', message: `${count} could not be read, first: ${firstFailure}` });
  }
  if (reason === 'size') {
    const limits = `${rowsMax} rows or ${bytesMax} bytes`;
    warnings.push({ code: 'cut', message: `an answer holds at most ${limits}; ask for fewer by LIMIT or WHERE` });
  }
  return warnings;
}
