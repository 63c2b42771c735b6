import type { ColumnType, ScalarType } from '@laminar/definitions';
import { RowError } from '../errors.js';
import { elementType, integerOfDouble, isArrayType, scalarText, textReader, type ValueType } from './convert.js';
import { decimalOf } from './decimal.js';
import { checkedDouble, realOfDouble } from './double.js';
import { checkedInteger, type Integer } from './integer.js';
import { checkedDate, checkedTimestamp, dateOfTimestamp, timestampOfMillis } from './time.js';

/** What converts parsed JSON to a type as a cast would: by the kind that a value is of. Null gives null. They throw `RowError`. */
export function jsonConverter(type: ValueType): (value: unknown) => unknown {
  if (type === 'JSON') return (value) => value ?? null;
  if (type === 'TEXT') return (value) => (value === null || value === undefined ? null : scalarText(value));
  if (isArrayType(type)) return arrayConverter(type);
  const read = textReader(type);
  return (value) => {
    if (value === null || value === undefined) return null;
    if (typeof value === 'string') return read(value);
    if (typeof value === 'number' || typeof value === 'bigint') return convertNumber(value, type);
    if (typeof value === 'boolean') {
      if (type === 'BOOLEAN') return value;
      if (type === 'INTEGER' || type === 'SMALLINT' || type === 'BIGINT') return value ? 1 : 0;
    }
    throw new RowError('invalid_value', `${kindOfJson(value)} cannot be read as ${type}`);
  };
}

/** An array of JSON, each element converted; a text may be PostgreSQL's `{a,b}`. */
function arrayConverter(type: `${ScalarType}[]`): (value: unknown) => unknown {
  const convert = jsonConverter(elementType(type));
  const read = textReader(type);
  return (value) => {
    if (value === null || value === undefined) return null;
    if (Array.isArray(value)) return value.map(convert);
    if (typeof value === 'string') return read(value);
    throw new RowError('invalid_value', `${kindOfJson(value)} cannot be read as ${type}`);
  };
}

function convertNumber(value: Integer, type: ScalarType | 'INTERVAL'): unknown {
  switch (type) {
    case 'SMALLINT':
    case 'INTEGER':
    case 'BIGINT':
      return numberToInteger(value, type);
    case 'REAL':
      return realOfDouble(Number(value));
    case 'DOUBLE PRECISION':
      return checkedDouble(Number(value));
    case 'NUMERIC':
      return decimalOf(value);
    case 'TIMESTAMP':
      return timestampOfNumber(value);
    case 'DATE':
      return checkedDate(dateOfTimestamp(timestampOfNumber(value)));
    default:
      throw new RowError('invalid_value', `a number cannot be read as ${type}`);
  }
}

export const numberToInteger = (value: Integer, type: ColumnType): Integer =>
  typeof value === 'bigint' || Number.isSafeInteger(value) ? checkedInteger(value, type) : integerOfDouble(value, type);

function timestampOfNumber(millis: Integer): Integer {
  const number = Number(millis);
  if (!Number.isFinite(number)) throw new RowError('out_of_range', 'a value is out of range for TIMESTAMP');
  return checkedTimestamp(timestampOfMillis(number));
}

/** JSON where a TEXT is wanted without a cast: a string is itself, null is null, everything else is of the wrong kind. */
export function jsonText(value: unknown): string | null {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return null;
  throw new RowError('wrong_kind', `a text is wanted here, but the value is ${kindOfJson(value)}`);
}

export function jsonNumber(value: unknown): Integer | null {
  if (typeof value === 'number') return checkedDouble(value);
  if (typeof value === 'bigint') return value;
  if (value === null || value === undefined) return null;
  throw new RowError('wrong_kind', `a number is wanted here, but the value is ${kindOfJson(value)}`);
}

export function jsonBoolean(value: unknown): boolean | null {
  if (typeof value === 'boolean') return value;
  if (value === null || value === undefined) return null;
  throw new RowError('wrong_kind', `a boolean is wanted here, but the value is ${kindOfJson(value)}`);
}

export function kindOfJson(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'string') return 'a text';
  return typeof value === 'boolean' ? 'a boolean' : 'a number';
}
