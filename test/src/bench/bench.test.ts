import { describe, expect, it } from 'vitest';
import type { Spread } from './figures.js';
import { reported, scenarioText } from './report.js';
import type { Figure, MeasureOptions } from './scenario.js';
import { scenarios } from './scenarios.js';

const timeoutMs = 180_000;
/** Too little for figures that mean anything; enough for every row to be compared. */
const small: MeasureOptions = { runs: 1, scale: 0.01 };

/** Those that wait most, of which `e2e/reconnects.test.ts` runs what they measure. */
const runElsewhere = new Set(['reconnects']);

describe('each benchmark runs, and gives figures of one shape', () => {
  it.each(scenarios.filter(({ name }) => !runElsewhere.has(name)))(
    '$name',
    async (scenario) => {
      const result = await scenario.measure(small);
      expect(result.figures).not.toEqual([]);
      for (const figure of result.figures) expectWhole(figure);
      expect(scenarioText(reported(scenario, result))).toContain(result.figures[0]?.name);
    },
    timeoutMs,
  );
});

it('no two have one name', () => {
  expect(new Set(scenarios.map(({ name }) => name)).size).toBe(scenarios.length);
});

function expectWhole({ name, ours, baseline, target }: Figure): void {
  expectSpread(name, ours);
  if (baseline) {
    expectSpread(name, baseline);
    expectSpread(name, baseline.ratio);
  }
  if (target?.of === 'ratio') expect(baseline, name).toBeDefined();
}

function expectSpread(name: string, { min, median, max }: Spread): void {
  for (const value of [min, median, max]) expect(value, name).toBeTypeOf('number');
  expect([min, median, max].every(Number.isFinite), name).toBe(true);
  expect(min <= median && median <= max, name).toBe(true);
}
