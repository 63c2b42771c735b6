/** The rows of one message that are there, by their place, each with the revision of the definition that made it. */
export type RowsOfMessage = ReadonlyMap<number, number>;

const none: RowsOfMessage = new Map();

/**
 * Which rows of one pipeline and source an output was seen to hold, by the sequence of their messages: all of them from `lowest` up to `highest`, which comes down
 * where there are more than there is room for.
 */
export class PublishedRows {
  readonly #bySequence = new Map<number, Map<number, number>>();
  #highest = Number.POSITIVE_INFINITY;
  #size = 0;

  constructor(
    readonly lowest: number,
    readonly rowsMax: number,
  ) {}

  /** Rows that are kept. */
  get size(): number {
    return this.#size;
  }

  /** As it was before anything was added. */
  emptied(): PublishedRows {
    return new PublishedRows(this.lowest, this.rowsMax);
  }

  /** Whether everything that was seen of a message is known. */
  knows(sequence: number): boolean {
    return sequence >= this.lowest && sequence <= this.#highest;
  }

  /** What was seen of a message that `knows` says is known. */
  of(sequence: number): RowsOfMessage {
    return this.#bySequence.get(sequence) ?? none;
  }

  add(sequence: number, row: number, revision: number): void {
    if (!this.knows(sequence)) return;
    const rows = this.#bySequence.get(sequence) ?? new Map<number, number>();
    this.#bySequence.set(sequence, rows);
    if (!rows.has(row)) this.#size++;
    rows.set(row, revision);
    if (this.#size > this.rowsMax) this.#letGo();
  }

  /** Forgets the upper half of the messages, down to one. */
  #letGo(): void {
    const sequences = [...this.#bySequence.keys()].sort((a, b) => a - b);
    if (sequences.length < 2) return;
    const kept = Math.ceil(sequences.length / 2);
    for (const sequence of sequences.slice(kept)) {
      this.#size -= this.#bySequence.get(sequence)?.size ?? 0;
      this.#bySequence.delete(sequence);
    }
    this.#highest = sequences[kept - 1] as number;
  }
}
