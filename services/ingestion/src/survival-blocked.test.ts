import { startNats, TcpProxy, type TestNats } from '@laminar/test';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { IngestionMesh } from './testing/ingestion-mesh.js';
import { sourceKinds } from './testing/source-kinds.js';
import { range, Survivor } from './testing/survivor.js';

// A path to the server on which nothing moves for a minute, and nothing is cut: every kind of source at once, so that it takes one minute.

const blockedMs = 60_000;
const ways = {
  /** By default pings are two minutes apart: the socket outlives the minute, and what was said meanwhile arrives at its end. */
  patient: {},
  /** Here they find out, and the socket is given up. */
  pinging: { ping_interval_s: 5, ping_max_outstanding: 2 },
};

let mesh: IngestionMesh;
let server: TestNats;
let nc: NatsConnection;
let proxy: TcpProxy;
const survivors: Survivor[] = [];
beforeAll(async () => {
  [mesh, server] = await Promise.all([IngestionMesh.start(), startNats()]);
  nc = await connect({ servers: server.url });
  proxy = new TcpProxy(server.port);
  await proxy.start();
  for (const [suffix, options] of Object.entries(ways))
    survivors.push(...(await Survivor.ofEveryKind({ mesh, suffix, source: { urls: proxy.url, nc }, options })));
  await Promise.all(survivors.map((survivor) => survivor.write(0, 50)));
  for (const survivor of survivors) await survivor.holds(range(0, 50));

  proxy.pause();
  const pausedMs = performance.now();
  await Promise.all(survivors.map((survivor) => survivor.write(50, 100)));
  for (const survivor of survivors)
    if (survivor.stored || survivor.options.suffix === 'pinging') await survivor.isAway(30_000);
  // Time is what this is about.
  await new Promise((resolve) => setTimeout(resolve, blockedMs - (performance.now() - pausedMs)));
  proxy.resume();
}, 180_000);
afterAll(async () => {
  await nc?.close();
  await proxy?.stop();
  await mesh?.stop();
  await server?.stop();
});

describe.each(Object.keys(ways))('a minute in which nothing moves, for a connection that is %s', (suffix) => {
  it.each([...sourceKinds.keys()])('%s', async (kind) => {
    const source = survivors.find(({ options }) => options.kind === kind && options.suffix === suffix);
    if (!source) throw new Error(`no ${kind} was started`);
    await source.awake();
    await source.write(100, 150);
    const held = source.stored || suffix === 'patient';
    await source.holds([...range(0, 50), ...(held ? range(50, 100) : []), ...range(100, 150)]);
    await source.says('connected', /(?:)/);
  });
});
