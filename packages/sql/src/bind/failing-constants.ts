import type { RowErrorCode } from '../error-codes.js';
import { RowError, SqlError } from '../errors.js';
import { isVolatile } from './call.js';
import { type Expression, Inline } from './expression.js';

/** What a part of a query is for every row; undefined where that depends on the row, or is not worth knowing. */
type Known = { readonly value: unknown } | undefined;

/** Characters or elements of a value, at most, to compute with when a query is bound. */
const lengthMax = 10_000;

/**
 * Refuses expressions of constants that fail for every row, which nobody meant: `1 / 0`, `'x'::text::integer`. What stands in a branch that may never be
 * reached - of CASE, COALESCE, AND and OR - is left to the rows, as an error there may be the point. Throws `SqlError`, where the expression stands.
 */
export function refuseFailingConstants(expressions: readonly Expression[]): void {
  const constants = new Constants();
  for (const expression of expressions) constants.known(expression);
}

/** What an expression is for every row; undefined where that depends on the row. Throws `SqlError` where it fails. */
export const constantOf = (expression: Expression): unknown => new Constants().known(expression)?.value;

class Constants {
  readonly #known = new Map<Expression, Known>();
  readonly #inlines = new Map<string, (...args: unknown[]) => unknown>();

  known(expression: Expression): Known {
    if (this.#known.has(expression)) return this.#known.get(expression);
    const known = this.#compute(expression);
    this.#known.set(expression, known);
    return known;
  }

  #compute(expression: Expression): Known {
    switch (expression.op) {
      case 'constant':
        return handy({ value: expression.value });
      case 'strict':
      case 'lenient':
        return this.#evaluate(expression);
      case 'call':
        for (const arg of expression.args) this.known(arg);
        return undefined;
      case 'and':
      case 'or':
        return this.#logical(expression.args, expression.op === 'or');
      case 'coalesce':
        return this.#coalesce(expression.args);
      case 'case': {
        // Only the first condition is looked at by every row.
        const [first] = expression.branches;
        if (first) this.known(first.when);
        return undefined;
      }
      default:
        return undefined;
    }
  }

  #evaluate(expression: Extract<Expression, { op: 'strict' | 'lenient' }>): Known {
    const { op, evaluate, args } = expression;
    const [first, ...others] = args;
    const head = first && this.known(first);
    if (op === 'strict' && expression.firstDecides && (!head || isNull(head.value))) return head && { value: null };
    const known = [...(first ? [head] : []), ...others.map((arg) => this.known(arg))];
    const values = known.flatMap((arg) => (arg ? [arg.value] : []));
    if (values.length < args.length || isVolatile(expression)) return undefined;
    if (op === 'strict' && values.some(isNull)) return { value: null };
    const call = evaluate instanceof Inline ? this.#inline(evaluate, args.length) : evaluate;
    try {
      return handy({ value: call(...values) });
    } catch (error) {
      if (error instanceof RowError) throw failing(error, expression.offset);
      throw error;
    }
  }

  /** The code of an operator, which holds nothing but the names of its operands. */
  #inline({ code }: Inline, count: number): (...args: unknown[]) => unknown {
    const names = Array.from({ length: count }, (_, i) => `a${i}`);
    const text = code(...names);
    const made = this.#inlines.get(text) ?? (new Function(...names, `return ${text}`) as () => unknown);
    this.#inlines.set(text, made);
    return made;
  }

  /** What stands behind an operand that depends on the row may not be reached. */
  #logical(args: readonly Expression[], decisive: boolean): Known {
    let unknown = false;
    for (const arg of args) {
      const known = this.known(arg);
      if (!known || known.value === decisive) return known;
      unknown ||= isNull(known.value);
    }
    return { value: unknown ? null : !decisive };
  }

  #coalesce(args: readonly Expression[]): Known {
    for (const arg of args) {
      const known = this.known(arg);
      if (!known || !isNull(known.value)) return known;
    }
    return { value: null };
  }
}

const isNull = (value: unknown): boolean => value === null || value === undefined;

/** A long value is left to the rows: a short query must not cost much before it runs. */
function handy(known: { readonly value: unknown }): Known {
  const { value } = known;
  const length = typeof value === 'string' || Array.isArray(value) || value instanceof Uint8Array ? value.length : 0;
  return length <= lengthMax ? known : undefined;
}

const failing = ({ code, message }: RowError, offset: number): SqlError =>
  new SqlError('always_fails', `this fails for every row: ${message}`, offset, hints[code]);

/** Where there is no better word, the hint is that of the code. */
const hints: { readonly [code in RowErrorCode]?: string } = {
  division_by_zero: 'divide by something else; x / NULLIF(y, 0) gives NULL where y is 0',
  out_of_range: 'compute in a wider type, such as NUMERIC, or write a smaller value',
  invalid_value: 'write a text that can be read as the type',
  wrong_kind: 'write JSON of the kind that is wanted',
  invalid_argument: 'write another argument; the function is in docs/reference/sql.md',
  invalid_number: 'leave it a DOUBLE PRECISION: a NUMERIC is finite',
  numeric_overflow: 'compute with fewer digits, or in DOUBLE PRECISION',
  invalid_regex: 'see "Regular expressions" in the reference of SQL',
  null_key: 'give every key a text',
  too_large: 'write a shorter text',
  too_many_rows: 'ask for fewer rows',
};
