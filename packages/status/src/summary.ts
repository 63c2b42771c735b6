import type { ConnectionReport, ConnectionState, PipelineReport, PipelineState, Report } from './report.js';

/** One answer for what several instances report. */
export interface Summary<State extends string> {
  readonly state: State;
  /** The lowest of all: what is in effect everywhere. */
  readonly appliedRevision: number;
  readonly message: string;
}

/** What needs attention most comes first. */
const pipelineOrder: readonly PipelineState[] = ['failed', 'blocked', 'starting', 'running', 'stopped'];
const connectionOrder: readonly ConnectionState[] = [
  'failed',
  'blocked',
  'reconnecting',
  'connecting',
  'connected',
  'idle',
];

/** A pipeline as a whole; one that nobody reports yet waits for an instance. */
export function summarizePipeline(
  reports: readonly PipelineReport[],
  desired: 'running' | 'stopped',
): Summary<PipelineState> {
  if (reports.length > 0) return summarize(reports, pipelineOrder);
  if (desired === 'stopped') return { state: 'stopped', appliedRevision: 0, message: '' };
  return { state: 'starting', appliedRevision: 0, message: 'no ingestion instance has taken it up yet' };
}

/** A connection as a whole; one that nobody reports is idle. */
export function summarizeConnection(reports: readonly ConnectionReport[]): Summary<ConnectionState> {
  if (reports.length > 0) return summarize(reports, connectionOrder);
  return { state: 'idle', appliedRevision: 0, message: '' };
}

function summarize<State extends string>(reports: readonly Report<State>[], order: readonly State[]): Summary<State> {
  const [worst] = [...reports].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
  return {
    state: worst?.state ?? (order.at(-1) as State),
    appliedRevision: Math.min(...reports.map(({ appliedRevision }) => appliedRevision)),
    message: worst?.message ?? '',
  };
}
