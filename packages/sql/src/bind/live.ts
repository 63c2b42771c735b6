import type { BoundQuery, Warning } from '../contract.js';
import { SqlError } from '../errors.js';
import type { Relation, Relations } from '../relations.js';
import { type Token, tokenize } from '../text/lexer.js';
import { codePointOffset } from '../text/positions.js';
import { type Functions, noFunctions, type UserFunction } from '../user-functions.js';
import { UnknownFunction } from './call.js';
import type { Expression } from './expression.js';
import { expressionOfBody } from './expressions.js';
import { constantOf } from './failing-constants.js';
import { inBody } from './function-body.js';
import { FunctionScope } from './function-scope.js';
import type { Branch, Output, OutputColumn, Plan } from './plan.js';
import { bindQuery, planBehind } from './query.js';
import { queryReferences } from './references.js';

/** A query that is answered with rows instead of running as a pipeline. Compiled, each of its rows is the text of a JSON array, a value per column. */
export interface LiveQuery {
  readonly query: BoundQuery;
  /** The one that it reads. */
  readonly connection: string;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** Rows after which it is complete; undefined without LIMIT. */
  readonly limit: number | undefined;
  /** Where the relation that it reads is named, in code points of the query. */
  readonly relationOffset: number;
  readonly warnings: readonly Warning[];
}

/**
 * Binds a SELECT as a live query: as a pipeline's query is bound, but that LIMIT may end it, that it writes nowhere, and that what it names must be there.
 * `*` over whole messages is one column, `payload`, or `data` where the format is raw. Throws `SqlError`, with offsets in code points of `query`.
 */
export function bindLiveQuery(query: string, relations: Relations, functions?: Functions): LiveQuery {
  const { endless, limit } = cutLimit(query);
  refuseInsert(endless);
  const bound = bindQuery(endless, relations, functions);
  if (bound.status === 'blocked') throw missing(endless, relations, functions, bound.reason);
  const plan = planBehind(bound.query);
  const connection = onlyConnection(plan, endless, relations);
  const format = formatOf(connection, relations);
  const laidOut = plan.branches.map((branch) => ({ ...branch, columns: columnsOf(branch.output, format) }));
  const columns = laidOut[0]?.columns ?? [];
  const branches = laidOut.map(({ columns, ...branch }): Branch => ({ ...branch, output: { shape: 'row', columns } }));
  const live: Plan = { ...plan, branches };
  return {
    query: live,
    connection,
    columns: columns.map(({ name, expression }) => ({ name, type: shownType(expression.type) })),
    limit,
    relationOffset: placeOf(endless, (name) => plan.reads.includes(name)),
    warnings: [...bound.warnings, ...(plan.readsDelivered && isJetStream(connection, relations) ? [ownConsumer] : [])],
  };
}

/** Rows of several readers come in no order, and there is no end to one before the other. */
function onlyConnection(
  { connections: [only = '', second], reads }: Plan,
  query: string,
  relations: Relations,
): string {
  if (second === undefined) return only;
  const readsSecond = new Set(reads.filter((name) => connectionBehind(relations.get(name)) === second));
  throw new SqlError(
    'unsupported',
    `a live query reads one connection, but this one reads "${only}" and "${second}"`,
    placeOf(query, (name) => readsSecond.has(name)),
    'ask for one after the other, or write CREATE PIPELINE name AS ...',
  );
}

const connectionBehind = (relation: Relation | undefined): string | undefined =>
  relation?.kind === 'table' ? relation.connection : relation?.name;

const ownConsumer: Warning = {
  code: 'own_consumer',
  message:
    "a live query reads by a consumer of its own and acknowledges nothing, so that _nats_delivered is 1 there; the redeliveries of the connection's consumer are seen by pipelines",
};

/** The query with spaces in the place of its LIMIT, so that everything else stands where it stood. */
function cutLimit(query: string): { endless: string; limit: number | undefined } {
  const tokens = tokenize(query);
  const outer = outermost(tokens);
  const at = outer.find((i) => isLimit(tokens, i));
  const limit = at === undefined ? undefined : tokens[at];
  if (at === undefined || !limit) return { endless: query, limit: undefined };
  const behind = outer.filter((i) => i > at);
  const next = behind.find((i) => endsLimit(tokens[i]));
  const clause = behind
    .map((i) => tokens[i])
    .find((token) => token?.kind === 'word' && notBehindLimit.has(token.value));
  if (clause) throw wrongLimit('syntax_error', codePointOffset(query, clause.start));
  const end = tokens[(next ?? tokens.length) - 1]?.end ?? query.length;
  const blank = ' '.repeat(codePointOffset(query, end) - codePointOffset(query, limit.start));
  return {
    endless: query.slice(0, limit.start) + blank + query.slice(end),
    limit: countOf(query.slice(limit.end, end), codePointOffset(query, limit.end)),
  };
}

/** What may follow a LIMIT in SQL; the parser refuses it with what there is to say of it. */
const behindLimit: ReadonlySet<string> = new Set(['offset', 'limit', 'fetch', 'for']);

const endsLimit = (token: Token | undefined): boolean =>
  token?.kind === 'end' || token?.value === ';' || (token?.kind === 'word' && behindLimit.has(token.value));

/** What stands in front of a LIMIT. */
const notBehindLimit: ReadonlySet<string> = new Set(
  'from where group having window order union intersect except select'.split(' '),
);

const wrongLimit = (code: 'syntax_error' | 'unsupported', offset: number): SqlError =>
  new SqlError(
    code,
    'LIMIT takes a whole number, and nothing comes behind it',
    offset,
    'write LIMIT 10 as the last of the query',
  );

/** The number of a LIMIT, which may be computed of constants; undefined where it is ALL or NULL. `offset` is where its text begins. */
function countOf(text: string, offset: number): number | undefined {
  if (/^\s*(?:all|null)\s*$/i.test(text)) return undefined;
  const count: UserFunction = { name: 'limit', arguments: [], returns: 'BIGINT', language: 'sql', body: text };
  const begin = offset + text.length - text.trimStart().length;
  let value: unknown;
  try {
    value = inBody(() => constantOf(expressionOfBody(count, [], new FunctionScope(noFunctions))));
  } catch (error) {
    if (error instanceof SqlError || error instanceof UnknownFunction)
      throw wrongLimit('unsupported', error instanceof SqlError ? Math.max(begin, offset + error.offset) : begin);
    throw error;
  }
  if (value === null) return undefined;
  if (typeof value !== 'number' || value < 0) throw wrongLimit('unsupported', begin);
  return value;
}

/** The reserved word, and not the name of a column. */
function isLimit(tokens: readonly Token[], i: number): boolean {
  const token = tokens[i];
  const before = tokens[i - 1]?.value;
  return token?.kind === 'word' && token.value === 'limit' && before !== 'as' && before !== '.';
}

/** Indices of the tokens that stand within no brackets. */
function outermost(tokens: readonly Token[]): number[] {
  let depth = 0;
  const found: number[] = [];
  for (const [i, { kind, value }] of tokens.entries()) {
    if (kind === 'symbol' && value === '(') depth++;
    else if (kind === 'symbol' && value === ')') depth--;
    else if (depth === 0) found.push(i);
  }
  return found;
}

function refuseInsert(query: string): void {
  const tokens = tokenize(query);
  const insert = outermost(tokens)
    .map((i) => tokens[i])
    .find((token) => token?.kind === 'word' && token.value === 'insert');
  if (!insert) return;
  throw new SqlError(
    'unsupported',
    'INSERT INTO on its own would run once; a stream runs as a pipeline',
    codePointOffset(query, insert.start),
    'write CREATE PIPELINE name AS ...',
  );
}

/** For a pipeline a relation or a function may still come; whoever asks for rows wants to know now. */
function missing(query: string, relations: Relations, functions: Functions | undefined, reason: string): SqlError {
  const { reads, calls } = queryReferences(query);
  const absent = new Set(reads.filter((read) => !isReadable(relations.get(read))));
  if (absent.size > 0) {
    const sinkTable = [...absent]
      .map((name) => relations.get(name))
      .find((relation) => isOverSink(relation, relations));
    const why =
      sinkTable?.kind === 'table'
        ? `the table "${sinkTable.name}" is over the connection "${sinkTable.connection}", a sink, which cannot be read`
        : reason;
    return new SqlError(
      'unknown_table',
      why,
      placeOf(query, (name) => absent.has(name)),
    );
  }
  const unknown = new Set(calls.filter((call) => !functions?.get(call)));
  return new SqlError(
    'unknown_function',
    reason,
    placeOf(query, (name) => unknown.has(name), '('),
  );
}

const isReadable = (relation: Relation | undefined): boolean =>
  relation !== undefined && !(relation.kind === 'table' && !relation.source);

const isOverSink = (relation: Relation | undefined, relations: Relations): boolean =>
  relation?.kind === 'table' && relations.get(relation.connection)?.kind === 'sink';

/** Where the first name that is meant stands, in code points; with `before` only one that stands before that symbol. */
function placeOf(query: string, isMeant: (name: string) => boolean, before?: string): number {
  const tokens = tokenize(query);
  const token = tokens.find(
    ({ kind, value }, i) =>
      (kind === 'word' || kind === 'quoted') &&
      isMeant(value) &&
      (before === undefined || tokens[i + 1]?.value === before),
  );
  return token ? codePointOffset(query, token.start) : 0;
}

function formatOf(connection: string, relations: Relations): string {
  const relation = relations.get(connection);
  return relation && 'format' in relation ? relation.format : 'json';
}

function isJetStream(connection: string, relations: Relations): boolean {
  const relation = relations.get(connection);
  return relation?.kind === 'source' && relation.jetstream;
}

function columnsOf(output: Output, format: string): readonly OutputColumn[] {
  switch (output.shape) {
    case 'payload':
      return [whole(format)];
    case 'extended': {
      const taken = output.columns.find(({ name }) => name === 'payload');
      if (!taken) return [whole(format), ...output.columns];
      throw new SqlError(
        'duplicate_column',
        'two columns are named "payload", of which * is one',
        taken.expression.offset,
        'give the other one another name with AS',
      );
    }
    case 'object':
    case 'row':
      return output.columns;
    case 'envelope':
      throw new Error('a query that writes nowhere has no envelope');
  }
}

function whole(format: string): OutputColumn {
  const raw = format === 'raw';
  const expression: Expression = { op: 'payload', type: raw ? 'BYTEA' : 'JSON', offset: 0 };
  return { name: raw ? 'data' : 'payload', expression };
}

/** Types of expressions that are no types of columns, by what their values are. */
function shownType(type: Expression['type']): string {
  if (type === 'NUMBER') return 'NUMERIC';
  return type === 'UNKNOWN' ? 'TEXT' : type;
}
