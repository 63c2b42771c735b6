import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import Sqlite, { type Database as Client } from 'better-sqlite3';
import { getTableName } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/better-sqlite3';
import { migrate } from 'drizzle-orm/better-sqlite3/migrator';
import { claimDatabaseFile } from './database-claim.js';
import { derivedTables } from './schema.js';

const migrationsFolder = fileURLToPath(new URL('../drizzle', import.meta.url));
const deletionCheckIntervalMs = 1000;
/** Nobody else writes the file as a rule; who does holds up everything here, and so not for long. */
const busyTimeoutMs = 250;
/** What the write-ahead log may keep of the disk after a checkpoint. */
const walBytesMax = 64 * 1024 * 1024;

/** The file behind `system.*`, for its one writer. */
export interface SystemDatabase {
  readonly file: string;
  readonly client: Client;
  /** Runs `work` in a transaction, which is rolled back where it throws. */
  transaction<T>(work: () => T): T;
  emptyDerivedTables(): void;
  close(): void;
}

/**
 * Opens the first file in `<dataDir>/query` that no other process writes (`system.db`, `system-2.db`, ...), so that every query service of a
 * host has one of its own and finds it again; makes it where it is missing, and migrates it. A file that SQLite cannot read is made anew,
 * which costs the spans and logs in it, of which `onUnreadable` is told: all else comes from the bus.
 */
export function openSystemDatabase(
  dataDir: string,
  onUnreadable: (file: string, reason: string) => void,
): SystemDatabase {
  // The processes that run SQL have another working directory.
  const folder = resolve(dataDir, 'query');
  mkdirSync(folder, { recursive: true });
  const claim = claimDatabaseFile(folder);
  const client = openOrReplace(claim.file, onUnreadable);
  const deletionCheck = setInterval(() => failIfDeleted(claim.file), deletionCheckIntervalMs);
  return {
    file: claim.file,
    client,
    transaction: (work) => client.transaction(work).immediate(),
    emptyDerivedTables() {
      client.transaction(() => {
        for (const table of derivedTables) client.exec(`DELETE FROM "${getTableName(table)}"`);
      })();
    },
    close() {
      clearInterval(deletionCheck);
      client.close();
      claim.release();
    },
  };
}

/** Without its name the file goes on for this process alone, and SQL would find nothing; whoever starts the service again gets a new one. */
function failIfDeleted(file: string): void {
  if (!existsSync(file))
    throw new Error(`${file} was deleted while the service ran; it is made anew at the next start`);
}

function openOrReplace(file: string, onUnreadable: (file: string, reason: string) => void): Client {
  try {
    return open(file);
  } catch (error) {
    if (!(error instanceof Sqlite.SqliteError) || !/^SQLITE_(CORRUPT|NOTADB)/.test(error.code)) throw error;
    onUnreadable(file, error.message);
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
    return open(file);
  }
}

function open(file: string): Client {
  const client = new Sqlite(file, { timeout: busyTimeoutMs });
  try {
    client.pragma('journal_mode = WAL');
    client.pragma('synchronous = NORMAL');
    client.pragma(`journal_size_limit = ${walBytesMax}`);
    migrate(drizzle(client), { migrationsFolder });
    return client;
  } catch (error) {
    client.close();
    throw error;
  }
}
