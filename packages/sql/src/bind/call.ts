import { nearestName } from '@laminar/definitions';
import { SqlError } from '../errors.js';
import { aggregates, functionsByName } from '../functions/index.js';
import { refusedFunctions } from '../functions/refused.js';
import { rowFunctionsByName } from '../functions/rows.js';
import { connectionTestName } from '../statements/connection-test.js';
import type { Expression } from './expression.js';
import { callOverload } from './overload.js';
import { severalMessages } from './several-messages.js';

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
  'timezone',
  connectionTestName,
]);

/** Whether the dialect itself has or refuses a function of this name, so that a user's cannot have it. */
export const isBuiltIn = (name: string): boolean =>
  functionsByName.has(name) ||
  rowFunctionsByName.has(name) ||
  aggregates.has(name) ||
  specialForms.has(name) ||
  Object.hasOwn(refusedFunctions, name);

export const builtInNames = (): Iterable<string> => functionsByName.keys();

/** A call of a built-in function; `others` are names of users' functions, one of which may have been meant. Throws `SqlError`, `UnknownFunction`. */
export function callFunction(
  name: string,
  args: readonly Expression[],
  offset: number,
  others: Iterable<string> = [],
): Expression {
  const definition = functionsByName.get(name);
  if (!definition) throw refusal(name, offset) ?? unknown(name, others);
  const call = callOverload(definition, args, offset);
  if (definition.volatile && 'evaluate' in call) volatileEvaluations.add(call.evaluate);
  return call;
}

/** Why a name that the dialect knows is no function that gives a value; undefined where it does not know it. */
export function refusal(name: string, offset: number): SqlError | undefined {
  if (aggregates.has(name)) return severalMessages(`${name}(...)`, offset);
  const rows = rowFunctionsByName.get(name);
  if (rows)
    return new SqlError(
      'unsupported',
      `${name}(...) gives rows, which is for FROM`,
      offset,
      `for example FROM orders, ${rows.example[0]}`,
    );
  const instead = Object.hasOwn(refusedFunctions, name) ? refusedFunctions[name] : undefined;
  return instead === undefined
    ? undefined
    : new SqlError('unsupported', `the function ${name} is not supported`, offset, instead);
}

function unknown(name: string, others: Iterable<string>): UnknownFunction {
  const nearest = nearestName(name, [...functionsByName.keys(), ...others]);
  return new UnknownFunction(
    `there is no function "${name}"${nearest === undefined ? '' : `; did you mean "${nearest}"?`}`,
  );
}
