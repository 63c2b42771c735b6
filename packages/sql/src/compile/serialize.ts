import { stringifyJson } from '@laminar/codecs';
import type { Type } from '../bind/expression.js';
import { bytesText, realText } from '../values/convert.js';
import { type Decimal, decimalText } from '../values/decimal.js';
import { dateText, timestampText } from '../values/time.js';

/** Characters that JSON escapes, and surrogates, of which a lone one has to be. */
const needsEscape = /["\\\p{Cc}\p{Cs}]/u;

const serializeText = (value: string): string => (needsEscape.test(value) ? JSON.stringify(value) : `"${value}"`);

function serializeNumber(value: number | bigint): string {
  return typeof value === 'bigint' || Number.isFinite(value) ? `${value}` : `"${value}"`;
}

function serializeJson(value: unknown): string {
  if (typeof value === 'string') return serializeText(value);
  if (typeof value === 'number') return serializeNumber(value);
  return stringifyJson(value);
}

/** How a value of a type, not NULL, is written into an output message. BIGINT and NUMERIC keep every digit; NaN and Infinity are texts. */
export const serializers: { readonly [type in Type]: (value: never) => string } = {
  TEXT: serializeText,
  UNKNOWN: serializeText,
  BOOLEAN: String,
  SMALLINT: serializeNumber,
  INTEGER: serializeNumber,
  BIGINT: serializeNumber,
  NUMBER: serializeNumber,
  'DOUBLE PRECISION': serializeNumber,
  REAL: (value: number) => (Number.isFinite(value) ? realText(value) : `"${value}"`),
  NUMERIC: (value: Decimal) => decimalText(value),
  TIMESTAMP: (value: number) => `"${timestampText(value)}"`,
  DATE: (value: number) => `"${dateText(value)}"`,
  BYTEA: (value: Uint8Array) => `"${bytesText(value)}"`,
  JSON: serializeJson,
};
