import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type NatsServerProcess, startNatsServer } from '@laminar/nats-server';
import { buckets, subjects } from '@laminar/protocol';
import { connectBus } from '@laminar/runtime';
import { eventually, freePort, natsServerBinary, temporaryDirectory } from '@laminar/test';
import { jetstreamManager } from '@nats-io/jetstream';
import { type KV, Kvm } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { checkout } from '../checkout.js';

const credentials = { user: 'laminar', password: 'a-long-password' };
const electionTimeoutMs = 40_000;

/** Three servers of deploy/nats.conf on this machine, each told by its environment which one it is. */
describe('deploy/nats.conf', () => {
  const servers: NatsServerProcess[] = [];
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let mesh: NatsConnection;
  let data: NatsConnection;
  let bucket: KV;

  beforeAll(async () => {
    directory = await temporaryDirectory('cluster');
    const clusterPorts = [await freePort(), await freePort(), await freePort()];
    for (const [index, port] of clusterPorts.entries()) servers.push(await start(index + 1, port, clusterPorts));
    const url = servers.map((server) => server.url).join(',');
    mesh = await connect(url, credentials);
    data = await connect(url, {});
    bucket = await eventually(() => new Kvm(mesh).create(buckets.definitions, { replicas: 3 }), {
      what: 'the servers to elect a leader and take a bucket of three replicas',
      timeoutMs: electionTimeoutMs,
    });
  });
  afterAll(async () => {
    await Promise.all([mesh?.close(), data?.close()]);
    await Promise.all(servers.map((server) => server.stop()));
    vi.unstubAllEnvs();
    await directory.remove();
  });

  async function start(number: number, clusterPort: number, clusterPorts: readonly number[]) {
    const storeDir = join(directory.path, `nats-${number}`);
    const environment = {
      NATS_SERVER_NAME: `nats-${number}`,
      NATS_HOST: '127.0.0.1',
      NATS_PORT: '-1',
      NATS_MONITOR_PORT: String(await freePort()),
      NATS_CLUSTER_PORT: String(clusterPort),
      NATS_STORE_DIR: storeDir,
      NATS_USER: credentials.user,
      NATS_PASSWORD: credentials.password,
    };
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    for (const [index, port] of clusterPorts.entries())
      vi.stubEnv(`NATS_ROUTE_${index + 1}`, `nats://127.0.0.1:${port}`);
    const binary = await natsServerBinary();
    const configFile = join(directory.path, 'nats.conf');
    await writeFile(configFile, configFor(binary));
    return startNatsServer({
      binary,
      host: '127.0.0.1',
      port: -1,
      storeDir,
      jetstream: false,
      configFile,
    });
  }

  it('keeps the buckets of the mesh from those who connect without its user, and shows them what pipelines put out', async () => {
    const jsm = await jetstreamManager(data);
    await expect(jsm.streams.info(`KV_${buckets.definitions}`)).rejects.toThrow(/not found/);
    const rows = data.subscribe(subjects.output('orders'), { max: 1 });
    const seen = (async () => {
      for await (const message of rows) return message.string();
      return undefined;
    })();
    await data.flush();
    // The interest has to travel to the server that takes the message.
    const received = await eventually(
      async () => {
        mesh.publish(subjects.output('orders'), 'a row');
        await mesh.flush();
        return Promise.race([seen, Promise.resolve(undefined)]);
      },
      { what: 'a row of a pipeline' },
    );
    expect(received).toBe('a row');
  });

  it('keeps three replicas, and goes on without one of its servers', async () => {
    const jsm = await jetstreamManager(mesh);
    const { cluster } = await jsm.streams.info(`KV_${buckets.definitions}`);
    expect(cluster?.replicas).toHaveLength(2);
    await bucket.create('before', 'written to all');
    servers[0]?.kill('SIGKILL');
    await eventually(() => bucket.create('after', 'written to two'), {
      what: 'a write without the first server',
      timeoutMs: electionTimeoutMs,
    });
    expect((await bucket.get('before'))?.string()).toBe('written to all');
  });
});

/** Without what a server before 2.10 does not know, which the tests may run on. */
function configFor(binary: string): string {
  const config = readFileSync(join(checkout, 'deploy', 'nats.conf'), 'utf8');
  const [, minor] = /v2\.(\d+)\./.exec(execFileSync(binary, ['--version'], { encoding: 'utf8' })) ?? [];
  return Number(minor) < 10 ? config.replace('  sync_interval: always\n', '') : config;
}

function connect(url: string, { user, password }: { user?: string; password?: string }): Promise<NatsConnection> {
  const none = { credsFile: undefined, token: undefined, nkeySeed: undefined, caFile: undefined };
  return connectBus({ ...none, url, user, password }, 'test');
}
