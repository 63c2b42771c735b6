import type { Catalog, Recorded } from '@laminar/definitions';
import type { Kind } from '@laminar/protocol';
import { type Report, type StatusBoard, type Summary, summarizeConnection, summarizePipeline } from '@laminar/status';
import { functionProblem } from './function-check.js';
import type { StatusView } from './schemas.js';

/** What the instances have made of a definition. */
export function statusOf(record: Recorded, catalog: Catalog, board: StatusBoard): StatusView {
  const of: { readonly [K in Kind]: () => StatusView } = {
    connection: () => {
      const reports = ofThisLife(board.connection(record.name), record);
      return view(summarizeConnection(reports), reports);
    },
    pipeline: () => {
      const reports = ofThisLife(board.pipeline(record.name), record);
      const desired = catalog.get('pipeline', record.name)?.definition.desired ?? 'running';
      return view(summarizePipeline(reports, desired), reports);
    },
    // Nobody runs a secret; whoever names it says how it stands.
    secret: () => ({ state: 'defined', applied_revision: record.revision, message: '', instances: [] }),
    table: () => tableStatus(record as Recorded<'table'>, catalog, board),
    function: () => functionStatus(record as Recorded<'function'>, catalog, board),
  };
  return of[record.kind]();
}

/** What is still said of a dropped namesake is not said of this one. */
function ofThisLife<R extends Report<string>>(reports: readonly R[], { incarnation }: Recorded): R[] {
  return reports.filter(({ desiredRevision }) => desiredRevision >= incarnation);
}

function view(summary: Summary<string>, reports: readonly Report<string>[]): StatusView {
  return {
    state: summary.state,
    applied_revision: summary.appliedRevision,
    message: summary.message,
    instances: reports.map(({ instance, state, appliedRevision, message }) => ({
      instance,
      state,
      applied_revision: appliedRevision,
      message,
    })),
  };
}

function tableStatus(record: Recorded<'table'>, catalog: Catalog, board: StatusBoard): StatusView {
  const { connector } = record.definition;
  const problem = catalog.get('connection', connector) ? undefined : `there is no connection "${connector}"`;
  return notedStatus(record, problem, board);
}

function functionStatus(record: Recorded<'function'>, catalog: Catalog, board: StatusBoard): StatusView {
  return notedStatus(record, functionProblem(record.name, record.definition, catalog), board);
}

/** Nobody runs a table or function: it is in effect where an instance has taken note of it. */
function notedStatus(record: Recorded, problem: string | undefined, board: StatusBoard): StatusView {
  const state = problem === undefined ? 'defined' : 'blocked';
  const message = problem ?? '';
  const instances = board.instances().map(({ instance, appliedRevision }) => ({
    instance,
    state,
    applied_revision: appliedRevision >= record.revision ? record.revision : 0,
    message,
  }));
  const applied = instances.map(({ applied_revision }) => applied_revision);
  return { state, applied_revision: applied.length === 0 ? 0 : Math.min(...applied), message, instances };
}
