import type { RangeVar, SelectStmt, WithClause } from '@pgsql/types';
import { parseQuery } from './parse.js';
import { SourceText } from './source-text.js';
import { unsupported } from './unsupported.js';

/** A query taken apart: what is selected, and where it goes. */
export interface OpenedQuery {
  readonly source: SourceText;
  readonly select: SelectStmt;
  /** CTEs in front of INSERT INTO; those in front of SELECT stand in `select`. */
  readonly withClause: WithClause | undefined;
  readonly target: RangeVar | undefined;
}

/** Parses a query. Throws `SqlError`. */
export function openQuery(query: string): OpenedQuery {
  const parsed = parseQuery(query);
  const source = new SourceText(query);
  if ('select' in parsed) return { source, select: parsed.select, withClause: undefined, target: undefined };
  const { insert } = parsed;
  const refuse = (what: string, hint?: string) => unsupported(what, source.offset(insert.relation?.location), hint);
  if ((insert.cols ?? []).length > 0)
    throw refuse('a list of columns behind INSERT INTO', 'name the columns in the select list');
  if (insert.onConflictClause)
    throw refuse('ON CONFLICT', 'leave it out: rows are added to the sink, and nothing is there to conflict with');
  if (insert.returningClause) throw refuse('RETURNING', 'leave it out: rows go into the sink');
  if (insert.override !== undefined && insert.override !== 'OVERRIDING_NOT_SET')
    throw refuse('OVERRIDING', 'leave it out: a sink has no columns that are generated');
  if (!insert.selectStmt || !('SelectStmt' in insert.selectStmt))
    throw refuse('INSERT INTO without SELECT', 'write INSERT INTO sink SELECT ... FROM source');
  if (insert.relation?.schemaname) throw refuse('a schema before the name of a sink', 'leave the schema out');
  return { source, select: insert.selectStmt.SelectStmt, withClause: insert.withClause, target: insert.relation };
}
