import type { Messages } from './messages.js';
import type { ChaosPipeline } from './pipelines.js';

/** A promise that was not kept, for one row of one message. */
export interface Violation {
  readonly kind: 'lost' | 'doubled' | 'garbled' | 'unexpected' | 'out of order';
  readonly pipeline: string;
  readonly n: number;
  readonly row: number;
  /** Milliseconds of the campaign: when the message was stored, and when the row was seen, where it was. */
  readonly fromMs: number;
  readonly untilMs: number;
}

/** A row as it came out. */
export interface SeenRow {
  readonly n: number;
  readonly row: number;
  readonly checksum: string;
  readonly atMs: number;
}

export interface LedgerCounts {
  /** Rows that are owed for what was stored. */
  readonly expected: number;
  /** Rows that came out, each counted once. */
  readonly out: number;
  readonly lost: number;
  /** Copies beyond the first. */
  readonly doubled: number;
  readonly outOfOrder: number;
  /** Owed rows whose messages were purged before they were read. */
  readonly waived: number;
}

/** Violations that are kept, of each pipeline; all of them are counted. */
const keptMax = 50;

/** When and where each message was stored. */
export class Stored {
  readonly sequences: Float64Array;
  readonly atMs: Float64Array;
  readonly #purged: Uint8Array;
  /** Messages from 0 up to here are stored. */
  count = 0;

  constructor(messages: number) {
    this.sequences = new Float64Array(messages);
    this.atMs = new Float64Array(messages);
    this.#purged = new Uint8Array(messages);
  }

  /** From now on nobody can read it who has not by now. */
  purge(n: number): void {
    this.#purged[n] = 1;
  }

  isPurged(n: number): boolean {
    return this.#purged[n] === 1;
  }
}

/** What one pipeline owes and what came out of it: a byte for each row, so that a million messages are a few megabytes. */
export class PipelineLedger {
  readonly #copies: Uint8Array;
  readonly #kept: Violation[] = [];
  #out = 0;
  #doubled = 0;
  #wrong = 0;
  #outOfOrder = 0;
  #lastSequence = 0;
  #floor = 0;

  constructor(
    readonly pipeline: ChaosPipeline,
    readonly messages: Messages,
    readonly stored: Stored,
  ) {
    this.#copies = new Uint8Array(messages.count * pipeline.rowsMax);
  }

  /** Rows that came out, without the copies. */
  get out(): number {
    return this.#out;
  }

  /** Everything that is owed for the messages before this one is out; only stored messages count. */
  get floor(): number {
    while (this.#floor < this.stored.count && this.#isSettled(this.#floor)) this.#floor++;
    return this.#floor;
  }

  take({ n, row, checksum, atMs }: SeenRow): void {
    const { rowsMax, ordered } = this.pipeline;
    const wrong = this.#isOfMessage(n, row, checksum) ? row >= this.#owed(n) && 'unexpected' : 'garbled';
    if (wrong) {
      this.#wrong++;
      this.#keep(wrong, n, row, atMs);
      return;
    }
    const place = n * rowsMax + row;
    const copies = this.#copies[place] ?? 0;
    this.#copies[place] = Math.min(255, copies + 1);
    if (copies > 0) {
      this.#doubled++;
      if (this.pipeline.guarantee === 'exactly once') this.#keep('doubled', n, row, atMs);
      return;
    }
    this.#out++;
    if (!ordered) return;
    // Unknown until the server has confirmed it, which a row may be quicker than.
    const sequence = this.stored.sequences[n] ?? 0;
    if (sequence > 0 && sequence < this.#lastSequence) {
      this.#outOfOrder++;
      this.#keep('out of order', n, row, atMs);
    } else if (sequence > 0) this.#lastSequence = sequence;
  }

  /** Whether all rows of a message are out. */
  isOut(n: number): boolean {
    const { rowsMax } = this.pipeline;
    for (let row = 0; row < this.#owed(n); row++) if (this.#copies[n * rowsMax + row] === 0) return false;
    return true;
  }

  /** What stands now; rows that are not out count as lost. */
  counts(): LedgerCounts {
    let [expected, lost, waived] = [0, 0, 0];
    for (let n = 0; n < this.stored.count; n++) {
      expected += this.#owed(n);
      const missing = this.#missing(n).length;
      if (this.stored.isPurged(n)) waived += missing;
      else lost += missing;
    }
    return { expected, out: this.#out, lost, doubled: this.#doubled, outOfOrder: this.#outOfOrder, waived };
  }

  /** The promises that were not kept, where nothing more is to come at `endMs`: how many, and the first of them. */
  violations(endMs: number): { readonly count: number; readonly first: readonly Violation[] } {
    const first = [...this.#kept];
    const { lost, doubled, outOfOrder } = this.counts();
    for (let n = 0; n < this.stored.count && first.length < 2 * keptMax; n++) {
      if (this.stored.isPurged(n)) continue;
      for (const row of this.#missing(n)) first.push(this.#violation('lost', n, row, endMs));
    }
    const repeated = this.pipeline.guarantee === 'exactly once' ? doubled : 0;
    return { count: lost + repeated + outOfOrder + this.#wrong, first };
  }

  #isOfMessage(n: number, row: number, checksum: string): boolean {
    const isOne = Number.isInteger(n) && n >= 0 && n < this.messages.count && row >= 0 && row < this.pipeline.rowsMax;
    return isOne && checksum === this.messages.checksum(n);
  }

  #owed(n: number): number {
    return this.pipeline.rows(n, this.messages.fate(n));
  }

  #isSettled(n: number): boolean {
    return this.stored.isPurged(n) || this.isOut(n);
  }

  #missing(n: number): number[] {
    const { rowsMax } = this.pipeline;
    const rows: number[] = [];
    for (let row = 0; row < this.#owed(n); row++) if (this.#copies[n * rowsMax + row] === 0) rows.push(row);
    return rows;
  }

  #keep(kind: Violation['kind'], n: number, row: number, atMs: number): void {
    if (this.#kept.length < keptMax) this.#kept.push(this.#violation(kind, n, row, atMs));
  }

  #violation(kind: Violation['kind'], n: number, row: number, untilMs: number): Violation {
    return { kind, pipeline: this.pipeline.name, n, row, fromMs: this.stored.atMs[n] ?? untilMs, untilMs };
  }
}
