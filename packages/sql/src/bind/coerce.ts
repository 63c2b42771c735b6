import { RowError, SqlError } from '../errors.js';
import { integerOfText, jsonOfText, jsonWriter, textReader, textWriter, type ValueType } from '../values/convert.js';
import { doubleOfText } from '../values/double.js';
import { jsonBoolean, jsonConverter, jsonNumber, jsonText } from '../values/json-scalar.js';

import { type Convert, explicitConversion, implicitConversion } from './conversions.js';
import {
  constant,
  type Expression,
  elementOf,
  isInteger,
  isNumeric,
  lenient,
  strict,
  type Type,
  valueType,
} from './expression.js';

/** The expression as `type` where no cast is written: only conversions that lose nothing. Throws `SqlError`. */
export function coerce(expression: Expression, type: Type): Expression {
  const { type: from, offset } = expression;
  if (from === type) return expression;
  if (from === 'UNKNOWN') return literal(expression, type);
  if (from === 'JSON') return fromJson(expression, type);
  const convert = implicitConversion(from, type);
  if (convert === undefined) {
    throw new SqlError(
      'type_mismatch',
      `${aType(type)} is wanted here, but this is ${aType(from)}`,
      offset,
      `write CAST(... AS ${type === 'NUMBER' ? 'DOUBLE PRECISION' : type})`,
    );
  }
  return converted(expression, type, convert);
}

/** The expression as `type` where a cast asks for it. Throws `SqlError` where no value could be converted. */
export function cast(expression: Expression, type: ValueType): Expression {
  const { type: from, offset } = expression;
  if (from === type) return expression;
  if (from === 'UNKNOWN') return literal(expression, type);
  if (from === 'JSON') return read(type, offset, jsonConverter(type), expression);
  if (type === 'TEXT') return toText(expression);
  if (type === 'JSON') return from === 'TEXT' ? strict('JSON', offset, jsonOfText, expression) : toJson(expression);
  const convert = implicitConversion(from, type) ?? explicitConversion(from, type);
  if (convert === undefined)
    throw new SqlError('type_mismatch', `${aType(from)} cannot be cast to ${type}`, offset, castHint(from, type));
  return converted(expression, type, convert);
}

function castHint(from: Type, to: ValueType): string {
  if (to === 'BOOLEAN' && isNumeric(from)) return 'compare it: ... <> 0';
  if (from === 'BOOLEAN' && isNumeric(to)) return 'cast it to INTEGER first';
  return 'cast it to TEXT first, if its text is one';
}

/** Any value's text. */
export function toText(expression: Expression): Expression {
  const { type, offset } = expression;
  if (type === 'TEXT') return expression;
  if (type === 'UNKNOWN') return literal(expression, 'TEXT');
  return strict('TEXT', offset, textWriter(valueType(type)), expression);
}

/** Any value within JSON. */
export function toJson(expression: Expression): Expression {
  const { type, offset } = expression;
  if (type === 'JSON') return expression;
  if (type === 'UNKNOWN') return constant(expression.op === 'constant' ? expression.value : null, 'JSON', offset);
  return strict('JSON', offset, jsonWriter(valueType(type)), expression);
}

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
  if (type === 'UNKNOWN' || type === 'TEXT') return readLiteral(expression, 'TEXT', String);
  return readLiteral(expression, type, type === 'NUMBER' ? numberOfText : textReader(type));
}

/** The value of a type that a literal without one writes, by what reads it; NULL is read as nothing. Throws `SqlError` where `read` throws a `RowError`. */
export function readLiteral(expression: Expression, type: Type, read: (text: string) => unknown): Expression {
  const { offset } = expression;
  const value = expression.op === 'constant' ? expression.value : null;
  if (value === null) return constant(null, type, offset);
  const text = String(value);
  try {
    return constant(read(text), type, offset);
  } catch (error) {
    if (!(error instanceof RowError)) throw error;
    const shown = text.length > shownLengthMax ? `${[...text].slice(0, shownLengthMax).join('')}...` : text;
    const tooLarge = error.code !== 'invalid_value';
    throw new SqlError(
      'type_mismatch',
      tooLarge ? `'${shown}' is out of range for ${typeName(type)}` : `'${shown}' is no ${typeName(type)}`,
      offset,
      literalHints[type] ?? (elementOf(type) ? "arrays are written '{a,b}' or ARRAY[...]" : literalHints.NUMBER),
    );
  }
}

const numberOfText = (text: string): number | bigint =>
  /^\s*[+-]?\d+\s*$/.test(text) ? integerOfText(text, 'BIGINT') : doubleOfText(text);

const literalHints: { readonly [type in Type]?: string } = {
  BOOLEAN: "write true or false, or 'yes', 'no', 'on', 'off'",
  TIMESTAMP: "timestamps are written '2026-03-29 01:30:00'",
  DATE: "dates are written '2026-03-29'",
  INTERVAL: "intervals are written '1 day 02:30:00'",
  BYTEA: "bytes are written '\\x00ff', or in base64",
  JSON: 'a text within JSON stands in double quotes',
  NUMBER: 'a text is quoted, a number is not; cast one of them',
};

/** A value of JSON where SQL wants a scalar is that scalar; one of another kind is a row error. */
function fromJson(expression: Expression, type: Type): Expression {
  const { offset } = expression;
  if (type === 'TEXT') return read('TEXT', offset, jsonText, expression);
  if (type === 'BOOLEAN') return read('BOOLEAN', offset, jsonBoolean, expression);
  if (type === 'NUMBER') return read('NUMBER', offset, jsonNumber, expression);
  if (isNumeric(type)) return coerce(read('NUMBER', offset, jsonNumber, expression), type);
  return read(type, offset, jsonConverter(valueType(type)), expression);
}

type Read = (value: unknown) => unknown;
const reads = new WeakSet<object>();

function read(type: Type, offset: number, convert: Read, expression: Expression): Expression {
  reads.add(convert);
  return lenient(type, offset, convert, expression);
}

/** Whether it is JSON read as a scalar, of which NULL is NULL. */
export const isRead = (expression: Expression): boolean =>
  expression.op === 'lenient' && reads.has(expression.evaluate);

/** For a field that is read as the expression's type and otherwise as it came: its name, and what converts its value. Undefined for all others. */
export function fieldRead(expression: Expression): { readonly name: string; readonly convert: Read } | undefined {
  if (expression.op !== 'lenient' || !isRead(expression)) return undefined;
  const [value] = expression.args;
  return value?.op === 'field' ? { name: value.name, convert: expression.evaluate as Read } : undefined;
}

function converted(expression: Expression, type: Type, convert: Convert): Expression {
  if (convert === 'same') return { ...expression, type };
  return convertedConstant(expression, type, convert) ?? strict(type, expression.offset, convert, expression);
}

/** A constant is converted once. Undefined for what is none, or where that fails: it fails where a row comes to it. */
function convertedConstant(
  expression: Expression,
  type: Type,
  convert: Exclude<Convert, 'same'>,
): Expression | undefined {
  if (expression.op !== 'constant' || expression.value === null) return undefined;
  try {
    return constant(convert(expression.value), type, expression.offset);
  } catch (error) {
    if (error instanceof RowError) return undefined;
    throw error;
  }
}

/** A type as messages name it. */
export const typeName = (type: Type): string => (type === 'NUMBER' ? 'number' : type === 'UNKNOWN' ? 'TEXT' : type);

/** The same with its article. */
export const aType = (type: Type): string => `${/^I/.test(type) ? 'an' : 'a'} ${typeName(type)}`;
