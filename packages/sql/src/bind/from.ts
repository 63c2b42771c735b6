import { nearestName } from '@laminar/definitions';
import type { JoinExpr, Node, RangeFunction, RangeSubselect, RangeVar, SelectStmt } from '@pgsql/types';
import { SqlError } from '../errors.js';
import type { Relations, SourceConnection } from '../relations.js';
import { firstLocation } from './clauses.js';
import { namesBehind, withNames } from './column-aliases.js';
import type { CommonTables } from './common-tables.js';
import { bindCondition } from './expressions.js';
import { fixedColumns, fixedConnectionScope, fixedTableScope } from './fixed-scope.js';
import type { FunctionScope } from './function-scope.js';
import { joined } from './joined-scope.js';
import { bindLateral, isLateral, lateralBase, withLateral, withOuterLateral } from './lateral.js';
import { bindRows } from './rows-from.js';
import { columnsScope, connectionScope, type Identifier, type Scope, type ScopeColumn, tableScope } from './scope.js';
import type { SourceText } from './source-text.js';
import { conjuncts, type From, filtered, type Stage, selective } from './stage.js';
import { unsupported } from './unsupported.js';

/** What binding a SELECT needs to know. */
export interface Surroundings {
  readonly source: SourceText;
  readonly relations: Relations;
  readonly functions: FunctionScope;
  readonly tables: CommonTables;
  /** Fields by their folded names, as they were first written. */
  readonly spellings: Map<string, string>;
  /** SELECTs around this one. */
  readonly depth: number;
  /** Binds a SELECT that stands in FROM: its branches; its first columns, as many as are `renamed`, get names there. Behind LATERAL it sees what stands `before` it. */
  select(select: SelectStmt, around: Surroundings, renamed: number, before?: From): readonly Stage[];
}

/** A relation that is not there yet. */
export class Missing extends Error {}

export const missing = (what: string, name: string, { relations }: Surroundings): Missing => {
  const nearest = nearestName(name, relations.names());
  return new Missing(`there is no ${what} "${name}"${nearest === undefined ? '' : `; did you mean "${nearest}"?`}`);
};

const oneSource =
  'a pipeline reads one connection or table: UNION ALL reads one after the other, and functions such as unnest stand beside it';

/**
 * Binds a FROM: a source, with functions and subqueries beside it that look at it; as often as the source is a UNION ALL of SELECTs. Behind LATERAL there is no
 * source but what stands `before`. Throws `SqlError`, `Missing`.
 */
export function bindFrom(items: readonly Node[], around: Surroundings, before?: From): readonly From[] {
  if (before) return [items.reduce((so, item) => beside(so, item, around), lateralBase(before))];
  const [first, ...others] = items;
  if (!first) throw unsupported('a query without FROM', 0, 'a pipeline reads a connection or a table');
  return begin(first, around).map((from) => others.reduce((so, item) => beside(so, item, around), from));
}

function begin(item: Node, around: Surroundings): readonly From[] {
  if ('RangeVar' in item) return relation(item.RangeVar, around);
  if ('JoinExpr' in item) {
    const { larg, rarg } = item.JoinExpr;
    if (!larg || !rarg) throw new Error('a join has two sides');
    return begin(larg, around).map((from) => join(from, item.JoinExpr, rarg, around));
  }
  const offset = around.source.offset(firstLocation(item));
  if ('RangeSubselect' in item) return subquery(item.RangeSubselect, offset, around);
  if ('RangeFunction' in item)
    throw unsupported(
      'a function at the beginning of FROM',
      offset,
      'the connection or table comes first: FROM orders, unnest(...)',
    );
  throw notInFrom(item, offset, around) ?? unsupported('this in FROM', offset, oneSource);
}

/** What PostgreSQL makes rows of in FROM by words of its own; undefined for all else. */
function notInFrom(item: Node, offset: number, { source }: Surroundings): SqlError | undefined {
  if ('RangeTableSample' in item)
    return unsupported(
      'TABLESAMPLE',
      source.wordAfter(firstLocation(item), 'tablesample'),
      'a message that is read again must give the same row: WHERE HASH(id) % 10 = 0 takes the messages of a tenth of the ids',
    );
  if ('RangeTableFunc' in item) return unsupported('XMLTABLE', offset, 'messages are JSON');
  if ('JsonTable' in item)
    return unsupported(
      'JSON_TABLE',
      offset,
      "write FROM orders, jsonb_array_elements(items) AS item, and take members with item->'sku'",
    );
  return undefined;
}

/** What comes behind the source: functions and subqueries, one within the other. */
function beside(from: From, item: Node, around: Surroundings): From {
  const { source } = around;
  if ('RangeFunction' in item) return expanded(from, item.RangeFunction, around);
  if (isLateral(item, from)) return withLateral(from, bindLateral(item.RangeSubselect, from, around));
  if ('JoinExpr' in item) {
    const { larg, rarg } = item.JoinExpr;
    if (larg && rarg) return join(beside(from, larg, around), item.JoinExpr, rarg, around);
  }
  const offset = source.offset(firstLocation(item));
  throw notInFrom(item, offset, around) ?? noJoin(item, offset);
}

const noJoin = (item: Node, offset: number): SqlError =>
  'RangeSubselect' in item
    ? unsupported(
        'a subquery beside what is read',
        offset,
        'write LATERAL before it where it computes from what stands before it; a join of connections or tables there is none',
      )
    : unsupported('a join of connections or tables', offset, oneSource);

function join(from: From, node: JoinExpr, item: Node, around: Surroundings): From {
  const { jointype, quals } = node;
  const offset = around.source.offset(firstLocation(item));
  if (!('RangeFunction' in item) && !('JoinExpr' in item) && !isLateral(item, from))
    throw notInFrom(item, offset, around) ?? noJoin(item, offset);
  const hint = 'write CROSS JOIN or LEFT JOIN ... ON';
  if (node.isNatural || node.usingClause?.length) throw unsupported('a join by names of columns', offset, hint);
  if (node.alias) throw unsupported('an alias of a join', offset, 'give its parts aliases');
  const context = (scope: Scope) => ({ ...around, scope });
  if (jointype === 'JOIN_INNER') {
    const both = beside(from, item, around);
    return quals ? filtered(both, bindCondition(quals, context(both.scope))) : both;
  }
  if (jointype !== 'JOIN_LEFT')
    throw unsupported(`a ${(jointype ?? '').replace('JOIN_', '')} JOIN of a function or subquery`, offset, hint);
  if ('JoinExpr' in item) throw unsupported('LEFT JOIN of a join', offset, 'join its parts one by one');
  if (!('RangeFunction' in item)) {
    const rows = bindLateral(item.RangeSubselect, from, around);
    const { scope } = withLateral(from, rows);
    return withOuterLateral(from, rows, quals ? [bindCondition(quals, context(scope))] : []);
  }
  const both = expanded(from, item.RangeFunction, around);
  const on = quals ? conjuncts(bindCondition(quals, context(both.scope))) : [];
  const last = both.expansions.at(-1);
  return last ? { ...both, expansions: both.expansions.with(-1, { ...last, outer: true, on: selective(on) }) } : both;
}

function expanded(from: From, node: RangeFunction, around: Surroundings): From {
  const { lists, ordinality, scope, offset } = bindRows(node, { ...around, scope: from.scope });
  const expansion = { lists, ordinality, outer: false, on: [], filters: [] };
  return { ...from, scope: joined(from.scope, scope, offset), expansions: [...from.expansions, expansion] };
}

function subquery({ subquery: node, alias }: RangeSubselect, offset: number, around: Surroundings): readonly From[] {
  if (!node || !('SelectStmt' in node)) throw unsupported('this subquery', offset);
  const names = namesBehind(alias, around.source, firstLocation(node));
  return named(stages(node.SelectStmt, alias?.aliasname ?? '', around, names.length), names, offset);
}

function relation(node: RangeVar, around: Surroundings): readonly From[] {
  const { relname: name = '', location } = node;
  const alias = node.alias?.aliasname ?? name;
  const offset = around.source.offset(location);
  if (node.schemaname)
    throw new SqlError(
      'unknown_table',
      `"${node.schemaname}.${name}" cannot be read by a pipeline`,
      offset,
      'a pipeline reads a connection or a table',
    );
  // The parser has ONLY as what it leaves out: tables that inherit.
  if (node.inh !== true)
    throw unsupported(
      'ONLY',
      around.source.wordBefore(location, 'only'),
      'leave it out: nothing inherits from a connection or a table',
    );
  const cte = around.tables.get(name);
  const names = namesBehind(node.alias, around.source, location);
  const froms = cte
    ? named(
        stages(cte.select, alias, { ...around, tables: cte.visible }, Math.max(cte.columns.length, names.length)),
        cte.columns,
        offset,
      )
    : [{ ...sourceOf(name, alias, offset, around), filters: [], expansions: [] }];
  return named(froms, names, offset);
}

function sourceOf(
  name: string,
  alias: string,
  offset: number,
  around: Surroundings,
): { readonly scope: Scope; readonly connection: SourceConnection } {
  const found = around.relations.get(name);
  if (!found) throw missing('connection or table', name, around);
  if (found.kind === 'sink')
    throw new SqlError(
      'unknown_table',
      `"${name}" is a sink, which cannot be read`,
      offset,
      'read a connection of type source',
    );
  if (found.kind === 'source') return { scope: messageScope(alias, found, around), connection: found };
  const { source, columns } = found;
  if (!source)
    throw new Missing(`the table "${name}" is over the connection "${found.connection}", which there is not`);
  const fixed = fixedColumns(source);
  const scope = fixed ? fixedTableScope(alias, found, fixed, offset) : tableScope(alias, name, columns);
  return { scope, connection: source };
}

function messageScope(alias: string, connection: SourceConnection, { spellings }: Surroundings): Scope {
  const fixed = fixedColumns(connection);
  return fixed ? fixedConnectionScope(alias, connection, fixed) : connectionScope(alias, spellings);
}

/** A SELECT in FROM, whose first columns, as many as are `renamed`, get other names. */
function stages(select: SelectStmt, alias: string, around: Surroundings, renamed: number): readonly From[] {
  const owner = alias === '' ? 'the subquery' : `"${alias}"`;
  return around.select(select, { ...around, depth: around.depth + 1 }, renamed).map(({ star, columns, ...rows }) => {
    const scope = star
      ? payloadScope(alias, columns, owner, messageScope(alias, rows.connection, around))
      : columnsScope(alias, columns, owner);
    return { ...rows, scope };
  });
}

/** `SELECT *` of a stage that hands on the payload: its own columns first, then the payload's fields. */
function payloadScope(alias: string, columns: readonly ScopeColumn[], owner: string, fields: Scope): Scope {
  if (columns.length === 0) return fields;
  const own = columnsScope(alias, columns, owner);
  const isOwn = (identifier: Identifier) => own.declares(identifier);
  return {
    alias,
    star: 'mixed',
    declares: (identifier) => isOwn(identifier) || fields.declares(identifier),
    resolve: (identifier, offset) => (isOwn(identifier) ? own : fields).resolve(identifier, offset),
  };
}

/** Columns by the names that stand behind the alias. */
function named(froms: readonly From[], names: readonly Identifier[], offset: number): readonly From[] {
  if (names.length === 0) return froms;
  return froms.map((from) => {
    const { alias, star } = from.scope;
    if (star === 'payload' || star === 'mixed')
      throw unsupported('a list of columns behind whole messages', offset, 'write aliases in the select list');
    return { ...from, scope: columnsScope(alias, withNames(star, alias, names, offset), `"${alias}"`) };
  });
}
