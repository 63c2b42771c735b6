import type { ColumnType, ScalarType } from '@laminar/definitions';
import type { UserFunction } from '../user-functions.js';
import { elementType, isArrayType, type ValueType } from '../values/convert.js';

/** Types of expressions: those of columns, INTERVAL, numbers of JSON that are not typed further, and literals that take their neighbour's type. */
export type Type = ColumnType | 'INTERVAL' | 'NUMBER' | 'UNKNOWN';

/**
 * A bound expression: names and types are settled. SQL NULL is null or undefined everywhere; JSON's null is SQL's. Values by
 * type: TEXT string; BOOLEAN boolean; integers and NUMBER number or bigint; REAL, DOUBLE PRECISION number; NUMERIC Decimal;
 * TIMESTAMP microseconds, number or bigint; DATE days; INTERVAL Interval; BYTEA Uint8Array; JSON as parsed; arrays of these.
 */
export type Expression = { readonly type: Type; readonly offset: number } & (
  | { readonly op: 'constant'; readonly value: unknown }
  /** A top-level field of the payload. */
  | { readonly op: 'field'; readonly name: string }
  /** The same with its numbers as the texts that they are written in: NUMERIC keeps every digit. */
  | { readonly op: 'written'; readonly name: string }
  | { readonly op: 'payload' }
  | { readonly op: 'metadata'; readonly name: string }
  /** What a function in FROM gives for the row. */
  | { readonly op: 'element'; readonly slot: Slot }
  /** NULL where an argument is NULL, and then `evaluate` is not called. */
  | {
      readonly op: 'strict';
      readonly evaluate: Evaluate;
      readonly args: readonly Expression[];
      /** Where the first argument is NULL the others are not computed, so that an error in them is none. */
      readonly firstDecides?: true;
      readonly builds?: Builds;
    }
  | {
      readonly op: 'lenient';
      readonly evaluate: Evaluate;
      readonly args: readonly Expression[];
      readonly builds?: Builds;
    }
  /** A call of a user's function, whose arguments are JSON. */
  | { readonly op: 'call'; readonly called: UserFunction; readonly args: readonly Expression[] }
  | { readonly op: 'and' | 'or'; readonly args: readonly Expression[] }
  | { readonly op: 'coalesce'; readonly args: readonly Expression[] }
  | {
      readonly op: 'case';
      readonly branches: readonly { readonly when: Expression; readonly result: Expression }[];
      readonly otherwise: Expression;
    }
);

/** It puts an array or JSON together of its arguments, so that its size is looked at; that of a text or a BYTEA always is. */
type Builds = true;

/** A place for the values of one column of a function in FROM; it is itself, whatever it is called. */
export interface Slot {
  readonly name: string;
}

/** What is done with the values of arguments: a function, or code in which `a`, `b`, ... are the names of variables that hold them. */
export type Evaluate = Call | Inline;

// biome-ignore lint/suspicious/noExplicitAny: the binder has settled the types of the arguments, which no signature can say.
type Call = (...args: any[]) => unknown;

export class Inline {
  constructor(readonly code: (...names: string[]) => string) {}
}

export const inline = (code: (...names: string[]) => string): Inline => new Inline(code);
export const constant = (value: unknown, type: Type, offset: number): Expression => ({
  op: 'constant',
  value,
  type,
  offset,
});
/** Whether it is the word NULL, which is of whatever type stands beside it. */
export const isNull = (expression: Expression): boolean => expression.op === 'constant' && expression.value === null;
export const strict = (type: Type, offset: number, evaluate: Evaluate, ...args: Expression[]): Expression => ({
  op: 'strict',
  evaluate,
  args,
  type,
  offset,
});
export const lenient = (type: Type, offset: number, evaluate: Evaluate, ...args: Expression[]): Expression => ({
  op: 'lenient',
  evaluate,
  args,
  type,
  offset,
});

/** The same, which puts an array or JSON together. */
export const building = (expression: Expression): Expression =>
  expression.op === 'strict' || expression.op === 'lenient' ? { ...expression, builds: true } : expression;

const integers: readonly Type[] = ['SMALLINT', 'INTEGER', 'BIGINT'];
const numbers: readonly Type[] = [...integers, 'NUMERIC', 'REAL', 'DOUBLE PRECISION', 'NUMBER'];

/** The type of a value in JavaScript where the expression's own is not a column's. */
export const valueType = (type: Type): ValueType =>
  type === 'NUMBER' ? 'DOUBLE PRECISION' : type === 'UNKNOWN' ? 'TEXT' : type;

/** The type of an array's elements, or undefined for what is no array. */
export const elementOf = (type: Type): ScalarType | undefined => (isArrayType(type) ? elementType(type) : undefined);

/** The type of arrays of `type`, or undefined where there is none. */
export const arrayOf = (type: Type): ColumnType | undefined =>
  isArrayType(type) || type === 'INTERVAL' || type === 'NUMBER' || type === 'UNKNOWN' ? undefined : `${type}[]`;

export const isInteger = (type: Type): boolean => integers.includes(type);
export const isNumeric = (type: Type): boolean => numbers.includes(type);
