import type { SelectStmt } from '@pgsql/types';
import { SqlError } from '../errors.js';
import { firstLocation, refuseClauses } from './clauses.js';
import { settled } from './coerce.js';
import { commonTables } from './common-tables.js';
import { bindCondition } from './expressions.js';
import { bindFrom, type Surroundings } from './from.js';
import { nestingMax } from './references.js';
import { bindSelectList } from './select-list.js';
import { type From, filtered, type Stage } from './stage.js';
import { unionAll } from './union.js';
import { unsupported } from './unsupported.js';

/**
 * Binds a SELECT: its branches, which are several where UNION ALL puts SELECTs behind each other. Of its first columns as many as are `renamed` need no names. One
 * behind LATERAL sees what stands `before` it. Throws `SqlError`, `Missing`, `UnknownFunction`.
 */
export function bindSelect(select: SelectStmt, around: Surroundings, renamed = 0, before?: From): readonly Stage[] {
  return branches(select, around, renamed, before).map((stage) => ({
    ...stage,
    columns: stage.columns.map(({ name, expression }) => ({ name, expression: settled(expression) })),
  }));
}

/** The same with literals that nothing types yet: in a UNION ALL the other side may, as the first one names the columns of all. */
function branches(select: SelectStmt, around: Surroundings, renamed: number, before?: From): readonly Stage[] {
  const { source, depth } = around;
  if (depth > nestingMax) throw new SqlError('too_large', `queries are nested deeper than ${nestingMax} levels`, 0);
  refuseClauses(select, source);
  const inner = { ...around, tables: commonTables(select.withClause, around.tables, source) };
  const { op, all, larg, rarg } = select;
  if (op === undefined || op === 'SETOP_NONE' || !larg || !rarg) return plainSelect(select, inner, renamed, before);
  const word = op.replace('SETOP_', '');
  const offset = source.wordBefore(firstLocation(rarg), word.toLowerCase());
  if (op !== 'SETOP_UNION' || !all) {
    throw unsupported(
      word,
      offset,
      op === 'SETOP_UNION'
        ? 'UNION compares all rows to leave out doubles: write UNION ALL'
        : 'it compares rows of different messages: write a WHERE, or a pipeline for each part',
    );
  }
  if (before)
    throw unsupported('UNION ALL behind LATERAL', offset, 'write a SELECT for each, with UNION ALL between them');
  return unionAll(branches(larg, inner, renamed), branches(rarg, inner, Number.POSITIVE_INFINITY), offset);
}

function plainSelect(select: SelectStmt, around: Surroundings, renamed: number, before?: From): readonly Stage[] {
  const { source } = around;
  const targets = select.targetList ?? [];
  if (targets.length === 0)
    throw new SqlError(
      'syntax_error',
      'the select list is empty',
      source.offset(firstLocation(select.fromClause?.[0])),
      'name columns, or *',
    );
  return bindFrom(select.fromClause ?? [], around, before).map(({ scope, ...rows }) => {
    const context = { ...around, scope };
    const list = bindSelectList(targets, context, renamed);
    const kept = select.whereClause ? filtered(rows, bindCondition(select.whereClause, context)) : rows;
    return { ...kept, ...list };
  });
}
