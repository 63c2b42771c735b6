const bucketsPerDoubling = 4;

/**
 * The `quantile` (0 to 1) of latencies counted in the buckets of `metrics.proto`, in milliseconds; null where there are none. Within a bucket
 * the messages are taken to lie evenly on the logarithmic scale, so that the error is below a bucket's width of 19 %.
 */
export function latencyQuantileMs(buckets: readonly number[], quantile: number): number | null {
  const total = buckets.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const rank = quantile * total;
  let below = 0;
  for (const [index, count] of buckets.entries()) {
    if (count > 0 && below + count >= rank) {
      return 2 ** ((index + (rank - below) / count) / bucketsPerDoubling) / 1000;
    }
    below += count;
  }
  return null;
}

/** Bucket by bucket, of as many buckets as the longest has. */
export function sumBuckets(several: readonly (readonly number[])[]): number[] {
  const length = Math.max(0, ...several.map((buckets) => buckets.length));
  return Array.from({ length }, (_, index) => several.reduce((sum, buckets) => sum + (buckets[index] ?? 0), 0));
}
