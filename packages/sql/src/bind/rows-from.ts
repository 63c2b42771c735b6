import { nearestName } from '@laminar/definitions';
import type { FuncCall, Node, RangeFunction } from '@pgsql/types';
import { SqlError } from '../errors.js';
import { type RowFunction, rowFunctionsByName } from '../functions/rows.js';
import { isBuiltIn, refusal } from './call.js';
import { firstLocation } from './clauses.js';
import { namesBehind, withNames } from './column-aliases.js';
import { type Expression, elementOf, type Slot } from './expression.js';
import { bindExpression, type Context } from './expressions.js';
import { calledName } from './function-call.js';
import type { RowScope } from './joined-scope.js';
import { callOverload } from './overload.js';
import type { Expansion } from './plan.js';
import { columnsScope, type ScopeColumn } from './scope.js';
import { unsupported } from './unsupported.js';

/** Functions in FROM, bound: the lists that are taken apart, and what the elements are called. */
export interface BoundRows extends Pick<Expansion, 'lists' | 'ordinality'> {
  readonly scope: RowScope;
  readonly offset: number;
}

interface List {
  readonly name: string | undefined;
  readonly function: string;
  readonly list: Expression;
}

/** Binds a function in FROM, or several side by side (`ROWS FROM`); their arguments see what stands before them. Throws `SqlError`, `UnknownFunction`. */
export function bindRows(node: RangeFunction, context: Context): BoundRows {
  const location = firstLocation(node.functions);
  const offset = context.source.offset(location);
  if ((node.coldeflist ?? []).length > 0)
    throw unsupported('a list of columns with types', offset, 'write the names alone, and cast where they are used');
  const calls = (node.functions ?? []).map((item) => callOf(item, context));
  const lists = calls.flatMap((call) => listsOf(call, context));
  const alias = node.alias?.aliasname ?? lists[0]?.function ?? '';
  const columns: ScopeColumn[] = [];
  const bound = lists.map(({ name, function: called, list }) => {
    const own = name ?? (lists.length === 1 ? alias : called);
    const slot: Slot = { name: own };
    const type = elementOf(list.type) ?? 'JSON';
    columns.push({ name: own, expression: { op: 'element', slot, type, offset } });
    return { list, slot };
  });
  const ordinality: Slot | undefined = node.ordinality ? { name: 'ordinality' } : undefined;
  if (ordinality)
    columns.push({
      name: ordinality.name,
      expression: { op: 'element', slot: ordinality, type: 'BIGINT', offset },
    });
  const named = withNames(columns, alias, namesBehind(node.alias, context.source, location), offset);
  refuseTwins(named, offset);
  const value = named.length === 1 ? named[0] : undefined;
  return { lists: bound, ordinality, offset, scope: { ...columnsScope(alias, named, `"${alias}"`), value } };
}

function callOf(item: Node, { source }: Context): FuncCall {
  const [call, types] = 'List' in item ? (item.List.items ?? []) : [item];
  const at = source.offset(firstLocation(item));
  if (types && 'List' in types)
    throw unsupported('a list of columns with types', at, 'write the names alone, and cast where they are used');
  if (call && 'FuncCall' in call) return call.FuncCall;
  throw unsupported('this in FROM', at, 'functions in FROM are those that give rows');
}

function listsOf(node: FuncCall, context: Context): List[] {
  const offset = context.source.offset(node.location);
  const name = calledName(node, offset);
  const definition = rowFunctionsByName.get(name);
  if (!definition) throw noRows(name, offset);
  const args = (node.args ?? []).map((arg) => bindExpression(arg, context));
  // Several arrays are as many calls side by side.
  const calls = name === 'unnest' && args.length > 1 ? args.map((arg) => [arg]) : [args];
  return calls.flatMap((given) => listsOfCall(definition, given, offset));
}

const listsOfCall = ({ name, columns }: RowFunction, args: readonly Expression[], offset: number): List[] =>
  columns.map((column) => ({
    name: column.name,
    function: name,
    list: callOverload(column.list, args, offset),
  }));

function noRows(name: string, offset: number): Error {
  const nearest = nearestName(name, rowFunctionsByName.keys());
  const known = isBuiltIn(name)
    ? 'it gives one value: write it in the select list'
    : `functions that give rows are ${[...rowFunctionsByName.keys()].join(', ')}`;
  return (
    refusal(name, offset) ??
    unsupported(`the function ${name} in FROM`, offset, nearest === undefined ? known : `did you mean ${nearest}?`)
  );
}

function refuseTwins(columns: readonly ScopeColumn[], offset: number): void {
  const names = columns.map(({ name }) => name.toLowerCase());
  const twin = columns.find((_, i) => names.indexOf(names[i] ?? '') < i);
  if (twin)
    throw new SqlError(
      'duplicate_column',
      `two columns in FROM are named "${twin.name}"`,
      offset,
      'name them behind the alias: AS x(a, b)',
    );
}
