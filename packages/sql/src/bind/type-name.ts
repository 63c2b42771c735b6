import { canonicalColumnType, columnTypeNames, nearestName } from '@laminar/definitions';
import type { Node, TypeName } from '@pgsql/types';
import { RowError, SqlError } from '../errors.js';
import { intervalOfText, isArrayType, type ValueType } from '../values/convert.js';
import { type Decimal, roundDecimal } from '../values/decimal.js';
import { addIntegers, floorDivide, type Integer, multiplyIntegers } from '../values/integer.js';
import { parseInterval } from '../values/interval.js';
import { cast } from './coerce.js';
import { constant, type Expression, strict } from './expression.js';
import { unsupported } from './unsupported.js';

/** `arg` cast to a type as PostgreSQL's parse tree names it. Throws `SqlError`. */
export function bindCast(arg: Expression, typeName: TypeName | undefined, offset: number): Expression {
  const type = typeOf(typeName, offset);
  const mods = (typeName?.typmods ?? []).map(modifier);
  if (type === 'INTERVAL' && mods.length > 0) return intervalOfUnit(arg, mods, offset);
  const result = cast(arg, type);
  const [precision, scale = 0] = mods;
  if (precision === undefined) return result;
  if (type === 'NUMERIC') return strict(type, offset, numericOf(precision, scale, offset), result);
  if (type === 'TEXT') return strict(type, offset, (text: string) => [...text].slice(0, precision).join(''), result);
  if (type === 'TIMESTAMP' && precision >= 0 && precision <= 6)
    return strict(type, offset, (micros: Integer) => roundTimestamp(micros, 10 ** (6 - precision)), result);
  throw unsupported(`a precision of ${type}`, offset, 'leave the brackets out');
}

const modifier = (node: Node): number => ('A_Const' in node ? (node.A_Const.ival?.ival ?? 0) : 0);

const precisionMax = 1000;

/** NUMERIC(precision, scale): so many digits after the point, and so many in all. */
function numericOf(precision: number, scale: number, offset: number): (value: Decimal) => Decimal {
  if (precision < 1 || precision > precisionMax || Math.abs(scale) > precisionMax)
    throw new SqlError(
      'type_mismatch',
      `the precision of a NUMERIC lies between 1 and ${precisionMax}`,
      offset,
      'write NUMERIC(10, 2), or NUMERIC alone, which keeps every digit',
    );
  const limit = 10n ** BigInt(precision);
  return (value) => {
    const rounded = roundDecimal(value, scale);
    const digits = scale >= 0 ? rounded.coefficient : rounded.coefficient / 10n ** BigInt(-scale);
    if (digits >= limit || digits <= -limit)
      throw new RowError('out_of_range', `a value is out of range for NUMERIC(${precision}, ${scale})`);
    return rounded;
  };
}

/** Half away from zero. */
function roundTimestamp(micros: Integer, unit: number): Integer {
  const [whole, rest] = floorDivide(micros, unit);
  const up = rest * 2 > unit || (rest * 2 === unit && micros >= 0);
  return multiplyIntegers(addIntegers(whole, up ? 1 : 0), unit);
}

/** PostgreSQL's masks of `INTERVAL '1' DAY`. */
const intervalUnits: { readonly [mask: number]: string | undefined } = {
  4: 'year',
  2: 'month',
  8: 'day',
  1024: 'hour',
  2048: 'minute',
  4096: 'second',
};

function intervalOfUnit(arg: Expression, mods: readonly number[], offset: number): Expression {
  const unit = mods.length === 1 ? intervalUnits[mods[0] ?? 0] : undefined;
  if (
    unit === undefined ||
    arg.op !== 'constant' ||
    typeof arg.value !== 'string' ||
    !/^\s*[+-]?\d+\s*$/.test(arg.value)
  )
    throw unsupported('this form of an interval', offset, "write INTERVAL '1 day'");
  return constant(parseInterval(arg.value, unit) ?? intervalOfText(arg.value), 'INTERVAL', offset);
}

/** PostgreSQL's parser gives its internal names for the types that have a keyword of their own. */
const internalNames: { readonly [name: string]: ValueType | undefined } = {
  bool: 'BOOLEAN',
  int2: 'SMALLINT',
  int4: 'INTEGER',
  int8: 'BIGINT',
  float4: 'REAL',
  float8: 'DOUBLE PRECISION',
  interval: 'INTERVAL',
};

function typeOf(typeName: TypeName | undefined, offset: number): ValueType {
  const names = (typeName?.names ?? []).map((part) => ('String' in part ? (part.String.sval ?? '') : ''));
  const written = names.at(-1) ?? '';
  if (names.length > 1 && names[0] !== 'pg_catalog')
    throw unsupported('a schema before the name of a type', offset, 'leave the schema out');
  const known = Object.hasOwn(internalNames, written) ? internalNames[written] : undefined;
  const type = known ?? canonicalColumnType(written);
  const dimensions = (typeName?.arrayBounds ?? []).length;
  if (type !== undefined && dimensions === 0) return type;
  if (dimensions > 1 || type === 'INTERVAL')
    throw unsupported(
      `an array of ${type === 'INTERVAL' ? 'intervals' : 'arrays'}`,
      offset,
      'arrays have one dimension; nest them as JSON',
    );
  if (type !== undefined && !isArrayType(type)) return `${type}[]`;
  const nearest = nearestName(written, columnTypeNames);
  throw new SqlError(
    'unknown_type',
    `there is no type "${written}"`,
    offset,
    nearest === undefined
      ? `types are ${columnTypeNames.slice(0, 12).join(', ')}, and arrays of these`
      : `did you mean ${nearest}?`,
  );
}
