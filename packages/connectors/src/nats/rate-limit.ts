/** What may come at once after a while without messages, in seconds' worth of the rate: short enough to keep it, long enough for batches. */
const burstS = 0.1;

/** How many messages may come now so that no more than `perSecond` come in a second, without a timer for each. Times are monotonic milliseconds. */
export class RateLimit {
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

  /** Messages that may come now. */
  allowed(nowMs: number): number {
    const earned = ((nowMs - this.#countedMs) / 1000) * this.perSecond;
    this.#allowed = Math.min(this.#burst, this.#allowed + earned);
    this.#countedMs = nowMs;
    return Math.max(0, Math.floor(this.#allowed));
  }

  /** Messages have come. */
  spend(messages: number): void {
    this.#allowed -= messages;
  }

  /** Milliseconds from the last question until one more may come. */
  get waitMs(): number {
    return Math.max(0, Math.ceil(((1 - this.#allowed) / this.perSecond) * 1000));
  }
}
