import type { FuncCall, Node } from '@pgsql/types';
import { SqlError } from '../errors.js';
import type { UserFunction } from '../user-functions.js';
import { callFunction, isBuiltIn } from './call.js';
import type { Expression } from './expression.js';
import type { FunctionScope } from './function-scope.js';
import { bindJsonExtract } from './json-access.js';
import { binary } from './operators.js';
import { placedAt } from './plan.js';
import { severalMessages } from './several-messages.js';
import { bindTimeZone } from './time-zone.js';
import { unsupported, unsupportedSyntax } from './unsupported.js';
import { matchArguments, userCall } from './user-call.js';

/** What the body of a user's function in SQL gives for its arguments. */
type BindBody = (called: UserFunction, args: readonly Expression[], functions: FunctionScope) => Expression;

/** The name of a function that is called for one row. Throws `SqlError` where it looks at several. */
export function calledName(node: FuncCall, offset: number): string {
  const name = lastName(node);
  if (node.agg_distinct || node.agg_filter || node.agg_order || node.over || node.agg_within_group || node.agg_star)
    throw severalMessages(`${name}(...)`, offset);
  if (node.func_variadic) throw unsupported('VARIADIC', offset, 'write the arguments one by one');
  if ((node.funcname ?? []).length > 1 && firstName(node) !== 'pg_catalog')
    throw unsupported('a schema before the name of a function', offset, 'leave the schema out');
  // What PostgreSQL's own syntax calls, such as IS NORMALIZED: nobody can define it.
  if ((node.funcname ?? []).length > 1 && !isBuiltIn(name)) throw unsupportedSyntax(name, offset);
  return name;
}

/** A call of a function that is built in, or of a user's, whose body in SQL `bindBody` binds. Throws `SqlError`, `UnknownFunction`. */
export function bindCall(
  node: FuncCall,
  offset: number,
  bind: (node: Node | undefined) => Expression,
  scope: FunctionScope,
  bindBody: BindBody,
): Expression {
  const name = calledName(node, offset);
  const args = (node.args ?? []).map(bind);
  if (name === 'json_extract') return bindJsonExtract(args, offset);
  if (name === 'mod' && args.length === 2) return binary('%', args[0] as Expression, args[1] as Expression, offset);
  if (name === 'timezone') return bindTimeZone(args, offset);
  if (name === 'age' && args.length === 1)
    return callFunction('age', [callFunction('current_date', [], offset), args[0] as Expression], offset);
  const called = isBuiltIn(name) ? undefined : scope.functions.get(name);
  return called
    ? callUser(called, args, offset, scope, bindBody)
    : callFunction(name, args, offset, scope.functions.names());
}

/** A call of a user's function: one in SQL is written out into the query. */
function callUser(
  called: UserFunction,
  args: readonly Expression[],
  offset: number,
  scope: FunctionScope,
  bindBody: BindBody,
): Expression {
  const matched = matchArguments(called, args, offset);
  if (called.language !== 'sql') return userCall(called, matched, offset);
  try {
    return placedAt(bindBody(called, matched, scope.enter(called, offset)), offset, matched);
  } catch (error) {
    if (!(error instanceof SqlError) || error.code === 'too_large') throw error;
    // Its offset is in another text.
    throw new SqlError(error.code, `in the function "${called.name}": ${error.message}`, offset, error.hint);
  }
}

const textOfNode = (node: Node | undefined): string => (node && 'String' in node ? (node.String.sval ?? '') : '');
const firstName = (node: FuncCall): string => textOfNode(node.funcname?.[0]);
export const lastName = (node: FuncCall): string => textOfNode(node.funcname?.at(-1));
