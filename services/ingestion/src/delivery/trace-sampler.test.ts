import fc from 'fast-check';
import { expect, it } from 'vitest';
import { TraceSampler } from './trace-sampler.js';

/** Numbers from 0 to 1 that are the same in every run (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const taken = (sampler: TraceSampler, messages: number, pipelines = 1) => {
  let count = 0;
  for (let i = 0; i < messages; i++) if (sampler.take(pipelines)) count++;
  return count;
};

it('takes its share of the messages', () => {
  let nowMs = 0;
  // One second a message, so that the limit does not matter.
  const sampler = new TraceSampler(0.05, randomFrom(1), () => (nowMs += 1000));
  expect(taken(sampler, 100_000) / 100_000).toBeCloseTo(0.05, 2);
});

it('takes all at a ratio of 1 and none at 0', () => {
  let nowMs = 0;
  const clock = () => (nowMs += 1000);
  expect(taken(new TraceSampler(1, Math.random, clock), 1000)).toBe(1000);
  expect(taken(new TraceSampler(0, Math.random, clock), 1000)).toBe(0);
});

it('takes no more at once than the limit, and in the long run no more a second, whatever the ratio', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer(), fc.nat(50), (ratio, seed, pipelines) => {
      let nowMs = 5_500;
      const sampler = new TraceSampler(ratio, randomFrom(seed), () => nowMs);
      const spans = 1 + 2 * pipelines;
      expect(taken(sampler, 2000, pipelines) * spans).toBeLessThan(600 + spans);
      let count = 0;
      for (const end = nowMs + 20_000; nowMs < end; nowMs += 10) count += taken(sampler, 20, pipelines);
      expect(count * spans).toBeLessThan(600 + 20 * 150 + spans);
    }),
  );
});

it('takes no more where the clock is set back', () => {
  let nowMs = 5_500;
  const sampler = new TraceSampler(1, Math.random, () => nowMs);
  expect(taken(sampler, 1000)).toBe(200);
  nowMs = 1_000;
  expect(taken(sampler, 1000)).toBe(0);
  nowMs = 2_000;
  expect(taken(sampler, 1000)).toBe(50);
});
