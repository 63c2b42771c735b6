import { type Catalog, DefinitionRejected, type FunctionDefinition } from '@laminar/definitions';
import { bodyProblem } from '@laminar/sandbox';
import {
  bindFunction,
  catalogFunctions,
  functionCalls,
  isBuiltIn,
  queryReferences,
  SqlError,
  type UserFunction,
  userFunction,
} from '@laminar/sql';
import { QueryRejected } from './query-check.js';

/** The functions of users that a function calls, once its name and body are found to be right. Throws `DefinitionRejected`, `QueryRejected`. */
export function checkFunction(
  name: string,
  definition: Omit<FunctionDefinition, 'calls'>,
  catalog: Catalog,
): readonly string[] {
  if (isBuiltIn(name))
    throw reservedName(`"${name}" is a built-in function, which cannot be defined anew; choose another name`);
  if (!isCallable(name))
    throw reservedName(`SQL reads ${name}(...) as something of its own, not as a call; choose another name`);
  const called = userFunction(name, definition);
  if (called.language === 'javascript') checkJavaScript(called);
  if (called.language !== 'sql') return [];
  try {
    const calls = functionCalls(called);
    // What calls itself is refused with a better word when it is decided on.
    if (!calls.includes(name)) bindFunction(called, catalogFunctions(catalog));
    return calls;
  } catch (error) {
    throw error instanceof SqlError ? new QueryRejected(error, called.body, '/body') : error;
  }
}

const reservedName = (message: string): DefinitionRejected =>
  new DefinitionRejected('invalid', message, [{ code: 'reserved_name', message, pointer: '/name' }]);

const unquoted = /^[a-z_][a-z0-9_]*$/;

/** PostgreSQL's grammar has forms of its own behind some names. What has to be quoted is called by that name always. */
function isCallable(name: string): boolean {
  if (!unquoted.test(name)) return true;
  try {
    return queryReferences(`SELECT ${name}(1) AS a FROM b`).calls.includes(name);
  } catch (error) {
    if (error instanceof SqlError) return false;
    throw error;
  }
}

/** Why a function does not work as things are, though it was accepted; undefined where it does. */
export function functionProblem(name: string, definition: FunctionDefinition, catalog: Catalog): string | undefined {
  if (definition.language !== 'sql') return undefined;
  try {
    const bound = bindFunction(userFunction(name, definition), catalogFunctions(catalog));
    return bound.status === 'blocked' ? bound.reason : undefined;
  } catch (error) {
    if (error instanceof SqlError) return error.message;
    throw error;
  }
}

function checkJavaScript(called: UserFunction): void {
  const { body } = called;
  const problem = bodyProblem({ parameters: called.arguments.map((argument) => argument.name), body });
  if (!problem) return;
  const before = body.split('\n').slice(0, problem.line - 1);
  const offset = before.reduce((sum, line) => sum + [...line].length + 1, 0) + problem.column - 1;
  const error = new SqlError('syntax_error', `JavaScript: ${problem.message}`, Math.min(offset, [...body].length));
  throw new QueryRejected(error, body, '/body');
}
