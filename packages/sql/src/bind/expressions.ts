import type { A_Const, A_Expr, BoolExpr, CaseExpr, ColumnRef, FuncCall, Node } from '@pgsql/types';
import { SqlError } from '../errors.js';
import type { UserFunction } from '../user-functions.js';
import { alignAll } from './align.js';
import { bindSign } from './arithmetic.js';
import { bindArray, bindSubscripts } from './array.js';
import { callFunction, isBuiltIn } from './call.js';
import { firstLocation } from './clauses.js';
import { coerce, settled } from './coerce.js';
import { alike, compare, compareWithElements } from './comparison.js';
import { constant, type Expression, inline, lenient } from './expression.js';
import { parseFunctionBody } from './function-body.js';
import type { FunctionScope } from './function-scope.js';
import { visibleItems } from './joined-scope.js';
import { bindJsonExtract } from './json-access.js';
import { bindJsonArray, bindJsonObject } from './json-constructors.js';
import { booleanTests, isNotNull, isNull } from './null-tests.js';
import { binary } from './operators.js';
import { bindLike, bindSimilar, not } from './pattern.js';
import { placedAt } from './plan.js';
import { quotingHint } from './reserved-words.js';
import { columnsScope, type Identifier, type Scope, type ScopeColumn } from './scope.js';
import { oneMessage, severalMessages } from './several-messages.js';
import type { SourceText } from './source-text.js';
import { negatedInterval } from './time-arithmetic.js';
import { bindTimeZone } from './time-zone.js';
import { bindCast } from './type-name.js';
import { unsupported, unsupportedSyntax } from './unsupported.js';
import { asType, matchArguments, userCall } from './user-call.js';

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
  if ('FuncCall' in node) return bindCall(node.FuncCall, at(node.FuncCall.location), bind, context.functions);
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
  throw refused(node, context);
}

/** The column that a reference names. Throws `SqlError`. */
export function resolveColumn(node: ColumnRef, { source, scope }: Context): ScopeColumn {
  const offset = source.offset(node.location);
  const fields = node.fields ?? [];
  if (fields.some((field) => 'A_Star' in field)) throw new SqlError('unsupported', '* is for select lists', offset);
  const [first, second, third] = source.identifiers(node.location, fields.length);
  if (!first || third)
    throw new SqlError(
      'unknown_table',
      'a column is named by itself or behind one alias',
      offset,
      "reach into JSON with ->: customer->'address'->'city'",
    );
  if (!second) return scope.resolve(first, offset);
  return ownerIn(scope, first, offset, second).resolve(second, offset);
}

/** What `owner`, which stands before a dot, means in FROM. Throws `SqlError` where the query reads nothing of that name. */
export function ownerIn(scope: Scope, owner: Identifier, offset: number, column?: Identifier): Scope {
  const items = visibleItems(scope);
  const found = items.find(({ alias }) => alias === owner.folded);
  if (found) return found;
  const hint =
    items[0]?.star === 'payload' && column
      ? `reach into JSON with ->: ${owner.written}->'${column.written}'`
      : `the query reads ${items.map(({ alias }) => `"${alias}"`).join(', ')}`;
  throw new SqlError(
    'unknown_table',
    `there is no "${owner.written}" to take ${column ? `the column "${column.written}"` : 'columns'} from`,
    offset,
    hint,
  );
}

function bindConstant(node: A_Const, offset: number): Expression {
  if (node.isnull) return constant(null, 'UNKNOWN', offset);
  if (node.sval) return constant(node.sval.sval ?? '', 'UNKNOWN', offset);
  if (node.boolval) return constant(node.boolval.boolval ?? false, 'BOOLEAN', offset);
  if (node.ival) return constant(node.ival.ival ?? 0, 'INTEGER', offset);
  if (node.fval) {
    return wideNumber(node.fval.fval ?? '', offset);
  }
  throw unsupported('a bit string', offset, "write a number, or bytes: '\\x1f'::bytea");
}

/** A number that is no INTEGER as the parser wrote it: one with a point or an exponent, or a whole one that is larger, or negative. */
function wideNumber(text: string, offset: number): Expression {
  const literal = constant(text, 'UNKNOWN', offset);
  if (!/^-?(?:\d[\d_]*|0[xob][\da-f_]+)$/i.test(text)) return coerce(literal, 'NUMERIC');
  const value = BigInt(text.replaceAll('_', '').replace('-', '')) * (text.startsWith('-') ? -1n : 1n);
  const type =
    BigInt.asIntN(32, value) === value ? 'INTEGER' : BigInt.asIntN(64, value) === value ? 'BIGINT' : 'NUMERIC';
  return coerce({ ...literal, value: String(value) } as Expression, type);
}

function bindOperator(node: A_Expr, offset: number, bind: (node: Node | undefined) => Expression): Expression {
  const operator = node.name?.map((part) => ('String' in part ? part.String.sval : '')).join('.') ?? '';
  switch (node.kind) {
    case 'AEXPR_OP':
      return node.lexpr
        ? binary(operator, bind(node.lexpr), bind(node.rexpr), offset)
        : bindUnary(operator, bind(node.rexpr), offset);
    case 'AEXPR_DISTINCT':
    case 'AEXPR_NOT_DISTINCT': {
      const [a, b] = alike(bind(node.lexpr), bind(node.rexpr), offset, 'IS DISTINCT FROM');
      const equal = compare('=', a, b, offset);
      const same = lenient(
        'BOOLEAN',
        offset,
        inline((x, y) => `(${x} == null) === (${y} == null)`),
        a,
        b,
      );
      const bothNull = lenient(
        'BOOLEAN',
        offset,
        inline((x) => `${x} == null`),
        a,
      );
      const equalOrNull: Expression = {
        op: 'and',
        type: 'BOOLEAN',
        offset,
        args: [same, { op: 'or', type: 'BOOLEAN', offset, args: [bothNull, equal] }],
      };
      return node.kind === 'AEXPR_DISTINCT' ? not(equalOrNull) : equalOrNull;
    }
    case 'AEXPR_IN': {
      const left = bind(node.lexpr);
      const items = node.rexpr && 'List' in node.rexpr ? (node.rexpr.List.items ?? []) : [];
      const any: Expression = {
        op: 'or',
        type: 'BOOLEAN',
        offset,
        args: items.map((item) => compare('=', left, bind(item), offset)),
      };
      return operator === '<>' ? not(any) : any;
    }
    case 'AEXPR_NULLIF': {
      const left = settled(bind(node.lexpr));
      const equal = compare('=', left, bind(node.rexpr), offset);
      const branch = { when: equal, result: constant(null, left.type, offset) };
      return { op: 'case', branches: [branch], otherwise: left, type: left.type, offset };
    }
    case 'AEXPR_BETWEEN':
    case 'AEXPR_NOT_BETWEEN': {
      const [low, high] = node.rexpr && 'List' in node.rexpr ? (node.rexpr.List.items ?? []) : [];
      const value = bind(node.lexpr);
      const args = [compare('>=', value, bind(low), offset), compare('<=', value, bind(high), offset)];
      const between: Expression = { op: 'and', type: 'BOOLEAN', offset, args };
      return node.kind === 'AEXPR_BETWEEN' ? between : not(between);
    }
    case 'AEXPR_BETWEEN_SYM':
    case 'AEXPR_NOT_BETWEEN_SYM': {
      const [a, b] = node.rexpr && 'List' in node.rexpr ? (node.rexpr.List.items ?? []) : [];
      const value = bind(node.lexpr);
      const within = (low: Node | undefined, high: Node | undefined): Expression => ({
        op: 'and',
        type: 'BOOLEAN',
        offset,
        args: [compare('>=', value, bind(low), offset), compare('<=', value, bind(high), offset)],
      });
      const between: Expression = { op: 'or', type: 'BOOLEAN', offset, args: [within(a, b), within(b, a)] };
      return node.kind === 'AEXPR_BETWEEN_SYM' ? between : not(between);
    }
    case 'AEXPR_OP_ANY':
    case 'AEXPR_OP_ALL': {
      const quantifier = node.kind === 'AEXPR_OP_ANY' ? 'ANY' : 'ALL';
      return compareWithElements(operator, bind(node.lexpr), bind(node.rexpr), quantifier, offset);
    }
    case 'AEXPR_LIKE':
    case 'AEXPR_ILIKE':
    case 'AEXPR_SIMILAR': {
      const [pattern, escapedBy] = patternAndEscape(node.rexpr);
      const args = [bind(node.lexpr), bind(pattern), escapedBy && bind(escapedBy)] as const;
      const matches =
        node.kind === 'AEXPR_SIMILAR'
          ? bindSimilar(...args, offset)
          : bindLike(...args, node.kind === 'AEXPR_ILIKE', offset);
      return operator.startsWith('!') ? not(matches) : matches;
    }
    default:
      throw unsupported(`the operator ${operator}`, offset);
  }
}

/** `p ESCAPE e` arrives as a call of like_escape(p, e), and the pattern of SIMILAR TO as one of similar_to_escape. */
function patternAndEscape(node: Node | undefined): readonly [pattern: Node | undefined, escape: Node | undefined] {
  const name = node && 'FuncCall' in node ? lastName(node.FuncCall) : undefined;
  if (!node || !('FuncCall' in node) || (name !== 'like_escape' && name !== 'similar_to_escape'))
    return [node, undefined];
  return [node.FuncCall.args?.[0], node.FuncCall.args?.[1]];
}

function bindUnary(operator: string, arg: Expression, offset: number): Expression {
  if (operator === '-' && arg.type === 'INTERVAL') return negatedInterval(arg, offset);
  if (operator === '-' || operator === '+') return bindSign(operator, arg, offset);
  if (operator === '@') return callFunction('abs', [arg], offset);
  if (operator === '|/') return callFunction('sqrt', [arg], offset);
  if (operator === '||/') return callFunction('cbrt', [arg], offset);
  if (operator === '~') return binary('#', arg, constant(-1, 'INTEGER', offset), offset);
  throw unsupported(`the operator ${operator}`, offset);
}

function bindBoolean(node: BoolExpr, offset: number, bind: (node: Node | undefined) => Expression): Expression {
  const args = (node.args ?? []).map((arg) => coerce(bind(arg), 'BOOLEAN'));
  if (node.boolop === 'NOT_EXPR') return not(args[0] as Expression);
  return { op: node.boolop === 'AND_EXPR' ? 'and' : 'or', args, type: 'BOOLEAN', offset };
}

function bindCase(node: CaseExpr, offset: number, bind: (node: Node | undefined) => Expression): Expression {
  const subject = node.arg ? bind(node.arg) : undefined;
  const whens = (node.args ?? []).flatMap((branch) => ('CaseWhen' in branch ? [branch.CaseWhen] : []));
  const conditions = whens.map(({ expr }) =>
    subject ? compare('=', subject, bind(expr), offset) : coerce(bind(expr), 'BOOLEAN'),
  );
  const results = whens.map(({ result }) => bind(result));
  const otherwise = node.defresult ? bind(node.defresult) : constant(null, 'UNKNOWN', offset);
  const aligned = alignAll([...results, otherwise], 'CASE');
  const branches = conditions.map((when, i) => ({ when, result: aligned[i] as Expression }));
  return { op: 'case', branches, otherwise: aligned.at(-1) as Expression, type: aligned[0]?.type ?? 'TEXT', offset };
}

function bindMinMax(greatest: boolean, args: readonly Expression[], offset: number): Expression {
  const aligned = alignAll(args, greatest ? 'GREATEST' : 'LEAST');
  // NULLs are left out, and only where all are NULL is the result.
  return aligned.reduce((best, next) => {
    const better = compare(greatest ? '>=' : '<=', best, next, offset);
    const nextIsNull = lenient(
      'BOOLEAN',
      offset,
      inline((a) => `${a} == null`),
      next,
    );
    const keepsBest: Expression = { op: 'or', type: 'BOOLEAN', offset, args: [better, nextIsNull] };
    return { op: 'case', branches: [{ when: keepsBest, result: best }], otherwise: next, type: best.type, offset };
  });
}

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

function bindCall(
  node: FuncCall,
  offset: number,
  bind: (node: Node | undefined) => Expression,
  scope: FunctionScope,
): Expression {
  const name = calledName(node, offset);
  const args = (node.args ?? []).map(bind);
  if (name === 'json_extract') return bindJsonExtract(args, offset);
  if (name === 'mod' && args.length === 2) return binary('%', args[0] as Expression, args[1] as Expression, offset);
  if (name === 'timezone') return bindTimeZone(args, offset);
  if (name === 'to_char' && args[0]?.type === 'INTERVAL') throw noTemplate(args[0]);
  if (name === 'age' && args.length === 1)
    return callFunction('age', [callFunction('current_date', [], offset), args[0] as Expression], offset);
  const called = isBuiltIn(name) ? undefined : scope.functions.get(name);
  return called ? callUser(called, args, offset, scope) : callFunction(name, args, offset, scope.functions.names());
}

/** A call of a user's function: one in SQL is written out into the query. */
function callUser(called: UserFunction, args: readonly Expression[], offset: number, scope: FunctionScope): Expression {
  const matched = matchArguments(called, args, offset);
  if (called.language !== 'sql') return userCall(called, matched, offset);
  try {
    return placedAt(expressionOfBody(called, matched, scope.enter(called, offset)), offset, matched);
  } catch (error) {
    if (!(error instanceof SqlError) || error.code === 'too_large') throw error;
    // Its offset is in another text.
    throw new SqlError(error.code, `in the function "${called.name}": ${error.message}`, offset, error.hint);
  }
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

/** What an interval is written by, where PostgreSQL takes a template. */
const noTemplate = ({ offset }: Expression): SqlError =>
  unsupported('to_char of an INTERVAL', offset, 'write x::text, or extract(hour FROM x) and the like');

const textOfNode = (node: Node | undefined): string => (node && 'String' in node ? (node.String.sval ?? '') : '');
const firstName = (node: FuncCall): string => textOfNode(node.funcname?.[0]);
const lastName = (node: FuncCall): string => textOfNode(node.funcname?.at(-1));

const refusals: { readonly [kind: string]: readonly [what: string, hint: string] } = {
  SubLink: ['a subquery within an expression', 'a pipeline reads one source; write it as a CTE in FROM'],
  RowExpr: ['a row value', 'compare the columns one by one'],
  ParamRef: ['a parameter', 'write the value itself'],
  GroupingFunc: ['GROUPING', oneMessage],
  NamedArgExpr: ['a named argument', 'write the arguments alone, in their order: left(name, 3)'],
  MergeSupportFunc: ['MERGE_ACTION()', 'a pipeline writes rows with INSERT INTO sink SELECT ...'],
  XmlExpr: ['XML', 'messages are JSON'],
  CollateClause: ['COLLATE', 'texts are compared by their code points; lower(x) ignores case'],
  JsonIsPredicate: ['IS JSON', 'jsonb_typeof(x) says what a value is; a text is read with x::json'],
  JsonParseExpr: ['JSON(...)', 'write x::json'],
  JsonScalarExpr: ['JSON_SCALAR', 'write to_jsonb(x)'],
  JsonSerializeExpr: ['JSON_SERIALIZE', 'write x::text'],
  JsonArrayAgg: ['JSON_ARRAYAGG', oneMessage],
  JsonObjectAgg: ['JSON_OBJECTAGG', oneMessage],
  JSON_VALUE_OP: ['JSON_VALUE', "write payload #>> '{a,b}', or JSON_EXTRACT(payload, '$.a.b') with a cast"],
  JSON_QUERY_OP: ['JSON_QUERY', "write payload #> '{a,b}', or JSON_EXTRACT(payload, '$.a.b')"],
  JSON_EXISTS_OP: ['JSON_EXISTS', "write payload #> '{a,b}' IS NOT NULL, or payload ? 'a'"],
};

function refused(node: Node, { source }: Context): SqlError {
  const kind = Object.keys(node)[0] ?? '';
  const body: { location?: number; op?: string } = Object.values(node)[0] ?? {};
  // The parser has one node for the functions of SQL/JSON that take a path.
  const [what, hint] = refusals[kind === 'JsonFuncExpr' ? (body.op ?? kind) : kind] ?? [
    `this expression (${kind})`,
    undefined,
  ];
  return unsupported(what, source.offset(body.location), hint);
}

/** A condition as WHERE takes it. */
export function bindCondition(node: Node | undefined, context: Context): Expression {
  return coerce(bindExpression(node, context), 'BOOLEAN');
}
