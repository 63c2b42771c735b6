import type { Database as Client } from 'better-sqlite3';
import { getTableConfig, type SQLiteTable } from 'drizzle-orm/sqlite-core';

/** A prepared statement that writes one row; what happens to a row whose key exists already is in its name. */
export function prepareRowWriter<T extends SQLiteTable>(
  client: Client,
  table: T,
  onExisting: 'REPLACE' | 'IGNORE',
): (row: T['$inferSelect']) => { changes: number } {
  const { name, columns } = getTableConfig(table);
  const names = columns.map((column) => column.name);
  const statement = client.prepare(
    `INSERT OR ${onExisting} INTO "${name}" (${names.map((column) => `"${column}"`).join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
  );
  return (row: { readonly [column: string]: unknown }) => statement.run(names.map((column) => row[column]));
}
