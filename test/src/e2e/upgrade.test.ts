import { buckets, laminar, streamOfBucket, subjectOfKey } from '@laminar/protocol';
import { type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { apiOf } from '../api.js';
import { eventually } from '../eventually.js';
import { startMesh, type TestMesh } from '../servers/mesh.js';
import type { ServiceName, ServiceProcess } from '../servers/service.js';
import { Numbers } from './numbers.js';

// A new version goes out: every process is ended in order and started anew, one after the other, while messages come and definitions are written.

const portVariable = {
  'control-plane': 'LAMINAR_CONTROL_PORT',
  ingestion: 'LAMINAR_HEALTH_PORT',
  query: 'LAMINAR_QUERY_PORT',
} as const satisfies Record<ServiceName, string>;

let mesh: TestMesh;
let nc: NatsConnection;
let jsm: JetStreamManager;
let numbers: Numbers;
beforeAll(async () => {
  mesh = await startMesh({ controlPlanes: 2, ingestion: 2 });
  nc = await connect({ servers: mesh.nats.url });
  jsm = await jetstreamManager(nc);
  numbers = await Numbers.define({ api: apiOf(mesh), js: jetstream(nc), jsm, servers: mesh.urls, replicas: 1 });
});
afterAll(async () => {
  await numbers?.stop();
  await nc?.close();
  await mesh?.stop();
});

const readinessOf = async ({ url }: ServiceProcess) =>
  (await (await fetch(`${url}/readyz`)).json()) as { status: string; warnings?: string[] };

/** Writes the newest event of a pipeline once more as its next version, changed. */
async function writeNext(pipeline: string, change: laminar.v1.DefinitionEvent.$Properties): Promise<void> {
  const { version } = (await apiOf(mesh).get(`/pipelines/${pipeline}/history`)).body.items.at(-1);
  const keyOf = (number: number) => `pipeline.${pipeline}.${String(number).padStart(10, '0')}`;
  const stream = streamOfBucket(buckets.definitions);
  const first = await jsm.streams.getMessage(stream, { last_by_subj: subjectOfKey(buckets.definitions, keyOf(1)) });
  const { pipelineCreated, ...head } = laminar.v1.DefinitionEvent.decode(first?.data ?? new Uint8Array());
  const eventId = `next-${version + 1}`;
  const event = { ...head, eventId, version: version + 1, pipelineChanged: pipelineCreated, ...change };
  const data = laminar.v1.DefinitionEvent.encode(event).finish();
  await jetstream(nc).publish(subjectOfKey(buckets.definitions, keyOf(version + 1)), data, { msgID: eventId });
}

it('leaves alone what a newer instance defined, everywhere, and takes it up again where it was', async () => {
  const api = apiOf(mesh);
  const services = [...mesh.controlPlanes, ...mesh.ingestion, mesh.query as ServiceProcess];
  const durable = async () => (await jsm.consumers.info('numbers', 'laminar-numbers')).created;
  const made = await durable();
  await writeNext('take', { schemaVersion: 99 });
  for (const service of services)
    await eventually(
      async () => (await readinessOf(service)).warnings?.[0]?.startsWith('1 definition cannot be read'),
      {
        what: `${service.name} to say that it cannot read a definition`,
      },
    );
  for (const service of services) expect((await readinessOf(service)).status).toBe('ready');
  const refused = await api.delete('/connections/numbers?cascade=true');
  expect(refused).toMatchObject({ status: 409, body: { code: 'conflict' } });
  expect(refused.body.detail).toMatch(/the pipeline "take" may name it.*schema 99/);
  const inTables = "SELECT version, quarantined FROM system.definitions WHERE name = 'take' AND version = 2";
  const row = await eventually(async () => (await api.rows(inTables))[0], { what: 'the tables to say so' });
  expect(row.quarantined).toContain('newer version of the software');
  // Nobody of this version reads for it, and nobody takes away what it reads by.
  for (let n = 0; n < 20; n++) await numbers.publishOne();
  expect(await durable()).toBe(made);
  await writeNext('take', {});
  await numbers.isComplete();
  for (const service of services) expect(await readinessOf(service)).toEqual({ status: 'ready' });
});

it('loses nothing, doubles nothing, and keeps what is defined meanwhile', async () => {
  const [first, second] = mesh.controlPlanes as [ServiceProcess, ServiceProcess];
  const [one, two] = mesh.ingestion as [ServiceProcess, ServiceProcess];
  const rollout: [service: ServiceProcess, instance: string, writesThrough: 0 | 1][] = [
    [first, 'control-plane-1', 1],
    [second, 'control-plane-2', 0],
    [one, 'ingestion-1', 0],
    [two, 'ingestion-2', 1],
    [mesh.query as ServiceProcess, 'query-1', 1],
  ];
  numbers.publish();
  await numbers.arrived(50);
  const written: string[] = [];
  for (const [service, instance, through] of rollout) {
    const ended = service.stop();
    const started = ended.then(() =>
      mesh.start(service.name, instance, { [portVariable[service.name]]: new URL(service.url).port }),
    );
    // As fast as they are taken, from the request to stop until the successor is ready.
    for (let pending = true; pending; ) {
      const name = `written_${written.length}`;
      const pipeline = { name, query: 'SELECT n FROM numbers', desired: 'stopped' };
      const { status, body } = await apiOf(mesh, through).post('/pipelines', pipeline);
      expect(status, JSON.stringify(body)).toBe(201);
      written.push(name);
      pending = await Promise.race([
        started.then(() => false),
        new Promise<boolean>((go) => setTimeout(go, 250, true)),
      ]);
    }
    expect([instance, await ended]).toEqual([instance, 0]);
    await numbers.arrived(numbers.published + 20);
  }
  await numbers.isComplete();
  for (const replica of [0, 1]) {
    const { body } = await apiOf(mesh, replica).get('/pipelines?limit=1000');
    const names: string[] = body.items.map(({ name }: { name: string }) => name);
    expect(names).toEqual([...written, 'take'].sort());
  }
  const rows = await apiOf(mesh).rows("SELECT name FROM system.pipelines WHERE name LIKE 'written%' ORDER BY name");
  expect(rows.map(({ name }) => name)).toEqual([...written].sort());
}, 300_000);
