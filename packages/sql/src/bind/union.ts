import { SqlError } from '../errors.js';
import { alignAll } from './align.js';
import type { Stage } from './stage.js';

/** SELECTs that a query comes to when its CTEs are written out, at most; a UNION ALL of itself doubles with each CTE. */
const branchesMax = 100;

/** One side's rows behind the other's, in columns of the types that both have in common, by the names of the first. Throws `SqlError`. */
export function unionAll(left: readonly Stage[], right: readonly Stage[], offset: number): readonly Stage[] {
  const all = [...left, ...right];
  if (all.length > branchesMax)
    throw new SqlError('too_large', `the query comes to more than ${branchesMax} SELECTs`, offset, 'read less in it');
  const [first] = left;
  const [second] = right;
  if (!first || !second) return all;
  if (first.star !== second.star || first.columns.length !== second.columns.length)
    throw new SqlError(
      'type_mismatch',
      `the SELECTs of a UNION ALL have the same columns, but here are ${columnsOf(first)} and ${columnsOf(second)}`,
      offset,
      'name the same number of columns in each',
    );
  const aligned = first.columns.map((_, i) =>
    alignAll(
      all.flatMap(({ columns }) => columns[i]?.expression ?? []),
      'UNION ALL',
    ),
  );
  return all.map((stage, branch) => ({
    ...stage,
    columns: stage.columns.map((column, i) => ({
      name: first.columns[i]?.name ?? column.name,
      expression: aligned[i]?.[branch] ?? column.expression,
    })),
  }));
}

function columnsOf({ star, columns: { length } }: Stage): string {
  const named = `${length} column${length === 1 ? '' : 's'}`;
  return star ? (length === 0 ? 'whole messages' : `whole messages with ${named}`) : named;
}
