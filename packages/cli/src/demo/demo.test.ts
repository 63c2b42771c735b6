import { connectBus } from '@laminar/runtime';
import { startNats, temporaryDirectory } from '@laminar/test';
import { jetstreamManager } from '@nats-io/jetstream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { laminar, meshTestTimeoutMs, type StartUpOptions, startUp, type UpProcess } from '../testing/up-process.js';

const running = /The mesh is running/;

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
const started: UpProcess[] = [];
beforeEach(async () => {
  directory = await temporaryDirectory('demo');
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((up) => up.cleanUp()));
  await directory.remove();
});

async function start(options: StartUpOptions = {}): Promise<UpProcess> {
  const up = await startUp({ command: [...laminar, 'up'], dataDir: directory.path, ...options });
  started.push(up);
  return up;
}

// Processes are found by way of /proc.
describe.skipIf(process.platform !== 'linux')('the demo', { timeout: meshTestTimeoutMs }, () => {
  it('shows 85 and 297 earthquakes, and the same after a second start, with keys and two ingestion processes', async () => {
    const withKeys = { LAMINAR_API_KEYS: 'a-key-of-sixteen-characters', LAMINAR_INGESTION_INSTANCES: '2' };
    for (const [isNew, env] of [
      ['1707', {}],
      ['0', withKeys],
    ] as const) {
      const up = await start({ env });
      await up.says(running);
      const output = up.output();
      expect(output).toContain(`${isNew} of 1707 earthquakes were new`);
      expect(output).toMatch(/^85 messages on alerts\.strong .*\n {2}\{"id":"us2000crkq","magnitude":5\.3,/m);
      expect(output).toMatch(/^297 messages on alerts\.felt .*\n {2}\{"id":"us2000crkq","magnitude":5\.3,/m);
      expect(output).toMatch(/^ +felt_quakes +running +1707 +297 +0$/m);
      expect(output).toMatch(/^ +strong_quakes +running +1707 +85 +0$/m);
      const [, url = ''] = await up.says(/^NATS (\S+)$/m);
      expect(await messagesIn(url, ['QUAKES', 'ALERTS_STRONG', 'ALERTS_FELT'])).toEqual([1707, 85, 297]);
      up.killGroup('SIGINT');
      expect(await up.exited).toBe(0);
    }
  });

  it('is left out where pipelines could not sign in to the bus', async () => {
    const nats = await startNats({ config: 'authorization { user: mesh, password: secret }' });
    try {
      const up = await start({ env: { NATS_URL: nats.url, NATS_USER: 'mesh', NATS_PASSWORD: 'secret' } });
      await up.says(running);
      expect(up.output()).toContain('The demo is left out: the bus wants credentials');
      up.killGroup('SIGINT');
      expect(await up.exited).toBe(0);
    } finally {
      await nats.stop();
    }
  });
});

async function messagesIn(url: string, streams: readonly string[]): Promise<number[]> {
  const none = { credsFile: undefined, user: undefined, password: undefined, token: undefined };
  const nc = await connectBus({ ...none, url, nkeySeed: undefined, caFile: undefined }, 'test');
  try {
    const jsm = await jetstreamManager(nc);
    return await Promise.all(streams.map(async (stream) => (await jsm.streams.info(stream)).state.messages));
  } finally {
    await nc.close();
  }
}
