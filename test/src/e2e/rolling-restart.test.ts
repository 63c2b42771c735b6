import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { apiOf } from '../api.js';
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
let numbers: Numbers;
beforeAll(async () => {
  mesh = await startMesh({ controlPlanes: 2, ingestion: 2 });
  nc = await connect({ servers: mesh.nats.url });
  const jsm = await jetstreamManager(nc);
  numbers = await Numbers.define({ api: apiOf(mesh), js: jetstream(nc), jsm, servers: mesh.urls, replicas: 1 });
});
afterAll(async () => {
  await numbers?.stop();
  await nc?.close();
  await mesh?.stop();
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
    const names = body.items.map(({ name }: { name: string }) => name);
    expect(names).toEqual([...written, 'take'].sort());
  }
  const rows = await apiOf(mesh).rows("SELECT name FROM system.pipelines WHERE name LIKE 'written%' ORDER BY name");
  expect(rows.map(({ name }) => name)).toEqual([...written].sort());
}, 180_000);
