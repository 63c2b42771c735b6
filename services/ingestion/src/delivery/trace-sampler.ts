/**
 * Traces that nobody asked for are for looking at, not for counting: a second has no more spans of theirs, however many messages and pipelines it has. A message of
 * one pipeline has three.
 */
const spansPerSecondMax = 600;

/**
 * Says which messages without a trace of their own get one: a share of them, at random, up to a limit a second. Draws how many to pass over
 * instead of throwing dice for each, so that a message costs a subtraction.
 */
export class TraceSampler {
  #passOver: number;
  #second = 0;
  #taken = 0;

  constructor(
    /** From 0 to 1. */
    readonly ratio: number,
    /** From 0 up to 1, not included. */
    readonly random: () => number,
    /** Milliseconds of a clock. */
    readonly now: () => number,
  ) {
    this.#passOver = this.#draw();
  }

  /** Whether a message of that many pipelines gets a trace. */
  take(pipelines: number): boolean {
    if (this.#passOver > 0) {
      this.#passOver--;
      return false;
    }
    this.#passOver = this.#draw();
    const second = Math.floor(this.now() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#taken = 0;
    }
    if (this.#taken >= spansPerSecondMax) return false;
    this.#taken += 1 + 2 * pipelines;
    return true;
  }

  /** How many failures come before a success at this ratio (the geometric distribution, by its inverse). */
  #draw(): number {
    if (this.ratio >= 1) return 0;
    if (this.ratio <= 0) return Number.POSITIVE_INFINITY;
    return Math.floor(Math.log(1 - this.random()) / Math.log(1 - this.ratio));
  }
}
