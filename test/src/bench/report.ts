import { showSpread, showTarget } from './figures.js';
import type { Machine } from './machine.js';
import type { Figure, Scenario, ScenarioResult } from './scenario.js';

/** What a run of benchmarks gave; the file that it writes, as JSON. */
export interface Report {
  readonly machine: Machine;
  /** Counted runs of each side. */
  readonly runs: number;
  readonly scenarios: readonly ReportedScenario[];
}

export interface ReportedScenario extends ScenarioResult {
  readonly name: string;
  readonly title: string;
  /** What ended it before it had figures. */
  readonly error?: string;
}

export const reported = ({ name, title }: Scenario, result: ScenarioResult): ReportedScenario => ({
  name,
  title,
  ...result,
});

/** A scenario for people: a line for each figure, beneath it what it stands beside. */
export function scenarioText({ name, title, figures, notes = [], error }: ReportedScenario): string {
  const lines = [`${name}: ${title}`, ...figures.flatMap(figureLines)];
  if (error !== undefined) lines.push(`  failed: ${error}`);
  return [...lines, ...notes.map((note) => `  (${note})`)].join('\n');
}

function figureLines(figure: Figure): string[] {
  const { baseline, unit } = figure;
  const target = showTarget(figure);
  const lines = [`  ${figure.name}: ${showSpread(figure.ours, unit)}`];
  if (baseline) {
    lines.push(`    ${baseline.name}: ${showSpread(baseline, unit)}; ratio ${showSpread(baseline.ratio)}`);
  }
  if (target !== undefined) lines.push(`    target ${target}`);
  return lines;
}
