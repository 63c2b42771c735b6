import type { Expression } from '../bind/expression.js';
import { expressionsOf, type Output, parts } from '../bind/plan.js';
import { planBehind } from '../bind/query.js';
import type { BoundQuery } from '../contract.js';
import type { UserFunction } from '../user-functions.js';
import { conditionTexts } from './condition-text.js';

/** What part of the payload is looked at. */
export interface PayloadUse {
  /** Top-level fields, sorted. */
  readonly fields: readonly string[];
  /** All of it, as a value. */
  readonly whole: boolean;
}

/** What a bound query does with a message, for EXPLAIN. */
export interface QueryFacts {
  /** The conditions in the order in which they are checked, as they are written. */
  readonly conditions: readonly string[];
  /** What the conditions look at, and therefore what decides whether a message is dropped. */
  readonly decides: PayloadUse;
  /** What is looked at in all. */
  readonly reads: PayloadUse;
  /** Metadata columns that are read, sorted. */
  readonly metadata: readonly string[];
  /** Functions of users that are called for a result: those in SQL are part of the query. */
  readonly calls: readonly UserFunction[];
  readonly output: Output['shape'];
}

/** The facts of a query that was bound from this text. Throws nothing. */
export function queryFacts(query: string, bound: BoundQuery): QueryFacts {
  const { filters, output } = planBehind(bound);
  const computed = expressionsOf(output);
  const conditions = conditionTexts(
    query,
    filters.map(({ offset }) => offset),
  );
  const all = partsOf([...filters, ...computed]);
  const metadata = all.flatMap((part) => (part.op === 'metadata' ? [part.name] : []));
  const calls = new Map(all.flatMap((part) => (part.op === 'call' ? [[part.called.name, part.called] as const] : [])));
  return {
    conditions: conditions.map((text) => text ?? 'a condition'),
    decides: payloadUse(partsOf(filters)),
    reads: payloadUse(all),
    metadata: [...new Set(metadata)].sort(),
    calls: [...calls.values()],
    output: output.shape,
  };
}

const partsOf = (expressions: readonly Expression[]): Expression[] => {
  const seen = new Set<Expression>();
  return expressions.flatMap((expression) => [...parts(expression, seen)]);
};

function payloadUse(expressions: readonly Expression[]): PayloadUse {
  const fields = expressions.flatMap((part) => (part.op === 'field' ? [part.name] : []));
  return { fields: [...new Set(fields)].sort(), whole: expressions.some(({ op }) => op === 'payload') };
}
