import { eventually } from '@laminar/test';
import { expect, it } from 'vitest';
import { LineBudget } from './line-budget.js';

it('lets so many through in a second, tells once of the others, and begins anew', async () => {
  const leftOut: number[] = [];
  const budget = new LineBudget(3, (count) => leftOut.push(count));
  const startMs = performance.now();
  const taken = Array.from({ length: 10 }, () => budget.take(startMs));
  expect(taken.filter(Boolean)).toHaveLength(3);
  expect(leftOut).toEqual([]);
  await eventually(() => leftOut.length > 0, { what: 'the count' });
  expect(leftOut).toEqual([7]);
  expect(budget.take()).toBe(true);
});

it('has nothing to tell where nothing was left out', async () => {
  let told = 0;
  const budget = new LineBudget(1, () => told++);
  for (let second = 0; second < 5; second++) expect(budget.take(second * 1000)).toBe(true);
  expect(told).toBe(0);
});
