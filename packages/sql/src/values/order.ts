import { sameData } from '@laminar/definitions';
import { RowError } from '../errors.js';
import { elementType, isArrayType, type ValueType } from './convert.js';
import { compareDecimals } from './decimal.js';
import type { Integer } from './integer.js';
import { compareIntervals } from './interval.js';
import { kindOfJson } from './json-scalar.js';

/** Below zero where `a` comes first, zero where both are equal. */
// biome-ignore lint/suspicious/noExplicitAny: the type that it is looked up by says what the values are.
export type Order = (a: any, b: any) => number;

/** The order of values of a type, none of them NULL. */
export function orderOf(type: ValueType): Order {
  switch (type) {
    case 'TEXT':
      return compareTexts;
    case 'NUMERIC':
      return compareDecimals;
    case 'BYTEA':
      return Buffer.compare;
    case 'JSON':
      return compareJson;
    case 'INTERVAL':
      return compareIntervals;
    case 'REAL':
    case 'DOUBLE PRECISION':
      return compareDoubles;
    default:
      return isArrayType(type) ? arrayOrder(orderOf(elementType(type))) : compareScalars;
  }
}

/** Whether two values of a type, none of them NULL, are equal. */
export function equalityOf(type: ValueType): (a: unknown, b: unknown) => boolean {
  if (type === 'JSON') return sameJson;
  if (isArrayType(type)) return arrayEquality(equalityOf(elementType(type)));
  const order = orderOf(type);
  return (a, b) => order(a, b) === 0;
}

const compareScalars = <T extends Integer | boolean>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);

/** PostgreSQL holds NaN equal to itself and greater than everything else. */
const compareDoubles = (a: number, b: number): number =>
  a < b ? -1 : a > b ? 1 : a === b ? 0 : Number(Number.isNaN(a)) - Number(Number.isNaN(b));

/** C.UTF-8: by code points, where JavaScript orders by UTF-16 units. */
function compareTexts(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** Surrogates stand for code points above all others. */
const rank = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit);

export function sameJson(a: unknown, b: unknown): boolean {
  // biome-ignore lint/suspicious/noDoubleEquals: a number and a bigint of one value are equal.
  if (isNumber(a) && isNumber(b)) return a == b;
  return sameData(a, b);
}

function compareJson(a: unknown, b: unknown): number {
  if (isNumber(a) && isNumber(b)) return compareScalars(a, b);
  if (typeof a === 'string' && typeof b === 'string') return compareTexts(a, b);
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  throw new RowError('wrong_kind', `${kindOfJson(a)} and ${kindOfJson(b)} have no order`);
}

const isNumber = (value: unknown): value is Integer => typeof value === 'number' || typeof value === 'bigint';

/** Element by element, a NULL behind everything else; then the shorter one comes first. */
function arrayOrder(order: Order): Order {
  return (a: readonly unknown[], b: readonly unknown[]) => {
    const length = Math.min(a.length, b.length);
    for (let i = 0; i < length; i++) {
      const [x, y] = [a[i], b[i]];
      const xIsNull = x === null || x === undefined;
      const yIsNull = y === null || y === undefined;
      const difference = xIsNull || yIsNull ? Number(xIsNull) - Number(yIsNull) : order(x, y);
      if (difference !== 0) return difference;
    }
    return a.length - b.length;
  };
}

function arrayEquality(equal: (a: unknown, b: unknown) => boolean) {
  return (a: unknown, b: unknown): boolean => {
    const [x, y] = [a as readonly unknown[], b as readonly unknown[]];
    return x.length === y.length && x.every((element, i) => bothNullOr(equal, element, y[i]));
  };
}

/** Equality for which two NULLs are the same, as IS NOT DISTINCT FROM has it. */
export const bothNullOr = (equal: (a: unknown, b: unknown) => boolean, a: unknown, b: unknown): boolean =>
  a === null || a === undefined ? b === null || b === undefined : b !== null && b !== undefined && equal(a, b);
