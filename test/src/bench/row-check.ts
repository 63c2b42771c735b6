/** Whether rows are those of messages that come in a cycle: each once, in order, byte by byte. */
export class RowCheck {
  received = 0;
  #wrong: string | undefined;

  /** `cycle` has the rows of one cycle of messages. */
  constructor(
    readonly what: string,
    readonly cycle: readonly Uint8Array[],
  ) {}

  take(row: Uint8Array): void {
    const expected = this.cycle[this.received % this.cycle.length];
    if (this.#wrong === undefined && (!expected || Buffer.compare(row, expected) !== 0)) {
      const text = (bytes: Uint8Array | undefined) => (bytes ? Buffer.from(bytes).toString() : 'no row');
      this.#wrong = `${this.what}: row ${this.received} is ${text(row)} instead of ${text(expected)}`;
    }
    this.received++;
  }

  /** Throws where a row was wrong, or where there are not as many as that many cycles give. */
  expectCycles(count: number): void {
    if (this.#wrong !== undefined) throw new Error(this.#wrong);
    const expected = count * this.cycle.length;
    if (this.received !== expected) throw new Error(`${this.what}: ${this.received} rows instead of ${expected}`);
  }
}
