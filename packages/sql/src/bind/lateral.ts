import type { Node, RangeSubselect } from '@pgsql/types';
import { firstLocation } from './clauses.js';
import { namesBehind, withNames } from './column-aliases.js';
import { constant, type Expression, lenient, type Slot } from './expression.js';
import type { Surroundings } from './from.js';
import { itemsOf, joined, lateralScope } from './joined-scope.js';
import { isNotNull, isNullWith } from './null-tests.js';
import type { Expansion } from './plan.js';
import { columnsScope, type ScopeColumn } from './scope.js';
import { conjuncts, type From, filtered, type Stage, selective, slotsOf } from './stage.js';
import { unsupported } from './unsupported.js';

/** A subquery that is computed for each row of what stands before it, bound: the functions in its FROM, its conditions, and its columns. */
interface Lateral extends Pick<Stage, 'filters' | 'expansions'> {
  readonly alias: string;
  readonly columns: readonly ScopeColumn[];
  readonly offset: number;
}

/** Whether it is a subquery that may see what stands before it. As the first within another such one it may without the word, since nothing stands between. */
export const isLateral = (item: Node, from: From): item is { RangeSubselect: RangeSubselect } =>
  'RangeSubselect' in item && (item.RangeSubselect.lateral === true || itemsOf(from.scope).length === 0);

/** What the FROM of such a subquery begins with: one row, and the columns of what stands before it. */
export const lateralBase = ({ connection, scope }: From): From => ({
  connection,
  filters: [],
  expansions: [],
  scope: lateralScope(scope),
});

/** Binds a subquery beside `from`. Throws `SqlError`, `Missing`, `UnknownFunction`. */
export function bindLateral({ subquery, alias }: RangeSubselect, from: From, around: Surroundings): Lateral {
  const location = firstLocation(subquery);
  const offset = around.source.offset(location);
  if (!subquery || !('SelectStmt' in subquery)) throw unsupported('this subquery', offset);
  const names = namesBehind(alias, around.source, location);
  const [stage] = around.select(subquery.SelectStmt, { ...around, depth: around.depth + 1 }, names.length, from);
  if (!stage) throw new Error('a SELECT has a branch');
  if (stage.star)
    throw unsupported('a whole message in a subquery behind LATERAL', offset, 'name its fields, or the payload');
  const name = alias?.aliasname ?? '';
  const columns = withNames(stage.columns, name, names, offset);
  return { filters: stage.filters, expansions: stage.expansions, alias: name, columns, offset };
}

/** Each row with those that the subquery makes of it. */
export function withLateral(from: From, { filters, expansions, alias, columns, offset }: Lateral): From {
  const kept = filters.reduce(filtered, from);
  const scope = { ...columnsScope(alias, columns, nameOf(alias)), value: undefined };
  return {
    ...kept,
    scope: joined(from.scope, scope, offset),
    expansions: [...kept.expansions, ...expansions],
  };
}

/** The same, and where there are none that fulfil `on` the row with NULLs: LEFT JOIN. */
export function withOuterLateral(from: From, lateral: Lateral, on: readonly Expression[]): From {
  const { filters, expansions, columns, offset } = lateral;
  const conditions = selective([...filters, ...on].flatMap(conjuncts));
  const [only, second] = expansions;
  if (second || only?.outer)
    throw unsupported(
      'LEFT JOIN of a subquery with several functions in its FROM',
      offset,
      'join them one by one: LEFT JOIN unnest(...) AS a ON true LEFT JOIN unnest(...) AS b ON true',
    );
  if (!only) {
    const given = columns.map((column) => ({
      ...column,
      expression: onlyWhere(conditions, column.expression),
    }));
    return withLateral(from, { ...lateral, filters: [], columns: given });
  }
  const place: Slot = only.ordinality ?? { name: 'ordinality' };
  const matching: Expansion = {
    ...only,
    ordinality: place,
    outer: true,
    on: [...selective(only.filters), ...conditions],
    filters: [],
  };
  const matched = lenient('BOOLEAN', offset, isNotNull, { op: 'element', slot: place, type: 'BIGINT', offset });
  const slots = new Set(slotsOf(matching));
  const given = columns.map(({ name, expression }) => ({
    name,
    expression: isNullWith(expression, slots) ? expression : onlyWhere([matched], expression),
  }));
  return withLateral(from, { ...lateral, filters: [], expansions: [matching], columns: given });
}

/** What an expression gives where all of the conditions hold, else NULL. */
function onlyWhere(conditions: readonly Expression[], expression: Expression): Expression {
  const [first, second] = conditions;
  if (!first) return expression;
  const { type, offset } = expression;
  const when: Expression = second ? { op: 'and', args: conditions, type: 'BOOLEAN', offset } : first;
  return {
    op: 'case',
    branches: [{ when, result: expression }],
    otherwise: constant(null, type, offset),
    type,
    offset,
  };
}

const nameOf = (alias: string): string => (alias === '' ? 'the subquery' : `"${alias}"`);
