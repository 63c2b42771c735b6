import type { A_ArrayExpr, A_Indirection, Node } from '@pgsql/types';
import { SqlError } from '../errors.js';
import type { ArrayValue } from '../values/array.js';
import { bothNullOr, equalityOf } from '../values/order.js';
import { alignAll } from './align.js';
import { callFunction } from './call.js';
import { aType, coerce, commonType, typeName } from './coerce.js';
import { arrayOf, building, type Expression, elementOf, lenient, strict, type Type, valueType } from './expression.js';
import { unsupported } from './unsupported.js';

type Bind = (node: Node | undefined) => Expression;

const oneDimension = 'arrays have one dimension; nest them as JSON: JSON_ARRAY(JSON_ARRAY(1))';

/** `ARRAY[a, b]` (https://www.postgresql.org/docs/18/sql-expressions.html#SQL-SYNTAX-ARRAY-CONSTRUCTORS). Throws `SqlError`. */
export function bindArray(node: A_ArrayExpr, offset: number, bind: Bind): Expression {
  const elements = (node.elements ?? []).map(bind);
  if (elements.length === 0) return lenient('TEXT[]', offset, () => []);
  const aligned = alignAll(
    elements.map((element) => (element.type === 'NUMBER' ? coerce(element, 'DOUBLE PRECISION') : element)),
    'ARRAY',
  );
  const type = arrayOf(aligned[0]?.type ?? 'TEXT');
  if (type === undefined) throw unsupported(`an array of ${aligned[0]?.type}`, offset, oneDimension);
  return building(lenient(type, offset, (...values: unknown[]) => values.map((value) => value ?? null), ...aligned));
}

/** `array[2]` and `array[2:3]`, counted from 1. Throws `SqlError`. */
export function bindSubscripts(node: A_Indirection, offset: number, bind: Bind): Expression {
  let value = bind(node.arg);
  for (const part of node.indirection ?? []) {
    if (!('A_Indices' in part))
      throw unsupported('reaching into a value like this', offset, "reach into JSON with ->: items->0->'sku'");
    const { is_slice, lidx, uidx } = part.A_Indices;
    value = is_slice
      ? slice(value, lidx && bind(lidx), uidx && bind(uidx), offset)
      : subscript(value, bind(uidx), offset);
  }
  return value;
}

/** A JSON value takes subscripts as `->` does: from 0, and names. */
function subscript(value: Expression, index: Expression, offset: number): Expression {
  if (value.type === 'JSON')
    throw unsupported('a subscript of JSON', offset, "reach into JSON with ->: items->0, items->'sku'");
  const element = elementOf(value.type);
  if (element === undefined)
    throw new SqlError('type_mismatch', `${aType(value.type)} has no elements`, offset, 'subscripts are for arrays');
  return ofArray(
    strict(element, offset, (array: ArrayValue, at: number) => array[at - 1] ?? null, value, coerce(index, 'INTEGER')),
  );
}

function slice(
  value: Expression,
  low: Expression | undefined,
  high: Expression | undefined,
  offset: number,
): Expression {
  if (elementOf(value.type) === undefined)
    throw new SqlError('type_mismatch', `${aType(value.type)} has no elements`, offset, 'slices are of arrays');
  const bounds = [low, high].map((bound) => bound && coerce(bound, 'INTEGER'));
  const [from, to] = bounds;
  const cut = (array: ArrayValue, first: number, last: number) =>
    array.slice(Math.max(0, first - 1), Math.max(0, last));
  if (from && to) return ofArray(strict(value.type, offset, cut, value, from, to));
  if (from)
    return strict(
      value.type,
      offset,
      (array: ArrayValue, first: number) => cut(array, first, array.length),
      value,
      from,
    );
  if (to) return strict(value.type, offset, (array: ArrayValue, last: number) => cut(array, 1, last), value, to);
  return value;
}

/** PostgreSQL leaves the subscripts of an array that is NULL alone. */
const ofArray = (access: Expression): Expression =>
  access.op === 'strict' ? { ...access, firstDecides: true } : access;

const operators = ['||', '@>', '<@', '&&'] as const;
export type ArrayOperator = (typeof operators)[number];
export const isArrayOperator = (operator: string): operator is ArrayOperator =>
  (operators as readonly string[]).includes(operator);

/** `||`, `@>`, `<@` and `&&` of arrays (https://www.postgresql.org/docs/18/functions-array.html). Throws `SqlError`. */
export function bindArrayOperator(
  operator: ArrayOperator,
  left: Expression,
  right: Expression,
  offset: number,
): Expression {
  if (operator === '||') return join(left, right, offset);
  const [a, b, element] = alikeArrays(operator, left, right, offset);
  const equal = equalityOf(valueType(element));
  // NULL elements are equal to nothing here.
  const holds = (array: ArrayValue, item: unknown) =>
    item !== null && array.some((candidate) => candidate !== null && bothNullOr(equal, candidate, item));
  const within = (part: ArrayValue, whole: ArrayValue) => part.every((item) => holds(whole, item));
  if (operator === '@>') return strict('BOOLEAN', offset, (x: ArrayValue, y: ArrayValue) => within(y, x), a, b);
  if (operator === '<@') return strict('BOOLEAN', offset, within, a, b);
  return strict('BOOLEAN', offset, (x: ArrayValue, y: ArrayValue) => x.some((item) => holds(y, item)), a, b);
}

function join(left: Expression, right: Expression, offset: number): Expression {
  const isArray = ({ type }: Expression) => elementOf(type) !== undefined || type === 'UNKNOWN';
  if (isArray(left) && isArray(right)) return callFunction('array_cat', [left, right], offset);
  return elementOf(left.type)
    ? callFunction('array_append', [left, right], offset)
    : callFunction('array_prepend', [left, right], offset);
}

function alikeArrays(
  operator: string,
  left: Expression,
  right: Expression,
  offset: number,
): [Expression, Expression, Type] {
  const elements = [left, right].map(
    ({ type }) => elementOf(type) ?? (type === 'JSON' ? 'JSON' : type === 'UNKNOWN' ? 'UNKNOWN' : undefined),
  );
  const [a, b] = elements;
  const common = a && b && commonType(a, b);
  const type = common === 'NUMBER' ? 'JSON' : common;
  const array = type && arrayOf(type);
  if (!array)
    throw new SqlError(
      'type_mismatch',
      `${operator} takes two arrays of one type, not ${typeName(left.type)} and ${typeName(right.type)}`,
      offset,
      'cast one of them',
    );
  return [coerce(left, array), coerce(right, array), type];
}
