import type { Database as Client, Statement } from 'better-sqlite3';
import { getTableConfig, type SQLiteTable } from 'drizzle-orm/sqlite-core';
import { prepareRowWriter } from '../row-writer.js';

type Row<T extends SQLiteTable> = T['$inferSelect'];
type Values = { readonly [column: string]: unknown };

/**
 * A table whose rows are functions of what is in memory. For an entity (a definition, a process) the rows that there should be are staged;
 * `write` brings the table there and touches only rows that differ from those written before. The table must be empty at first.
 */
export class MirroredTable<T extends SQLiteTable> {
  readonly #written = new Map<string, readonly Row<T>[]>();
  readonly #staged = new Map<string, readonly Row<T>[]>();
  readonly #columns: readonly string[];
  readonly #key: readonly string[];
  readonly #upsert: (row: Row<T>) => unknown;
  readonly #remove: Statement;

  constructor(client: Client, table: T) {
    const { name, columns, primaryKeys } = getTableConfig(table);
    this.#columns = columns.map((column) => column.name);
    this.#key = (primaryKeys[0]?.columns ?? columns.filter(({ primary }) => primary)).map((column) => column.name);
    this.#upsert = prepareRowWriter(client, table, 'REPLACE');
    this.#remove = client.prepare(
      `DELETE FROM "${name}" WHERE ${this.#key.map((key) => `"${key}" = ?`).join(' AND ')}`,
    );
  }

  /** Entities that have rows in the table. */
  entities(): Iterable<string> {
    return this.#written.keys();
  }

  /** The rows that there should be for an entity from the next `write` on. */
  stage(entity: string, rows: readonly Row<T>[]): void {
    this.#staged.set(entity, rows);
  }

  /** Writes what differs, within the caller's transaction, and gives the number of rows that it touched. `settle` must follow. */
  write(): number {
    let touched = 0;
    for (const [entity, rows] of this.#staged) {
      const before = new Map((this.#written.get(entity) ?? []).map((row) => [this.#keyOf(row), row]));
      for (const row of rows) {
        const key = this.#keyOf(row);
        const known = before.get(key);
        before.delete(key);
        if (known && this.#same(known, row)) continue;
        this.#upsert(row);
        touched++;
      }
      for (const gone of before.values()) {
        this.#remove.run(valuesOf(gone, this.#key));
        touched++;
      }
    }
    return touched;
  }

  /** Says whether the transaction of the last `write` was committed. */
  settle(committed: boolean): void {
    if (committed) {
      for (const [entity, rows] of this.#staged) {
        if (rows.length > 0) this.#written.set(entity, rows);
        else this.#written.delete(entity);
      }
    }
    this.#staged.clear();
  }

  #keyOf(row: Row<T>): string {
    return this.#key.length === 1 ? String(valuesOf(row, this.#key)[0]) : JSON.stringify(valuesOf(row, this.#key));
  }

  #same(a: Values, b: Values): boolean {
    return this.#columns.every((column) => Object.is(a[column], b[column]));
  }
}

const valuesOf = (row: Values, columns: readonly string[]): unknown[] => columns.map((column) => row[column]);
