import type { FuncCall, Node, SelectStmt } from '@pgsql/types';
import type { QueryReferences } from '../contract.js';
import { SqlError } from '../errors.js';
import { isBuiltIn } from './call.js';
import { type CommonTables, commonTables, noTables } from './common-tables.js';
import { openQuery } from './opened-query.js';
import type { SourceText } from './source-text.js';

/** SELECTs within SELECTs, at most. */
export const nestingMax = 32;

/** The relations and the functions of users that a query names, whether or not they exist. Throws `SqlError` where it does not parse. */
export function queryReferences(query: string): QueryReferences {
  const { source, select, withClause, target } = openQuery(query);
  const collector = new Collector(source);
  collector.select(select, commonTables(withClause, noTables, source), 0);
  const calls = [select, withClause].flatMap((tree) => calledNames(tree));
  return { reads: [...collector.reads], writes: target?.relname, calls: [...new Set(calls)] };
}

/** The functions that a part of the tree calls and that are not built in. What the parser itself calls stands in a schema. */
export function calledNames(tree: unknown): string[] {
  if (typeof tree !== 'object' || tree === null) return [];
  const names = new Set<string>();
  const stack: object[] = [tree];
  for (let node = stack.pop(); node; node = stack.pop()) {
    for (const [key, value] of Object.entries(node)) {
      if (key === 'FuncCall') {
        const [only, more] = ((value as FuncCall).funcname ?? []).map((part) =>
          'String' in part ? (part.String.sval ?? '') : '',
        );
        if (only !== undefined && more === undefined && !isBuiltIn(only)) names.add(only);
      }
      if (typeof value === 'object' && value !== null) stack.push(value);
    }
  }
  return [...names].sort();
}

class Collector {
  readonly reads = new Set<string>();
  /** A CTE that is named often is looked at once. */
  readonly #seen = new Set<SelectStmt>();

  constructor(readonly source: SourceText) {}

  select(select: SelectStmt, outer: CommonTables, depth: number): void {
    if (depth > nestingMax) throw new SqlError('too_large', `queries are nested deeper than ${nestingMax} levels`, 0);
    if (this.#seen.has(select)) return;
    this.#seen.add(select);
    const tables = commonTables(select.withClause, outer, this.source);
    for (const side of [select.larg, select.rarg]) if (side) this.select(side, tables, depth);
    for (const item of select.fromClause ?? []) this.#from(item, tables, depth);
  }

  #from(item: Node, tables: CommonTables, depth: number): void {
    if ('JoinExpr' in item) {
      const { larg, rarg } = item.JoinExpr;
      for (const side of [larg, rarg]) if (side) this.#from(side, tables, depth);
    } else if ('RangeSubselect' in item) {
      const { subquery } = item.RangeSubselect;
      if (subquery && 'SelectStmt' in subquery) this.select(subquery.SelectStmt, tables, depth + 1);
    } else if ('RangeVar' in item) {
      const name = item.RangeVar.relname ?? '';
      const cte = tables.get(name);
      if (cte) this.select(cte.select, cte.visible, depth + 1);
      else this.reads.add(name);
    }
  }
}
