import { SqlError } from '../errors.js';
import type { UserFunction } from '../user-functions.js';
import { coerce, toJson } from './coerce.js';
import type { Expression, Type } from './expression.js';

/** The arguments of a call, each as its declared type. Throws `SqlError`. */
export function matchArguments(called: UserFunction, args: readonly Expression[], offset: number): Expression[] {
  const { name, arguments: declared } = called;
  if (args.length !== declared.length) {
    const list = declared.map((argument) => `${argument.name} ${argument.type}`).join(', ');
    const given = `${args.length} argument${args.length === 1 ? '' : 's'}`;
    throw new SqlError('type_mismatch', `the function is ${name}(${list}), but is called with ${given}`, offset);
  }
  return args.map((arg, i) => asType(arg, declared[i]?.type ?? 'JSON'));
}

/** Everything fits within JSON; other types take only what loses nothing. */
export const asType = (expression: Expression, type: Type): Expression =>
  type === 'JSON' ? toJson(expression) : coerce(expression, type);

/** A call that is made for each row, by whoever evaluates the query. */
export const userCall = (called: UserFunction, args: readonly Expression[], offset: number): Expression => ({
  op: 'call',
  called,
  args: args.map(toJson),
  type: called.returns,
  offset,
});
