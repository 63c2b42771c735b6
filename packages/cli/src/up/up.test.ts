import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { eventually, freePort, startNats, temporaryDirectory } from '@laminar/test';
import { afterEach, describe, expect, it } from 'vitest';
import { meshTestTimeoutMs, type StartUpOptions, startUp, type UpProcess } from '../testing/up-process.js';

/** What surface and README promise of a stop. */
const stopTimeoutMs = 10_000;
const running = /The mesh is running/;

const started: UpProcess[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((up) => up.cleanUp()));
});

async function start(options: StartUpOptions = {}): Promise<UpProcess> {
  const up = await startUp(options);
  started.push(up);
  return up;
}

// Processes are found by way of /proc.
describe.skipIf(process.platform !== 'linux')('laminar up', { timeout: meshTestTimeoutMs }, () => {
  it('says where NATS is before it is ready, and Ctrl-C drains everything and leaves nothing behind', async () => {
    const up = await start();
    await up.says(running);
    expect(up.output()).toMatch(
      /^NATS nats:\/\/127\.0\.0\.1:\d+$[\s\S]*^ready: control-plane-1, query-1, ingestion-1$/m,
    );
    expect(up.processes().map(({ command }) => command)).toEqual(
      expect.arrayContaining([
        expect.stringContaining('services/control-plane/dist/service.js'),
        expect.stringContaining('services/query/dist/service.js'),
        expect.stringContaining('services/ingestion/dist/service.js'),
        expect.stringMatching(/nats-server --addr/),
      ]),
    );
    await expectStop(up, () => up.killGroup('SIGINT'));
    // Had the bus ended first, the services would have complained.
    expect(up.output()).not.toMatch(/warning|error/);
    expect(up.output()).not.toContain('\u001b');
    for (const name of ['control-plane-1', 'query-1', 'ingestion-1'])
      expect(await readFile(join(up.dataDir, 'logs', `${name}.log`), 'utf8')).toContain('"msg":"stopped"');
  });

  it('leaves nothing behind when it is killed', async () => {
    const up = await start();
    await up.says(running);
    up.kill('SIGKILL');
    await eventually(() => up.processes().length === 0, { what: 'all processes to end', timeoutMs: stopTimeoutMs });
  });

  it('stops while it starts', async () => {
    const up = await start({ env: { NATS_URL: `nats://127.0.0.1:${await freePort()}` } });
    await up.says(/waiting for ingestion-1: .+/);
    await expectStop(up, () => up.killGroup('SIGINT'));
  });

  it('starts again what dies, the bus too, and says so; all of it drains when its terminal is closed', async () => {
    const up = await start();
    await up.says(running);
    const controlUrl = (await up.says(/API +(http:\S+)\/api\/v1/))[1];
    for (const [program, saying] of [
      ['services/ingestion', /ingestion-1 was ended by SIGKILL; it is started again in 250 ms/],
      ['services/control-plane', /control-plane-1 was ended by SIGKILL; it is started again in 250 ms/],
      ['nats-server --addr', /the bus ended; it is started again in 250 ms/],
    ] as const) {
      const victim = processOf(up, program);
      process.kill(victim, 'SIGKILL');
      await up.says(saying);
      await eventually(() => up.processes().some(({ pid, command }) => command.includes(program) && pid !== victim), {
        what: `another ${program}`,
      });
    }
    await eventually(async () => (await fetch(`${controlUrl}/readyz`)).ok, { what: 'the control plane to be ready' });
    up.closeOutput();
    await expectStop(up, () => up.killGroup('SIGHUP'));
  });

  it('says that ports are taken, and takes others; a Ctrl-C that npm hands on is the same one', async () => {
    const taken = [createServer(), createServer()];
    for (const server of taken) await once(server.listen(0, '127.0.0.1'), 'listening');
    try {
      const [nats = 0, control = 0] = taken.map((server) => portOf(server.address()));
      const up = await start({ env: { LAMINAR_NATS_PORT: `${nats}`, LAMINAR_CONTROL_PORT: `${control}` } });
      await up.says(running);
      expect(up.output()).toContain(
        `port ${nats} is taken; the bus takes a free one (LAMINAR_NATS_PORT names another)`,
      );
      expect(up.output()).toMatch(
        new RegExp(
          `port ${control} is taken; control-plane-1 takes \\d+ instead \\(LAMINAR_CONTROL_PORT names another`,
        ),
      );
      const [, natsPort] = await up.says(/^NATS nats:\/\/127\.0\.0\.1:(\d+)$/m);
      expect(Number(natsPort)).not.toBe(nats);
      await expectStop(up, () => {
        up.killGroup('SIGINT');
        up.kill('SIGINT');
        up.kill('SIGTERM');
      });
      expect(up.output()).toContain('stopped');
    } finally {
      for (const server of taken) server.close();
    }
  });

  it('uses the server of NATS_URL, with as many ingestion processes as are wanted', async () => {
    const nats = await startNats();
    try {
      const up = await start({ env: { NATS_URL: nats.url, LAMINAR_INGESTION_INSTANCES: '2' } });
      await up.says(running);
      expect(up.output()).toContain('the bus is the NATS server of NATS_URL');
      expect(up.output()).toContain(`NATS ${nats.url}`);
      expect(up.output()).toContain('ready: control-plane-1, query-1, ingestion-1, ingestion-2');
      expect(up.processes().some(({ command }) => command.includes('nats-server'))).toBe(false);
      await expectStop(up, () => up.killGroup('SIGINT'));
    } finally {
      await nats.stop();
    }
  });

  it.each([
    ['LAMINAR_QUERY_PORT', 'many', /^LAMINAR_QUERY_PORT: expected .*got "many"$/],
    ['LAMINAR_HOST', '0.0.0.0', /^LAMINAR_API_KEYS: beyond loopback .*$/],
    ['LAMINAR_REPLICAS', '3', /^LAMINAR_REPLICAS: 3 replicas need a cluster.*$/],
  ])('refuses %s=%s with one line and exit code 2', async (name, value, line) => {
    const up = await start({ env: { [name]: value } });
    expect(await up.exited).toBe(2);
    expect(up.output().trim()).toMatch(line);
    expect(up.processes()).toEqual([]);
  });

  it('fails with the reason, and leaves nothing behind, where it cannot go on half-way', async () => {
    const directory = await temporaryDirectory('unwritable');
    await writeFile(join(directory.path, 'logs'), 'a file where a folder should be');
    const up = await start({ dataDir: directory.path });
    expect(await up.exited).toBe(1);
    expect(up.output()).toMatch(/^NATS nats:[\s\S]*(EEXIST|ENOTDIR).*logs/m);
    expect(up.processes()).toEqual([]);
    await directory.remove();
  });
});

async function expectStop(up: UpProcess, stop: () => void): Promise<void> {
  const startedMs = performance.now();
  stop();
  expect(await up.exited).toBe(0);
  expect(performance.now() - startedMs).toBeLessThan(stopTimeoutMs);
  expect(up.processes()).toEqual([]);
}

function processOf(up: UpProcess, program: string): number {
  const found = up.processes().find(({ command }) => command.includes(program) && !command.startsWith('/bin/sh'));
  if (!found) throw new Error(`no process runs ${program}`);
  return found.pid;
}

function portOf(address: ReturnType<ReturnType<typeof createServer>['address']>): number {
  if (typeof address !== 'object' || address === null) throw new Error('a server that listens on TCP has a port');
  return address.port;
}
