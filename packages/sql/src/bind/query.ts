import { nearestName } from '@laminar/definitions';
import type { Alias, Node, RangeVar, ResTarget, SelectStmt } from '@pgsql/types';
import type { Bound, BoundQuery } from '../contract.js';
import { SqlError } from '../errors.js';
import type { Relations, SinkConnection, SourceConnection } from '../relations.js';
import { type Functions, noFunctions } from '../user-functions.js';
import { isVolatile, UnknownFunction } from './call.js';
import { firstLocation, refuseClauses } from './clauses.js';
import { settled } from './coerce.js';
import { impliedName } from './column-name.js';
import { type CommonTables, commonTables, noTables } from './common-tables.js';
import type { Expression } from './expression.js';
import { bindCondition, bindExpression, checkAlias, resolveColumn } from './expressions.js';
import { fixedColumns, fixedConnectionScope, fixedTableScope } from './fixed-scope.js';
import { FunctionScope } from './function-scope.js';
import { openQuery } from './opened-query.js';
import { type Extent, extentOf, type Output, type OutputColumn, type Plan, parts } from './plan.js';
import { nestingMax, queryReferences } from './references.js';
import { columnsScope, connectionScope, type Identifier, type Scope, type ScopeColumn, tableScope } from './scope.js';
import type { SourceText } from './source-text.js';
import { unsupported } from './unsupported.js';

/** A relation that is not there yet. */
class Missing extends Error {}

/** What a query may come to when its CTEs are written out; expressions that name others twice double with each CTE. */
const expressionsMax = 20_000;
const expressionDepthMax = 500;

/** The built-in sink whose rows are replies. */
const responder: SinkConnection = { kind: 'sink', name: 'nats_responder', jetstream: false, format: 'json' };

/** Binds a query against the relations and functions there are. Throws `SqlError`, with offsets in code points of `query`. */
export function bindQuery(query: string, relations: Relations, functions: Functions = noFunctions): Bound {
  const { source, select, withClause, target } = openQuery(query);
  const binder = new Binder(
    source,
    relations,
    new FunctionScope(functions),
    commonTables(withClause, noTables, source),
    new Map(),
  );
  try {
    const sink = target === undefined ? undefined : binder.sink(target);
    const stage = binder.select(select);
    if (sink === responder) checkReplies(stage.connection, source.offset(target?.location));
    const plan = planOf(query, stage, sink);
    return { status: 'bound', query: plan, warnings: [] };
  } catch (error) {
    if (!(error instanceof Missing) && !(error instanceof UnknownFunction)) throw error;
    const code = error instanceof Missing ? 'missing_relation' : 'missing_function';
    return { status: 'blocked', reason: error.message, warnings: [{ code, message: error.message }] };
  }
}

/** The plan behind a bound query. */
export const planBehind = (query: BoundQuery): Plan => query as Plan;

/** One SELECT with all that it stands on, inlined down to the source. */
interface Stage {
  readonly connection: SourceConnection;
  readonly reads: string;
  readonly filters: readonly ReturnType<typeof bindCondition>[];
  readonly star: boolean;
  readonly columns: readonly OutputColumn[];
}

/** What a FROM comes to. */
interface From extends Pick<Stage, 'connection' | 'reads' | 'filters'> {
  readonly scope: Scope;
}

class Binder {
  constructor(
    readonly source: SourceText,
    readonly relations: Relations,
    readonly functions: FunctionScope,
    readonly tables: CommonTables,
    /** Fields by their folded names, as they were first written. */
    readonly spellings: Map<string, string>,
    readonly depth = 0,
  ) {}

  sink(target: RangeVar): SinkConnection {
    const name = target.relname ?? '';
    if (name === responder.name) return responder;
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
    refuseClauses(select, this.source);
    if ((select.targetList ?? []).length === 0)
      throw new SqlError(
        'syntax_error',
        'the select list is empty',
        this.#offsetOf(select.fromClause?.[0]),
        'name columns, or *',
      );
    const tables = commonTables(select.withClause, this.tables, this.source);
    const inner = new Binder(this.source, this.relations, this.functions, tables, this.spellings, this.depth);
    const from = inner.#from(select);
    const context = { source: this.source, scope: from.scope, functions: this.functions };
    const selected = inner.#selectList(select.targetList ?? [], from.scope);
    const filters = select.whereClause ? [...from.filters, bindCondition(select.whereClause, context)] : from.filters;
    return { connection: from.connection, reads: from.reads, filters, star: selected.star, columns: selected.columns };
  }

  #from(select: SelectStmt): From {
    const [item, second] = select.fromClause ?? [];
    if (!item) throw unsupported('a query without FROM', 0, 'a pipeline reads a connection or a table');
    if (second || 'JoinExpr' in item)
      throw unsupported('a join', this.#offsetOf(second ?? item), 'a pipeline reads one connection or table');
    if ('RangeSubselect' in item) {
      const { subquery, alias } = item.RangeSubselect;
      this.#refuseColumnNames(alias, item);
      if (!subquery || !('SelectStmt' in subquery)) throw unsupported('this subquery', this.#offsetOf(item));
      return this.#stageScope(subquery.SelectStmt, alias?.aliasname ?? '', this.tables);
    }
    if ('RangeVar' in item) return this.#relation(item.RangeVar);
    throw unsupported('this in FROM', this.#offsetOf(item), 'a pipeline reads one connection or table');
  }

  #relation(node: RangeVar): From {
    const name = node.relname ?? '';
    const alias = node.alias?.aliasname ?? name;
    const offset = this.source.offset(node.location);
    this.#refuseColumnNames(node.alias, { RangeVar: node });
    if (node.schemaname)
      throw new SqlError(
        'unknown_table',
        `"${node.schemaname}.${name}" cannot be read by a pipeline`,
        offset,
        'a pipeline reads a connection or a table',
      );
    const cte = this.tables.get(name);
    if (cte) return this.#stageScope(cte.select, alias, cte.visible);
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
      return { scope: this.#sourceScope(alias, relation), filters: [], connection: relation, reads: name };
    if (!relation.source)
      throw new Missing(`the table "${name}" is over the connection "${relation.connection}", which there is not`);
    const { source, columns } = relation;
    const fixed = fixedColumns(source);
    const scope = fixed ? fixedTableScope(alias, relation, fixed, offset) : tableScope(alias, name, columns);
    return { scope, filters: [], connection: source, reads: name };
  }

  #sourceScope(alias: string, source: SourceConnection): Scope {
    const fixed = fixedColumns(source);
    return fixed ? fixedConnectionScope(alias, source, fixed) : connectionScope(alias, this.spellings);
  }

  #stageScope(select: SelectStmt, alias: string, tables: CommonTables): From {
    const stage = new Binder(
      this.source,
      this.relations,
      this.functions,
      tables,
      this.spellings,
      this.depth + 1,
    ).select(select);
    const owner = alias === '' ? 'the subquery' : `"${alias}"`;
    const columns: ScopeColumn[] = stage.columns.map(({ name, expression }) => ({ name, expression }));
    const scope = stage.star
      ? payloadScope(alias, columns, owner, this.#sourceScope(alias, stage.connection))
      : columnsScope(alias, columns, owner);
    return { scope, filters: stage.filters, connection: stage.connection, reads: stage.reads };
  }

  #refuseColumnNames(alias: Alias | undefined, item: Node): void {
    if ((alias?.colnames ?? []).length > 0)
      throw unsupported('a list of columns behind an alias', this.#offsetOf(item), 'write aliases in the select list');
  }

  #selectList(targets: readonly Node[], scope: Scope): { star: boolean; columns: OutputColumn[] } {
    const columns: OutputColumn[] = [];
    const taken = new Set<string>();
    let star = false;
    const add = (identifier: Identifier, expression: OutputColumn['expression'], offset: number) => {
      const { written: name, folded } = identifier;
      if (taken.has(name) || taken.has(folded))
        throw new SqlError(
          'duplicate_column',
          `two columns are named "${name}"`,
          offset,
          'give one of them another name with AS',
        );
      taken.add(name).add(folded);
      columns.push({ name, expression: settled(expression) });
    };
    for (const target of targets) {
      const item: ResTarget = 'ResTarget' in target ? target.ResTarget : {};
      const offset = this.source.offset(item.location);
      if (isStar(item)) {
        const qualifier = isQualified(item) ? this.source.starOwner(item.location) : undefined;
        if (qualifier) checkAlias(qualifier, scope, offset);
        if (scope.star === 'mixed') throw unsupported('* over a SELECT *, ... AS ...', offset, 'name the columns');
        if (scope.star === 'payload') star = true;
        else for (const { name, expression } of scope.star) add(exactly(name), expression, offset);
        continue;
      }
      const expression = bindExpression(item.val, { source: this.source, scope, functions: this.functions });
      add(this.#columnName(item, scope, offset), expression, offset);
    }
    return { star, columns };
  }

  /** PostgreSQL's names: the alias, the column, the function, the type of a cast. */
  #columnName(item: ResTarget, scope: Scope, offset: number): Identifier {
    if (item.name !== undefined) return this.source.alias(item.location);
    const name = impliedName(
      item.val,
      (reference) => resolveColumn(reference, { source: this.source, scope, functions: this.functions }).name,
    );
    if (name !== undefined) return exactly(name);
    throw new SqlError('unnamed_column', 'a column has no name', offset, 'give it one: ... AS name');
  }

  #missing(what: string, name: string): string {
    const nearest = nearestName(name, this.relations.names());
    return `there is no ${what} "${name}"${nearest === undefined ? '' : `; did you mean "${nearest}"?`}`;
  }

  #offsetOf(node: Node | undefined): number {
    return this.source.offset(node && firstLocation(node));
  }
}

/** `SELECT *` of a stage that hands on the payload: its own columns first, then the payload's fields. */
function payloadScope(alias: string, columns: readonly ScopeColumn[], owner: string, fields: Scope): Scope {
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

/** A name that is not the user's own spelling at this place. */
const exactly = (name: string): Identifier => ({ written: name, folded: name, quoted: true });

function isStar({ val }: ResTarget): boolean {
  return val !== undefined && 'ColumnRef' in val && (val.ColumnRef.fields ?? []).some((field) => 'A_Star' in field);
}

/** Whether a star has a name before it. The star that PostgreSQL makes of `TABLE name` has neither a name nor a location. */
function isQualified({ val }: ResTarget): boolean {
  return val !== undefined && 'ColumnRef' in val && (val.ColumnRef.fields ?? []).length > 1;
}

function planOf(query: string, stage: Stage, sink: SinkConnection | undefined): Plan {
  const whole = [...stage.filters, ...stage.columns.map(({ expression }) => expression)];
  checkExtent(whole);
  const expressions = new Set(whole.flatMap((expression) => [...parts(expression)]));
  const readsDelivered = [...expressions].some((part) => part.op === 'metadata' && part.name === '_nats_delivered');
  const called = [...expressions].flatMap((part) => (part.op === 'call' ? [part.called] : []));
  const asked = called.filter(({ language }) => language === 'nats').map(({ name }) => name);
  const asks = [...new Set(asked)].sort();
  const output = outputOf(stage, sink);
  return {
    ...queryReferences(query),
    connection: stage.connection.name,
    sink: sink === responder ? undefined : sink?.name,
    replies: sink === responder,
    awaitsCalls: called.length > 0,
    asks,
    columns: stage.columns.map(({ name, expression }) => ({ name, type: expression.type })),
    readsDelivered,
    deterministic: !readsDelivered && asks.length === 0 && ![...expressions].some(isVolatile),
    filters: stage.filters,
    output,
  };
}

/** Replying needs somebody who waits for it, and a connection that says so. */
function checkReplies({ name, jetstream, enableReply }: SourceConnection, offset: number): void {
  if (enableReply === true) return;
  const why = jetstream ? 'it reads with JetStream, where nobody waits for a reply' : 'it lacks enable_reply = true';
  throw new SqlError(
    'unsupported',
    `nats_responder cannot reply on the connection "${name}": ${why}`,
    offset,
    jetstream
      ? 'read requests from a connection without JetStream'
      : `ALTER CONNECTION ${name} SET (enable_reply = true)`,
  );
}

function checkExtent(expressions: readonly Expression[]): void {
  const known = new Map<Expression, Extent>();
  let count = 0;
  for (const expression of expressions) {
    const extent = extentOf(expression, expressionDepthMax, known);
    count += extent.count;
    if (count > expressionsMax || extent.depth > expressionDepthMax)
      throw new SqlError(
        'too_large',
        `the query comes to more than ${expressionsMax} operands and operators, or to more than ${expressionDepthMax} within each other, when its CTEs are written out`,
        0,
        'compute less in it; for many values write = ANY (ARRAY[...])',
      );
  }
}

/** With INSERT INTO, `payload` with `subject` and `headers` where wanted, and nothing else, is the message itself. */
function outputOf({ star, columns, connection }: Stage, sink: SinkConnection | undefined): Output {
  if (star) return columns.length === 0 ? { shape: 'payload' } : extended(columns, connection);
  const byName = new Map(columns.map(({ name, expression }) => [name, expression]));
  const payload = byName.get('payload');
  const envelope = ['payload', 'subject', 'headers'];
  if (sink && payload && columns.every(({ name }) => envelope.includes(name))) {
    const body = sink.format === 'raw' ? rawBody(payload, sink) : 'json';
    return { shape: 'envelope', body, payload, subject: byName.get('subject'), headers: byName.get('headers') };
  }
  if (sink?.format === 'raw') throw noRawBody(sink, columns[0]?.expression.offset ?? 0);
  return { shape: 'object', columns };
}

function extended(columns: readonly OutputColumn[], { name, format }: SourceConnection): Output {
  if (format !== 'raw') return { shape: 'extended', columns, base: format === 'json' ? 'bytes' : 'value' };
  throw new SqlError(
    'type_mismatch',
    `SELECT *, ... adds to an object, but a message of "${name}" is of format raw`,
    columns[0]?.expression.offset ?? 0,
    'name the columns: SELECT data, ...',
  );
}

function rawBody({ type, offset }: Expression, sink: SinkConnection): 'raw' {
  if (type === 'TEXT' || type === 'BYTEA') return 'raw';
  throw noRawBody(sink, offset);
}

function noRawBody({ name }: SinkConnection, offset: number): SqlError {
  return new SqlError(
    'type_mismatch',
    `the sink "${name}" is of format raw: it takes messages as they came (SELECT *), or a body that is a TEXT or a BYTEA`,
    offset,
    'write SELECT CAST(... AS TEXT) AS payload, and subject and headers where wanted',
  );
}
