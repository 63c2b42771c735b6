import { setImmediate } from 'node:timers/promises';
import { type Catalog, DefinitionRejected } from '@laminar/definitions';
import { type LiveQuery, parseScript, SqlError, type Statement, statementIndexAt, type Warning } from '@laminar/sql';
import { traceparentOf } from '@laminar/telemetry';
import { nothingNamed } from '../definitions/intent.js';
import { checkQuery, QueryRejected } from '../definitions/query-check.js';
import type { StatusView } from '../definitions/schemas.js';
import { statusOf } from '../definitions/status.js';
import { insight } from '../definitions/view.js';
import { consequences } from '../definitions/warnings.js';
import { checkRows, testConnection } from '../live/connection-test.js';
import { checkedLive } from '../live/live-check.js';
import { liveRows, rehearsedRows } from '../live/live-rows.js';
import { Refusal } from '../refusal.js';
import type { Origin } from '../state/commands.js';
import type { Outcome } from '../state/decision.js';
import type { Mesh } from '../state/mesh.js';
import type { Target } from '../wait/pending.js';
import { targetsOf } from '../wait/wait-applied.js';
import { nameHint } from './name-hint.js';
import { livePlanOf, type Plan, planOf, sqliteSteps, systemPlan } from './plan.js';
import { describeRows, planRows, type Rows, showRows } from './rows.js';
import { StatementFailed } from './statement-failed.js';
import { querySystem } from './system-query.js';
import { toIntent } from './to-intent.js';

/** What one statement came to. */
export type StatementResult =
  | ({ readonly statement: string } & Rows)
  | {
      readonly statement: string;
      readonly kind: string;
      readonly name: string;
      readonly action: Action;
      /** Null where there is nothing of that name. */
      readonly version: number | null;
      readonly revision: number | null;
      readonly status: StatusView | null;
      readonly warnings: readonly Warning[];
      readonly plan?: Plan;
    };

export type Action = 'created' | 'changed' | 'started' | 'stopped' | 'dropped' | 'unchanged';

export interface ScriptRequest {
  readonly sql: string;
  /**
   * `apply` writes; `rehearse` decides all of it, later statements against earlier ones, and writes nothing; `explain` does the
   * same, adds the plans of queries, and asks nobody for rows.
   */
  readonly mode: 'apply' | 'rehearse' | 'explain';
  /** Of each query, over system tables or live. */
  readonly timeoutMs: number;
  /** A live query that the script ends with is not run, but left open. */
  readonly leavesLive?: boolean;
  /** Aborts when nobody waits for the answer any more. */
  signal(): AbortSignal;
  readonly origin: Origin;
}

export interface ScriptRun {
  /** Taken when asked, so that a status is that of the end. */
  results(): StatementResult[];
  /** What is to come into effect. */
  readonly targets: readonly Target[];
  /** The live query that was left open; it has no result. */
  readonly live: OpenLive | undefined;
}

/** A live query that is still to be run, as it was bound at `revision`. */
export interface OpenLive {
  readonly statement: string;
  readonly query: string;
  readonly bound: LiveQuery;
  readonly revision: number;
  /** What it failed by, as the script's failure. */
  failed(cause: unknown): StatementFailed;
}

/** How long the statements of a script that wait for nothing run before other requests have their turn. */
const turnMs = 20;

/** Runs a script statement by statement. Throws `StatementFailed` at the first that fails; those before it stay applied. */
export async function runScript(mesh: Mesh, request: ScriptRequest): Promise<ScriptRun> {
  const { sql } = request;
  mesh.checkCaughtUp();
  const statements = parse(sql);
  const run = new Run(mesh, request);
  const done: (() => StatementResult)[] = [];
  const targets: Target[] = [];
  let live: OpenLive | undefined;
  let turnEndsMs = performance.now() + turnMs;
  for (const [index, statement] of statements.entries()) {
    if (performance.now() > turnEndsMs) {
      await setImmediate();
      turnEndsMs = performance.now() + turnMs;
    }
    const failed = (cause: unknown) => failure(cause, sql, { statement, index, catalog: run.catalog, done });
    try {
      if (request.leavesLive && index === statements.length - 1) {
        live = run.openLive(statement, failed);
        if (live) break;
      }
      const { outcome, result } = await run.execute(statement);
      done.push(result);
      if (outcome && request.mode === 'apply') targets.push(...targetsOf(outcome));
    } catch (error) {
      throw failed(error);
    }
  }
  return { targets, live, results: () => done.map((result) => result()) };
}

interface Executed {
  /** Undefined for a statement that only reads. */
  readonly outcome: Outcome | undefined;
  result(): StatementResult;
}

class Run {
  /** What is there for the statements: the mesh itself, or a copy that a rehearsal changes. */
  readonly catalog: Catalog;

  constructor(
    readonly mesh: Mesh,
    readonly request: ScriptRequest,
  ) {
    this.catalog = request.mode === 'apply' ? mesh.catalog : mesh.catalog.clone();
  }

  async execute(statement: Statement): Promise<Executed> {
    const intent = toIntent(statement);
    if (!intent) {
      const rows = await this.#read(statement);
      return { outcome: undefined, result: () => ({ statement: statement.text, ...rows }) };
    }
    const { mode, origin } = this.request;
    const outcome =
      mode === 'apply' ? await this.mesh.execute(intent, origin) : await this.mesh.rehearse(intent, this.catalog);
    return { outcome, result: this.#result(statement, outcome) };
  }

  /** The live query that a statement is, not run; undefined where it is none, or nothing is to be run. */
  openLive(statement: Statement, failed: OpenLive['failed']): OpenLive | undefined {
    if (statement.type !== 'select' || statement.over !== 'relations' || this.request.mode !== 'apply')
      return undefined;
    const { query, text } = statement;
    const bound = checkedLive(query, this.catalog);
    return { statement: text, query, bound, revision: this.catalog.revision, failed };
  }

  async #read(statement: Statement): Promise<Rows> {
    const { catalog } = this;
    const { board } = this.mesh;
    switch (statement.type) {
      case 'show':
        return showRows(statement.kind, catalog, board);
      case 'describe':
        return describeRows(statement.name, catalog, board);
      case 'explain':
        return this.#explain(statement);
      case 'select':
        return this.#select(statement);
      case 'test_connection':
        return this.#test(statement);
      default:
        throw new Error(`a statement of type ${statement.type} reads nothing`);
    }
  }

  async #explain({ query, as }: Extract<Statement, { type: 'explain' }>): Promise<Rows> {
    const { mode, timeoutMs } = this.request;
    const { catalog } = this;
    switch (as) {
      case 'pipeline':
        return planRows(planOf(query, checkQuery(query, catalog).bound, catalog));
      case 'live':
        return planRows(livePlanOf(query, checkedLive(query, catalog), catalog));
      case 'system': {
        if (mode !== 'apply') return planRows(systemPlan);
        const asked = { sql: `EXPLAIN QUERY PLAN ${query}`, timeout_ms: timeoutMs };
        return planRows([...systemPlan, ...sqliteSteps(await querySystem(this.mesh.connection, asked))]);
      }
    }
  }

  #select({ query, over }: Extract<Statement, { type: 'select' }>): Promise<Rows> | Rows {
    const { mode, timeoutMs, signal } = this.request;
    const { catalog } = this;
    if (over === 'relations') {
      const bound = checkedLive(query, catalog);
      if (mode === 'explain') return { ...rehearsedRows(bound), plan: livePlanOf(query, bound, catalog) };
      if (mode === 'rehearse') return rehearsedRows(bound);
      const { revision } = catalog;
      const traceparent = traceparentOf(this.request.origin.span);
      return liveRows(this.mesh.connection, bound, { query, revision, timeoutMs, traceparent }, signal());
    }
    if (mode === 'explain') return planRows(systemPlan);
    return querySystem(this.mesh.connection, { sql: query, timeout_ms: timeoutMs });
  }

  async #test({ name: written }: Extract<Statement, { type: 'test_connection' }>): Promise<Rows> {
    const { catalog } = this;
    const { mode, timeoutMs } = this.request;
    // A name that was not quoted where it was defined is in lower case.
    const name = catalog.get('connection', written) ? written : written.toLowerCase();
    const record = catalog.get('connection', name);
    if (!record) throw nothingNamed('connection', written, catalog);
    if (mode !== 'apply') return { ...checkRows([]), complete: false };
    const { revision } = catalog;
    return checkRows(
      await testConnection(this.mesh.connection, { name, definition: record.definition, revision, timeoutMs }),
    );
  }

  #result(statement: Statement, outcome: Outcome): () => StatementResult {
    const { catalog, mesh, request } = this;
    const { kind, name, after } = outcome;
    // A rehearsal goes on changing its catalog: what is said of a statement is said at its turn.
    const warnings = [...(after ? insight(after, catalog).warnings : []), ...consequences(outcome, catalog)];
    const plan = request.mode === 'explain' ? explained(statement, catalog) : {};
    return () => ({
      statement: statement.text,
      kind,
      name,
      action: actionOf(outcome),
      version: (after ?? outcome.events.at(-1))?.version ?? null,
      revision: request.mode === 'apply' ? ((after ?? outcome.events.at(-1))?.revision ?? null) : null,
      status: after && request.mode === 'apply' ? statusOf(after, catalog, mesh.board) : null,
      warnings,
      ...plan,
    });
  }
}

function explained(statement: Statement, catalog: Catalog): { plan?: Plan } {
  if (statement.type !== 'create_pipeline') return {};
  const { name, query, options } = statement;
  return { plan: planOf(query, checkQuery(query, catalog).bound, catalog, { name, options }) };
}

function actionOf({ kind, name, before, events }: Outcome): Action {
  const own = events.find((event) => event.kind === kind && event.name === name);
  if (!own) return 'unchanged';
  const { type } = own.body;
  if (type.endsWith('Dropped')) return 'dropped';
  if (type === 'PipelineStarted') return 'started';
  if (type === 'PipelineStopped') return 'stopped';
  return before ? 'changed' : 'created';
}

function parse(sql: string): Statement[] {
  const refused = (error: SqlError) => {
    const { offset } = error;
    const index = statementIndexAt(sql, offset);
    return new StatementFailed(new QueryRejected(error, sql), sql, { index, offset, issuePlaces: [], results: [] });
  };
  try {
    const statements = parseScript(sql);
    if (statements.length > 0) return statements;
  } catch (error) {
    throw error instanceof SqlError ? refused(error) : error;
  }
  const end = [...sql.trimEnd()].length;
  throw refused(
    new SqlError('syntax_error', 'the script holds no statement', end, 'write one, such as SHOW PIPELINES'),
  );
}

/** A statement that fails, and where it stood. */
interface Failing {
  readonly statement: Statement;
  readonly index: number;
  /** What there was when it failed. */
  readonly catalog: Catalog;
  readonly done: readonly (() => StatementResult)[];
}

/** A failure with its place in the script. */
function failure(cause: unknown, sql: string, { statement, index, catalog, done }: Failing): StatementFailed {
  const issues =
    cause instanceof DefinitionRejected ? cause.issues : cause instanceof Refusal ? (cause.details.issues ?? []) : [];
  const places = issues.map((issue) => ({ issue, offset: placeOf(issue.pointer, statement) }));
  const queryOffset =
    cause instanceof QueryRejected
      ? cause.error.offset
      : cause instanceof Refusal
        ? cause.details.at?.offset
        : undefined;
  const inQuery = queryOffset === undefined ? undefined : placeInStatement(queryOffset, statement);
  const offset = inQuery ?? places[0]?.offset ?? placeOfName(statement) ?? statement.offset;
  const hint = cause instanceof DefinitionRejected ? nameHint(cause, statement, catalog) : undefined;
  const results = done.map((result) => result());
  return new StatementFailed(cause, sql, { index, offset, issuePlaces: places, results, hint });
}

/** Where the name of the definition that a statement is about stands; undefined where it is about none. */
function placeOfName(statement: Statement): number | undefined {
  if ('nameOffset' in statement) return statement.nameOffset;
  return 'places' in statement ? statement.places['/name'] : undefined;
}

/** Where a place of a statement's query, or of the body of its function, stands in the script. */
function placeInStatement(offset: number, statement: Statement): number | undefined {
  if (statement.type === 'create_function') return statement.placeInBody(offset);
  return 'queryOffset' in statement ? statement.queryOffset + offset : undefined;
}

/** Where the part that a pointer means stands, such as `/columns/0/type` or, of an option, `/options/subject`. */
function placeOf(pointer: string | undefined, statement: Statement): number {
  const part = 'places' in statement && pointer !== undefined ? statement.places[pointer] : undefined;
  if (part !== undefined) return part;
  const option = /^\/(?:options\/)?([^/]+)/
    .exec(pointer ?? '')?.[1]
    ?.replaceAll('~1', '/')
    .replaceAll('~0', '~');
  const offsets = 'optionOffsets' in statement ? statement.optionOffsets : {};
  return (option !== undefined && Object.hasOwn(offsets, option) ? offsets[option] : undefined) ?? statement.offset;
}
