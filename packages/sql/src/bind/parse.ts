import type { InsertStmt, SelectStmt } from '@pgsql/types';
import { hasSqlDetails, loadModule, parseSync } from 'libpg-query';
import { SqlError } from '../errors.js';
import { misusedWord, quotingHint } from './reserved-words.js';

const queryBytesMax = 64 * 1024;

/** Loads PostgreSQL's parser (WebAssembly, some 50 ms); once, before anything is bound. */
export const loadSql = (): Promise<void> => loadModule();

export type ParsedQuery = { readonly insert: InsertStmt } | { readonly select: SelectStmt };

/** The parse tree of one query. Throws `SqlError`. */
export function parseQuery(query: string): ParsedQuery {
  if (new TextEncoder().encode(query).length > queryBytesMax)
    throw new SqlError('too_large', `a query has at most ${queryBytesMax} bytes`, 0);
  if (query.includes('\0'))
    throw new SqlError('syntax_error', 'the query holds a NUL character', [...query].indexOf('\0'));
  const statements = parseTree(query);
  const [only, more] = statements;
  if (!only?.stmt) throw new SqlError('syntax_error', 'the query is empty', 0);
  if (more) throw new SqlError('syntax_error', 'there are several statements where one query is wanted', 0);
  if ('InsertStmt' in only.stmt) return { insert: only.stmt.InsertStmt };
  if ('SelectStmt' in only.stmt) return { select: only.stmt.SelectStmt };
  throw new SqlError('unsupported', 'a query is SELECT ... or INSERT INTO ... SELECT ...', 0);
}

function parseTree(query: string) {
  try {
    return parseSync(query).stmts ?? [];
  } catch (error) {
    if (!hasSqlDetails(error)) throw new SqlError('syntax_error', 'the query cannot be parsed', 0);
    if (error.message.startsWith('memory exhausted'))
      throw new SqlError('too_large', 'the query is nested too deeply', 0);
    const position = error.sqlDetails?.cursorPosition ?? 0;
    const near = /at or near "([^"]+)"/.exec(error.message)?.[1]?.toLowerCase();
    const word = misusedWord(wordBefore(query, position), near);
    const hint = word === undefined ? undefined : quotingHint(word);
    throw new SqlError('syntax_error', error.message, Math.max(0, position), hint);
  }
}

/** The parser stumbles over what follows a reserved word as often as over the word. */
function wordBefore(query: string, position: number): string | undefined {
  return /([A-Za-z_]+)\W*$/.exec([...query].slice(0, position).join(''))?.[1]?.toLowerCase();
}
