import { SqlError } from '../errors.js';
import { joined } from '../values/bytes.js';
import { bindBits, bindPower, calculate, isArithmetic, isBitOperator } from './arithmetic.js';
import { bindArrayOperator, isArrayOperator } from './array.js';
import { aType, coerce, settled, toText } from './coerce.js';
import { compare, isComparison } from './comparison.js';
import { type Expression, elementOf, strict } from './expression.js';
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

/** Texts, where one side is one, bytes, arrays, or JSON. */
function concatenate(left: Expression, right: Expression, offset: number): Expression {
  if (elementOf(left.type) || elementOf(right.type)) return bindArrayOperator('||', left, right, offset);
  const areBytes = [left, right].every(({ type }) => type === 'BYTEA' || type === 'UNKNOWN');
  if (areBytes && (left.type === 'BYTEA' || right.type === 'BYTEA'))
    return strict('BYTEA', offset, joined, bytesOf(left), bytesOf(right));
  const isText = ({ type }: Expression) => type === 'TEXT' || type === 'UNKNOWN' || type === 'JSON';
  if (!isText(left) && !isText(right))
    throw new SqlError(
      'type_mismatch',
      `|| joins texts, bytes, arrays or JSON, not ${aType(settled(left).type)} and ${aType(settled(right).type)}`,
      offset,
      'cast one of them: x::text || y',
    );
  const json = bindJsonConcatenation(left, right, offset);
  if (json) return json;
  return strict('TEXT', offset, (a: string, b: string) => a + b, toText(left), toText(right));
}

/** A literal beside bytes writes them in hexadecimal: of any other PostgreSQL takes the characters, and a BYTEA is in base64 elsewhere here. */
function bytesOf(expression: Expression): Expression {
  const written = expression.type === 'UNKNOWN' && expression.op === 'constant' ? expression.value : null;
  if (typeof written === 'string' && !written.startsWith('\\x'))
    throw new SqlError(
      'type_mismatch',
      'a literal beside || and a BYTEA is bytes in hexadecimal',
      expression.offset,
      "write '\\x00ff', decode('AP8=', 'base64'), or convert_to('text', 'UTF8')",
    );
  return coerce(expression, 'BYTEA');
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
