import type { Alias, CommonTableExpr, SelectStmt, WithClause } from '@pgsql/types';
import { SqlError } from '../errors.js';
import { namesBehind } from './column-aliases.js';
import type { Identifier } from './scope.js';
import type { SourceText } from './source-text.js';
import { unsupported } from './unsupported.js';

/** A CTE and those that it sees: the ones before it and those further out. */
export interface CommonTable {
  readonly select: SelectStmt;
  /** Its columns by other names, from the first on: `WITH name (a, b) AS`. */
  readonly columns: readonly Identifier[];
  readonly visible: CommonTables;
}

/** CTEs by name. */
export interface CommonTables {
  get(name: string): CommonTable | undefined;
}

export const noTables: CommonTables = { get: () => undefined };

/** One more, which hides one of its name; those before it are shared with whoever sees them alone. */
class MoreTables implements CommonTables {
  constructor(
    readonly name: string,
    readonly table: CommonTable,
    readonly others: CommonTables,
  ) {}

  get(name: string): CommonTable | undefined {
    let tables: CommonTables = this;
    for (; tables instanceof MoreTables; tables = tables.others) if (tables.name === name) return tables.table;
    return tables.get(name);
  }
}

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
    if (!cte.ctequery || !('SelectStmt' in cte.ctequery))
      throw new SqlError('unsupported', 'a CTE is a SELECT', offset);
    if (own.has(name)) throw new SqlError('syntax_error', `there are two CTEs "${name}"`, offset, 'rename one of them');
    own.add(name);
    const alias: Alias = { aliasname: name, ...(cte.aliascolnames ? { colnames: cte.aliascolnames } : {}) };
    const columns = namesBehind(alias, source, cte.location);
    tables = new MoreTables(name, { select: cte.ctequery.SelectStmt, columns, visible: tables }, tables);
  }
  return tables;
}
