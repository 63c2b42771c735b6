import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Latency } from './latency.js';

const total = (buckets: readonly number[]) => buckets.reduce((sum, count) => sum + count, 0);

it('counts each message of the last minute in the bucket that holds its time', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 59_999 }), fc.double({ min: 0.001, max: 60_000, noNaN: true }), (at, ms) => {
      const latency = new Latency();
      latency.record(ms, 3, at);
      const buckets = latency.buckets(at);
      const bucket = buckets.length - 1;
      expect(total(buckets)).toBe(3);
      expect(buckets[bucket]).toBe(3);
      const micros = ms * 1000;
      expect(micros).toBeGreaterThanOrEqual(2 ** (bucket / 4) * 0.999);
      expect(micros).toBeLessThanOrEqual(2 ** ((bucket + 1) / 4) * 1.001);
    }),
  );
});

it('forgets what is older than a minute, and not what is younger than fifty seconds', () => {
  const latency = new Latency();
  latency.record(1, 1, 0);
  latency.record(1, 1, 30_000);
  expect(total(latency.buckets(49_999))).toBe(2);
  expect(total(latency.buckets(70_000))).toBe(1);
  expect(total(latency.buckets(200_000))).toBe(0);
});
