import { SqlError } from '../errors.js';
import { contains, exists, existsAll, existsAny } from '../values/json.js';
import { elementOrItself, member, parseJsonPath } from '../values/json-path.js';
import { coerce, settled, toText, typeName } from './coerce.js';
import { type Evaluate, type Expression, strict, type Type } from './expression.js';
import { extraction, pathFollower } from './message-path.js';

const accesses = ['->', '->>', '#>', '#>>'] as const;
export type JsonAccess = (typeof accesses)[number];
export const isJsonAccess = (operator: string): operator is JsonAccess =>
  (accesses as readonly string[]).includes(operator);

/** `->`, `->>`, `#>` and `#>>` (https://www.postgresql.org/docs/18/functions-json.html). Throws `SqlError`. */
export function bindJsonAccess(operator: JsonAccess, left: Expression, right: Expression, offset: number): Expression {
  const value = coerce(left, 'JSON');
  const found = operator.startsWith('#')
    ? strict('JSON', offset, pathFollower, value, coerce(right, 'TEXT[]'))
    : byKey(operator, value, right, offset);
  return operator.endsWith('>>') ? toText(found) : found;
}

function byKey(operator: string, value: Expression, right: Expression, offset: number): Expression {
  const key = right.type === 'UNKNOWN' || right.type === 'JSON' ? settled(right) : right;
  if (value.op === 'payload' && key.op === 'constant' && typeof key.value === 'string') return field(key.value, offset);
  if (key.type === 'TEXT') return strict('JSON', offset, member, value, key);
  if (key.type === 'INTEGER' || key.type === 'SMALLINT') return strict('JSON', offset, elementOrItself, value, key);
  throw new SqlError(
    'type_mismatch',
    `${operator} takes a text or a whole number, not a ${typeName(key.type)}`,
    key.offset,
    'cast it to TEXT or INTEGER',
  );
}

const tests: { readonly [operator: string]: { readonly right: Type; readonly evaluate: Evaluate } } = {
  '@>': { right: 'JSON', evaluate: contains },
  '<@': { right: 'JSON', evaluate: (part: unknown, whole: unknown) => contains(whole, part) },
  '?': { right: 'TEXT', evaluate: exists },
  '?|': { right: 'TEXT[]', evaluate: existsAny },
  '?&': { right: 'TEXT[]', evaluate: existsAll },
};
export const isJsonTest = (operator: string): boolean => Object.hasOwn(tests, operator);

/** `@>`, `<@`, `?`, `?|` and `?&` of JSON. Throws `SqlError`. */
export function bindJsonTest(operator: string, left: Expression, right: Expression, offset: number): Expression {
  const { right: wanted, evaluate } = tests[operator] as { right: Type; evaluate: Evaluate };
  return strict('BOOLEAN', offset, evaluate, coerce(left, 'JSON'), coerce(right, wanted));
}

/** `JSON_EXTRACT(json, '$.a.b[0]')`. Throws `SqlError`. */
export function bindJsonExtract(args: readonly Expression[], offset: number): Expression {
  const [value, path] = args;
  if (!value || !path || args.length !== 2)
    throw new SqlError(
      'type_mismatch',
      'JSON_EXTRACT takes a JSON value and a path',
      offset,
      "write JSON_EXTRACT(payload, '$.a.b')",
    );
  const steps = path.op === 'constant' ? parseJsonPath(String(path.value)) : undefined;
  if (!steps)
    throw new SqlError(
      'type_mismatch',
      "the path of JSON_EXTRACT is a literal such as '$.a.b[0]'",
      path.offset,
      'for a path from data write payload #> path',
    );
  const json = coerce(value, 'JSON');
  const [first, ...rest] = steps;
  if (json.op === 'payload' && typeof first === 'string')
    return strict('JSON', offset, extraction(rest), field(first, offset));
  return strict('JSON', offset, extraction(steps), json);
}

/** A member of the payload, which can be read without the others. */
const field = (name: string, offset: number): Expression => ({ op: 'field', name, type: 'JSON', offset });
