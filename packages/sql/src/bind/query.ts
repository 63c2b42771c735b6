import { nearestName } from '@laminar/definitions';
import type { ColumnRef, CommonTableExpr, Node, RangeVar, ResTarget, SelectStmt, WithClause } from '@pgsql/types';
import type { Bound, BoundQuery, QueryReferences } from '../contract.js';
import { SqlError } from '../errors.js';
import type { Relations, SinkConnection } from '../relations.js';
import { isVolatile, UnknownFunction } from './call.js';
import { settled } from './coerce.js';
import { bindCondition, bindExpression, resolveColumn } from './expressions.js';
import { parseQuery } from './parse.js';
import { type Output, type OutputColumn, type Plan, parts } from './plan.js';
import { columnsScope, connectionScope, type Identifier, type Scope, type ScopeColumn, tableScope } from './scope.js';
import { SourceText } from './source-text.js';

/** A relation that is not there yet. */
class Missing extends Error {}

/** Shared subexpressions of nested CTEs multiply when they are written out; that many nodes are no query a person wrote. */
const expressionsMax = 20_000;

/** Binds a query against the relations there are. Throws `SqlError`, with offsets in code points of `query`. */
export function bindQuery(query: string, relations: Relations): Bound {
  const { select, withClause, target } = open(query);
  const source = new SourceText(query);
  const binder = new Binder(source, relations, commonTables(withClause, new Map()));
  try {
    const sink = target === undefined ? undefined : binder.sink(target);
    const stage = binder.select(select);
    const plan = planOf(query, stage, sink);
    return { status: 'bound', query: plan, warnings: [] };
  } catch (error) {
    if (!(error instanceof Missing) && !(error instanceof UnknownFunction)) throw error;
    const code = error instanceof Missing ? 'missing_relation' : 'missing_function';
    return { status: 'blocked', reason: error.message, warnings: [{ code, message: error.message }] };
  }
}

/** The relations that a query names, whether or not they exist. Throws `SqlError` where it does not parse. */
export function queryReferences(query: string): QueryReferences {
  const { select, withClause, target } = open(query);
  const reads = new Set<string>();
  collectReads(select, commonTables(withClause, new Map()), reads, 0);
  return { reads: [...reads], writes: target?.relname };
}

/** The plan behind a bound query. */
export const planBehind = (query: BoundQuery): Plan => query as Plan;

interface OpenedQuery {
  readonly select: SelectStmt;
  readonly withClause: WithClause | undefined;
  readonly target: RangeVar | undefined;
}

function open(query: string): OpenedQuery {
  const parsed = parseQuery(query);
  if ('select' in parsed) return { select: parsed.select, withClause: undefined, target: undefined };
  const { insert } = parsed;
  const source = new SourceText(query);
  const refuse = (what: string, hint?: string) =>
    new SqlError('unsupported', `${what} is not supported`, source.offset(insert.relation?.location), hint);
  if ((insert.cols ?? []).length > 0)
    throw refuse('a list of columns behind INSERT INTO', 'name the columns in the select list');
  if (insert.onConflictClause) throw refuse('ON CONFLICT');
  if (insert.returningClause) throw refuse('RETURNING');
  if (!insert.selectStmt || !('SelectStmt' in insert.selectStmt)) throw refuse('INSERT INTO without SELECT');
  if (insert.relation?.schemaname) throw refuse('a schema before the name of a sink');
  if (insert.relation?.relname === 'nats_responder') throw refuse('replying to requests by nats_responder');
  return { select: insert.selectStmt.SelectStmt, withClause: insert.withClause, target: insert.relation };
}

type CommonTables = ReadonlyMap<string, SelectStmt>;

function commonTables(clause: WithClause | undefined, outer: CommonTables): CommonTables {
  const tables = new Map(outer);
  for (const node of clause?.ctes ?? []) {
    const cte: CommonTableExpr = 'CommonTableExpr' in node ? node.CommonTableExpr : {};
    if (clause?.recursive) throw new SqlError('unsupported', 'WITH RECURSIVE is not supported', 0);
    if ((cte.aliascolnames ?? []).length > 0)
      throw new SqlError(
        'unsupported',
        'names of columns behind the name of a CTE are not supported',
        0,
        'write aliases in its select list',
      );
    if (!cte.ctequery || !('SelectStmt' in cte.ctequery)) throw new SqlError('unsupported', 'a CTE is a SELECT', 0);
    tables.set(cte.ctename ?? '', cte.ctequery.SelectStmt);
  }
  return tables;
}

const nestingMax = 32;

function collectReads(select: SelectStmt, outer: CommonTables, reads: Set<string>, depth: number): void {
  if (depth > nestingMax) throw new SqlError('too_large', `queries are nested deeper than ${nestingMax} levels`, 0);
  const tables = commonTables(select.withClause, outer);
  for (const side of [select.larg, select.rarg]) if (side) collectReads(side, tables, reads, depth + 1);
  for (const item of select.fromClause ?? []) {
    if ('RangeSubselect' in item && item.RangeSubselect.subquery && 'SelectStmt' in item.RangeSubselect.subquery) {
      collectReads(item.RangeSubselect.subquery.SelectStmt, tables, reads, depth + 1);
    } else if ('RangeVar' in item) {
      const name = item.RangeVar.relname ?? '';
      const cte = tables.get(name);
      // A CTE sees those before it, not itself.
      if (cte) collectReads(cte, without(tables, name), reads, depth + 1);
      else reads.add(name);
    }
  }
}

function without(tables: CommonTables, name: string): CommonTables {
  const rest = new Map(tables);
  rest.delete(name);
  return rest;
}

/** One SELECT with all that it stands on, inlined down to the source. */
interface Stage {
  readonly connection: string;
  readonly reads: string;
  readonly filters: readonly ReturnType<typeof bindCondition>[];
  readonly star: boolean;
  readonly columns: readonly OutputColumn[];
}

class Binder {
  constructor(
    readonly source: SourceText,
    readonly relations: Relations,
    readonly tables: CommonTables,
    readonly depth = 0,
  ) {}

  sink(target: RangeVar): SinkConnection {
    const name = target.relname ?? '';
    const relation = this.relations.get(name);
    if (!relation) throw new Missing(this.#missing('sink', name));
    if (relation.kind !== 'sink') {
      const what = relation.kind === 'table' ? 'a table' : 'a connection of type source';
      throw new SqlError(
        'unknown_table',
        `"${name}" is ${what}; rows go into a connection of type sink`,
        this.source.offset(target.location),
      );
    }
    return relation;
  }

  select(select: SelectStmt): Stage {
    if (this.depth > nestingMax)
      throw new SqlError('too_large', `queries are nested deeper than ${nestingMax} levels`, 0);
    this.#refuseClauses(select);
    const inner = new Binder(this.source, this.relations, commonTables(select.withClause, this.tables), this.depth);
    const from = inner.#from(select);
    const context = { source: this.source, scope: from.scope };
    const selected = inner.#selectList(select.targetList ?? [], from.scope);
    const filters = select.whereClause ? [...from.filters, bindCondition(select.whereClause, context)] : from.filters;
    return { connection: from.connection, reads: from.reads, filters, star: selected.star, columns: selected.columns };
  }

  #from(select: SelectStmt): { scope: Scope; filters: Stage['filters']; connection: string; reads: string } {
    const [item, second] = select.fromClause ?? [];
    if (!item)
      throw new SqlError(
        'unsupported',
        'a query without FROM is not supported',
        0,
        'a pipeline reads a connection or a table',
      );
    if (second || 'JoinExpr' in item)
      throw new SqlError(
        'unsupported',
        'joins are not supported',
        this.#offsetOf(second ?? item),
        'a pipeline reads one connection or table',
      );
    if ('RangeSubselect' in item) {
      const { subquery, alias } = item.RangeSubselect;
      if (!subquery || !('SelectStmt' in subquery))
        throw new SqlError('unsupported', 'this subquery is not supported', 0);
      return this.#stageScope(subquery.SelectStmt, alias?.aliasname ?? '', this.tables);
    }
    if ('RangeVar' in item) return this.#relation(item.RangeVar);
    throw new SqlError('unsupported', 'functions in FROM are not supported', this.#offsetOf(item));
  }

  #relation(node: RangeVar): { scope: Scope; filters: Stage['filters']; connection: string; reads: string } {
    const name = node.relname ?? '';
    const alias = node.alias?.aliasname ?? name;
    const offset = this.source.offset(node.location);
    if (node.schemaname)
      throw new SqlError(
        'unknown_table',
        `"${node.schemaname}.${name}" cannot be read by a pipeline`,
        offset,
        'a pipeline reads a connection or a table',
      );
    const cte = this.tables.get(name);
    if (cte) return this.#stageScope(cte, alias, without(this.tables, name));
    const relation = this.relations.get(name);
    if (!relation) throw new Missing(this.#missing('connection or table', name));
    if (relation.kind === 'sink')
      throw new SqlError(
        'unknown_table',
        `"${name}" is a sink, which cannot be read`,
        offset,
        'read a connection of type source',
      );
    if (relation.kind === 'source')
      return { scope: connectionScope(alias), filters: [], connection: name, reads: name };
    if (!relation.source)
      throw new Missing(`the table "${name}" is over the connection "${relation.connection}", which there is not`);
    return {
      scope: tableScope(alias, name, relation.columns),
      filters: [],
      connection: relation.connection,
      reads: name,
    };
  }

  #stageScope(
    select: SelectStmt,
    alias: string,
    tables: CommonTables,
  ): { scope: Scope; filters: Stage['filters']; connection: string; reads: string } {
    const stage = new Binder(this.source, this.relations, tables, this.depth + 1).select(select);
    const owner = alias === '' ? 'the subquery' : `"${alias}"`;
    const columns: ScopeColumn[] = stage.columns.map(({ name, expression }) => ({ name, expression }));
    const scope = stage.star ? payloadScope(alias, columns, owner) : columnsScope(alias, columns, owner);
    return { scope, filters: stage.filters, connection: stage.connection, reads: stage.reads };
  }

  #selectList(targets: readonly Node[], scope: Scope): { star: boolean; columns: OutputColumn[] } {
    const columns: OutputColumn[] = [];
    const taken = new Set<string>();
    let star = false;
    const add = (name: string, expression: OutputColumn['expression'], offset: number) => {
      if (taken.has(name))
        throw new SqlError(
          'duplicate_column',
          `two columns are named "${name}"`,
          offset,
          'give one of them another name with AS',
        );
      taken.add(name);
      columns.push({ name, expression: settled(expression) });
    };
    for (const target of targets) {
      const item: ResTarget = 'ResTarget' in target ? target.ResTarget : {};
      const offset = this.source.offset(item.location);
      if (isStar(item)) {
        if (scope.star === 'mixed')
          throw new SqlError(
            'unsupported',
            '* over a SELECT *, ... AS ... is not supported',
            offset,
            'name the columns',
          );
        if (scope.star === 'payload') star = true;
        else for (const { name, expression } of scope.star) add(name, expression, offset);
        continue;
      }
      const expression = bindExpression(item.val, { source: this.source, scope });
      add(this.#columnName(item, scope, offset), expression, offset);
    }
    return { star, columns };
  }

  /** PostgreSQL's names: the alias, the column, the function, the type of a cast. */
  #columnName(item: ResTarget, scope: Scope, offset: number): string {
    if (item.name !== undefined) return this.source.alias(item.location).written;
    const name = impliedName(item.val, (reference) => resolveColumn(reference, { source: this.source, scope }).name);
    if (name !== undefined) return name;
    throw new SqlError('unnamed_column', 'a column has no name', offset, 'give it one: ... AS name');
  }

  #refuseClauses(select: SelectStmt): void {
    const refuse = (what: string, hint?: string) => {
      throw new SqlError('unsupported', `${what} is not supported`, this.source.offset(undefined), hint);
    };
    if (select.op !== undefined && select.op !== 'SETOP_NONE')
      refuse('UNION, INTERSECT or EXCEPT', 'write a pipeline for each part');
    if (select.valuesLists) refuse('VALUES', 'a pipeline reads a connection or a table');
    const one = 'a pipeline looks at one message at a time';
    if ((select.distinctClause ?? []).length > 0) refuse('DISTINCT', one);
    if ((select.groupClause ?? []).length > 0) refuse('GROUP BY', one);
    if (select.havingClause) refuse('HAVING', one);
    if ((select.windowClause ?? []).length > 0) refuse('WINDOW', one);
    if ((select.sortClause ?? []).length > 0) refuse('ORDER BY', 'rows go out in the order in which messages come in');
    if (select.limitCount || select.limitOffset) refuse('LIMIT or OFFSET', 'a pipeline goes on until it is stopped');
    if ((select.lockingClause ?? []).length > 0) refuse('FOR UPDATE');
    if (select.intoClause) refuse('SELECT INTO', 'write INSERT INTO sink SELECT ...');
  }

  #missing(what: string, name: string): string {
    const nearest = nearestName(name, this.relations.names());
    return `there is no ${what} "${name}"${nearest === undefined ? '' : `; did you mean "${nearest}"?`}`;
  }

  #offsetOf(node: Node): number {
    const body: { location?: number } = Object.values(node)[0] ?? {};
    return this.source.offset(body.location);
  }
}

/** `SELECT *` of a stage that hands on the payload: its own columns first, then the payload's fields. */
function payloadScope(alias: string, columns: readonly ScopeColumn[], owner: string): Scope {
  const fields = connectionScope(alias);
  const own = columnsScope(alias, columns, owner);
  const isOwn = ({ folded }: Identifier) => columns.some(({ name }) => name.toLowerCase() === folded);
  if (columns.length > 0) {
    return {
      alias,
      star: 'mixed',
      resolve: (identifier, offset) => (isOwn(identifier) ? own : fields).resolve(identifier, offset),
    };
  }
  return fields;
}

function isStar({ val }: ResTarget): boolean {
  return val !== undefined && 'ColumnRef' in val && (val.ColumnRef.fields ?? []).some((field) => 'A_Star' in field);
}

function impliedName(node: Node | undefined, nameOf: (reference: ColumnRef) => string): string | undefined {
  if (!node) return undefined;
  if ('ColumnRef' in node) return nameOf(node.ColumnRef);
  if ('FuncCall' in node) return stringOf(node.FuncCall.funcname?.at(-1));
  if ('TypeCast' in node)
    return impliedName(node.TypeCast.arg, nameOf) ?? stringOf(node.TypeCast.typeName?.names?.at(-1));
  if ('CaseExpr' in node)
    return (
      (node.CaseExpr.defresult && 'ColumnRef' in node.CaseExpr.defresult
        ? impliedName(node.CaseExpr.defresult, nameOf)
        : undefined) ?? 'case'
    );
  if ('CoalesceExpr' in node) return 'coalesce';
  if ('MinMaxExpr' in node) return node.MinMaxExpr.op === 'IS_GREATEST' ? 'greatest' : 'least';
  if ('A_Expr' in node && node.A_Expr.kind === 'AEXPR_NULLIF') return 'nullif';
  if ('SQLValueFunction' in node) return 'current_timestamp';
  if ('JsonArrayConstructor' in node) return 'json_array';
  if ('JsonObjectConstructor' in node) return 'json_object';
  return undefined;
}

const stringOf = (node: Node | undefined): string | undefined =>
  node && 'String' in node ? node.String.sval : undefined;

function planOf(query: string, stage: Stage, sink: SinkConnection | undefined): Plan {
  const expressions = new Set(
    [...stage.filters, ...stage.columns.map(({ expression }) => expression)].flatMap((expression) => [
      ...parts(expression),
    ]),
  );
  if (expressions.size > expressionsMax)
    throw new SqlError('too_large', `the query has more than ${expressionsMax} expressions`, 0);
  const readsDelivered = [...expressions].some((part) => part.op === 'metadata' && part.name === '_nats_delivered');
  const output = outputOf(stage, sink);
  return {
    connection: stage.connection,
    sink: sink?.name,
    reads: queryReferences(query).reads,
    writes: sink?.name,
    columns: stage.columns.map(({ name, expression }) => ({ name, type: expression.type })),
    readsDelivered,
    deterministic: !readsDelivered && ![...expressions].some(isVolatile),
    filters: stage.filters,
    output,
  };
}

/** With INSERT INTO, `payload` with `subject` and `headers` where wanted, and nothing else, is the message itself. */
function outputOf({ star, columns }: Stage, sink: SinkConnection | undefined): Output {
  if (star) return columns.length === 0 ? { shape: 'payload' } : { shape: 'extended', columns };
  const byName = new Map(columns.map(({ name, expression }) => [name, expression]));
  const payload = byName.get('payload');
  const envelope = ['payload', 'subject', 'headers'];
  if (sink && payload && columns.every(({ name }) => envelope.includes(name))) {
    return { shape: 'envelope', payload, subject: byName.get('subject'), headers: byName.get('headers') };
  }
  return { shape: 'object', columns };
}
