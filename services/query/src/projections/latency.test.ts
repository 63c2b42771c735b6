import { describe, expect, it } from 'vitest';
import { latencyQuantileMs, sumBuckets } from './latency.js';

describe('the quantile of a latency', () => {
  it('is nothing where nothing was measured', () => {
    expect(latencyQuantileMs([], 0.5)).toBeNull();
    expect(latencyQuantileMs([0, 0], 0.99)).toBeNull();
  });

  it('lies within the bucket that holds the rank', () => {
    // Bucket 40 begins at 2^10 us, bucket 80 at 2^20 us.
    const buckets = Array.from({ length: 81 }, (_, index) => (index === 40 ? 98 : index === 80 ? 2 : 0));
    const p50 = latencyQuantileMs(buckets, 0.5) ?? 0;
    const p99 = latencyQuantileMs(buckets, 0.99) ?? 0;
    expect(p50).toBeGreaterThan(1.024);
    expect(p50).toBeLessThan(1.218);
    expect(p99).toBeGreaterThan(1048.5);
    expect(p99).toBeLessThan(1247);
  });
});

it('adds histograms of different lengths', () => {
  expect(sumBuckets([[1, 2], [3], []])).toEqual([4, 2]);
  expect(sumBuckets([])).toEqual([]);
});
