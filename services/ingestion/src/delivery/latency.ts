const windows = 6;
const windowMs = 10_000;
const bucketCount = 128;
const bucketsPerDoubling = 4;

/** How long messages took in the last minute: counts by quarter powers of two of microseconds, as metrics.proto says. */
export class Latency {
  readonly #windows = Array.from({ length: windows }, () => new Uint32Array(bucketCount));
  #current = 0;
  #currentSinceMs = 0;

  record(durationMs: number, count: number, nowMs: number): void {
    this.#turn(nowMs);
    const micros = Math.max(1, durationMs * 1000);
    const bucket = Math.min(bucketCount - 1, Math.floor(Math.log2(micros) * bucketsPerDoubling));
    const window = this.#windows[this.#current];
    if (window) window[bucket] = (window[bucket] ?? 0) + count;
  }

  /** Counts by bucket, without the empty ones at the end. */
  buckets(nowMs: number): number[] {
    this.#turn(nowMs);
    const sums = Array.from({ length: bucketCount }, (_, bucket) =>
      this.#windows.reduce((sum, window) => sum + (window[bucket] ?? 0), 0),
    );
    return sums.slice(0, sums.findLastIndex((count) => count > 0) + 1);
  }

  #turn(nowMs: number): void {
    if (nowMs - this.#currentSinceMs < windowMs) return;
    const turns = Math.min(windows, Math.floor((nowMs - this.#currentSinceMs) / windowMs));
    for (let i = 0; i < turns; i++) {
      this.#current = (this.#current + 1) % windows;
      this.#windows[this.#current]?.fill(0);
    }
    this.#currentSinceMs = nowMs;
  }
}
