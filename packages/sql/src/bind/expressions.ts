import type { Node } from '@pgsql/types';
import { SqlError } from '../errors.js';
import type { UserFunction } from '../user-functions.js';
import { alignAll } from './align.js';
import { bindArray, bindSubscripts } from './array.js';
import { callFunction } from './call.js';
import { firstLocation } from './clauses.js';
import { coerce, settled } from './coerce.js';
import { resolveColumn } from './column-reference.js';
import { bindBoolean, bindCase, bindMinMax } from './conditionals.js';
import { type Expression, lenient } from './expression.js';
import { parseFunctionBody } from './function-body.js';
import { bindCall } from './function-call.js';
import type { FunctionScope } from './function-scope.js';
import { bindJsonArray, bindJsonObject } from './json-constructors.js';
import { bindConstant } from './literal.js';
import { booleanTests, isNotNull, isNull } from './null-tests.js';
import { bindOperator } from './operator-forms.js';
import { refusedExpression } from './refused-expression.js';
import { quotingHint } from './reserved-words.js';
import { columnsScope, type Scope } from './scope.js';
import type { SourceText } from './source-text.js';
import { bindCast } from './type-name.js';
import { unsupported } from './unsupported.js';
import { asType } from './user-call.js';

/** What binding an expression needs to know. */
export interface Context {
  readonly source: SourceText;
  readonly scope: Scope;
  readonly functions: FunctionScope;
}

const depthMax = 200;

/** Binds an expression of PostgreSQL's parse tree. Throws `SqlError`, and `UnknownFunction` where a user's function may still come. */
export function bindExpression(node: Node | undefined, context: Context, depth = 0): Expression {
  if (!node) throw new SqlError('syntax_error', 'an expression is missing', 0);
  if (depth > depthMax)
    throw new SqlError(
      'too_large',
      `expressions are nested deeper than ${depthMax} levels`,
      context.source.offset(0),
      'split the query into CTEs',
    );
  const bind = (child: Node | undefined) => bindExpression(child, context, depth + 1);
  const at = (location: number | undefined) => context.source.offset(location);
  if ('ColumnRef' in node) return resolveColumn(node.ColumnRef, context).expression;
  if ('A_Const' in node) return bindConstant(node.A_Const, at(node.A_Const.location));
  if ('A_Expr' in node) return bindOperator(node.A_Expr, at(node.A_Expr.location), bind);
  if ('BoolExpr' in node) return bindBoolean(node.BoolExpr, at(node.BoolExpr.location), bind);
  if ('NullTest' in node) {
    const test = node.NullTest.nulltesttype === 'IS_NOT_NULL' ? isNotNull : isNull;
    return lenient('BOOLEAN', at(node.NullTest.location), test, settled(bind(node.NullTest.arg)));
  }
  if ('BooleanTest' in node) {
    const test = booleanTests[node.BooleanTest.booltesttype ?? ''];
    const offset = at(node.BooleanTest.location);
    if (!test) throw unsupported('this test', offset);
    return lenient('BOOLEAN', offset, test, coerce(bind(node.BooleanTest.arg), 'BOOLEAN'));
  }
  if ('CaseExpr' in node) return bindCase(node.CaseExpr, at(node.CaseExpr.location), bind);
  if ('CoalesceExpr' in node) {
    const args = alignAll((node.CoalesceExpr.args ?? []).map(bind), 'COALESCE');
    return { op: 'coalesce', args, type: args[0]?.type ?? 'TEXT', offset: at(node.CoalesceExpr.location) };
  }
  if ('MinMaxExpr' in node)
    return bindMinMax(
      node.MinMaxExpr.op === 'IS_GREATEST',
      (node.MinMaxExpr.args ?? []).map(bind),
      at(node.MinMaxExpr.location),
    );
  if ('TypeCast' in node) {
    const { arg, typeName } = node.TypeCast;
    return bindCast(bind(arg), typeName, at(typeName?.location));
  }
  if ('FuncCall' in node)
    return bindCall(node.FuncCall, at(node.FuncCall.location), bind, context.functions, expressionOfBody);
  if ('SQLValueFunction' in node) {
    const { op = '', location } = node.SQLValueFunction;
    if (op === 'SVFOP_CURRENT_TIMESTAMP' || op === 'SVFOP_LOCALTIMESTAMP') return callFunction('now', [], at(location));
    if (op === 'SVFOP_CURRENT_DATE') return callFunction('current_date', [], at(location));
    const word = op.replace('SVFOP_', '').toLowerCase();
    throw unsupported(`the value ${word.toUpperCase()}`, at(location), quotingHint(word));
  }
  if ('A_ArrayExpr' in node) return bindArray(node.A_ArrayExpr, at(node.A_ArrayExpr.location), bind);
  if ('A_Indirection' in node)
    return bindSubscripts(node.A_Indirection, at(firstLocation(node.A_Indirection.arg)), bind);
  if ('SetToDefault' in node) throw unsupported('DEFAULT', at(node.SetToDefault.location), quotingHint('default'));
  if ('JsonArrayConstructor' in node)
    return bindJsonArray(node.JsonArrayConstructor, at(node.JsonArrayConstructor.location), bind);
  if ('JsonObjectConstructor' in node)
    return bindJsonObject(node.JsonObjectConstructor, at(node.JsonObjectConstructor.location), bind);
  throw refusedExpression(node, context.source);
}

/** What the body of a function in SQL gives for arguments of the declared types. Throws `SqlError`, with offsets in what `parseFunctionBody` parses. */
export function expressionOfBody(
  { name, arguments: declared, body, returns }: UserFunction,
  args: readonly Expression[],
  functions: FunctionScope,
): Expression {
  const { expression, source } = parseFunctionBody(body);
  const columns = declared.map((argument, i) => ({ name: argument.name, expression: args[i] as Expression }));
  const scope = columnsScope('', columns, `the function "${name}"`);
  return asType(bindExpression(expression, { source, scope, functions }), returns);
}

/** A condition as WHERE takes it. */
export function bindCondition(node: Node | undefined, context: Context): Expression {
  return coerce(bindExpression(node, context), 'BOOLEAN');
}
