import type { SystemDatabase } from '../database.js';
import { NewestRows } from '../newest-rows.js';
import { natsLogs } from '../schema.js';

const retention = { rowsMax: 200_000, ageMaxMs: 24 * 60 * 60 * 1000 };

/** What connections did in the last day. */
export class LogStore extends NewestRows<typeof natsLogs> {
  constructor(database: SystemDatabase, onError: (error: unknown) => void) {
    super(database, natsLogs, retention, onError);
  }
}
