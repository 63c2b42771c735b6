/**
 * Traces that nobody asked for are for looking at, not for counting: so many spans of theirs are made a second in the long run, and so many at once, however many
 * messages and pipelines there are. A message of one pipeline has three.
 */
const spansPerSecond = 150;
const spansAtOnce = 600;

/**
 * Says which messages without a trace of their own get one: a share of them, at random, up to a limit a second. Draws how many to pass over
 * instead of throwing dice for each, so that a message costs a subtraction.
 */
export class TraceSampler {
  #passOver: number;
  /** A bucket of spans that fills by and by. */
  #spans = spansAtOnce;
  #filledMs: number;

  constructor(
    /** From 0 to 1. */
    readonly ratio: number,
    /** From 0 up to 1, not included. */
    readonly random: () => number,
    /** Milliseconds of a clock. */
    readonly now: () => number,
  ) {
    this.#passOver = this.#draw();
    this.#filledMs = now();
  }

  /** Whether a message of that many pipelines gets a trace. */
  take(pipelines: number): boolean {
    if (this.#passOver > 0) {
      this.#passOver--;
      return false;
    }
    this.#passOver = this.#draw();
    const nowMs = this.now();
    this.#spans = Math.min(spansAtOnce, this.#spans + (Math.max(0, nowMs - this.#filledMs) / 1000) * spansPerSecond);
    this.#filledMs = nowMs;
    if (this.#spans <= 0) return false;
    this.#spans -= 1 + 2 * pipelines;
    return true;
  }

  /** How many failures come before a success at this ratio (the geometric distribution, by its inverse). */
  #draw(): number {
    if (this.ratio >= 1) return 0;
    if (this.ratio <= 0) return Number.POSITIVE_INFINITY;
    return Math.floor(Math.log(1 - this.random()) / Math.log(1 - this.ratio));
  }
}
