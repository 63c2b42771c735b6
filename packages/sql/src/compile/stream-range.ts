import { type Comparison, plainComparison } from '../bind/comparison.js';
import { constant, type Expression } from '../bind/expression.js';
import { type Plan, parts } from '../bind/plan.js';
import { planBehind } from '../bind/query.js';
import type { BoundQuery } from '../contract.js';
import { declarationsOfConstants, Emitter } from './emit.js';
import { rowFailure } from './row-failure.js';

/** The part of a stream that a query can be about: whole numbers, both ends included; undefined where nothing bounds it. Times are microseconds since 1970. */
export interface StreamRange {
  readonly fromSequence: number | undefined;
  readonly toSequence: number | undefined;
  readonly fromMicros: number | undefined;
  readonly toMicros: number | undefined;
}

/** A query that is run once, with what its WHERE says of the place of messages in their stream. */
export interface Narrowed {
  /** The same query; what was compared with a message's place is computed once, so that NOW() there is one moment. */
  readonly query: BoundQuery;
  /** Undefined where WHERE says nothing of it. */
  readonly range: StreamRange | undefined;
}

/**
 * Finds the bounds of `_nats_sequence` and `_nats_timestamp` that every row must be within: the comparisons with constants that are joined by AND in the WHERE of
 * the query or of a CTE that it stands on. Of a UNION ALL, the range that holds those of all its selects.
 */
export function narrowed(query: BoundQuery): Narrowed {
  const plan = planBehind(query);
  const settled = plan.branches.map((branch) => {
    const bounds: Bound[] = [];
    const filters = branch.filters.map((filter) => settle(filter, bounds));
    return { branch: { ...branch, filters }, range: rangeOf(bounds) };
  });
  const range = settled.map((branch) => branch.range).reduce(hull);
  if (Object.values(range).every((bound) => bound === undefined)) return { query, range: undefined };
  const narrow: Plan = { ...plan, branches: settled.map(({ branch }) => branch) };
  return { query: narrow, range };
}

/** The smallest range that holds both. */
const hull = (a: StreamRange, b: StreamRange): StreamRange => ({
  fromSequence: outer(Math.min, a.fromSequence, b.fromSequence),
  toSequence: outer(Math.max, a.toSequence, b.toSequence),
  fromMicros: outer(Math.min, a.fromMicros, b.fromMicros),
  toMicros: outer(Math.max, a.toMicros, b.toMicros),
});

const outer = (
  choose: (a: number, b: number) => number,
  a: number | undefined,
  b: number | undefined,
): number | undefined => (a === undefined || b === undefined ? undefined : choose(a, b));

/** Whether no message can lie within. */
export const isEmptyRange = ({ fromSequence, toSequence, fromMicros, toMicros }: StreamRange): boolean =>
  (fromSequence ?? 0) > (toSequence ?? Number.POSITIVE_INFINITY) ||
  (fromMicros ?? Number.NEGATIVE_INFINITY) > (toMicros ?? Number.POSITIVE_INFINITY);

interface Bound {
  readonly column: '_nats_sequence' | '_nats_timestamp';
  readonly operator: Comparison;
  readonly value: number;
}

/** The filter with its comparisons of places settled, whose bounds are added to `bounds`. */
function settle(filter: Expression, bounds: Bound[]): Expression {
  if (filter.op === 'and') return { ...filter, args: filter.args.map((arg) => settle(arg, bounds)) };
  const operator = plainComparison(filter);
  if (operator === undefined || operator === '<>' || filter.op !== 'strict') return filter;
  const [left, right] = filter.args;
  if (!left || !right) return filter;
  const column = placeColumn(left) ?? placeColumn(right);
  if (column === undefined) return filter;
  const isTurned = placeColumn(left) === undefined;
  const compared = isTurned ? left : right;
  const value = valueOnce(compared);
  if (typeof value !== 'number' && typeof value !== 'bigint') return filter;
  bounds.push({ column, operator: isTurned ? turned[operator] : operator, value: Number(value) });
  const once = constant(value, compared.type, compared.offset);
  return { ...filter, args: isTurned ? [once, right] : [left, once] };
}

/** `a < b` is `b > a`. */
const turned: { readonly [operator in Comparison]: Comparison } = {
  '=': '=',
  '<>': '<>',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
};

const placeColumn = (expression: Expression): Bound['column'] | undefined =>
  expression.op === 'metadata' && (expression.name === '_nats_sequence' || expression.name === '_nats_timestamp')
    ? expression.name
    : undefined;

const ofMessages: ReadonlySet<Expression['op']> = new Set([
  'field',
  'written',
  'payload',
  'metadata',
  'element',
  'call',
]);

/** The value of an expression that depends on no message; undefined where it does, or cannot be computed, which each row then says. */
function valueOnce(expression: Expression): unknown {
  for (const { op } of parts(expression)) if (ofMessages.has(op)) return undefined;
  const emitter = new Emitter(dependent);
  const code = emitter.value(expression);
  const names = emitter.constants.map((_, i) => `const c${i} = constants[${i}];`);
  const evaluate = new Function(
    'constants',
    ['"use strict";', ...names, declarationsOfConstants, emitter.declarations(), `return ${code};`].join('\n'),
  );
  try {
    return evaluate(emitter.constants);
  } catch (error) {
    if (rowFailure(error, 0)) return undefined;
    throw error;
  }
}

const dependent = (field: string): never => {
  throw new Error(`the field ${field} depends on a message`);
};

function rangeOf(bounds: readonly Bound[]): StreamRange {
  const from = (column: Bound['column']) =>
    extreme(
      Math.max,
      bounds.flatMap((bound) => (bound.column === column ? firstOf(bound) : [])),
    );
  const to = (column: Bound['column']) =>
    extreme(
      Math.min,
      bounds.flatMap((bound) => (bound.column === column ? lastOf(bound) : [])),
    );
  return {
    fromSequence: from('_nats_sequence'),
    toSequence: to('_nats_sequence'),
    fromMicros: from('_nats_timestamp'),
    toMicros: to('_nats_timestamp'),
  };
}

const extreme = (choose: (...values: number[]) => number, values: readonly number[]): number | undefined =>
  values.length === 0 ? undefined : choose(...values);

function firstOf({ operator, value }: Bound): number[] {
  if (operator === '>') return [value + 1];
  return operator === '>=' || operator === '=' ? [value] : [];
}

function lastOf({ operator, value }: Bound): number[] {
  if (operator === '<') return [value - 1];
  return operator === '<=' || operator === '=' ? [value] : [];
}
