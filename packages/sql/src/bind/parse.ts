import type { InsertStmt, SelectStmt } from '@pgsql/types';
import { SqlError } from '../errors.js';
import { refuseSlowToParse } from './parser-limits.js';
import { postgresParser } from './postgres-parser.js';
import { syntaxHint } from './syntax-hint.js';

export const queryBytesMax = 64 * 1024;

const tooDeep = (): SqlError =>
  new SqlError(
    'too_large',
    'the query is nested too deeply, or has too many operators in one row',
    0,
    'compute less in it; for many values write IN (...) or = ANY (ARRAY[...])',
  );

export type ParsedQuery = { readonly insert: InsertStmt } | { readonly select: SelectStmt };

/** The parse tree of one query. Throws `SqlError`. */
export function parseQuery(query: string): ParsedQuery {
  if (new TextEncoder().encode(query).length > queryBytesMax)
    throw new SqlError(
      'too_large',
      `a query has at most ${queryBytesMax} bytes`,
      0,
      'divide it into several pipelines',
    );
  if (query.includes('\0'))
    throw new SqlError('syntax_error', 'the query holds a NUL character', [...query].indexOf('\0'), 'take it out');
  refuseSlowToParse(query);
  // The parser has no word for a text of white space.
  const statements = query.trim() === '' ? [] : parseTree(query);
  const [only, more] = statements;
  if (!only?.stmt)
    throw new SqlError(
      'syntax_error',
      'the query is empty',
      [...query].length,
      'write SELECT ... FROM a connection or a table',
    );
  if (more)
    throw new SqlError(
      'syntax_error',
      'there are several statements where one query is wanted',
      0,
      'take out what stands behind the ;',
    );
  if ('InsertStmt' in only.stmt) return { insert: only.stmt.InsertStmt };
  if ('SelectStmt' in only.stmt) return { select: only.stmt.SelectStmt };
  throw new SqlError('unsupported', 'this is no query', 0, 'a query is SELECT ... or INSERT INTO sink SELECT ...');
}

function parseTree(query: string) {
  const { parseSync, hasSqlDetails } = postgresParser();
  try {
    return parseSync(query).stmts ?? [];
  } catch (error) {
    // A chain of thousands of operators is as deep as it is long.
    if (error instanceof RangeError || (hasSqlDetails(error) && error.message.startsWith('memory exhausted')))
      throw tooDeep();
    if (!hasSqlDetails(error)) throw new SqlError('syntax_error', 'the query cannot be parsed', 0);
    const position = error.sqlDetails?.cursorPosition ?? 0;
    const index = [...query].slice(0, Math.max(0, position)).join('').length;
    const isGrammar = error.message.startsWith('syntax error');
    throw new SqlError('syntax_error', error.message, Math.max(0, position), syntaxHint(query, index, isGrammar));
  }
}
