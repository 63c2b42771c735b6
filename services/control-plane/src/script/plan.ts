import {
  type Catalog,
  deliveryOf,
  deliveryRefusal,
  type OnError,
  type Options,
  resolveConnection,
} from '@laminar/definitions';
import { functionAnswerMsMax, subjects } from '@laminar/protocol';
import { callTimeMsMax } from '@laminar/sandbox';
import {
  type Bound,
  type BoundQuery,
  type BranchFacts,
  type LiveQuery,
  type PayloadUse,
  type QueryFacts,
  queryFacts,
} from '@laminar/sql';
import { bindingWarnings } from '../definitions/warnings.js';
import { readingPlace } from '../live/live-check.js';
import { endpointText, readerText } from './endpoint-text.js';
import type { Rows } from './rows.js';

/** What a query would do, as rows of EXPLAIN: a field and its value, fields in reading order. */
export type Plan = readonly PlanRow[];
type PlanRow = readonly [field: string, value: string];

export interface ExplainedPipeline {
  /** Undefined where the query has no pipeline yet. */
  readonly name?: string;
  readonly options?: Options;
}

/** Explains a query that was bound in this catalog as that of a pipeline. */
export function planOf(
  query: string,
  bound: Bound,
  catalog: Catalog,
  { name = '<pipeline>', options = {} }: ExplainedPipeline = {},
): Plan {
  if (bound.status === 'blocked') return [['blocked', bound.reason]];
  const plan = bound.query;
  const facts = queryFacts(query, plan);
  return [
    ...readingRows(plan, catalog, (connection) => readerText(connection, catalog)),
    ['sink', sinkText(plan, catalog, name)],
    ...branchRows(plan.columns, facts),
    ...functionRows(plan, facts),
    ...deliveryRows(plan, { name, options }, catalog),
    ...onErrorRows(plan, catalog, options.on_error),
    ...(plan.writes === undefined && plan.connections.length === 1
      ? ([
          ['on its own', onItsOwn],
          ['live', readingPlace(plan, catalog)],
        ] as const)
      : []),
    ...bindingWarnings(bound).map(({ message }) => ['warning', message] as const),
  ];
}

function deliveryRows(plan: BoundQuery, pipeline: { name: string; options: Options }, catalog: Catalog): PlanRow[] {
  const refusal = deliveryRefusal(plan, pipeline, catalog);
  if (refusal) return [['blocked', refusal.reason]];
  const { guarantee, mode, because, limits } = deliveryOf(plan, pipeline, catalog);
  return [
    ['delivery', guarantee],
    ...(mode === null ? [] : [['mode', mode] as const]),
    ['because', because],
    ...limits.map((limit) => ['rests on', limit] as const),
  ];
}

const onItsOwn =
  'as a statement of its own it is a live query: answered with rows, at most once, at no cost to pipelines';

/** Explains a query that is answered with rows. */
export function livePlanOf(query: string, live: LiveQuery, catalog: Catalog): Plan {
  const facts = queryFacts(query, live.query);
  const reader = 'one of its own, which takes nothing from pipelines and is gone with the query';
  return [
    ...readingRows(live.query, catalog, () => reader),
    ['live', readingPlace(live.query, catalog)],
    ['sink', 'the answer to whoever asks'],
    ...branchRows(live.columns, facts),
    ...functionRows(live.query, facts),
    ['limit', live.limit === undefined ? 'none: until its time is up, or the asker leaves' : `${live.limit} rows`],
    ['delivery', 'at_most_once'],
    ['because', 'a live query shows rows as they come and acknowledges nothing'],
    ['on_error', 'a message that cannot be read or computed is counted in a warning, and the query goes on'],
    ...live.warnings.map(({ message }) => ['warning', message] as const),
  ];
}

/** What is said of a query over `system.*`. */
export const systemPlan: Plan = [
  ['source', 'system tables, answered by the query service: SQLite gets the query as it is written, and only reads'],
  ['sink', 'the answer to whoever asks'],
];

/** SQLite's own plan of such a query: rows of EXPLAIN QUERY PLAN. */
export function sqliteSteps({ columns, rows }: Rows): Plan {
  const detail = columns.findIndex(({ name }) => name === 'detail');
  return rows.map((row) => ['step', String(row[detail])] as const);
}

function readingRows(
  { connections, reads }: BoundQuery,
  catalog: Catalog,
  readerOf: (connection: string) => string | undefined,
): PlanRow[] {
  const tables = reads.filter((name) => !connections.includes(name));
  return [
    ...connections.flatMap((name): PlanRow[] => {
      const reader = readerOf(name);
      return [['source', endpointText(name, catalog)], ...(reader === undefined ? [] : [['reader', reader] as const])];
    }),
    ...tables.map((name) => ['table', name] as const),
  ];
}

function sinkText(query: BoundQuery, catalog: Catalog, pipeline: string): string {
  if (query.replies) return 'the reply subject of each request';
  if (query.sink === undefined) return `subject ${subjects.output(pipeline)} of the mesh's bus`;
  return endpointText(query.sink, catalog);
}

/** Each select of a UNION ALL has its own rows, below one that names it. */
function branchRows(columns: BoundQuery['columns'], { branches }: QueryFacts): PlanRow[] {
  return branches.flatMap((branch, i) => [
    ...(branches.length === 1
      ? []
      : [['select', `${i + 1} of ${branches.length}, from ${branch.connection}`] as const]),
    ...messageRows(branch),
    ...columnRows(columns, branch),
  ]);
}

function messageRows({ conditions, decides, rowConditions, expands, reads, metadata }: BranchFacts): PlanRow[] {
  return [
    ...conditions.map((text) => ['filter', text] as const),
    ...(conditions.length === 0
      ? []
      : [['decides', `${useText(decides)}: where a condition does not hold, ${untouched(reads)}`] as const]),
    ...(expands ? [['rows', 'functions in FROM make any number of rows of a message'] as const] : []),
    ...rowConditions.map((text) => ['row filter', text] as const),
    ['fields', useText(reads)],
    ...(metadata.length === 0 ? [] : [['metadata', metadata.join(', ')] as const]),
  ];
}

/** A query that looks at the whole payload has it before the conditions are checked. */
const untouched = ({ whole }: PayloadUse): string =>
  whole ? 'nothing else is computed' : 'nothing else is computed, and no other field is decoded';

function useText({ fields, whole }: PayloadUse): string {
  if (whole) return 'the whole payload';
  return fields.length === 0 ? 'none' : fields.join(', ');
}

function functionRows(query: BoundQuery, { calls }: QueryFacts): PlanRow[] {
  const called = new Map(calls.map((definition) => [definition.name, definition]));
  return query.calls.map((name) => {
    const definition = called.get(name);
    if (definition?.language === 'nats')
      return [
        'function',
        `${name} (a request on ${definition.body} of the mesh's bus, answered within ${functionAnswerMsMax} ms)`,
      ];
    if (definition?.language === 'javascript')
      return ['function', `${name} (JavaScript, ${callTimeMsMax} ms at most for a call)`];
    return ['function', `${name} (SQL, a part of the query)`];
  });
}

/** Fields of other formats are written as JSON. */
const sameBytes = ' (as it came: the same bytes, where the message is JSON)';

function columnRows(columns: BoundQuery['columns'], { output, untouched }: BranchFacts): PlanRow[] {
  const own = columns.map(
    ({ name, type }) => ['column', `${name} ${type}${untouched.includes(name) ? sameBytes : ''}`] as const,
  );
  switch (output) {
    case 'payload':
      return [['column', '* (the payload as it came: the same bytes)']];
    case 'extended':
      return [['column', '* (the payload as it came, to which the other columns are added)'], ...own];
    case 'envelope':
      return [...own, ['message', 'payload is the body, subject and headers are those of the message']];
    case 'object':
    case 'row':
      return own;
  }
}

/** One row, or one for each connection where they behave differently. */
function onErrorRows({ connections }: BoundQuery, catalog: Catalog, own: unknown): PlanRow[] {
  const behaviours = connections.map((name) => [name, onErrorOf(name, catalog, own)] as const);
  const isOne = behaviours.every(([, behaviour]) => behaviour === behaviours[0]?.[1]);
  return (isOne ? behaviours.slice(0, 1) : behaviours).map(([name, behaviour]) => [
    'on_error',
    `${isOne ? '' : `of ${name}, `}${behaviour}: ${onErrorTexts[behaviour]}`,
  ]);
}

function onErrorOf(connection: string, catalog: Catalog, own: unknown): OnError {
  const record = catalog.get('connection', connection);
  const resolved = record && resolveConnection(connection, record.definition);
  return (own ?? (resolved && 'onError' in resolved ? resolved.onError : 'dead_letter')) as OnError;
}

const onErrorTexts: { readonly [behaviour in OnError]: string } = {
  dead_letter: 'a message that fails is kept as a dead letter, and the next one is taken',
  skip: 'a message that fails is counted and left out',
  retry: 'a message that fails is delivered again, and a dead letter after its last delivery',
  stop: 'a message that fails stops the reader of the connection',
};
