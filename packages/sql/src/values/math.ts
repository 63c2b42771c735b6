import { RowError } from '../errors.js';
import { type Decimal, roundDecimal, truncateDecimal } from './decimal.js';
import { checkedDouble } from './double.js';
import type { Integer } from './integer.js';

/** The mathematical functions (https://www.postgresql.org/docs/18/functions-math.html). They throw `RowError`. */

const invalid = (message: string): RowError => new RowError('invalid_argument', message);

export function power(base: number, exponent: number): number {
  if (base === 0 && exponent < 0) throw invalid('zero raised to a negative power is undefined');
  if (base < 0 && Number.isFinite(exponent) && !Number.isInteger(exponent))
    throw invalid('a negative number raised to a non-integer power yields a complex result');
  // In PostgreSQL 1 to any power and any number to the power of 0 is 1, NaN included.
  if (base === 1 || exponent === 0) return 1;
  if (base === -1 && !Number.isFinite(exponent) && !Number.isNaN(exponent)) return 1;
  const result = base ** exponent;
  return inRange(result, Number.isFinite(base) && Number.isFinite(exponent), base === 0);
}

export function root(value: number): number {
  if (value < 0) throw invalid('a negative number has no square root');
  return Math.sqrt(value);
}

export const exponential = (value: number): number => inRange(Math.exp(value), Number.isFinite(value), false);

export const logarithm =
  (of: (value: number) => number) =>
  (value: number): number => {
    if (value <= 0) throw invalid('only numbers above zero have a logarithm');
    return of(value);
  };

export function logarithmTo(base: number, value: number): number {
  const divisor = logarithm(Math.log)(base);
  const result = logarithm(Math.log)(value);
  if (divisor === 0) throw new RowError('division_by_zero', 'division by zero');
  return result / divisor;
}

/** An angle in another unit. */
export const scaledBy = (factor: number) => (value: number) =>
  inRange(value * factor, Number.isFinite(value), value === 0);

/** What leaves the range of doubles by itself is an error. */
function inRange(result: number, finiteArguments: boolean, mayBeZero: boolean): number {
  if (!finiteArguments) return result;
  if (result === 0 && !mayBeZero) throw new RowError('out_of_range', 'a value is too small for DOUBLE PRECISION');
  return checkedDouble(result);
}

export const inverse =
  (of: (value: number) => number) =>
  (value: number): number => {
    if (value < -1 || value > 1) throw invalid('the argument lies between -1 and 1');
    return of(value);
  };

export const finiteOnly =
  (of: (value: number) => number) =>
  (value: number): number => {
    if (Math.abs(value) === Number.POSITIVE_INFINITY) throw invalid('an angle is finite');
    return of(value);
  };

/** Half away from zero, to digits after the point, which may be negative. */
export const roundTo = (value: Decimal, digits: Integer): Decimal => visible(roundDecimal(value, clamped(digits)));
export const truncateTo = (value: Decimal, digits: Integer): Decimal =>
  visible(truncateDecimal(value, clamped(digits)));
/** PostgreSQL's NUMERIC_DSCALE_MAX; and nothing is left of a NUMERIC that is rounded to more digits before the point than it may have. */
const digitsAfterMax = 16_383;
const digitsBeforeMax = 10_001;
const clamped = (digits: Integer): number => Math.max(-digitsBeforeMax, Math.min(digitsAfterMax, Number(digits)));
const visible = (value: Decimal): Decimal => (value.scale < 0 ? { ...value, scale: 0 } : value);

export function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  let [x, y] = [a < 0n ? -a : a, b < 0n ? -b : b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}

export function leastCommonMultiple(a: bigint, b: bigint): bigint {
  if (a === 0n || b === 0n) return 0n;
  const product = (a / greatestCommonDivisor(a, b)) * b;
  return product < 0n ? -product : product;
}

/** The bucket, from 1, in which a value falls among equal ones from `low` to `high`; 0 below, count + 1 above. */
export function widthBucket(value: number, low: number, high: number, count: number): number {
  if (count <= 0) throw invalid('the count of width_bucket is above zero');
  if ([value, low, high].some(Number.isNaN)) throw invalid('the bounds of width_bucket are no NaN');
  if (!Number.isFinite(low) || !Number.isFinite(high)) throw invalid('the bounds of width_bucket are finite');
  if (low === high) throw invalid('the bounds of width_bucket differ');
  const [from, to, at] = low < high ? [low, high, value] : [-low, -high, -value];
  if (at < from) return 0;
  if (at >= to) return count + 1;
  return Math.min(count, Math.floor(((at - from) / (to - from)) * count) + 1);
}

export function factorial(value: Integer): Decimal {
  if (value < 0) throw invalid('a negative number has no factorial');
  if (value > 1000) throw new RowError('out_of_range', 'a value is out of range for NUMERIC');
  let coefficient = 1n;
  for (let i = 2n; i <= BigInt(value); i++) coefficient *= i;
  return { coefficient, scale: 0 };
}
