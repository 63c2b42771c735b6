import { SqlError } from '../errors.js';
import { bindBits, bindPower, calculate, isArithmetic, isBitOperator } from './arithmetic.js';
import { bindArrayOperator, isArrayOperator } from './array.js';
import { aType, coerce, settled, toText } from './coerce.js';
import { compare, isComparison } from './comparison.js';
import { type Expression, elementOf, inline, strict } from './expression.js';
import { bindJsonAccess, bindJsonTest, isJsonAccess, isJsonTest } from './json-access.js';
import { bindJsonConcatenation, bindJsonPathRemoval, bindJsonRemoval } from './json-edit.js';
import { bindPatternOperator, isPatternOperator } from './pattern.js';
import { bindTimeOperator } from './time-arithmetic.js';
import { unsupported } from './unsupported.js';

/** `left operator right` (https://www.postgresql.org/docs/18/functions.html). Throws `SqlError`. */
export function binary(written: string, left: Expression, right: Expression, offset: number): Expression {
  const operator = written === '!=' ? '<>' : written;
  if (isComparison(operator)) return compare(operator, left, right, offset);
  if (operator === '-') {
    const removal = bindJsonRemoval(left, right, offset);
    if (removal) return removal;
  }
  if (operator === '#-') return bindJsonPathRemoval(left, right, offset);
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
  throw unsupported(
    `the operator ${operator}`,
    offset,
    Object.hasOwn(instead, operator) ? instead[operator] : undefined,
  );
}

/** Texts, where one side is one, arrays, or JSON. */
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
  const json = bindJsonConcatenation(left, right, offset);
  if (json) return json;
  return strict(
    'TEXT',
    offset,
    inline((a, b) => `${a} + ${b}`),
    toText(left),
    toText(right),
  );
}

/** Signs that PostgreSQL or other languages have, and what to write. */
const instead: { readonly [operator: string]: string | undefined } = {
  '==': 'write a = b',
  '===': 'write a = b',
  '!==': 'write a <> b',
  '<=>': 'write a IS NOT DISTINCT FROM b',
  '&&': 'write a AND b; && says whether arrays overlap',
  '**': 'write a ^ b, or power(a, b)',
  '@?': "reach into JSON with #>: payload #> '{a,b}' IS NOT NULL",
  '@@': "reach into JSON with #>>: (payload #>> '{a,b}')::numeric > 1",
};
