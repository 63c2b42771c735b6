import type { SystemDatabase } from '../database.js';
import { NewestRows } from '../newest-rows.js';
import { spans } from '../schema.js';

const retention = { rowsMax: 200_000, ageMaxMs: 24 * 60 * 60 * 1000 };

/** The spans of the last day. */
export class SpanStore extends NewestRows<typeof spans> {
  constructor(database: SystemDatabase, onError: (error: unknown) => void) {
    super(database, spans, retention, onError);
  }
}
