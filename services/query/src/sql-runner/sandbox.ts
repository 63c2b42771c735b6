import Sqlite, { type Database as Client } from 'better-sqlite3';

/**
 * Opens the system database for statements of users: read-only, also under the name `system`, and without a way to other files. Functions that
 * read or write files are not part of the library, and loading extensions is off. What is left, the functions that stand for pragmas and
 * tell paths, is put out of reach by modules of the same names, which SQLite finds first however the name is written.
 */
export function openSandbox(file: string): Client {
  const db = new Sqlite(file, { readonly: true, fileMustExist: true });
  // Attached files are opened as the main one is: read-only.
  db.prepare('ATTACH ? AS system').run(file);
  db.pragma('query_only = ON');
  // What a statement sorts goes into memory, which is watched, and not into a file, which is not.
  db.pragma('temp_store = MEMORY');
  // SQLite takes the schema for data, not for code that may call any function.
  db.pragma('trusted_schema = OFF');
  for (const { name } of db.pragma('pragma_list') as { name: string }[]) {
    db.table(`pragma_${name}`, {
      columns: ['unavailable'],
      parameters: ['argument', 'schema'],
      // biome-ignore lint/correctness/useYield: it ends before there is a row
      *rows() {
        throw new Error(`pragma_${name} is not available here`);
      },
    });
  }
  return db;
}
