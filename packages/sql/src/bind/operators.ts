import { RowError, SqlError } from '../errors.js';
import { scalarText } from '../values/convert.js';
import { kindOfJson } from '../values/json-scalar.js';
import { bindBits, bindPower, calculate, isArithmetic, isBitOperator } from './arithmetic.js';
import { bindArrayOperator, isArrayOperator } from './array.js';
import { aType, coerce, settled, toText } from './coerce.js';
import { compare, isComparison } from './comparison.js';
import { type Expression, elementOf, inline, strict } from './expression.js';
import { bindJsonAccess, bindJsonTest, isJsonAccess, isJsonTest } from './json-access.js';
import { bindPatternOperator, isPatternOperator } from './pattern.js';
import { bindTimeOperator } from './time-arithmetic.js';
import { unsupported } from './unsupported.js';

/** `left operator right` (https://www.postgresql.org/docs/18/functions.html). Throws `SqlError`. */
export function binary(written: string, left: Expression, right: Expression, offset: number): Expression {
  const operator = written === '!=' ? '<>' : written;
  if (isComparison(operator)) return compare(operator, left, right, offset);
  if (isArithmetic(operator))
    return bindTimeOperator(operator, left, right, offset) ?? calculate(operator, left, right, offset);
  if (operator === '||') return concatenate(left, right, offset);
  if (isJsonAccess(operator)) return bindJsonAccess(operator, left, right, offset);
  if (isPatternOperator(operator)) return bindPatternOperator(operator, left, right, offset);
  if (isArrayOperator(operator) && (elementOf(left.type) || elementOf(right.type)))
    return bindArrayOperator(operator, left, right, offset);
  if (isJsonTest(operator)) return bindJsonTest(operator, left, right, offset);
  if (operator === '^') return bindPower(left, right, offset);
  if (isBitOperator(operator)) return bindBits(operator, left, right, offset);
  if (operator === '^@')
    return strict(
      'BOOLEAN',
      offset,
      (text: string, prefix: string) => text.startsWith(prefix),
      coerce(left, 'TEXT'),
      coerce(right, 'TEXT'),
    );
  throw unsupported(`the operator ${operator}`, offset);
}

/** Texts, where one side is one, or arrays. */
function concatenate(left: Expression, right: Expression, offset: number): Expression {
  if (elementOf(left.type) || elementOf(right.type)) return bindArrayOperator('||', left, right, offset);
  const isText = ({ type }: Expression) => type === 'TEXT' || type === 'UNKNOWN' || type === 'JSON';
  if (!isText(left) && !isText(right))
    throw new SqlError(
      'type_mismatch',
      `|| joins texts or arrays, not ${aType(settled(left).type)} and ${aType(settled(right).type)}`,
      offset,
      'cast one of them to TEXT',
    );
  if (left.type === 'JSON' && right.type === 'JSON') return strict('TEXT', offset, joinScalars, left, right);
  return strict(
    'TEXT',
    offset,
    inline((a, b) => `${a} + ${b}`),
    toText(left),
    toText(right),
  );
}

/** Values of JSON as texts. PostgreSQL merges objects and arrays, which texts of them behind each other would only resemble. */
function joinScalars(left: unknown, right: unknown): string {
  for (const value of [left, right])
    if (typeof value === 'object')
      throw new RowError(
        'wrong_kind',
        `|| joins texts here, but a value is ${kindOfJson(value)}; SELECT *, x AS y adds to the message, ::text makes a text of it`,
      );
  return scalarText(left) + scalarText(right);
}
