import { buckets, streamOfBucket, streams } from '@laminar/protocol';
import { type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Api, apiOf } from '../api.js';
import { eventually } from '../eventually.js';
import { startMesh, type TestMesh } from '../servers/mesh.js';
import { Numbers } from './numbers.js';

// A cluster of three servers as the bus: what the mesh makes there outlives any one of them, whichever leads.

const electionTimeoutMs = 60_000;
const busStreams = [...Object.values(buckets).map(streamOfBucket), ...Object.values(streams)];
const logStream = streamOfBucket(buckets.definitions);

let mesh: TestMesh;
let nc: NatsConnection;
let jsm: JetStreamManager;
let api: Api;
let numbers: Numbers;
beforeAll(async () => {
  mesh = await startMesh({ servers: 3, ingestion: 2 });
  nc = await connect({ servers: mesh.urls.split(','), maxReconnectAttempts: -1, reconnectTimeWait: 50 });
  jsm = await jetstreamManager(nc, { checkAPI: false });
  api = apiOf(mesh);
  numbers = await Numbers.define({ api, js: jetstream(nc), jsm, servers: mesh.urls, replicas: 3 });
}, 180_000);
afterAll(async () => {
  await numbers?.stop();
  await nc?.close();
  await mesh?.stop();
});

async function clusterOf(stream: string) {
  const { config, cluster } = await jsm.streams.info(stream);
  return { wanted: config.num_replicas, leader: cluster?.leader, others: cluster?.replicas ?? [] };
}

const whole = () =>
  eventually(
    async () => {
      for (const stream of busStreams) {
        const { leader, others } = await clusterOf(stream);
        if (!leader || others.length < 2 || others.some(({ current, offline }) => !current || offline))
          throw new Error(`${stream} is not whole: ${JSON.stringify(others)}`);
      }
      return true;
    },
    { what: 'every stream of the bus to stand on three servers', timeoutMs: electionTimeoutMs },
  );

it('keeps three replicas of all that the mesh makes there, unasked', async () => {
  await whole();
  for (const stream of busStreams) expect([stream, (await clusterOf(stream)).wanted]).toEqual([stream, 3]);
});

it('goes on when the server that leads the event log is killed: what is defined meanwhile is kept, no message lost or doubled', async () => {
  numbers.publish();
  await numbers.arrived(100);
  const { leader = '' } = await clusterOf(logStream);
  mesh.cluster?.server(leader).kill('SIGKILL');
  const late = { name: 'late', query: 'SELECT n FROM numbers', desired: 'stopped' };
  await eventually(
    async () => {
      const { status, body } = await api.post('/pipelines', late);
      // An attempt whose answer was lost may have been taken.
      expect([201, 409], JSON.stringify(body)).toContain(status);
      return true;
    },
    { what: 'a definition to be taken without that server', timeoutMs: electionTimeoutMs },
  );
  expect((await api.get('/pipelines/late')).body).toMatchObject({ name: 'late', version: 1 });
  expect((await clusterOf(logStream)).leader).not.toBe(leader);
  await numbers.arrived(numbers.published + 100);
  await mesh.cluster?.server(leader).up();
  await whole();
  expect((await api.get('/pipelines/late')).body).toMatchObject({ name: 'late', version: 1 });
  await numbers.isComplete();
}, 240_000);

/** What the control plane says of itself beside being ready. */
async function warnings(): Promise<string[]> {
  const answer = await fetch(`${mesh.controlPlanes[0]?.url}/readyz`);
  const { status, warnings = [] } = (await answer.json()) as { status: string; warnings?: string[] };
  expect(status).toBe('ready');
  return warnings;
}

it('says what has fewer replicas, and leaves it as it is', async () => {
  const stream = streamOfBucket(buckets.secrets);
  const change = (replicas: number) => jsm.streams.update(stream, { num_replicas: replicas });
  await change(1);
  const expected = new RegExp(`^${stream} has 1 of 3 replicas.*nats stream edit ${stream} --replicas 3`);
  await eventually(async () => (await warnings()).some((warning) => expected.test(warning)), { what: 'the warning' });
  expect((await clusterOf(stream)).wanted).toBe(1);
  await change(3);
  await eventually(async () => (await warnings()).length === 0, { what: 'no warning', timeoutMs: electionTimeoutMs });
});

it('warns of a stream that one server of the cluster has alone', async () => {
  await jsm.streams.add({ name: 'alone', subjects: ['alone'] });
  const options = {
    servers: mesh.urls,
    jetstream: true,
    stream_name: 'alone',
    subject: 'alone',
    type: 'sink',
    format: 'json',
  };
  const { body } = await api.post('/connections/test', { connector: 'nats', options });
  expect(body.checks.find(({ check }: { check: string }) => check === 'stream')).toMatchObject({
    status: 'warning',
    message: expect.stringContaining('on one server of the cluster alone'),
  });
});
