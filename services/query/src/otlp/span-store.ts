import type { Statement } from 'better-sqlite3';
import type { SystemDatabase } from '../database.js';
import { prepareRowWriter } from '../row-writer.js';
import { spans } from '../schema.js';
import type { SpanRow } from './span-rows.js';

/** The newest that many are kept. */
const spansMax = 200_000;
/** Counted from a span's arrival, or from the start of the process where it is older, since a span's own times may be anything. */
const ageMaxMs = 24 * 60 * 60 * 1000;
const pruneIntervalMs = 10_000;
/** Deleted in one go at most, so that nothing else waits for long. */
const pruneBatchMax = 20_000;

/** The spans of the last day; the file is the only place that has them. */
export class SpanStore {
  readonly #insert: (row: SpanRow) => { changes: number };
  readonly #newest: Statement;
  readonly #deleteUpTo: Statement;
  readonly #timer: NodeJS.Timeout;
  /** Rowids, which grow in the order of arrival, and when they were the newest. */
  readonly #arrivals: { readonly atMs: number; readonly rowid: number }[] = [];
  /** Spans stored since the start. */
  stored = 0;

  constructor(
    readonly database: SystemDatabase,
    onError: (error: unknown) => void,
  ) {
    const { client } = database;
    // An exporter that lost the answer sends its batch again.
    this.#insert = prepareRowWriter(client, spans, 'IGNORE');
    this.#newest = client.prepare('SELECT coalesce(max(rowid), 0) FROM spans').pluck();
    this.#deleteUpTo = client.prepare(
      `DELETE FROM spans WHERE rowid IN (SELECT rowid FROM spans WHERE rowid <= ? LIMIT ${pruneBatchMax})`,
    );
    this.#timer = setInterval(() => {
      try {
        this.prune(Date.now());
      } catch (error) {
        onError(error);
      }
    }, pruneIntervalMs);
  }

  /** Stores spans, all or none; when it returns, queries see them. Throws what SQLite throws. */
  add(rows: readonly SpanRow[]): void {
    this.stored += this.database.transaction(() => rows.reduce((count, row) => count + this.#insert(row).changes, 0));
  }

  /** Deletes what is beyond the limits of number and age. */
  prune(nowMs: number): void {
    const newest = this.#newest.get() as number;
    let last = newest - spansMax;
    while (this.#arrivals[0] !== undefined && this.#arrivals[0].atMs < nowMs - ageMaxMs) {
      last = Math.max(last, this.#arrivals.shift()?.rowid ?? 0);
    }
    this.#arrivals.push({ atMs: nowMs, rowid: newest });
    // The newest stays, however old it is: SQLite would give its rowid away again.
    while (this.#deleteUpTo.run(Math.min(last, newest - 1)).changes === pruneBatchMax);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
