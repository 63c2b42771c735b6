import { DecodeError, parseJson, stringifyJson } from '@laminar/codecs';
import type { ColumnType, ScalarType } from '@laminar/definitions';
import { RowError } from '../errors.js';
import { type ArrayValue, arrayText, parseArrayText } from './array.js';
import { type Decimal, decimalNumber, decimalText, parseDecimal, roundDecimal } from './decimal.js';
import { doubleOfText, doubleText, realDigits, realOfText, realText, roundHalfEven } from './double.js';
import { checkedInteger, type Integer, normalInteger } from './integer.js';
import { type Interval, intervalText } from './interval.js';
import type { IntervalQualifier } from './interval-qualifier.js';
import { parseInterval } from './interval-reading.js';
import { invalidText } from './invalid-text.js';
import { checkedDate, dateOfTimestamp, dateText, isoTimestamp, parseTimestamp, timestampText } from './time.js';

/** Types of values, of columns and of expressions alone. */
export type ValueType = ColumnType | 'INTERVAL';

const integerPattern =
  /^[ \t-\r]*([+-]?)(?:(\d+(?:_\d+)*)|(0x(?:_?[\da-f])+)|(0o(?:_?[0-7])+)|(0b(?:_?[01])+))[ \t-\r]*$/i;

export function integerOfText(text: string, type: ColumnType): Integer {
  const match = integerPattern.exec(text);
  if (!match) throw invalidText(text, type);
  const digits = (match[2] ?? match[3] ?? match[4] ?? match[5] ?? '').replaceAll('_', '').toLowerCase();
  const value = BigInt(digits);
  return checkedInteger(match[1] === '-' ? -value : value, type);
}

/** PostgreSQL rounds a float8 half to even, and a NUMERIC half away from zero. */
export function integerOfDouble(value: number, type: ColumnType): Integer {
  if (!Number.isFinite(value)) throw new RowError('out_of_range', `${value} is out of range for ${type}`);
  const rounded = roundHalfEven(value);
  return checkedInteger(Number.isSafeInteger(rounded) ? rounded + 0 : BigInt(rounded), type);
}

export const integerOfDecimal = (value: Decimal, type: ColumnType): Integer =>
  checkedInteger(roundDecimal(value, 0).coefficient, type);

function decimalOfText(text: string): Decimal {
  const value = parseDecimal(text);
  if (!value) throw invalidText(text, 'NUMERIC');
  return value;
}

/** Any beginning of a word that tells it from the others. */
const booleanPattern = /^[ \t-\r]*(?:(t|tr|tru|true|y|ye|yes|on|1)|f|fa|fal|fals|false|n|no|of|off|0)[ \t-\r]*$/i;

function booleanOfText(text: string): boolean {
  const match = booleanPattern.exec(text);
  if (!match) throw invalidText(text, 'BOOLEAN');
  return match[1] !== undefined;
}

function timestampOfText(text: string): Integer {
  const value = parseTimestamp(text);
  if (value === undefined) throw invalidText(text, 'TIMESTAMP');
  return value;
}

const dateOfText = (text: string): number => checkedDate(dateOfTimestamp(timestampOfText(text)));

/** The interval that a text writes, within the bounds of its type where it has some. Throws `RowError`. */
export function intervalOfText(text: string, qualifier?: IntervalQualifier): Interval {
  const value = parseInterval(text, qualifier);
  if (value === undefined) throw invalidText(text, 'INTERVAL');
  return value;
}

function bytesOfText(text: string): Uint8Array {
  if (/^\\x(?:\s*[0-9a-f]{2})*\s*$/i.test(text)) return Buffer.from(text.slice(2).replace(/\s/g, ''), 'hex');
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

const textReaders: { readonly [type in ScalarType | 'INTERVAL']: (text: string) => unknown } = {
  TEXT: (text) => text,
  BOOLEAN: booleanOfText,
  SMALLINT: (text) => integerOfText(text, 'SMALLINT'),
  INTEGER: (text) => integerOfText(text, 'INTEGER'),
  BIGINT: (text) => integerOfText(text, 'BIGINT'),
  REAL: realOfText,
  'DOUBLE PRECISION': doubleOfText,
  NUMERIC: decimalOfText,
  TIMESTAMP: timestampOfText,
  DATE: dateOfText,
  BYTEA: bytesOfText,
  JSON: jsonOfText,
  INTERVAL: (text) => intervalOfText(text),
};

/** What reads values of a type from their texts. They throw `RowError`. */
export function textReader(type: ValueType): (text: string) => unknown {
  if (!isArrayType(type)) return textReaders[type];
  const read = textReaders[elementType(type)];
  return (text) => {
    const elements = parseArrayText(text);
    if (!elements) throw invalidText(text, type);
    return elements.map((element) => (element === null ? null : read(element)));
  };
}

export const isArrayType = (type: string): type is `${ScalarType}[]` => type.endsWith('[]');
export const elementType = (type: `${ScalarType}[]`): ScalarType => type.slice(0, -2) as ScalarType;

export const bytesText = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');

/** The text of a JSON value: a string is its text, everything else its JSON. A number beyond doubles goes out as a string of JSON, and is no text of quotes. */
export function scalarText(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : stringifyJson(value);
}

/** What writes values of a type as a cast to TEXT does. */
export function textWriter(type: ValueType): (value: never) => string {
  switch (type) {
    case 'REAL':
      return realText;
    case 'DOUBLE PRECISION':
      return doubleText;
    case 'NUMERIC':
      return decimalText;
    case 'TIMESTAMP':
      return timestampText;
    case 'DATE':
      return dateText;
    case 'INTERVAL':
      return intervalText;
    case 'BYTEA':
      return (value: Uint8Array) => `\\x${Buffer.from(value).toString('hex')}`;
    case 'JSON':
      return scalarText;
    default: {
      if (!isArrayType(type)) return String;
      const element = elementType(type);
      const write = element === 'BOOLEAN' ? shortBoolean : element === 'JSON' ? stringifyJson : textWriter(element);
      return (value: ArrayValue) => arrayText(value, write as (element: unknown) => string);
    }
  }
}

/** Within arrays PostgreSQL writes booleans as their types do, not as casts do. */
const shortBoolean = (value: boolean): string => (value ? 't' : 'f');

/** What gives a value within JSON; NUMERIC keeps its digits where a JSON number can be read back exactly, which is for doubles to judge. */
export function jsonWriter(type: ValueType): (value: never) => unknown {
  switch (type) {
    case 'NUMERIC':
      return ({ coefficient, scale }: Decimal) =>
        scale === 0 ? normalInteger(coefficient) : decimalNumber({ coefficient, scale });
    case 'TIMESTAMP':
      return isoTimestamp;
    case 'DATE':
      return dateText;
    case 'INTERVAL':
      return intervalText;
    case 'BYTEA':
      return bytesText;
    case 'REAL':
      return (value: number) => (Number.isFinite(value) ? Number(realDigits(value)) : String(value));
    case 'DOUBLE PRECISION':
      return (value: number) => (Number.isFinite(value) || typeof value === 'bigint' ? value : String(value));
    default: {
      if (!isArrayType(type)) return (value: unknown) => value;
      const write = jsonWriter(elementType(type)) as (element: unknown) => unknown;
      return (value: ArrayValue) => value.map((element) => (element === null ? null : write(element)));
    }
  }
}
