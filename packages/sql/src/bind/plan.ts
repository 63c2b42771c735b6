import type { BoundQuery } from '../contract.js';
import type { Expression, Slot } from './expression.js';

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

/** A function in FROM: the rows so far, each with every element of its lists. */
export interface Expansion {
  /** Arrays of which element after element stands in the slot; the shorter ones go on with NULL. NULL is an empty one. */
  readonly lists: readonly { readonly list: Expression; readonly slot: Slot }[];
  /** Where the place of the element goes, from 1: WITH ORDINALITY. */
  readonly ordinality: Slot | undefined;
  /** LEFT JOIN: where no element fulfils `on`, one row with NULLs. */
  readonly outer: boolean;
  /** What an element has to fulfil; empty where it is no LEFT JOIN, since then they are filters. */
  readonly on: readonly Expression[];
  /** What a row has to fulfil as soon as its element is known, in this order. */
  readonly filters: readonly Expression[];
}

/** One SELECT of a UNION ALL, or the only one, down to the messages of its source. */
export interface Branch {
  /** The source connection. */
  readonly connection: string;
  /** What the message has to fulfil, in this order, before anything else is looked at. */
  readonly filters: readonly Expression[];
  /** One within the other. */
  readonly expansions: readonly Expansion[];
  readonly output: Output;
}

/** A bound query with all that compiling it needs. */
export interface Plan extends BoundQuery {
  /** The rows of one come behind those of the one before. */
  readonly branches: readonly Branch[];
}

/** Every expression of a branch, in no particular order. */
export function expressionsOf({ filters, expansions, output }: Branch): readonly Expression[] {
  return [...filters, ...expansions.flatMap(expressionsOfExpansion), ...expressionsOfOutput(output)];
}

const expressionsOfExpansion = ({ lists, on, filters }: Expansion): readonly Expression[] => [
  ...lists.map(({ list }) => list),
  ...on,
  ...filters,
];

function expressionsOfOutput(output: Output): readonly Expression[] {
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

/** The same expression with all that is its own standing at `offset`: the text that it was read from is not the query's. `args` are the query's. */
export function placedAt(expression: Expression, offset: number, args: readonly Expression[]): Expression {
  const placed = new Map<Expression, Expression>(
    args.flatMap((arg) => [arg, ...children(arg)].map((own) => [own, own])),
  );
  const place = (part: Expression): Expression => {
    const known = placed.get(part);
    if (known) return known;
    const own = withChildren({ ...part, offset }, place);
    placed.set(part, own);
    return own;
  };
  return { ...place(expression), offset };
}

function withChildren(expression: Expression, change: (child: Expression) => Expression): Expression {
  if (expression.op === 'case') {
    const branches = expression.branches.map(({ when, result }) => ({ when: change(when), result: change(result) }));
    return { ...expression, branches, otherwise: change(expression.otherwise) };
  }
  return 'args' in expression ? { ...expression, args: expression.args.map(change) } : expression;
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
