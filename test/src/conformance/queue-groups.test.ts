import { afterAll, beforeAll, describe, expect } from 'vitest';
import { eventually } from '../eventually.js';
import { startMesh, type TestMesh } from '../servers/mesh.js';
import { MeshClient, type Row } from './client.js';
import { specIt, specSql } from './spec.js';

// The specification's "Queue Groups", on two ingestion processes.

let mesh: TestMesh;
let client: MeshClient;
let even: Row[];
let odd: Row[];
beforeAll(async () => {
  mesh = await startMesh({ ingestion: 2 });
  client = await MeshClient.connect(mesh);
  const replace = { 'nats://localhost:4222': mesh.nats.url };
  await client.run(`${specSql('nats_queue', replace)} ${specSql('worker_1')} ${specSql('worker_2')}`);
  even = await client.collect('laminar.output.worker_1');
  odd = await client.collect('laminar.output.worker_2');
});
afterAll(async () => {
  await MeshClient.close(client);
  await mesh?.stop();
});

const ids = (rows: readonly Row[]) => rows.map(({ text }) => Number(JSON.parse(text).task_id));
const sorted = (rows: readonly Row[]) => ids(rows).sort((a, b) => a - b);

/** Publishes tasks from `from` to `to`, and waits until as many came out. */
async function work(from: number, to: number): Promise<void> {
  for (let id = from; id < to; id++) client.nc.publish('tasks', JSON.stringify({ task_id: id }));
  await eventually(() => even.length + odd.length >= to, { what: `${to} tasks` });
}

describe('Load Balancing', () => {
  specIt('nats_queue', 'every task is done once, between the two workers', async () => {
    await work(0, 2000);
    expect(sorted([...even, ...odd])).toEqual(Array.from({ length: 2000 }, (_, id) => id));
  });

  specIt('worker_1', 'it does its half, which is about one', async () => {
    expect(even.length).toBeGreaterThan(800);
    const [plan] = await client.api.rows(
      "SELECT messages_in, messages_out, errors FROM system.pipelines WHERE name = 'worker_1'",
    );
    expect(plan).toMatchObject({ errors: 0 });
  });

  specIt('worker_2', 'it does the other half: the same hash, the other remainder', async () => {
    expect(odd.length).toBeGreaterThan(800);
    const firstHalf = new Set(ids(even));
    expect(ids(odd).some((id) => firstHalf.has(id))).toBe(false);
  });

  specIt('nats_queue', 'with more slots both processes work, and every task is still done once', async () => {
    // Where a slot goes is a matter of hashes: of so many each process gets some.
    await client.run('ALTER CONNECTION nats_queue SET (parallelism = 16)');
    await eventually(
      async () => {
        const readers = (await client.api.rows('SELECT readers FROM system.workers')).map(({ readers }) =>
          Number(readers),
        );
        return readers.length === 2 && readers.every((count) => count > 0) && readers.reduce((a, b) => a + b) === 16;
      },
      { what: 'readers on both' },
    );
    await work(2000, 4000);
    expect(sorted([...even, ...odd])).toEqual(Array.from({ length: 4000 }, (_, id) => id));
  });

  specIt('nats_queue', 'others who join the group share its work', async () => {
    const others: Row[] = [];
    client.nc.subscribe('tasks', {
      queue: 'workers',
      callback: (_, { data }) =>
        void others.push({ data, text: new TextDecoder().decode(data), headers: undefined, atMs: performance.now() }),
    });
    await client.nc.flush();
    for (let id = 4000; id < 6000; id++) client.nc.publish('tasks', JSON.stringify({ task_id: id }));
    await eventually(() => even.length + odd.length + others.length >= 6000, { what: '6000 tasks' });
    expect(others.length).toBeGreaterThan(0);
    expect(sorted([...even, ...odd, ...others])).toEqual(Array.from({ length: 6000 }, (_, id) => id));
  });
});
