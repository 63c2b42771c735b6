import type { SourceConnection } from '../relations.js';
import type { Expression, Slot } from './expression.js';
import { rejectsNulls } from './null-tests.js';
import { type Expansion, type OutputColumn, parts } from './plan.js';
import type { Scope } from './scope.js';

/** Rows that a SELECT takes or gives: a source's messages, taken apart and filtered. */
interface Rows {
  readonly connection: SourceConnection;
  readonly filters: readonly Expression[];
  readonly expansions: readonly Expansion[];
}

/** What a FROM comes to. */
export interface From extends Rows {
  readonly scope: Scope;
}

/** One SELECT with all that it stands on, inlined down to the source. */
export interface Stage extends Rows {
  readonly star: boolean;
  readonly columns: readonly OutputColumn[];
}

/** The rows that fulfil a condition as well. Each part of it is checked as soon as all that it needs is known, behind those that are there already. */
export function filtered<R extends Rows>(rows: R, condition: Expression): R {
  if (rows.expansions.length === 0) return { ...rows, filters: [...rows.filters, condition] };
  return conjuncts(condition).reduce(withFilter, rows);
}

function withFilter<R extends Rows>(rows: R, condition: Expression): R {
  const at = rows.expansions.findIndex(
    (expansion) => expansion.outer && rejectsNulls(condition, new Set(slotsOf(expansion))),
  );
  return placed(at < 0 ? rows : inner(rows, at), condition);
}

/** No row of NULLs is wanted of a LEFT JOIN: it is an inner one, whose ON is a condition as any other, and may keep the function from being called. */
function inner<R extends Rows>(rows: R, at: number): R {
  const expansion = rows.expansions[at];
  if (!expansion) return rows;
  const without = { ...rows, expansions: rows.expansions.with(at, { ...expansion, outer: false, on: [] }) };
  return expansion.on.reduce(placed, without);
}

function placed<R extends Rows>(rows: R, condition: Expression): R {
  const { filters, expansions } = rows;
  const needed = slotsIn(condition);
  const at = expansions.findLastIndex((expansion) => slotsOf(expansion).some((slot) => needed.has(slot)));
  const expansion = expansions[at];
  if (!expansion) return { ...rows, filters: [...filters, condition] };
  const checked = { ...expansion, filters: [...expansion.filters, condition] };
  return { ...rows, expansions: expansions.with(at, checked) };
}

/** What must be true each for an AND to be true. */
export const conjuncts = (condition: Expression): readonly Expression[] =>
  condition.op === 'and' ? condition.args.flatMap(conjuncts) : [condition];

/** Those that not every row fulfils. */
export const selective = (conditions: readonly Expression[]): readonly Expression[] =>
  conditions.filter((condition) => !(condition.op === 'constant' && condition.value === true));

export const slotsOf = ({ lists, ordinality }: Expansion): readonly Slot[] => [
  ...lists.map(({ slot }) => slot),
  ...(ordinality ? [ordinality] : []),
];

function slotsIn(expression: Expression): ReadonlySet<Slot> {
  const slots = new Set<Slot>();
  for (const part of parts(expression)) if (part.op === 'element') slots.add(part.slot);
  return slots;
}
