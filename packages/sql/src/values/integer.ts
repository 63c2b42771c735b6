import type { ColumnType } from '@laminar/definitions';
import { RowError } from '../errors.js';

/** An integer: a number while it is safe, else a bigint. */
export type Integer = number | bigint;

const ranges: { readonly [type: string]: readonly [bigint, bigint] } = {
  SMALLINT: [-32_768n, 32_767n],
  INTEGER: [-2_147_483_648n, 2_147_483_647n],
  BIGINT: [-(2n ** 63n), 2n ** 63n - 1n],
};

/** An integer within its type's range, as a number where that is exact. */
export function checkedInteger(value: Integer, type: ColumnType): Integer {
  const range = ranges[type];
  if (range && (value < range[0] || value > range[1]))
    throw new RowError('out_of_range', `${value} is out of range for ${type}`);
  return normalInteger(value);
}

/** The same integer, as a number where that is exact; there is no integer -0. */
export function normalInteger(value: Integer): Integer {
  if (typeof value === 'number') return value + 0;
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}

const safe = (value: Integer): value is number => typeof value === 'number' && Number.isSafeInteger(value);

export function addIntegers(a: Integer, b: Integer): Integer {
  const sum = Number(a) + Number(b);
  return safe(a) && safe(b) && safe(sum) ? sum : normalInteger(BigInt(a) + BigInt(b));
}

export function multiplyIntegers(a: Integer, b: Integer): Integer {
  const product = Number(a) * Number(b);
  return safe(a) && safe(b) && safe(product) ? product + 0 : normalInteger(BigInt(a) * BigInt(b));
}

export const negateInteger = (value: Integer): Integer =>
  typeof value === 'number' ? 0 - value : normalInteger(-value);

/** The quotient, rounded down, and the rest, which is not negative. `divisor` is above zero. */
export function floorDivide(value: Integer, divisor: number): readonly [quotient: number, rest: number] {
  if (typeof value === 'number') {
    const quotient = Math.floor(value / divisor);
    return [quotient, value - quotient * divisor];
  }
  const by = BigInt(divisor);
  const rest = ((value % by) + by) % by;
  return [Number((value - rest) / by), Number(rest)];
}
