import { readdir, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';

const previousServerTimeoutMs = 10_000;
const pollMs = 50;

/** Where a server with this process id writes its addresses (`--ports_file_dir`). */
export function portsFile(folder: string, pid: number): string {
  return join(folder, `nats-server_${pid}.ports`);
}

/** The client port, or undefined while the file is not there or not whole. */
export async function portInFile(path: string): Promise<number | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  // A server with TLS writes its address as tls://.
  const port = /"nats":\s*\[\s*"(?:nats|tls):\/\/[^"]*:(\d+)"/.exec(text)?.[1];
  return port === undefined ? undefined : Number(port);
}

/**
 * Two servers on one store corrupt it, and the server takes no lock. So one that is still ending, because its parent
 * was killed a moment ago, is waited for. Throws when it lives on.
 */
export async function waitForPreviousServer(folder: string, host: string): Promise<void> {
  const deadline = Date.now() + previousServerTimeoutMs;
  for (const name of await readdir(folder)) {
    const pid = Number(/^nats-server_(\d+)\.ports$/.exec(name)?.[1] ?? Number.NaN);
    if (Number.isNaN(pid)) continue;
    const port = await portInFile(join(folder, name));
    while (port !== undefined && isAlive(pid) && (await accepts(host, port))) {
      if (Date.now() > deadline)
        throw new Error(`a nats-server (process ${pid}) already uses ${folder}; stop it first`);
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
    await rm(join(folder, name), { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const answer = (accepted: boolean) => {
      socket.destroy();
      resolve(accepted);
    };
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
  });
}
