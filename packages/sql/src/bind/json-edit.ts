import { jsonOfText, scalarText } from '../values/convert.js';
import { concatenated, without, withoutKey, withoutPath } from '../values/json-edit.js';
import { coerce } from './coerce.js';
import { building, type Expression, isNull, strict } from './expression.js';

/** `json - key` and `json - keys`; undefined for what is arithmetic, as `-` of two untyped numbers and of a number is. */
export function bindJsonRemoval(left: Expression, right: Expression, offset: number): Expression | undefined {
  if (left.type !== 'JSON') return undefined;
  if (right.type === 'TEXT[]') return strict('JSON', offset, without, left, right);
  // A literal in quotes is a key, as in PostgreSQL; one that is a number stands without them.
  if (right.type === 'TEXT' || (right.type === 'UNKNOWN' && !isNull(right)))
    return strict('JSON', offset, withoutKey, left, coerce(right, 'TEXT'));
  return undefined;
}

/** `json #- path`. Throws `SqlError`. */
export const bindJsonPathRemoval = (left: Expression, right: Expression, offset: number): Expression =>
  strict('JSON', offset, withoutPath, coerce(left, 'JSON'), coerce(right, 'TEXT[]'));

/**
 * `||` where both sides are JSON, or one is and the other a literal that writes an object or an array; undefined for texts. Such a literal is JSON beside
 * an object or an array, and its text beside a scalar.
 */
export function bindJsonConcatenation(left: Expression, right: Expression, offset: number): Expression | undefined {
  if (left.type === 'JSON' && right.type === 'JSON') return building(strict('JSON', offset, concatenated, left, right));
  const written = left.type === 'JSON' ? containerOf(right) : right.type === 'JSON' ? containerOf(left) : undefined;
  if (!written) return undefined;
  const { text, value } = written;
  const asText = (other: unknown) => typeof other !== 'object';
  const join =
    left.type === 'JSON'
      ? (own: unknown) => (asText(own) ? scalarText(own) + text : concatenated(own, value))
      : (own: unknown) => (asText(own) ? text + scalarText(own) : concatenated(value, own));
  return building(strict('JSON', offset, join, left.type === 'JSON' ? left : right));
}

/** The object or array of JSON that a literal writes; undefined where it is none. */
function containerOf(literal: Expression): { readonly text: string; readonly value: unknown } | undefined {
  if (literal.type !== 'UNKNOWN' || literal.op !== 'constant' || typeof literal.value !== 'string') return undefined;
  const text = literal.value;
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return { text, value: jsonOfText(text) };
  } catch {
    return undefined;
  }
}
