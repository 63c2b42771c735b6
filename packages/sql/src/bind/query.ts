import type { RangeVar } from '@pgsql/types';
import type { Bound, BoundQuery } from '../contract.js';
import { SqlError } from '../errors.js';
import type { Relations, SinkConnection, SourceConnection } from '../relations.js';
import { type Functions, noFunctions } from '../user-functions.js';
import { withinRegexBudget } from '../values/regex.js';
import { isVolatile, UnknownFunction } from './call.js';
import { commonTables, noTables } from './common-tables.js';
import type { Expression } from './expression.js';
import { refuseFailingConstants } from './failing-constants.js';
import { Missing, missing, type Surroundings } from './from.js';
import { FunctionScope } from './function-scope.js';
import { openQuery } from './opened-query.js';
import { outputOf } from './output.js';
import { type Branch, type Extent, expressionsOf, extentOf, type Plan, parts } from './plan.js';
import { queryReferences } from './references.js';
import { bindSelect } from './select.js';
import type { Stage } from './stage.js';

/** What a query may come to when its CTEs are written out; expressions that name others twice double with each CTE. */
const expressionsMax = 20_000;
const expressionDepthMax = 500;

/** The built-in sink whose rows are replies. */
const responder: SinkConnection = { kind: 'sink', name: 'nats_responder', jetstream: false, format: 'json' };

/** Binds a query against the relations and functions there are. Throws `SqlError`, with offsets in code points of `query`. */
export function bindQuery(query: string, relations: Relations, functions: Functions = noFunctions): Bound {
  const { source, select, withClause, target } = openQuery(query);
  const around: Surroundings = {
    source,
    relations,
    functions: new FunctionScope(functions),
    tables: commonTables(withClause, noTables, source),
    spellings: new Map(),
    depth: 0,
    select: bindSelect,
  };
  try {
    return withinRegexBudget(() => {
      const sink = target === undefined ? undefined : sinkOf(target, around);
      const stages = bindSelect(select, around);
      const offset = source.offset(target?.location);
      if (sink === responder) for (const { connection } of stages) checkReplies(connection, offset);
      return { status: 'bound', query: planOf(query, stages, sink), warnings: [] };
    });
  } catch (error) {
    if (!(error instanceof Missing) && !(error instanceof UnknownFunction)) throw error;
    const code = error instanceof Missing ? 'missing_relation' : 'missing_function';
    return { status: 'blocked', reason: error.message, warnings: [{ code, message: error.message }] };
  }
}

/** The plan behind a bound query. */
export const planBehind = (query: BoundQuery): Plan => query as Plan;

function sinkOf(target: RangeVar, around: Surroundings): SinkConnection {
  const name = target.relname ?? '';
  if (name === responder.name) return responder;
  const relation = around.relations.get(name);
  if (!relation) throw missing('sink', name, around);
  if (relation.kind === 'sink') return relation;
  const what = relation.kind === 'table' ? 'a table' : 'a connection of type source';
  throw new SqlError(
    'unknown_table',
    `"${name}" is ${what}; rows go into a connection of type sink`,
    around.source.offset(target.location),
  );
}

function planOf(query: string, stages: readonly Stage[], sink: SinkConnection | undefined): Plan {
  const branches = stages.map(
    (stage): Branch => ({
      connection: stage.connection.name,
      filters: stage.filters,
      expansions: stage.expansions,
      output: outputOf(stage, sink),
    }),
  );
  const columns = stages[0]?.columns ?? [];
  const whole = branches.flatMap(expressionsOf);
  checkExtent(whole);
  refuseFailingConstants(whole);
  const expressions = new Set(whole.flatMap((expression) => [...parts(expression)]));
  const readsDelivered = [...expressions].some((part) => part.op === 'metadata' && part.name === '_nats_delivered');
  const called = [...expressions].flatMap((part) => (part.op === 'call' ? [part.called] : []));
  const asked = called.filter(({ language }) => language === 'nats').map(({ name }) => name);
  const asks = [...new Set(asked)].sort();
  return {
    ...queryReferences(query),
    connections: [...new Set(stages.map(({ connection }) => connection.name))],
    sink: sink === responder ? undefined : sink?.name,
    replies: sink === responder,
    awaitsCalls: called.length > 0,
    asks,
    columns: columns.map(({ name, expression }) => ({ name, type: expression.type })),
    readsDelivered,
    deterministic: !readsDelivered && asks.length === 0 && ![...expressions].some(isVolatile),
    branches,
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
