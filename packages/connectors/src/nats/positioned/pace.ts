/** What may be taken at once after a pause, as a part of a second: short enough to keep the pace, long enough for batches. */
const burstS = 0.1;

/** Holds something to so many a second, without a timer for each: what the time since allows is taken at once. */
export class Pace {
  readonly #burst: number;
  #allowed: number;
  #countedMs: number;

  constructor(
    readonly perSecond: number,
    nowMs: number,
  ) {
    this.#burst = Math.max(1, perSecond * burstS);
    this.#allowed = this.#burst;
    this.#countedMs = nowMs;
  }

  /** How many may be taken now. */
  allowed(nowMs: number): number {
    const earned = ((nowMs - this.#countedMs) / 1000) * this.perSecond;
    this.#allowed = Math.min(this.#burst, this.#allowed + earned);
    this.#countedMs = nowMs;
    return Math.floor(this.#allowed);
  }

  take(count: number): void {
    this.#allowed -= count;
  }

  /** Milliseconds until one more may be taken. */
  get waitMs(): number {
    return Math.max(0, Math.ceil(((1 - this.#allowed) / this.perSecond) * 1000));
  }
}
