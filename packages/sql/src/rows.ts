import type { OutputRow } from './contract.js';
import { RowError } from './errors.js';

/** Elements of lists that one message is taken apart into, and rows that it gives, at most: a small message could ask for millions. */
export const rowsMax = 10_000;
/** Bytes of all rows of one message, at most. */
export const rowBytesMax = 64 * 1024 * 1024;

/** The rows of one message, within their limits. Throws `RowError` beyond them. */
export class RowCollector {
  readonly rows: OutputRow[] = [];
  #elements = 0;
  #bytes = 0;

  /** How many elements the longest of the lists has; a list that is NULL has none. */
  longest(...lists: readonly (readonly unknown[] | null | undefined)[]): number {
    let length = 0;
    for (const list of lists) if (list && list.length > length) length = list.length;
    this.#elements += length;
    if (this.#elements > rowsMax) throw tooManyRows();
    return length;
  }

  add(rows: readonly OutputRow[]): void {
    for (const row of rows) {
      this.#bytes += row.data.length;
      this.rows.push(row);
    }
    if (this.rows.length > rowsMax) throw tooManyRows();
    if (this.#bytes > rowBytesMax)
      throw new RowError('too_many_rows', `the rows of one message have more than ${rowBytesMax} bytes`);
  }
}

export const tooManyRows = (): RowError =>
  new RowError('too_many_rows', `a message is taken apart into ${rowsMax} rows at most, and this one has more`);
