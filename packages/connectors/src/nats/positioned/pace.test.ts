import { expect, it } from 'vitest';
import { Pace } from './pace.js';

it.each([1, 7, 1000, 50_000])('lets %i a second pass, whenever it is asked', (perSecond) => {
  const pace = new Pace(perSecond, 0);
  let taken = 0;
  let nowMs = 0;
  const endMs = 20_000;
  while (nowMs < endMs) {
    const count = pace.allowed(nowMs);
    pace.take(count);
    taken += count;
    nowMs += count === 0 ? pace.waitMs : 3;
  }
  expect(taken / (endMs / 1000) / perSecond).toBeGreaterThan(0.95);
  expect(taken / (endMs / 1000) / perSecond).toBeLessThan(1.06);
});

it('does not make up for a pause', () => {
  const pace = new Pace(1000, 0);
  pace.take(pace.allowed(0));
  expect(pace.allowed(60_000)).toBe(100);
});
