import { subjects } from '@laminar/protocol';
import { eventually } from '@laminar/test';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Feeding } from './testing/feeding.js';
import { IngestionMesh } from './testing/ingestion-mesh.js';
import { range } from './testing/survivor.js';

// A pipeline over JetStream that would rather lose a row than give it twice.

let mesh: IngestionMesh;
beforeAll(async () => {
  mesh = await IngestionMesh.start();
});
afterAll(() => mesh?.stop());

const atMostOnce = { reader: 'own', delivery: 'at_most_once' };

it.each([
  ['pull', {}],
  ['push', { consumer_pull: false }],
])('loses nothing where nobody dies, and gives nothing twice where its process does (%s)', async (kind, options) => {
  const [source, name] = [`orders_${kind}`, `least_${kind}`];
  const rows: number[] = [];
  const siblings: number[] = [];
  const collect = (pipeline: string, into: number[]) =>
    mesh.nc.subscribe(subjects.output(pipeline), {
      callback: (_, message) => void into.push(message.json<{ n: number }>().n),
    });
  collect(name, rows);
  collect(`sibling_${kind}`, siblings);
  await mesh.connection(source, {
    type: 'source',
    format: 'json',
    jetstream: true,
    subject: `in.${kind}`,
    stream_name: source,
    stream_subjects: `in.${kind}`,
    consumer_max_deliver: 5,
    consumer_ack_wait_s: 1,
    ...options,
  });
  // One fails, and is not tried again: nothing is delivered twice.
  const query = `SELECT CASE WHEN n = 50 THEN 1 / (n - 50) ELSE n END AS n`;
  await mesh.pipeline(name, `${query} FROM ${source}`, atMostOnce);
  await mesh.pipeline(`sibling_${kind}`, `SELECT n FROM ${source}`);
  await mesh.settled(name, 'running');
  const { config } = await mesh.jsm.consumers.info(source, `laminar-${source}-${name}`);
  expect(config).toMatchObject({ ack_policy: 'none', max_deliver: -1 });

  const feeding = new Feeding(mesh, `in.${kind}`);
  feeding.slowDown();
  await eventually(() => rows.length >= 100, { what: 'some rows' });
  await mesh.pipeline(name, `${query}, 2 AS version FROM ${source}`, atMostOnce);
  await mesh.settled(name, 'running');
  await mesh.append('pipeline', name, { type: 'PipelineStopped' });
  await mesh.settled(name, 'stopped');
  const stoppedAt = rows.length;
  await mesh.append('pipeline', name, { type: 'PipelineStarted' });
  await eventually(() => rows.length >= stoppedAt + 100, { what: 'the rows to go on' });
  expect(rows).toEqual(range(0, rows.length + 1).filter((n) => n !== 50));
  expect((await mesh.deadLetters(source)).map(({ pipeline, payload }) => [pipeline, payload])).toEqual([
    [name, '{"n":50}'],
  ]);

  mesh.process.kill('SIGKILL');
  await mesh.process.exited;
  const before = rows.length;
  mesh.mesh.ingestion[0] = await mesh.mesh.start('ingestion', 'ingestion-1');
  await eventually(() => rows.length >= before + 100, { what: 'the rows to go on after the kill' });
  const count = await feeding.stop();
  await eventually(() => rows.includes(count - 1) && siblings.includes(count - 1), { what: 'the last row' });
  expect(new Set(rows).size).toBe(rows.length);
  expect([...new Set(siblings)].sort((a, b) => a - b)).toEqual(range(0, count));
});
