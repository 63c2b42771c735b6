import { nearestName } from '@laminar/definitions';
import { SqlError } from '../errors.js';
import { aggregates, functionsByName } from '../functions/index.js';
import { refusedFunctions } from '../functions/refused.js';
import type { Expression } from './expression.js';
import { callOverload } from './overload.js';

/** A function that is neither built in nor refused: a user's function of that name may still come. */
export class UnknownFunction extends Error {
  override readonly name = 'UnknownFunction';
}

/** Functions whose result the arguments alone do not give. */
const volatileCalls = new WeakSet<Expression>();
export const isVolatile = (expression: Expression): boolean => volatileCalls.has(expression);

/** A call of a built-in function. Throws `SqlError`, `UnknownFunction`. */
export function callFunction(name: string, args: readonly Expression[], offset: number): Expression {
  const definition = functionsByName.get(name);
  if (!definition) throw unknown(name, offset);
  const call = callOverload(definition, args, offset);
  if (definition.volatile) volatileCalls.add(call);
  return call;
}

function unknown(name: string, offset: number): Error {
  if (aggregates.has(name))
    return new SqlError(
      'unsupported',
      `${name}(...) over several messages is not supported`,
      offset,
      'a pipeline looks at one message at a time',
    );
  const instead = Object.hasOwn(refusedFunctions, name) ? refusedFunctions[name] : undefined;
  if (instead !== undefined)
    return new SqlError('unsupported', `the function ${name} is not supported`, offset, instead);
  const nearest = nearestName(name, functionsByName.keys());
  return new UnknownFunction(
    `there is no function "${name}"${nearest === undefined ? '' : `; did you mean "${nearest}"?`}`,
  );
}
