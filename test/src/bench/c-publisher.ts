import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../servers/root.js';
import { temporaryDirectory } from '../temporary-directory.js';

const run = promisify(execFile);
const runTimeoutMs = 60_000;

/** The C client, publishing to JetStream with message ids. */
export interface CPublisher {
  /** Messages a second, until all are acknowledged. */
  publish(job: CPublishing): Promise<number>;
  /** Removes the program. */
  remove(): Promise<void>;
}

interface CPublishing {
  readonly url: string;
  readonly subject: string;
  readonly count: number;
  /** Of each payload. */
  readonly bytes: number;
  /** Of the ids, another one for each run. */
  readonly idPrefix: string;
}

/** Compiles `baselines/publish.c` into a temporary folder; undefined where there is no C compiler or no libnats (Debian: libnats-dev). */
export async function buildCPublisher(): Promise<CPublisher | undefined> {
  const directory = await temporaryDirectory('c-publisher');
  const program = join(directory.path, 'publish');
  const source = join(root, 'test', 'src', 'bench', 'baselines', 'publish.c');
  try {
    await run('cc', ['-O2', '-o', program, source, '-lnats']);
  } catch (error) {
    await directory.remove();
    if (isNotInstalled(error)) return undefined;
    throw error;
  }
  return {
    async publish({ url, subject, count, bytes, idPrefix }) {
      const args = [url, subject, String(count), String(bytes), idPrefix];
      const { stdout } = await run(program, args, { timeout: runTimeoutMs });
      return count / Number(stdout);
    },
    remove: () => directory.remove(),
  };
}

function isNotInstalled(error: unknown): boolean {
  const { code, stderr } = error as { code?: unknown; stderr?: string };
  return code === 'ENOENT' || /nats\.h|-lnats/.test(stderr ?? '');
}
