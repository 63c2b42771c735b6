import { join } from 'node:path';
import Sqlite from 'better-sqlite3';

/** Query services that may share a data folder. */
const filesMax = 16;

export interface DatabaseClaim {
  readonly file: string;
  release(): void;
}

/**
 * Claims the first of `system.db`, `system-2.db`, ... that no other process has claimed. The claim is an exclusive lock on a file beside it, which
 * the operating system drops with the process, however it ends.
 */
export function claimDatabaseFile(folder: string): DatabaseClaim {
  for (let number = 1; number <= filesMax; number++) {
    const file = join(folder, number === 1 ? 'system.db' : `system-${number}.db`);
    const lock = new Sqlite(`${file}.lock`, { timeout: 0 });
    try {
      lock.exec('BEGIN EXCLUSIVE');
      return { file, release: () => lock.close() };
    } catch (error) {
      lock.close();
      if (!(error instanceof Sqlite.SqliteError) || !error.code.startsWith('SQLITE_BUSY')) throw error;
    }
  }
  throw new Error(`${filesMax} query services use ${folder} already; give this one a LAMINAR_DATA_DIR of its own`);
}
