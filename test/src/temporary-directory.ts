import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TemporaryDirectory {
  readonly path: string;
  /** Removes it with all it holds. Idempotent. */
  remove(): Promise<void>;
}

/** A new, empty directory of its own for a test; `purpose` is part of its name. */
export async function temporaryDirectory(purpose = 'data'): Promise<TemporaryDirectory> {
  const path = await mkdtemp(join(tmpdir(), `laminar-test-${purpose}-`));
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 3 }) };
}
