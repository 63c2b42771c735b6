import type { Database as Client, ColumnDefinition } from 'better-sqlite3';
import type { Column, Rows, RunRequest } from './messages.js';

/** Runs one statement that only reads. Throws what SQLite has against it. */
export function runStatement(db: Client, { sql, rowsMax, bytesMax }: RunRequest): Rows {
  const statement = db.prepare(sql);
  if (!statement.reader || !statement.readonly) throw new Error('only statements that read can be run over system.*');
  statement.safeIntegers(true).raw(true);
  const definitions = statement.columns();
  let bytesLeft = bytesMax - Buffer.byteLength(JSON.stringify(columnsOf(definitions, undefined)));
  let complete = true;
  let first: readonly unknown[] | undefined;
  const rows: string[] = [];
  for (const row of statement.iterate() as Iterable<readonly unknown[]>) {
    const json = `[${row.map(valueJson).join(',')}]`;
    bytesLeft -= Buffer.byteLength(json) + 1;
    complete = rows.length < rowsMax && bytesLeft >= 0;
    if (!complete) break;
    rows.push(json);
    first ??= row;
  }
  return { columns: columnsOf(definitions, first), rows: `[${rows.join(',')}]`, complete };
}

/** SQLite's types of declared columns in the words of the dialect. */
const typeNames: { readonly [declared: string]: string } = {
  text: 'TEXT',
  integer: 'BIGINT',
  real: 'DOUBLE PRECISION',
};

/** A column that is computed has no type in SQLite; it gets that of its value in the first row. */
function columnsOf(definitions: readonly ColumnDefinition[], first: readonly unknown[] | undefined): Column[] {
  return definitions.map(({ name, type }, index) => ({
    name,
    type: typeNames[type?.toLowerCase() ?? ''] ?? typeOfValue(first?.[index]),
  }));
}

function typeOfValue(value: unknown): string {
  if (typeof value === 'bigint') return 'BIGINT';
  if (typeof value === 'number') return 'DOUBLE PRECISION';
  return value instanceof Uint8Array ? 'BYTEA' : 'TEXT';
}

/** Integers with all digits, bytes in base64, infinity as a text. */
function valueJson(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number' && !Number.isFinite(value)) return JSON.stringify(String(value));
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString('base64'));
  return JSON.stringify(value);
}
