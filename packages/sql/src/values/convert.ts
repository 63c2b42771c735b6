import { DecodeError, parseJson, stringifyJson } from '@laminar/codecs';
import type { ColumnType } from '@laminar/definitions';
import { RowError } from '../errors.js';
import { type Decimal, decimalNumber, decimalOf, decimalText, parseDecimal, roundDecimal } from './decimal.js';
import {
  dateOfTimestamp,
  dateText,
  parseTimestamp,
  timestampMicrosMax,
  timestampOfDate,
  timestampOfMillis,
  timestampText,
} from './time.js';

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

export function normalInteger(value: Integer): Integer {
  if (typeof value === 'number') return value;
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}

export function integerOfText(text: string, type: ColumnType): Integer {
  if (!/^\s*[+-]?\d+\s*$/.test(text)) throw invalidText(text, type);
  return checkedInteger(BigInt(text.trim().replace(/^\+/, '')), type);
}

/** PostgreSQL rounds a float8 half to even, and a NUMERIC half away from zero. */
export function integerOfDouble(value: number, type: ColumnType): Integer {
  if (!Number.isFinite(value)) throw new RowError('out_of_range', `${value} is out of range for ${type}`);
  const floor = Math.floor(value);
  const rest = value - floor;
  const rounded = rest < 0.5 || (rest === 0.5 && floor % 2 === 0) ? floor : floor + 1;
  return checkedInteger(Number.isSafeInteger(rounded) ? rounded : BigInt(rounded), type);
}

export const integerOfDecimal = (value: Decimal, type: ColumnType): Integer =>
  checkedInteger(roundDecimal(value, 0).coefficient, type);

export function doubleOfText(text: string): number {
  const trimmed = text.trim();
  const special = specialDoubles[trimmed.toLowerCase()];
  if (special !== undefined) return special;
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(trimmed)) throw invalidText(text, 'DOUBLE PRECISION');
  return checkedDouble(Number(trimmed));
}

const specialDoubles: { readonly [text: string]: number | undefined } = {
  nan: Number.NaN,
  infinity: Number.POSITIVE_INFINITY,
  inf: Number.POSITIVE_INFINITY,
  '-infinity': Number.NEGATIVE_INFINITY,
  '-inf': Number.NEGATIVE_INFINITY,
};

export function checkedDouble(value: number): number {
  if (!Number.isFinite(value) && !Number.isNaN(value))
    throw new RowError('out_of_range', 'a value is out of range for DOUBLE PRECISION');
  return value;
}

export const realOfDouble = (value: number): number => {
  const real = Math.fround(value);
  if (!Number.isFinite(real) && Number.isFinite(value))
    throw new RowError('out_of_range', 'a value is out of range for REAL');
  return real;
};

/** The shortest text that reads back as the same REAL. */
export function realText(value: number): string {
  for (let digits = 6; digits <= 9; digits++) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === value) return String(Number(text));
  }
  return String(value);
}

export function decimalOfText(text: string): Decimal {
  const value = parseDecimal(text);
  if (!value) throw invalidText(text, 'NUMERIC');
  return value;
}

const booleans: { readonly [text: string]: boolean | undefined } = {
  t: true,
  true: true,
  y: true,
  yes: true,
  on: true,
  '1': true,
  f: false,
  false: false,
  n: false,
  no: false,
  off: false,
  '0': false,
};

export function booleanOfText(text: string): boolean {
  const value = booleans[text.trim().toLowerCase()];
  if (value === undefined) throw invalidText(text, 'BOOLEAN');
  return value;
}

export function timestampOfText(text: string): number {
  const value = parseTimestamp(text);
  if (value === undefined) throw invalidText(text, 'TIMESTAMP');
  return value;
}

export const dateOfText = (text: string): number => dateOfTimestamp(timestampOfText(text));

export function bytesOfText(text: string): Uint8Array {
  if (/^\\x([0-9a-fA-F]{2})*$/.test(text)) return Buffer.from(text.slice(2), 'hex');
  if (/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) return Buffer.from(text, 'base64');
  throw invalidText(text, 'BYTEA');
}

/** The value that a text writes in JSON, with every digit of its integers. */
export function jsonOfText(text: string): unknown {
  try {
    return parseJson(Buffer.from(text, 'utf8'));
  } catch (error) {
    if (error instanceof DecodeError) throw invalidText(text, 'JSON');
    throw error;
  }
}

export const bytesText = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');

function timestampOfNumber(millis: Integer): number {
  const micros = timestampOfMillis(Number(millis));
  if (!(Math.abs(micros) <= timestampMicrosMax))
    throw new RowError('out_of_range', `${millis} ms is out of range for TIMESTAMP`);
  return micros;
}

/** Parsed JSON, converted to a column's type as a cast would: by the kind that it is of. Null gives null. */
export function convertJson(value: unknown, type: ColumnType): unknown {
  if (value === null || value === undefined) return null;
  if (type === 'JSON') return value;
  if (type === 'TEXT') return scalarText(value);
  if (typeof value === 'string') return convertText(value, type);
  if (typeof value === 'number' || typeof value === 'bigint') return convertNumber(value, type);
  if (typeof value === 'boolean') {
    if (type === 'BOOLEAN') return value;
    if (type === 'INTEGER' || type === 'SMALLINT' || type === 'BIGINT') return value ? 1 : 0;
  }
  throw new RowError('invalid_value', `${kindOfJson(value)} cannot be read as ${type}`);
}

function convertText(text: string, type: ColumnType): unknown {
  switch (type) {
    case 'BOOLEAN':
      return booleanOfText(text);
    case 'SMALLINT':
    case 'INTEGER':
    case 'BIGINT':
      return integerOfText(text, type);
    case 'REAL':
      return realOfDouble(doubleOfText(text));
    case 'DOUBLE PRECISION':
      return doubleOfText(text);
    case 'NUMERIC':
      return decimalOfText(text);
    case 'TIMESTAMP':
      return timestampOfText(text);
    case 'DATE':
      return dateOfText(text);
    case 'BYTEA':
      return bytesOfText(text);
    default:
      return text;
  }
}

function convertNumber(value: Integer, type: ColumnType): unknown {
  switch (type) {
    case 'SMALLINT':
    case 'INTEGER':
    case 'BIGINT':
      return typeof value === 'bigint' || Number.isSafeInteger(value)
        ? checkedInteger(value, type)
        : integerOfDouble(value, type);
    case 'REAL':
      return realOfDouble(Number(value));
    case 'DOUBLE PRECISION':
      return checkedDouble(Number(value));
    case 'NUMERIC':
      return decimalOf(value);
    case 'TIMESTAMP':
      return timestampOfNumber(value);
    case 'DATE':
      return dateOfTimestamp(timestampOfNumber(value));
    default:
      throw new RowError('invalid_value', `a number cannot be read as ${type}`);
  }
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

/** The text of a JSON value: a string is its text, everything else its JSON. */
export function scalarText(value: unknown): string {
  return typeof value === 'string' ? value : stringifyJson(value);
}

export function kindOfJson(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'string') return 'a text';
  return typeof value === 'boolean' ? 'a boolean' : 'a number';
}

/** A value's text, as a cast to TEXT gives it. */
export function textOf(value: unknown, type: ColumnType): string {
  switch (type) {
    case 'REAL':
      return realText(value as number);
    case 'NUMERIC':
      return decimalText(value as Decimal);
    case 'TIMESTAMP':
      return timestampText(value as number);
    case 'DATE':
      return dateText(value as number);
    case 'BYTEA':
      return `\\x${Buffer.from(value as Uint8Array).toString('hex')}`;
    case 'JSON':
      return scalarText(value);
    default:
      return String(value);
  }
}

/** What a value becomes within JSON; NUMERIC keeps its digits where a JSON number can be read back exactly, which is for doubles to judge. */
export function jsonOf(value: unknown, type: ColumnType): unknown {
  if (value === null || value === undefined) return null;
  switch (type) {
    case 'NUMERIC': {
      const { coefficient, scale } = value as Decimal;
      return scale === 0 ? normalInteger(coefficient) : decimalNumber(value as Decimal);
    }
    case 'TIMESTAMP':
    case 'DATE':
      return textOf(value, type);
    case 'BYTEA':
      return bytesText(value as Uint8Array);
    case 'REAL':
      return Number(realText(value as number));
    default:
      return value;
  }
}

export const dateTimestamp = timestampOfDate;

function invalidText(text: string, type: ColumnType): RowError {
  // The value itself stays out: errors reach logs and tables, payloads do not.
  return new RowError('invalid_value', `a text of ${text.length} characters is no ${type}`);
}
