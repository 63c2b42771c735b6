import type { Recorded } from '@laminar/definitions';
import { type PipelineReport, summarizePipeline } from '@laminar/status';
import type { PipelineFigures } from '../mesh/metrics-board.js';
import type { pipelineInstances, pipelines } from '../schema.js';
import { newest, sum } from './figures.js';
import { latencyQuantileMs, sumBuckets } from './latency.js';
import { moment } from './moment.js';

/**
 * The row of a pipeline. Counters are summed over what all instances ever said, dead ones included, so that they never go back when work
 * moves; state and latency are those of the live ones.
 */
export function pipelineRow(
  record: Recorded<'pipeline'>,
  reports: readonly PipelineReport[],
  figures: readonly PipelineFigures[],
  isAlive: (session: string) => boolean,
): typeof pipelines.$inferSelect {
  const { state, message } = summarizePipeline(reports, record.definition.desired);
  const needsAttention = state === 'failed' || state === 'blocked';
  const lastError =
    needsAttention && message !== '' ? message : newest(figures, ({ lastError }) => lastError)?.lastError;
  const latency = sumBuckets(
    figures.filter(({ session }) => isAlive(session)).map(({ latencyBuckets }) => latencyBuckets),
  );
  return {
    name: record.name,
    state,
    instances: reports.filter((report) => report.state === 'running').length,
    messages_in: sum(figures, (entry) => entry.messagesIn),
    messages_out: sum(figures, (entry) => entry.messagesOut),
    errors: sum(figures, (entry) => entry.errors),
    dead_letters: sum(figures, (entry) => entry.deadLetters),
    latency_p50_ms: latencyQuantileMs(latency, 0.5),
    latency_p99_ms: latencyQuantileMs(latency, 0.99),
    last_error: lastError ?? null,
    updated_at: moment(
      Math.max(record.updatedAt, ...reports.map(({ sinceMs }) => sinceMs), ...figures.map(({ atMs }) => atMs)),
    ),
  };
}

export function pipelineInstanceRows(reports: readonly PipelineReport[]): (typeof pipelineInstances.$inferSelect)[] {
  return reports.map((report) => ({
    pipeline: report.name,
    instance: report.instance,
    desired_revision: report.desiredRevision,
    applied_revision: report.appliedRevision,
    state: report.state,
    message: report.message,
    updated_at: moment(report.sinceMs),
  }));
}
