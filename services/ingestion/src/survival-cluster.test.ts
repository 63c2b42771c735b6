import { eventually, startCluster, type TestCluster } from '@laminar/test';
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { IngestionMesh } from './testing/ingestion-mesh.js';
import { sourceKinds } from './testing/source-kinds.js';
import { range, Survivor } from './testing/survivor.js';

// A cluster whose servers are killed one after the other, so that every stream and consumer loses its leader, and every connection its server.

const names = ['n1', 'n2', 'n3'];

let mesh: IngestionMesh;
let cluster: TestCluster;
let nc: NatsConnection;
let jsm: JetStreamManager;
let sources: Survivor[];
beforeAll(async () => {
  [mesh, cluster] = await Promise.all([IngestionMesh.start(), startCluster(names.length, { jetstream: true })]);
  nc = await connect({ servers: cluster.urls.split(','), maxReconnectAttempts: -1, reconnectTimeWait: 50 });
  jsm = await jetstreamManager(nc, { checkAPI: false });
  const source = { urls: cluster.urls, nc };
  sources = await Survivor.ofEveryKind({ mesh, suffix: 'led', source, replicas: names.length });
  for (const survivor of sources) await survivor.awake();
  await Promise.all(sources.map((survivor) => survivor.write(0, 50)));
  for (const survivor of sources) await survivor.holds(range(0, 50));
}, 180_000);
afterAll(async () => {
  await nc?.close();
  await mesh?.stop();
  await cluster?.stop();
});

const stored = () => sources.filter((source) => source.stored);

async function leaderOf({ stream }: Survivor): Promise<string> {
  const { leader } = (await jsm.streams.info(stream)).cluster ?? {};
  if (!leader) throw new Error(`${stream} has no leader`);
  return leader;
}

/** Waits until every stream stands on all servers, so that the next one may die. */
const whole = () =>
  eventually(
    async () => {
      for (const { stream } of stored()) {
        const { leader, replicas = [] } = (await jsm.streams.info(stream)).cluster ?? {};
        if (!leader || replicas.length < 2 || replicas.some(({ current, offline }) => !current || offline))
          throw new Error(`${stream} is not whole: ${JSON.stringify(replicas)}`);
      }
      return true;
    },
    { what: 'the cluster to be whole', timeoutMs: 60_000 },
  );

it('goes on each time, with nothing lost and nothing doubled', async () => {
  const bereaved = new Set<string>();
  for (const [round, name] of names.entries()) {
    await whole();
    for (const source of stored()) if ((await leaderOf(source)) === name) bereaved.add(source.stream);
    cluster.server(name).kill('SIGKILL');
    const from = 50 * (round + 1);
    for (const source of sources) await source.awake();
    await Promise.all(sources.map((source) => source.write(from, from + 50)));
    for (const source of sources) await source.holds(range(0, from + 50));
    await cluster.server(name).up();
  }
  expect([...bereaved].sort()).toEqual(
    stored()
      .map(({ stream }) => stream)
      .sort(),
  );
  expect(sources).toHaveLength(sourceKinds.size);
}, 300_000);
