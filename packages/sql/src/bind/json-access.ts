import { SqlError } from '../errors.js';
import { element, follow, followText, member, parseJsonPath } from '../values/json-path.js';
import { coerce, settled, toText } from './coerce.js';
import { type Expression, strict } from './expression.js';

/** `->`, `->>`, `#>` and `#>>` (https://www.postgresql.org/docs/18/functions-json.html). Throws `SqlError`. */
export function bindJsonAccess(
  operator: '->' | '->>' | '#>' | '#>>',
  left: Expression,
  right: Expression,
  offset: number,
): Expression {
  const value = coerce(left, 'JSON');
  const found = operator.startsWith('#')
    ? byPath(operator, value, right, offset)
    : byKey(operator, value, right, offset);
  return operator.endsWith('>>') ? toText(found) : found;
}

function byKey(operator: string, value: Expression, right: Expression, offset: number): Expression {
  const key = right.type === 'UNKNOWN' ? settled(right) : right;
  if (key.type === 'TEXT') return strict('JSON', offset, member, value, key);
  if (key.type === 'INTEGER' || key.type === 'SMALLINT') return strict('JSON', offset, element, value, key);
  throw new SqlError('type_mismatch', `${operator} takes a text or a whole number, not a ${key.type}`, key.offset);
}

function byPath(operator: string, value: Expression, right: Expression, offset: number): Expression {
  if (right.op !== 'constant' || typeof right.value !== 'string' || !/^\{.*\}$/.test(right.value))
    throw new SqlError('unsupported', `${operator} takes a path such as '{a,b,0}'`, right.offset);
  const inner = right.value.slice(1, -1);
  const steps = inner === '' ? [] : inner.split(',').map((step) => step.trim().replace(/^"(.*)"$/, '$1'));
  return strict('JSON', offset, (json: unknown) => followText(json, steps), value);
}

/** `JSON_EXTRACT(json, '$.a.b[0]')`. Throws `SqlError`. */
export function bindJsonExtract(args: readonly Expression[], offset: number): Expression {
  const [value, path] = args;
  if (!value || !path || args.length !== 2)
    throw new SqlError(
      'type_mismatch',
      "JSON_EXTRACT takes a JSON value and a path: JSON_EXTRACT(payload, '$.a.b')",
      offset,
    );
  const steps = path.op === 'constant' ? parseJsonPath(String(path.value)) : undefined;
  if (!steps)
    throw new SqlError('type_mismatch', "the path of JSON_EXTRACT is a literal such as '$.a.b[0]'", path.offset);
  return strict('JSON', offset, (json: unknown) => follow(json, steps), coerce(value, 'JSON'));
}
