import type { JobRun } from './core-job.js';
import { comparedFigure, type Target } from './figures.js';
import type { Figure } from './scenario.js';

/** What a job costs on both sides. */
export function jobFigures(
  ours: readonly JobRun[],
  baseline: { readonly name: string; readonly runs: readonly JobRun[] },
  targets: { readonly cpu?: Target; readonly throughput?: Target } = {},
): Figure[] {
  const cpu = (run: JobRun) => run.cpuUsPerMessage;
  const throughput = (run: JobRun) => run.messagesPerSecond;
  const beside = (pick: (run: JobRun) => number) => ({ name: baseline.name, values: baseline.runs.map(pick) });
  return [
    comparedFigure('CPU per input message', 'us', ours.map(cpu), beside(cpu), targets.cpu),
    comparedFigure('messages read', '/s', ours.map(throughput), beside(throughput), targets.throughput),
  ];
}
