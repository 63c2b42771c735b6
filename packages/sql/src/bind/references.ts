import type { Node, SelectStmt } from '@pgsql/types';
import type { QueryReferences } from '../contract.js';
import { SqlError } from '../errors.js';
import { type CommonTables, commonTables, noTables } from './common-tables.js';
import { openQuery } from './opened-query.js';
import type { SourceText } from './source-text.js';

/** SELECTs within SELECTs, at most. */
export const nestingMax = 32;

/** The relations that a query names, whether or not they exist. Throws `SqlError` where it does not parse. */
export function queryReferences(query: string): QueryReferences {
  const { source, select, withClause, target } = openQuery(query);
  const collector = new Collector(source);
  collector.select(select, commonTables(withClause, noTables, source), 0);
  return { reads: [...collector.reads], writes: target?.relname };
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
    for (const side of [select.larg, select.rarg]) if (side) this.select(side, tables, depth + 1);
    for (const item of select.fromClause ?? []) this.#from(item, tables, depth);
  }

  #from(item: Node, tables: CommonTables, depth: number): void {
    if ('RangeSubselect' in item) {
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
