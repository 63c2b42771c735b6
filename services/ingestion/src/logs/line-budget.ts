const windowMs = 1000;

/** Lets so many lines through in a second, and tells at its end of those that it did not. */
export class LineBudget {
  #left: number;
  #leftOut = 0;
  #windowStartMs = Number.NEGATIVE_INFINITY;

  constructor(
    readonly perSecond: number,
    readonly onLeftOut: (count: number) => void,
  ) {
    this.#left = perSecond;
  }

  take(nowMs = performance.now()): boolean {
    if (nowMs - this.#windowStartMs >= windowMs && this.#leftOut === 0) {
      this.#windowStartMs = nowMs;
      this.#left = this.perSecond;
    }
    if (this.#left > 0) {
      this.#left--;
      return true;
    }
    // One timer for all that is left out in this second, however much it is.
    if (this.#leftOut++ === 0) setTimeout(() => this.#tell(), this.#windowStartMs + windowMs - nowMs);
    return false;
  }

  #tell(): void {
    const count = this.#leftOut;
    this.#leftOut = 0;
    // Timers fire up to a millisecond early.
    this.#windowStartMs = Number.NEGATIVE_INFINITY;
    this.onLeftOut(count);
  }
}
