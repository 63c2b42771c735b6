import type { Type } from '../bind/expression.js';

/**
 * What an argument must be: of a type, or any value as its text (`ANY_TEXT`; `ANY_OUTPUT` with booleans as `t` and `f`) or within JSON (`ANY_JSON`), any array
 * (`ANY_ARRAY`), or a value of the type of its elements (`ELEMENT`).
 */
export type Parameter = Type | 'ANY_TEXT' | 'ANY_OUTPUT' | 'ANY_JSON' | 'ANY_ARRAY' | 'ELEMENT';

/** One way to call a function. `ANY_ARRAY` and `ELEMENT` as a result are the array's type that was given, or that of its elements. */
export interface Overload {
  readonly parameters: readonly Parameter[];
  /** How many of the last parameters may be left out. */
  readonly optional: number;
  /** The last parameter may be repeated, or left out where `optional` says so. */
  readonly variadic: boolean;
  readonly returns: Type | 'ANY_ARRAY' | 'ELEMENT';
  /** Not called where an argument is NULL; the result is NULL then. */
  readonly strict: boolean;
  /** It puts an array or JSON together of its arguments, which may come to more than they are. */
  readonly builds: boolean;
  // biome-ignore lint/suspicious/noExplicitAny: the parameters say what the arguments are.
  readonly evaluate: (...args: any[]) => unknown;
  /** Instead of the function's own, where overloads differ in it. */
  readonly check: { readonly literals: Check; readonly example: string } | undefined;
}

/** Checks arguments that are literals when the query is bound, undefined for the others; throws `RowError`. */
type Check = (...args: unknown[]) => void;

/** A built-in function, as the binder and the reference see it. */
export interface SqlFunction {
  readonly name: string;
  /** One sentence or two for the reference. */
  readonly summary: string;
  /** An expression that calls it, and the JSON text of what it gives. */
  readonly example: readonly [expression: string, gives: string];
  readonly overloads: readonly Overload[];
  /** The result is not given by the arguments alone. */
  readonly volatile: boolean;
  /** Only this dialect has it. */
  readonly own: boolean;
  /** The last digits of the result are the platform's, not PostgreSQL's. */
  readonly approximate: boolean;
  readonly check: Check | undefined;
}

type More = Partial<Pick<SqlFunction, 'volatile' | 'own' | 'approximate' | 'check'>>;

export const define = (
  name: string,
  summary: string,
  example: readonly [expression: string, gives: string],
  overloads: readonly Overload[],
  more: More = {},
): SqlFunction => ({
  name,
  summary,
  example,
  overloads,
  volatile: false,
  own: false,
  approximate: false,
  check: undefined,
  ...more,
});

export const takes = (
  parameters: readonly Parameter[],
  returns: Overload['returns'],
  evaluate: Overload['evaluate'],
  more: Partial<Pick<Overload, 'optional' | 'variadic' | 'strict' | 'builds' | 'check'>> = {},
): Overload => ({
  parameters,
  returns,
  evaluate,
  optional: 0,
  variadic: false,
  strict: true,
  builds: false,
  check: undefined,
  ...more,
});

/** Functions of one area, under one heading of the reference. */
export interface FunctionSection {
  readonly title: string;
  readonly functions: readonly SqlFunction[];
}
