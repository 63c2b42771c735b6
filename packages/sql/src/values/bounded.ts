import type { DeclaredType } from '@laminar/definitions';
import { RowError } from '../errors.js';
import { type Decimal, roundDecimal } from './decimal.js';
import { addIntegers, floorDivide, type Integer, multiplyIntegers } from './integer.js';

/** What brings a value into the bounds that are declared with its type; a cast cuts what the value of a column may not be. */
export type Purpose = 'cast' | 'column';

/** The function for values of a type with bounds, arrays by their elements. It throws `RowError` for what does not fit. */
export function bounding({ type, bounds }: DeclaredType, purpose: Purpose): (value: never) => unknown {
  if (!type.endsWith('[]')) return boundingScalar(type, bounds, purpose);
  const bring = boundingScalar(type.slice(0, -2), bounds, purpose) as (element: unknown) => unknown;
  return (elements: readonly unknown[]) =>
    elements.map((element) => (element === null || element === undefined ? null : bring(element)));
}

function boundingScalar(type: string, bounds: readonly number[], purpose: Purpose): (value: never) => unknown {
  const [first = 0, second = 0] = bounds;
  if (type === 'NUMERIC') return numericOf(first, second);
  if (type === 'TIMESTAMP') return (micros: Integer) => roundTimestamp(micros, 10 ** (6 - first));
  return purpose === 'cast' ? (text: string) => cut(text, first) : (text: string) => fitting(text, first);
}

/** NUMERIC(precision, scale): so many digits after the point, and so many in all. */
function numericOf(precision: number, scale: number): (value: Decimal) => Decimal {
  const limit = 10n ** BigInt(precision);
  return (value) => {
    const rounded = roundDecimal(value, scale);
    const digits = scale >= 0 ? rounded.coefficient : rounded.coefficient / 10n ** BigInt(-scale);
    if (digits >= limit || digits <= -limit)
      throw new RowError('out_of_range', `a value is out of range for NUMERIC(${precision},${scale})`);
    return rounded;
  };
}

/** Half away from zero. */
function roundTimestamp(micros: Integer, unit: number): Integer {
  const [whole, rest] = floorDivide(micros, unit);
  const up = rest * 2 > unit || (rest * 2 === unit && micros >= 0);
  return multiplyIntegers(addIntegers(whole, up ? 1 : 0), unit);
}

/** Characters are code points. */
const cut = (text: string, length: number): string =>
  text.length <= length ? text : [...text].slice(0, length).join('');

/** Spaces at the end may go, as in PostgreSQL. */
function fitting(text: string, length: number): string {
  const kept = cut(text, length);
  if (kept.length === text.length || /^ *$/.test(text.slice(kept.length))) return kept;
  throw new RowError('too_large', `a text is too long for VARCHAR(${length})`);
}
