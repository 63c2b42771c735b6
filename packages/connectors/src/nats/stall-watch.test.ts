import { expect, it } from 'vitest';
import { StallWatch } from './stall-watch.js';

const watch = (...ticksMs: number[]) => {
  const stalls = new StallWatch(1000);
  for (const ms of ticksMs) stalls.tick(ms);
  return stalls;
};

it('takes ticks that are a little late for nothing', () => {
  expect(watch(0, 1000, 2900).hint(3500)).toBe('');
});

it('says for how long the process stood still, whether the next tick or the loss of a connection comes first', () => {
  expect(watch(0, 1000, 5000).hint(5001)).toContain('stood still for 3.0 s');
  expect(watch(0, 1000).hint(5000)).toContain('stood still for 3.0 s');
});

it('forgets a stall that is too long ago to explain anything', () => {
  const stalls = watch(0, 5000, 6000, 7000, 8000, 9000, 10_000, 11_000, 12_000, 13_000, 14_000, 15_000, 16_000);
  expect(stalls.hint(16_000)).toBe('');
});
