import {
  integerOfDecimal,
  integerOfDouble,
  isArrayType,
  textReader,
  textWriter,
  type ValueType,
} from '../values/convert.js';
import { type Decimal, decimalNumber, decimalOf, decimalOfDouble } from '../values/decimal.js';
import { checkedDouble, realOfDouble } from '../values/double.js';
import { checkedInteger, type Integer } from '../values/integer.js';
import { jsonConverter, numberToInteger } from '../values/json-scalar.js';
import { dateOfTimestamp, timestampOfDate } from '../values/time.js';
import { elementOf, isInteger, type Type, valueType } from './expression.js';

/** What makes a value, not NULL, one of another type; `same` where it stays as it is. They may throw `RowError`. */
// biome-ignore lint/suspicious/noExplicitAny: the types that the conversion is looked up by say what the value is.
export type Convert = 'same' | ((value: any) => unknown);

/** PostgreSQL's implicit casts (https://www.postgresql.org/docs/18/catalog-pg-cast.html), and the untyped numbers of JSON to any number. */
export function implicitConversion(from: Type, to: Type): Convert | undefined {
  const elements = elementOf(from) && elementOf(to);
  if (elements) return ofElements(implicitConversion(elementOf(from) as Type, elements));
  if (isInteger(from)) {
    if (isInteger(to)) return from === 'SMALLINT' || to === 'BIGINT' ? 'same' : undefined;
    if (to === 'NUMBER') return 'same';
    if (to === 'NUMERIC') return decimalOf;
    if (to === 'DOUBLE PRECISION') return Number;
    if (to === 'REAL') return (value: Integer) => Math.fround(Number(value));
  }
  if (from === 'NUMERIC' && (to === 'DOUBLE PRECISION' || to === 'NUMBER'))
    return (value: Decimal) => checkedDouble(decimalNumber(value));
  if (from === 'NUMERIC' && to === 'REAL') return (value: Decimal) => realOfDouble(checkedDouble(decimalNumber(value)));
  if (from === 'REAL' && (to === 'DOUBLE PRECISION' || to === 'NUMBER')) return 'same';
  if (from === 'DOUBLE PRECISION' && to === 'NUMBER') return 'same';
  if (from === 'NUMBER' && to === 'DOUBLE PRECISION') return Number;
  if (from === 'NUMBER' && to === 'NUMERIC') return decimalOf;
  if (from === 'NUMBER' && isIntegerType(to)) return (value: Integer) => numberToInteger(value, to);
  if (from === 'DATE' && to === 'TIMESTAMP') return timestampOfDate;
  return undefined;
}

/** What PostgreSQL converts only where a cast asks for it. */
export function explicitConversion(from: Type, to: ValueType): Convert | undefined {
  const elements = elementOf(from) && elementOf(to);
  if (elements) {
    const element = elementOf(from) as Type;
    if (elements === 'TEXT') return ofElements(textWriter(valueType(element)) as Convert);
    return ofElements(implicitConversion(element, elements) ?? explicitConversion(element, elements));
  }
  if (isIntegerType(to)) {
    if (isInteger(from)) return (value: Integer) => checkedInteger(value, to);
    if (from === 'NUMERIC') return (value: Decimal) => integerOfDecimal(value, to);
    if (from === 'REAL' || from === 'DOUBLE PRECISION') return (value: number) => integerOfDouble(value, to);
    if (from === 'BOOLEAN' && to === 'INTEGER') return Number;
  }
  if (to === 'NUMERIC' && from === 'REAL') return (value: number) => decimalOf(Number(value.toPrecision(6)));
  if (to === 'NUMERIC' && from === 'DOUBLE PRECISION') return decimalOfDouble;
  if (to === 'REAL' && (from === 'DOUBLE PRECISION' || from === 'NUMBER'))
    return (value: Integer) => realOfDouble(Number(value));
  if (to === 'BOOLEAN' && (from === 'INTEGER' || from === 'NUMBER')) return (value: Integer) => Number(value) !== 0;
  if (to === 'DATE' && from === 'TIMESTAMP') return dateOfTimestamp;
  if (from === 'TEXT') return textReader(to);
  if (from === 'NUMBER' && (to === 'TIMESTAMP' || to === 'DATE')) return jsonConverter(to);
  return undefined;
}

const isIntegerType = (type: Type): type is 'SMALLINT' | 'INTEGER' | 'BIGINT' => isInteger(type) && !isArrayType(type);

function ofElements(convert: Convert | undefined): Convert | undefined {
  if (convert === undefined || convert === 'same') return convert;
  return (array: readonly unknown[]) =>
    array.map((element) => (element === null || element === undefined ? null : convert(element)));
}
