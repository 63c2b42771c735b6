import type { CommonTableExpr, SelectStmt, WithClause } from '@pgsql/types';
import { SqlError } from '../errors.js';
import type { SourceText } from './source-text.js';
import { unsupported } from './unsupported.js';

/** A CTE and those that it sees: the ones before it and those further out. */
export interface CommonTable {
  readonly select: SelectStmt;
  readonly visible: CommonTables;
}
export type CommonTables = ReadonlyMap<string, CommonTable>;

export const noTables: CommonTables = new Map();

/** The CTEs that a WITH adds to those further out. Throws `SqlError`. */
export function commonTables(clause: WithClause | undefined, outer: CommonTables, source: SourceText): CommonTables {
  let tables = outer;
  const own = new Set<string>();
  for (const node of clause?.ctes ?? []) {
    const cte: CommonTableExpr = 'CommonTableExpr' in node ? node.CommonTableExpr : {};
    const name = cte.ctename ?? '';
    const offset = source.offset(cte.location);
    if (clause?.recursive)
      throw unsupported(
        'WITH RECURSIVE',
        source.wordBefore(cte.location, 'recursive'),
        'leave RECURSIVE out: a CTE sees those before it',
      );
    if ((cte.aliascolnames ?? []).length > 0)
      throw unsupported('a list of columns behind the name of a CTE', offset, 'write aliases in its select list');
    if (!cte.ctequery || !('SelectStmt' in cte.ctequery))
      throw new SqlError('unsupported', 'a CTE is a SELECT', offset);
    if (own.has(name)) throw new SqlError('syntax_error', `there are two CTEs "${name}"`, offset, 'rename one of them');
    own.add(name);
    tables = new Map([...tables, [name, { select: cte.ctequery.SelectStmt, visible: tables }]]);
  }
  return tables;
}
