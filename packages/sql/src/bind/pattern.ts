import { RowError, SqlError } from '../errors.js';
import { like, likeMatcher } from '../values/like.js';
import { type Regex, regexOf } from '../values/regex.js';
import { similarPattern } from '../values/regex-syntax.js';
import { lower } from '../values/text.js';
import { coerce } from './coerce.js';
import { type Expression, inline, strict } from './expression.js';

const operators = ['~', '~*', '!~', '!~*', '~~', '~~*', '!~~', '!~~*'] as const;
export type PatternOperator = (typeof operators)[number];
export const isPatternOperator = (operator: string): operator is PatternOperator =>
  (operators as readonly string[]).includes(operator);

/** `text ~ pattern`, and LIKE as the operators that it is (https://www.postgresql.org/docs/18/functions-matching.html). Throws `SqlError`. */
export function bindPatternOperator(
  operator: PatternOperator,
  left: Expression,
  right: Expression,
  offset: number,
): Expression {
  const negated = operator.startsWith('!');
  const ignoresCase = operator.endsWith('*');
  const matches = operator.includes('~~')
    ? bindLike(left, right, undefined, ignoresCase, offset)
    : bindRegex(coerce(left, 'TEXT'), coerce(right, 'TEXT'), ignoresCase, offset);
  return negated ? not(matches) : matches;
}

export const not = (arg: Expression): Expression =>
  strict(
    'BOOLEAN',
    arg.offset,
    inline((a) => `!${a}`),
    arg,
  );

function bindRegex(text: Expression, pattern: Expression, ignoresCase: boolean, offset: number): Expression {
  const flags = ignoresCase ? 'i' : '';
  if (pattern.op !== 'constant' || typeof pattern.value !== 'string')
    return strict('BOOLEAN', offset, (value: string, p: string) => regexOf(p, flags).test(value), text, pattern);
  const regex = constantRegex(pattern.value, flags, pattern.offset);
  return strict('BOOLEAN', offset, (value: string) => regex.test(value), text);
}

/** A pattern that the query writes: what is wrong with it is said when the query is bound. */
function constantRegex(pattern: string, flags: string, offset: number): Regex {
  try {
    return regexOf(pattern, flags);
  } catch (error) {
    if (!(error instanceof RowError)) throw error;
    const code = error.code === 'too_large' ? 'too_large' : 'type_mismatch';
    throw new SqlError(code, error.message, offset, 'see "Regular expressions" in the reference of SQL');
  }
}

/** `text LIKE pattern ESCAPE escape`. Throws `SqlError`. */
export function bindLike(
  left: Expression,
  right: Expression,
  escapedBy: Expression | undefined,
  ignoresCase: boolean,
  offset: number,
): Expression {
  const [text, pattern] = [coerce(left, 'TEXT'), coerce(right, 'TEXT')];
  if (!escapedBy && pattern.op === 'constant' && typeof pattern.value === 'string') {
    const matcher = likeMatcher(ignoresCase ? lower(pattern.value) : pattern.value);
    return strict('BOOLEAN', offset, ignoresCase ? (value: string) => matcher(lower(value)) : matcher, text);
  }
  const matches = ignoresCase
    ? (text: string, pattern: string, escapeCharacter?: string) => like(lower(text), lower(pattern), escapeCharacter)
    : like;
  return strict('BOOLEAN', offset, matches, text, pattern, ...(escapedBy ? [coerce(escapedBy, 'TEXT')] : []));
}

/** `text SIMILAR TO pattern ESCAPE escape`, SQL's own regular expressions for a whole text. Throws `SqlError`. */
export function bindSimilar(
  left: Expression,
  right: Expression,
  escapedBy: Expression | undefined,
  offset: number,
): Expression {
  const [text, pattern] = [coerce(left, 'TEXT'), coerce(right, 'TEXT')];
  const args = escapedBy ? [coerce(escapedBy, 'TEXT')] : [];
  const constant = [pattern, ...args].every((arg) => arg.op === 'constant' && typeof arg.value === 'string');
  if (constant && pattern.op === 'constant') {
    const escapeCharacter = args[0]?.op === 'constant' ? (args[0].value as string) : undefined;
    const regex = constantRegex(similarPattern(pattern.value as string, escapeCharacter), '', pattern.offset);
    return strict('BOOLEAN', offset, (value: string) => regex.test(value), text);
  }
  return strict(
    'BOOLEAN',
    offset,
    (value: string, p: string, e?: string) => regexOf(similarPattern(p, e)).test(value),
    text,
    pattern,
    ...args,
  );
}
