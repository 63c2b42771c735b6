/** Lets so many calls be under way at once; the others wait, in their order. */
export class CallTurns {
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;

  constructor(readonly underWayMax: number) {}

  /** Makes a call in its turn. */
  async take(call: () => Promise<void>): Promise<void> {
    if (this.#underWay < this.underWayMax) this.#underWay++;
    // Whoever ends hands its place on.
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      await call();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#underWay--;
    }
  }
}
