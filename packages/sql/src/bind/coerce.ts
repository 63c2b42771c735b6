import type { ColumnType } from '@laminar/definitions';
import { RowError, SqlError } from '../errors.js';
import {
  booleanOfText,
  bytesOfText,
  checkedDouble,
  checkedInteger,
  convertJson,
  dateOfText,
  dateTimestamp,
  decimalOfText,
  doubleOfText,
  type Integer,
  integerOfDecimal,
  integerOfDouble,
  integerOfText,
  jsonBoolean,
  jsonNumber,
  jsonOf,
  jsonOfText,
  jsonText,
  realOfDouble,
  textOf,
  timestampOfText,
} from '../values/convert.js';
import { type Decimal, decimalNumber, decimalOf } from '../values/decimal.js';
import { dateOfTimestamp } from '../values/time.js';
import {
  constant,
  type Evaluate,
  type Expression,
  isInteger,
  isNumeric,
  lenient,
  strict,
  type Type,
} from './expression.js';

/** The expression as `type` where no cast is written: only conversions that lose nothing. Throws `SqlError`. */
export function coerce(expression: Expression, type: Type): Expression {
  const { type: from, offset } = expression;
  if (from === type) return expression;
  if (from === 'UNKNOWN') return literal(expression, type);
  if (from === 'JSON') return fromJson(expression, type);
  const convert = implicit(from, type);
  if (convert === undefined) {
    throw new SqlError(
      'type_mismatch',
      `a ${name(type)} is wanted here, but this is a ${name(from)}`,
      offset,
      `write CAST(... AS ${type === 'NUMBER' ? 'DOUBLE PRECISION' : type})`,
    );
  }
  return convert === 'same' ? retype(expression, type) : strict(type, offset, convert, expression);
}

/** The expression as `type` where a cast asks for it. Throws `SqlError` where no value could be converted. */
export function cast(expression: Expression, type: ColumnType): Expression {
  const { type: from, offset } = expression;
  if (from === type) return expression;
  if (from === 'UNKNOWN') return literal(expression, type);
  if (from === 'JSON') return lenient(type, offset, (value: unknown) => convertJson(value, type), expression);
  if (type === 'TEXT') return toText(expression);
  if (type === 'JSON') return from === 'TEXT' ? strict('JSON', offset, jsonOfText, expression) : toJson(expression);
  const convert = implicit(from, type) ?? explicit(from, type);
  if (convert === undefined) throw new SqlError('type_mismatch', `a ${name(from)} cannot be cast to ${type}`, offset);
  return convert === 'same' ? retype(expression, type) : strict(type, offset, convert, expression);
}

/** Any value's text. */
export function toText(expression: Expression): Expression {
  const { type, offset } = expression;
  if (type === 'TEXT') return expression;
  if (type === 'UNKNOWN') return literal(expression, 'TEXT');
  return strict('TEXT', offset, (value: unknown) => textOf(value, valueType(type)), expression);
}

/** Any value within JSON. */
export function toJson(expression: Expression): Expression {
  const { type, offset } = expression;
  if (type === 'JSON') return expression;
  if (type === 'UNKNOWN') return constant(expression.op === 'constant' ? expression.value : null, 'JSON', offset);
  return strict('JSON', offset, (value: unknown) => jsonOf(value, valueType(type)), expression);
}

/** The type of a value in JavaScript where the expression's own is not a column's. */
const valueType = (type: Type): ColumnType =>
  type === 'NUMBER' ? 'DOUBLE PRECISION' : type === 'UNKNOWN' ? 'TEXT' : type;

/** What an untyped literal becomes beside nothing that types it. */
export const settled = (expression: Expression): Expression =>
  expression.type === 'UNKNOWN' ? coerce(expression, 'TEXT') : expression;

/** The type in which two values of these types are computed or compared; undefined where there is none. */
export function commonType(a: Type, b: Type): Type | undefined {
  if (a === b) return a;
  if (a === 'UNKNOWN') return b;
  if (b === 'UNKNOWN') return a;
  if (a === 'JSON') return commonWithJson(b);
  if (b === 'JSON') return commonWithJson(a);
  if (isNumeric(a) && isNumeric(b)) return commonNumber(a, b);
  if ([a, b].every((type) => type === 'TIMESTAMP' || type === 'DATE')) return 'TIMESTAMP';
  return undefined;
}

const commonWithJson = (other: Type): Type =>
  other === 'NUMERIC' || other === 'REAL' ? 'DOUBLE PRECISION' : isInteger(other) ? 'NUMBER' : other;

function commonNumber(a: Type, b: Type): Type {
  const types = [a, b];
  if (types.every(isInteger)) return types.includes('BIGINT') ? 'BIGINT' : 'INTEGER';
  if (types.every((type) => isInteger(type) || type === 'NUMBER')) return 'NUMBER';
  if (types.every((type) => isInteger(type) || type === 'NUMERIC')) return 'NUMERIC';
  return 'DOUBLE PRECISION';
}

/** Characters of a literal that an error shows. */
const shownLengthMax = 40;

function literal(expression: Expression, type: Type): Expression {
  const { offset } = expression;
  const value = expression.op === 'constant' ? expression.value : null;
  if (value === null) return constant(null, type, offset);
  const text = String(value);
  if (type === 'UNKNOWN' || type === 'TEXT') return constant(text, 'TEXT', offset);
  const read = literalReaders[type];
  try {
    return constant(read(text), type, offset);
  } catch (error) {
    if (!(error instanceof RowError)) throw error;
    const shown = text.length > shownLengthMax ? `${[...text].slice(0, shownLengthMax).join('')}...` : text;
    throw new SqlError('type_mismatch', `'${shown}' is no ${name(type)}`, offset);
  }
}

const literalReaders: { readonly [type in Exclude<Type, 'UNKNOWN' | 'TEXT'>]: (text: string) => unknown } = {
  BOOLEAN: booleanOfText,
  SMALLINT: (text) => integerOfText(text, 'SMALLINT'),
  INTEGER: (text) => integerOfText(text, 'INTEGER'),
  BIGINT: (text) => integerOfText(text, 'BIGINT'),
  NUMBER: (text) => (/^\s*[+-]?\d+\s*$/.test(text) ? integerOfText(text, 'BIGINT') : doubleOfText(text)),
  NUMERIC: decimalOfText,
  REAL: (text) => realOfDouble(doubleOfText(text)),
  'DOUBLE PRECISION': doubleOfText,
  TIMESTAMP: timestampOfText,
  DATE: dateOfText,
  BYTEA: bytesOfText,
  JSON: jsonOfText,
};

/** A value of JSON where SQL wants a scalar is that scalar; one of another kind is a row error. */
function fromJson(expression: Expression, type: Type): Expression {
  const { offset } = expression;
  if (type === 'TEXT') return lenient('TEXT', offset, jsonText, expression);
  if (type === 'BOOLEAN') return lenient('BOOLEAN', offset, jsonBoolean, expression);
  if (type === 'NUMBER') return lenient('NUMBER', offset, jsonNumber, expression);
  if (isNumeric(type)) return coerce(lenient('NUMBER', offset, jsonNumber, expression), type);
  return lenient(type, offset, (value: unknown) => convertJson(value, valueType(type)), expression);
}

/** Conversions that need no cast; `same` where the value stays as it is. */
function implicit(from: Type, to: Type): Evaluate | 'same' | undefined {
  if (isInteger(from)) {
    if (isInteger(to)) return from === 'SMALLINT' || to === 'BIGINT' ? 'same' : undefined;
    if (to === 'NUMBER') return 'same';
    if (to === 'NUMERIC') return decimalOf;
    if (to === 'DOUBLE PRECISION' || to === 'REAL') return Number;
  }
  if (from === 'NUMERIC' && (to === 'DOUBLE PRECISION' || to === 'REAL' || to === 'NUMBER'))
    return (value: Decimal) => checkedDouble(decimalNumber(value));
  if (from === 'REAL' && (to === 'DOUBLE PRECISION' || to === 'NUMBER')) return 'same';
  if (from === 'DOUBLE PRECISION' && to === 'NUMBER') return 'same';
  if (from === 'NUMBER' && to === 'DOUBLE PRECISION') return Number;
  if (from === 'NUMBER' && to === 'NUMERIC') return decimalOf;
  if (from === 'NUMBER' && isInteger(to)) return (value: Integer) => numberToInteger(value, to as ColumnType);
  if (from === 'DATE' && to === 'TIMESTAMP') return dateTimestamp;
  return undefined;
}

function explicit(from: Type, to: ColumnType): Evaluate | undefined {
  if (isInteger(to)) {
    if (isInteger(from)) return (value: Integer) => checkedInteger(value, to);
    if (from === 'NUMERIC') return (value: Decimal) => integerOfDecimal(value, to);
    if (from === 'REAL' || from === 'DOUBLE PRECISION') return (value: number) => integerOfDouble(value, to);
    if (from === 'BOOLEAN') return (value: boolean) => (value ? 1 : 0);
  }
  if (to === 'NUMERIC' && (from === 'REAL' || from === 'DOUBLE PRECISION')) return decimalOf;
  if (to === 'REAL' && (from === 'DOUBLE PRECISION' || from === 'NUMBER'))
    return (value: Integer) => realOfDouble(Number(value));
  if (to === 'BOOLEAN' && (from === 'INTEGER' || from === 'NUMBER')) return (value: Integer) => Number(value) !== 0;
  if (to === 'DATE' && from === 'TIMESTAMP') return dateOfTimestamp;
  if (from === 'TEXT') return literalReaders[to as Exclude<ColumnType, 'TEXT'>];
  if (from === 'NUMBER' && (to === 'TIMESTAMP' || to === 'DATE')) return (value: Integer) => convertJson(value, to);
  return undefined;
}

const numberToInteger = (value: Integer, type: ColumnType): Integer =>
  typeof value === 'bigint' || Number.isSafeInteger(value) ? checkedInteger(value, type) : integerOfDouble(value, type);

const retype = (expression: Expression, type: Type): Expression => ({ ...expression, type });

const name = (type: Type): string => (type === 'NUMBER' ? 'number' : type);
