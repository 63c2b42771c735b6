import type { JsonArrayConstructor, JsonObjectConstructor, JsonOutput, Node } from '@pgsql/types';
import { callFunction } from './call.js';
import { toJson } from './coerce.js';
import { building, type Expression, lenient } from './expression.js';
import { unsupported } from './unsupported.js';

type Bind = (node: Node | undefined) => Expression;

/** `JSON_ARRAY(a, b)` as PostgreSQL has it: NULLs are left out unless NULL ON NULL stands there. */
export function bindJsonArray(node: JsonArrayConstructor, offset: number, bind: Bind): Expression {
  refuseOutput(node.output, offset);
  const items = (node.exprs ?? []).map((item) => bind('JsonValueExpr' in item ? item.JsonValueExpr.raw_expr : item));
  if (node.absent_on_null) return callFunction('json_array', items, offset);
  return building(
    lenient('JSON', offset, (...values: unknown[]) => values.map((value) => value ?? null), ...items.map(toJson)),
  );
}

/** `JSON_OBJECT('a': 1)` and `JSON_OBJECT('a' VALUE 1)` as PostgreSQL has them: NULLs stay. */
export function bindJsonObject(node: JsonObjectConstructor, offset: number, bind: Bind): Expression {
  refuseOutput(node.output, offset);
  if (node.absent_on_null || node.unique)
    throw unsupported('ABSENT ON NULL or WITH UNIQUE KEYS', offset, "write JSON_OBJECT('key', value, ...)");
  const parts = (node.exprs ?? []).flatMap((item) =>
    'JsonKeyValue' in item ? [bind(item.JsonKeyValue.key), bind(item.JsonKeyValue.value?.raw_expr)] : [],
  );
  return callFunction('json_object', parts, offset);
}

function refuseOutput(output: JsonOutput | undefined, offset: number): void {
  if (output) throw unsupported('RETURNING', offset, 'cast the result');
}
