import type { Functions, UserFunction } from '../user-functions.js';
import { withinRegexBudget } from '../values/regex.js';
import { UnknownFunction } from './call.js';
import type { Expression } from './expression.js';
import { expressionOfBody } from './expressions.js';
import { refuseFailingConstants } from './failing-constants.js';
import { inBody, parseFunctionBody } from './function-body.js';
import { FunctionScope } from './function-scope.js';
import { calledNames } from './references.js';

/** What binding a function in SQL came to: the type of its expression fits, or something that it calls is not there yet. */
export type BoundFunction = { readonly status: 'bound' } | { readonly status: 'blocked'; readonly reason: string };

/** Binds the body of a function in SQL. Throws `SqlError`, with offsets in code points of the body. */
export function bindFunction(definition: UserFunction, functions: Functions): BoundFunction {
  const args = definition.arguments.map(({ name, type }): Expression => ({ op: 'field', name, type, offset: 0 }));
  try {
    withinRegexBudget(() =>
      inBody(() => refuseFailingConstants([expressionOfBody(definition, args, new FunctionScope(functions))])),
    );
    return { status: 'bound' };
  } catch (error) {
    if (error instanceof UnknownFunction) return { status: 'blocked', reason: error.message };
    throw error;
  }
}

/** The functions of users that a function in SQL calls, whether or not they exist. Throws `SqlError` where the body does not parse. */
export const functionCalls = ({ body, language }: Pick<UserFunction, 'body' | 'language'>): readonly string[] =>
  language === 'sql' ? inBody(() => calledNames(parseFunctionBody(body).expression)) : [];
