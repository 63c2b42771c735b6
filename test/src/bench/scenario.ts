import type { Spread, Target } from './figures.js';

/** One benchmark: `npm run bench -- <name>`. */
export interface Scenario {
  /** Of letters and hyphens. */
  readonly name: string;
  /** The job, in a line. */
  readonly title: string;
  /** Starts what it needs, measures, and leaves nothing behind. Throws where a row is missing, doubled or wrong, or a process fails. */
  measure(options: MeasureOptions): Promise<ScenarioResult>;
}

export interface MeasureOptions {
  /** Counted runs of each side, in turn. */
  readonly runs: number;
  /** The share of the full amounts, above 0; only figures of 1 are worth anything. */
  readonly scale: number;
}

export interface ScenarioResult {
  readonly figures: readonly Figure[];
  /** What has to be known to read the figures: what could not be measured, and why. */
  readonly notes?: readonly string[];
}

/** What was measured, over all runs. */
export interface Figure {
  readonly name: string;
  readonly unit: Unit;
  readonly ours: Spread;
  /** Absent where there is nothing to compare with. */
  readonly baseline?: Baseline;
  readonly target?: Target;
}

export interface Baseline extends Spread {
  /** Who it is, in a few words. */
  readonly name: string;
  /** Ours by the baseline's, run by run. */
  readonly ratio: Spread;
}

export type Unit = 'us' | 'ms' | 's' | '/s' | 'MiB' | 'connections';

/** That share of an amount, in whole steps, at least one. */
export function scaled(amount: number, scale: number, step = 1): number {
  return Math.max(1, Math.round((amount * scale) / step)) * step;
}
