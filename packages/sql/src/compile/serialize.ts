import { stringifyJson } from '@laminar/codecs';
import { elementOf, type Type } from '../bind/expression.js';
import type { ArrayValue } from '../values/array.js';
import { bytesText } from '../values/convert.js';
import { type Decimal, decimalText } from '../values/decimal.js';
import { realDigits } from '../values/double.js';
import { type Interval, intervalText } from '../values/interval.js';
import { dateText, isoTimestamp } from '../values/time.js';

/** Characters that JSON escapes, and surrogates, of which a lone one has to be. */
const needsEscape = /["\\\p{Cc}\p{Cs}]/u;

/** Of texts up to that length each character is looked at, which is quicker then. */
const shortText = 64;

function serializeText(value: string): string {
  if (value.length > shortText) return needsEscape.test(value) ? JSON.stringify(value) : `"${value}"`;
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code < 0x20 || code === 0x22 || code === 0x5c || code > 0x7e) return JSON.stringify(value);
  }
  return `"${value}"`;
}

function serializeNumber(value: number | bigint): string {
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  return typeof value === 'bigint' || Number.isFinite(value) ? `${value}` : `"${value}"`;
}

function serializeJson(value: unknown): string {
  if (typeof value === 'string') return serializeText(value);
  if (typeof value === 'number') return serializeNumber(value);
  return stringifyJson(value);
}

type Serialize = (value: never) => string;

/** BIGINT and NUMERIC keep every digit; NaN and Infinity are texts. */
const serializers: { readonly [type: string]: Serialize | undefined } = {
  TEXT: serializeText,
  UNKNOWN: serializeText,
  BOOLEAN: String,
  SMALLINT: serializeNumber,
  INTEGER: serializeNumber,
  BIGINT: serializeNumber,
  NUMBER: serializeNumber,
  'DOUBLE PRECISION': serializeNumber,
  REAL: (value: number) => (Number.isFinite(value) ? realDigits(value) : `"${value}"`),
  NUMERIC: (value: Decimal) => decimalText(value),
  TIMESTAMP: (value: number | bigint) => `"${isoTimestamp(value)}"`,
  DATE: (value: number) => `"${dateText(value)}"`,
  INTERVAL: (value: Interval) => `"${intervalText(value)}"`,
  BYTEA: (value: Uint8Array) => `"${bytesText(value)}"`,
  JSON: serializeJson,
};

/** Which JSON texts that `stringifyJson` would write are written the very same once they are read as a type. Null is NULL. */
export const staysAs: { readonly [type: string]: RegExp | undefined } = {
  TEXT: /^["n]/,
  BOOLEAN: /^[tfn]/,
  SMALLINT: /^(?:-?\d{1,4}|null)$/,
  INTEGER: /^(?:-?\d{1,9}|null)$/,
  BIGINT: /^(?:-?\d{1,15}|null)$/,
  NUMBER: /^[-\dn]/,
  'DOUBLE PRECISION': /^[-\dn]/,
  NUMERIC: /^[-\dn]/,
};

const arraySerializers = new Map<Serialize, Serialize>();

/** How a value of a type, not NULL, is written into an output message. */
export function serializerOf(type: Type): Serialize {
  const element = elementOf(type);
  const serialize = serializers[element ?? type];
  if (!serialize) throw new Error(`there is no way to write a ${type}`);
  if (element === undefined) return serialize;
  const known = arraySerializers.get(serialize) ?? serializeArray(serialize);
  arraySerializers.set(serialize, known);
  return known;
}

const serializeArray =
  (serialize: Serialize): Serialize =>
  (value: ArrayValue) =>
    `[${value.map((item) => (item === null || item === undefined ? 'null' : serialize(item as never))).join(',')}]`;
