import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { eventually, natsServerBinary, startNats, temporaryDirectory } from '@laminar/test';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NatsServerFailed, startNatsServer } from './run.js';

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
beforeEach(async () => {
  directory = await temporaryDirectory('run');
});
afterEach(() => directory.remove());

describe('startNatsServer', () => {
  it('listens when it returns, and its process is gone after stop', async () => {
    const server = await start();
    expect(await greeting(server.port)).toMatchObject({ port: server.port, jetstream: true });
    await server.stop();
    await server.stop();
    expect(isAlive(server.pid)).toBe(false);
  });

  it('says that the port is taken, and leaves nothing behind', async () => {
    const other = await startNats();
    try {
      const failure = start({ port: other.port });
      await expect(failure).rejects.toThrow(NatsServerFailed);
      await expect(failure).rejects.toMatchObject({ portTaken: true, message: expect.stringContaining('in use') });
    } finally {
      await other.stop();
    }
  });

  it('shows the end of the log where the configuration is wrong', async () => {
    await expect(start({ configFile: join(directory.path, 'missing.conf') })).rejects.toThrow(/missing\.conf/);
  });

  it('writes its log where it is told', async () => {
    const logFile = join(directory.path, 'bus.log');
    const server = await start({ logFile });
    await server.stop();
    expect(await readFile(logFile, 'utf8')).toContain('Server is ready');
  });

  it('waits for a server that still ends on the same store, and refuses to share it', async () => {
    const first = await start();
    const second = start();
    first.kill('SIGTERM');
    const server = await second;
    // It listens no more; that it is gone the system says a moment later.
    await eventually(() => !isAlive(first.pid), { what: 'the end of the first server' });
    await server.stop();
  });

  it('ends with the process that started it, also when that one is killed and the server is stopped', async () => {
    const parent = spawn(process.execPath, ['--conditions=laminar-source', '--import', 'tsx', '-e', parentScript], {
      env: { ...process.env, BINARY: await natsServerBinary(), STORE: join(directory.path, 'store') },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString());
    process.kill(pid, 'SIGSTOP');
    parent.kill('SIGKILL');
    await eventually(() => !isAlive(pid), { what: 'the server to end' });
  });
});

const parentScript = `
  import { startNatsServer } from '${join(import.meta.dirname, 'index.ts')}';
  const { BINARY: binary, STORE: storeDir } = process.env;
  const server = await startNatsServer({ binary, host: '127.0.0.1', port: -1, storeDir, jetstream: true });
  console.log(server.pid);
`;

async function start(options: { port?: number; configFile?: string; logFile?: string } = {}) {
  const binary = await natsServerBinary();
  const storeDir = join(directory.path, 'store');
  return startNatsServer({ binary, host: '127.0.0.1', port: -1, storeDir, jetstream: true, ...options });
}

/** What a server says of itself first (the INFO message of the client protocol). */
async function greeting(port: number): Promise<unknown> {
  const socket = connect(port, '127.0.0.1');
  const [data] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return JSON.parse(data.toString().slice('INFO '.length));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
