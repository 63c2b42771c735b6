import type { Figure, Unit } from './scenario.js';

/** Median, minimum and maximum of a figure over runs. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** What the median of a figure should be. */
export interface Target {
  /** Our own figure, or its ratio to the baseline's. */
  readonly of: 'ours' | 'ratio';
  readonly bound: 'at most' | 'at least';
  readonly value: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  const middle = (sorted.length - 1) / 2;
  return { median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2, min: at(0), max: at(sorted.length - 1) };
}

/** The value below which that share (0 to 1) of the values lies, by the nearest rank. */
export function percentile(values: ArrayLike<number>, share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

/** A figure of our own alone. */
export function figure(name: string, unit: Unit, ours: readonly number[], target?: Target): Figure {
  return { name, unit, ours: spread(ours), ...(target && { target }) };
}

/** A figure beside that of a baseline, one value of each from every run, in the same order. */
export function comparedFigure(
  name: string,
  unit: Unit,
  ours: readonly number[],
  baseline: { readonly name: string; readonly values: readonly number[] },
  target?: Target,
): Figure {
  const ratio = spread(ours.map((value, run) => value / (baseline.values[run] ?? Number.NaN)));
  return {
    ...figure(name, unit, ours, target),
    baseline: { name: baseline.name, ...spread(baseline.values), ratio },
  };
}

/** Whether the median is where the target wants it; undefined where there is none. */
function isTargetMet({ ours, baseline, target }: Figure): boolean | undefined {
  if (!target) return undefined;
  const median = target.of === 'ours' ? ours.median : (baseline?.ratio.median ?? Number.NaN);
  return target.bound === 'at most' ? median <= target.value : median >= target.value;
}

/** `at most 0.9: met`; of our own figure with its unit. */
export function showTarget(figure: Figure): string | undefined {
  const { target, unit } = figure;
  if (!target) return undefined;
  const value = target.of === 'ours' ? `${target.value}${unitSuffix(unit)}` : String(target.value);
  return `${target.bound} ${value}: ${isTargetMet(figure) ? 'met' : 'missed'}`;
}

/** `3.75 us (3.50 to 4.01)`; one value alone has no spread. */
export function showSpread({ median, min, max }: Spread, unit?: Unit): string {
  const show = (value: number) => showNumber(value, unit);
  const middle = `${show(median)}${unit ? unitSuffix(unit) : ''}`;
  return min === max ? middle : `${middle} (${show(min)} to ${show(max)})`;
}

const unitSuffix = (unit: Unit): string => (unit === '/s' ? '/s' : ` ${unit}`);

function showNumber(value: number, unit: Unit | undefined): string {
  if (unit === '/s') return Math.round(value).toLocaleString('en');
  if (unit === 'MiB' || unit === 'connections') return value.toFixed(0);
  return value.toFixed(Math.abs(value) < 100 ? 2 : 0);
}
