import { nearestName } from '@laminar/definitions';
import { SqlError } from '../errors.js';
import { aggregates, functionsByName } from '../functions/index.js';
import { refusedFunctions } from '../functions/refused.js';
import { connectionTestName } from '../statements/connection-test.js';
import type { Expression } from './expression.js';
import { callOverload } from './overload.js';

/** A function that is neither built in nor refused: a user's function of that name may still come. */
export class UnknownFunction extends Error {
  override readonly name = 'UnknownFunction';
}

/** What computes results that the arguments alone do not give. Expressions are copied, what they evaluate is not. */
const volatileEvaluations = new WeakSet<object>();
export const isVolatile = (expression: Expression): boolean =>
  'evaluate' in expression && volatileEvaluations.has(expression.evaluate);

/** Forms of a call that are known apart from the table of functions. */
const specialForms: ReadonlySet<string> = new Set([
  'json_extract',
  'coalesce',
  'nullif',
  'greatest',
  'least',
  'cast',
  connectionTestName,
]);

/** Whether the dialect itself has or refuses a function of this name, so that a user's cannot have it. */
export const isBuiltIn = (name: string): boolean =>
  functionsByName.has(name) || aggregates.has(name) || specialForms.has(name) || Object.hasOwn(refusedFunctions, name);

export const builtInNames = (): Iterable<string> => functionsByName.keys();

/** A call of a built-in function; `others` are names of users' functions, one of which may have been meant. Throws `SqlError`, `UnknownFunction`. */
export function callFunction(
  name: string,
  args: readonly Expression[],
  offset: number,
  others: Iterable<string> = [],
): Expression {
  const definition = functionsByName.get(name);
  if (!definition) throw unknown(name, offset, others);
  const call = callOverload(definition, args, offset);
  if (definition.volatile && 'evaluate' in call) volatileEvaluations.add(call.evaluate);
  return call;
}

function unknown(name: string, offset: number, others: Iterable<string>): Error {
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
  const nearest = nearestName(name, [...functionsByName.keys(), ...others]);
  return new UnknownFunction(
    `there is no function "${name}"${nearest === undefined ? '' : `; did you mean "${nearest}"?`}`,
  );
}
