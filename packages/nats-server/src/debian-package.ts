import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const stepTimeoutMs = 300_000;

export interface UnpackOptions {
  /** Where the program goes; its folder is made. */
  readonly target: string;
  /** Told before each step that takes long. */
  onProgress(what: string): void;
  /** Ends the step that runs. */
  readonly signal?: AbortSignal | undefined;
}

/** Whether this system has Debian's package tools. */
export async function hasDebianPackages(): Promise<boolean> {
  return Promise.all([access('/usr/bin/apt-get'), access('/usr/bin/dpkg-deb')]).then(
    () => true,
    () => false,
  );
}

/**
 * Downloads Debian's package nats-server and unpacks its program. Nothing is installed, for root neither, since
 * installing would start a server of its own as a system service. The package lists are its own too, so that neither
 * root nor an `apt-get update` before is needed. Throws with apt-get's own words.
 */
export async function unpackDebianPackage({ target, onProgress, signal }: UnpackOptions): Promise<void> {
  const folder = join(target, '..');
  await mkdir(folder, { recursive: true });
  // A folder of its own each time, and a rename at the end: several processes may come here at once.
  const work = await mkdtemp(join(folder, 'unpacking-'));
  const step = (command: string, args: string[]) => run(command, args, { cwd: work, timeout: stepTimeoutMs, signal });
  try {
    for (const part of ['state/lists/partial', 'cache/archives/partial']) {
      await mkdir(join(work, part), { recursive: true });
    }
    // Nothing is installed as far as apt-get sees: else it would look for the very version that is, which an archive may not have any more.
    const status = join(work, 'state', 'status');
    await writeFile(status, '');
    const apt = [
      ...['-o', `Dir::State=${join(work, 'state')}`, '-o', `Dir::State::status=${status}`],
      ...['-o', `Dir::Cache=${join(work, 'cache')}`, '-o', 'APT::Sandbox::User='],
    ];
    onProgress("there is no nats-server on this machine; reading Debian's package lists");
    await step('apt-get', [...apt, 'update']);
    onProgress("downloading Debian's package nats-server");
    await step('apt-get', [...apt, 'download', 'nats-server']);
    const archive = (await readdir(work)).find((name) => name.endsWith('.deb'));
    if (archive === undefined) throw new Error('apt-get downloaded no package');
    await step('dpkg-deb', ['--extract', archive, 'content']);
    await rename(join(work, 'content', 'usr', 'sbin', 'nats-server'), target);
    onProgress(`unpacked nats-server to ${target}`);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
