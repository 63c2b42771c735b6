import { execFile } from 'node:child_process';
import { access, constants, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const installTimeoutMs = 300_000;

export interface FindOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Where a copy is unpacked and found again. */
  readonly dataDir: string;
  /** Told before something that takes long. */
  onProgress(what: string): void;
}

/** No nats-server could be found or installed; the message says how to get one. */
export class NatsServerNotFound extends Error {
  override readonly name = 'NatsServerNotFound';
}

/**
 * The path of a nats-server that runs: `NATS_SERVER_BIN`, then PATH, then a copy unpacked earlier, then Debian's
 * package (as root installed, else downloaded and unpacked into the data folder). Throws `NatsServerNotFound`.
 */
export async function findNatsServer(options: FindOptions): Promise<string> {
  const { env, dataDir } = options;
  if (env.NATS_SERVER_BIN) {
    if (await runs(env.NATS_SERVER_BIN)) return env.NATS_SERVER_BIN;
    throw new NatsServerNotFound(`NATS_SERVER_BIN is ${env.NATS_SERVER_BIN}, which is no nats-server that runs`);
  }
  const unpacked = join(resolve(dataDir), 'nats-server', 'nats-server');
  for (const candidate of [...onPath(env), '/usr/sbin/nats-server', unpacked]) {
    if ((await isExecutable(candidate)) && (await runs(candidate))) return candidate;
  }
  return installDebianPackage(options, unpacked);
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

/** Downloads with package lists of its own, so that neither root nor an `apt-get update` before it is needed. */
async function installDebianPackage({ dataDir, onProgress }: FindOptions, target: string): Promise<string> {
  if (!(await isExecutable('/usr/bin/apt-get')) || !(await isExecutable('/usr/bin/dpkg-deb')))
    throw notFound('this is no Debian system');
  const folder = join(resolve(dataDir), 'nats-server');
  const work = join(folder, 'unpacking');
  try {
    for (const part of ['state/lists/partial', 'cache/archives/partial', 'out'])
      await mkdir(join(work, part), { recursive: true });
    const apt = [
      ...['-o', `Dir::State=${join(work, 'state')}`, '-o', 'Dir::State::status=/var/lib/dpkg/status'],
      ...['-o', `Dir::Cache=${join(work, 'cache')}`, '-o', 'APT::Sandbox::User='],
    ];
    onProgress("there is no nats-server on this machine: reading Debian's package lists");
    await run('apt-get', [...apt, 'update'], { timeout: installTimeoutMs });
    onProgress("downloading Debian's package nats-server");
    await run('apt-get', [...apt, 'download', 'nats-server'], { cwd: work, timeout: installTimeoutMs });
    const archive = (await readdir(work)).find((name) => name.endsWith('.deb'));
    if (archive === undefined) throw new Error('apt-get downloaded nothing');
    await run('dpkg-deb', ['-x', join(work, archive), join(work, 'out')], { timeout: installTimeoutMs });
    await rename(join(work, 'out', 'usr', 'sbin', 'nats-server'), target);
    onProgress(`unpacked nats-server into ${folder}`);
    return target;
  } catch (error) {
    throw notFound(error instanceof Error ? (error.message.trim().split('\n')[0] ?? '') : String(error), error);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function notFound(why: string, cause?: unknown): NatsServerNotFound {
  return new NatsServerNotFound(
    `no nats-server was found, and Debian's package could not be had (${why}). Install one (on Debian or Ubuntu: apt-get install nats-server; elsewhere a release of nats-server 2.9 or newer), then put it on PATH or name it in NATS_SERVER_BIN; or name a running server in NATS_URL`,
    { cause },
  );
}
