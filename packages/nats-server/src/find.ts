import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { hasDebianPackages, unpackDebianPackage } from './debian-package.js';

const run = promisify(execFile);

export interface FindOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Where a copy is unpacked and found again. */
  readonly dataDir: string;
  /** Told before something that takes long. */
  onProgress(what: string): void;
  /** Ends what takes long; the search then throws. */
  readonly signal?: AbortSignal | undefined;
}

/** No nats-server could be found or unpacked; the message says how to get one. */
export class NatsServerNotFound extends Error {
  override readonly name = 'NatsServerNotFound';
}

/**
 * The path of a nats-server that runs: `NATS_SERVER_BIN`, then PATH, then a copy unpacked earlier, then Debian's
 * package, unpacked into the data folder. Throws `NatsServerNotFound`.
 */
export async function findNatsServer(options: FindOptions): Promise<string> {
  const { env, dataDir, onProgress, signal } = options;
  if (env.NATS_SERVER_BIN) {
    if (await runs(env.NATS_SERVER_BIN)) return env.NATS_SERVER_BIN;
    throw new NatsServerNotFound(`NATS_SERVER_BIN is ${env.NATS_SERVER_BIN}, which is no nats-server that runs`);
  }
  const unpacked = join(resolve(dataDir), 'nats-server', 'nats-server');
  // Debian installs it where the PATH of ordinary users does not lead.
  for (const candidate of [...onPath(env), '/usr/sbin/nats-server', unpacked]) {
    if ((await isExecutable(candidate)) && (await runs(candidate))) return candidate;
  }
  if (!(await hasDebianPackages())) throw notFound('this system has no Debian packages to take one from');
  try {
    await unpackDebianPackage({ target: unpacked, onProgress, signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw notFound(`Debian's package could not be had: ${firstError(error)}`, error);
  }
  if (await runs(unpacked)) return unpacked;
  throw notFound(`Debian's package was unpacked to ${unpacked} and does not run there`);
}

function onPath(env: NodeJS.ProcessEnv): string[] {
  return (env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, 'nats-server'));
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function runs(path: string): Promise<boolean> {
  return run(path, ['--version']).then(
    ({ stdout }) => stdout.startsWith('nats-server'),
    () => false,
  );
}

/** The line in which apt-get says what went wrong, else the error's own first line. */
function firstError(error: unknown): string {
  const { message, stderr } = error as { message?: string; stderr?: string };
  const said = (stderr ?? '').split('\n').find((line) => line.startsWith('E: '));
  return said?.slice('E: '.length) ?? message?.split('\n')[0] ?? String(error);
}

function notFound(why: string, cause?: unknown): NatsServerNotFound {
  const how =
    process.platform === 'darwin'
      ? 'install it with `brew install nats-server`'
      : 'install nats-server 2.9 or newer (Debian, Ubuntu: `apt-get install nats-server`; elsewhere: a release from https://github.com/nats-io/nats-server/releases)';
  return new NatsServerNotFound(
    `there is no nats-server on this machine, and ${why}. To go on, ${how}, or name its program in NATS_SERVER_BIN, or name a running server in NATS_URL`,
    { cause },
  );
}
