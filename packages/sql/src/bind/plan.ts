import type { BoundQuery } from '../contract.js';
import type { Expression } from './expression.js';

export interface OutputColumn {
  readonly name: string;
  readonly expression: Expression;
}

/** What a row becomes. */
export type Output =
  /** The payload exactly as it came. */
  | { readonly shape: 'payload' }
  /** The payload's object with more members, as JSON: added to its bytes, or to its value where the bytes are of another format. */
  | { readonly shape: 'extended'; readonly columns: readonly OutputColumn[]; readonly base: 'bytes' | 'value' }
  | { readonly shape: 'object'; readonly columns: readonly OutputColumn[] }
  /** The values alone, as a JSON array. */
  | { readonly shape: 'row'; readonly columns: readonly OutputColumn[] }
  /** Body, subject and headers of the message itself. */
  | {
      readonly shape: 'envelope';
      /** `raw`: the payload is a TEXT or a BYTEA, and its bytes are the body. */
      readonly body: 'json' | 'raw';
      readonly payload: Expression;
      readonly subject: Expression | undefined;
      readonly headers: Expression | undefined;
    };

/** A bound query with all that compiling it needs. */
export interface Plan extends BoundQuery {
  /** In the order in which they must hold. */
  readonly filters: readonly Expression[];
  readonly output: Output;
}

/** The expressions whose values a row is made of. */
export function expressionsOf(output: Output): readonly Expression[] {
  if (output.shape === 'payload') return [];
  if (output.shape === 'envelope')
    return [output.payload, ...(output.subject ? [output.subject] : []), ...(output.headers ? [output.headers] : [])];
  return output.columns.map(({ expression }) => expression);
}

/** Every part of an expression, itself included; a part that stands in several places is met once. */
export function* parts(expression: Expression, seen = new Set<Expression>()): Iterable<Expression> {
  if (seen.has(expression)) return;
  seen.add(expression);
  yield expression;
  for (const child of children(expression)) yield* parts(child, seen);
}

function children(expression: Expression): readonly Expression[] {
  if (expression.op === 'case')
    return [...expression.branches.flatMap(({ when, result }) => [when, result]), expression.otherwise];
  return 'args' in expression ? expression.args : [];
}

/**
 * How large an expression is when it is written out, where parts that stand in several places count each time, and how deep. Gives
 * infinity beyond `depthMax`. `known` remembers the extents of parts.
 */
export function extentOf(expression: Expression, depthMax: number, known = new Map<Expression, Extent>()): Extent {
  const remembered = known.get(expression);
  if (remembered) return remembered;
  let count = 1;
  let depth = 0;
  for (const child of depthMax > 0 ? children(expression) : []) {
    const extent = extentOf(child, depthMax - 1, known);
    count += extent.count;
    depth = Math.max(depth, extent.depth);
  }
  const extent = { count, depth: depthMax > 0 ? depth + 1 : Number.POSITIVE_INFINITY };
  known.set(expression, extent);
  return extent;
}

export interface Extent {
  readonly count: number;
  readonly depth: number;
}
