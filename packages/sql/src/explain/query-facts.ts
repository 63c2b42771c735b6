import { type Expression, isNull } from '../bind/expression.js';
import { choices, listPaths, messagePath } from '../bind/message-path.js';
import { type Branch, expressionsOf, type Output, type OutputColumn, parts } from '../bind/plan.js';
import { planBehind } from '../bind/query.js';
import { conjuncts } from '../bind/stage.js';
import type { BoundQuery } from '../contract.js';
import type { UserFunction } from '../user-functions.js';
import { type ConditionTexts, conditionTexts } from './condition-text.js';

/** What part of the payload is looked at. */
export interface PayloadUse {
  /** Top-level fields, sorted. */
  readonly fields: readonly string[];
  /** All of it, as a value. */
  readonly whole: boolean;
}

/** What a bound query does with a message, for EXPLAIN. */
export interface QueryFacts {
  /** The selects of a UNION ALL in their order, or the only one. */
  readonly branches: readonly BranchFacts[];
  /** Functions of users that are called for a result: those in SQL are part of the query. */
  readonly calls: readonly UserFunction[];
}

/** What one select does with a message. */
export interface BranchFacts {
  /** The source connection. */
  readonly connection: string;
  /** The conditions of the message in the order in which they are checked, as they are written. */
  readonly conditions: readonly string[];
  /** What these look at, and therefore what decides whether a message is dropped. */
  readonly decides: PayloadUse;
  /** The conditions of the rows that functions in FROM make of a message. */
  readonly rowConditions: readonly string[];
  /** Whether functions in FROM make rows of a message, any number of them. */
  readonly expands: boolean;
  /** What is looked at in all. */
  readonly reads: PayloadUse;
  /** Metadata columns that are read, sorted. */
  readonly metadata: readonly string[];
  readonly output: Output['shape'];
  /** Columns that are JSON of the message, whole or a part of it: where the message is JSON its bytes are not written anew. */
  readonly untouched: readonly string[];
}

/** The facts of a query that was bound from this text. Throws nothing. */
export function queryFacts(query: string, bound: BoundQuery): QueryFacts {
  const { branches } = planBehind(bound);
  const calls = partsOf(branches.flatMap(expressionsOf)).flatMap((part) =>
    part.op === 'call' ? [[part.called.name, part.called] as const] : [],
  );
  const conditions = conditionTexts(query);
  return {
    branches: branches.map((branch) => branchFacts(conditions, branch)),
    calls: [...new Map(calls).values()],
  };
}

function branchFacts(texts: ConditionTexts, branch: Branch): BranchFacts {
  const { connection, filters, expansions, output } = branch;
  const all = partsOf(expressionsOf(branch));
  const metadata = all.flatMap((part) => (part.op === 'metadata' ? [part.name] : []));
  return {
    connection,
    conditions: textsOf(texts, filters),
    decides: payloadUse(partsOf(filters)),
    rowConditions: textsOf(
      texts,
      expansions.flatMap((expansion) => [...expansion.on, ...expansion.filters]),
    ),
    expands: expansions.length > 0,
    reads: payloadUse(all),
    metadata: [...new Set(metadata)].sort(),
    output: output.shape,
    untouched: untouchedOf(branch),
  };
}

function untouchedOf({ expansions, output }: Branch): readonly string[] {
  const lists = listPaths(expansions);
  const stands = (value: Expression) => messagePath(value, lists) !== undefined;
  return columnsOf(output).flatMap(({ name, expression }) => {
    const values = choices(expression).filter((value) => !isNull(value));
    return values.length > 0 && values.every(stands) ? [name] : [];
  });
}

function columnsOf(output: Output): readonly OutputColumn[] {
  if (output.shape === 'envelope') return [{ name: 'payload', expression: output.payload }];
  return output.shape === 'payload' ? [] : output.columns;
}

function textsOf(textAt: ConditionTexts, conditions: readonly Expression[]): string[] {
  const texts = conditions.flatMap(conjuncts).map(({ offset }) => textAt(offset) ?? 'a condition');
  // Conditions within brackets of their own, and the bounds of BETWEEN, are one text.
  return texts.filter((text, i) => text !== texts[i - 1]);
}

const partsOf = (expressions: readonly Expression[]): Expression[] => {
  const seen = new Set<Expression>();
  return expressions.flatMap((expression) => [...parts(expression, seen)]);
};

function payloadUse(expressions: readonly Expression[]): PayloadUse {
  const fields = expressions.flatMap((part) => (part.op === 'field' || part.op === 'written' ? [part.name] : []));
  return { fields: [...new Set(fields)].sort(), whole: expressions.some(({ op }) => op === 'payload') };
}
