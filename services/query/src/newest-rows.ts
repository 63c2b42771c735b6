import type { Statement } from 'better-sqlite3';
import { getTableName } from 'drizzle-orm';
import type { SQLiteTable } from 'drizzle-orm/sqlite-core';
import type { SystemDatabase } from './database.js';
import { prepareRowWriter } from './row-writer.js';

const pruneIntervalMs = 10_000;
/** Deleted in one go at most, so that nothing else waits for long. */
const pruneBatchMax = 20_000;

export interface Retention {
  /** The newest that many are kept. */
  readonly rowsMax: number;
  /** Counted from a row's arrival, or from the start of the process where it is older, since a row's own times may be anything. */
  readonly ageMaxMs: number;
}

/** A table that only grows, and of which the newest rows are kept. The file is the only place that has them. */
export class NewestRows<T extends SQLiteTable> {
  readonly #insert: (row: T['$inferSelect']) => { changes: number };
  readonly #newest: Statement;
  readonly #deleteUpTo: Statement;
  readonly #timer: NodeJS.Timeout;
  /** Rowids, which grow in the order of arrival, and when they were the newest. */
  readonly #arrivals: { readonly atMs: number; readonly rowid: number }[] = [];
  /** Rows stored since the start. */
  stored = 0;

  constructor(
    readonly database: SystemDatabase,
    table: T,
    readonly retention: Retention,
    onError: (error: unknown) => void,
  ) {
    const { client } = database;
    const name = getTableName(table);
    // A sender that lost the answer sends its rows again.
    this.#insert = prepareRowWriter(client, table, 'IGNORE');
    this.#newest = client.prepare(`SELECT coalesce(max(rowid), 0) FROM "${name}"`).pluck();
    this.#deleteUpTo = client.prepare(
      `DELETE FROM "${name}" WHERE rowid IN (SELECT rowid FROM "${name}" WHERE rowid <= ? LIMIT ${pruneBatchMax})`,
    );
    this.#timer = setInterval(() => {
      try {
        this.prune(Date.now());
      } catch (error) {
        onError(error);
      }
    }, pruneIntervalMs);
  }

  /** Stores rows, all or none; when it returns, queries see them. Throws what SQLite throws. */
  add(rows: readonly T['$inferSelect'][]): void {
    this.stored += this.database.transaction(() => rows.reduce((count, row) => count + this.#insert(row).changes, 0));
  }

  /** Deletes what is beyond the limits of number and age. */
  prune(nowMs: number): void {
    const { rowsMax, ageMaxMs } = this.retention;
    const newest = this.#newest.get() as number;
    let last = newest - rowsMax;
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
