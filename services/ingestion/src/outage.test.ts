import { buckets, subjects } from '@laminar/protocol';
import { eventually, startNats, type TestNats } from '@laminar/test';
import { Kvm } from '@nats-io/kv';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { IngestionMesh } from './testing/ingestion-mesh.js';

// The bus is away for longer than a lease lasts, while the servers of the connections are not.

let mesh: IngestionMesh;
let server: TestNats;
let nc: NatsConnection;
beforeAll(async () => {
  mesh = await IngestionMesh.start({ instances: 2 });
  server = await startNats();
  nc = await connect({ servers: server.url });
});
afterAll(async () => {
  await nc?.close();
  await mesh?.stop();
  await server?.stop();
});

const owners = (pipeline: string) =>
  mesh.board
    .pipeline(pipeline)
    .filter(({ state }) => state === 'running')
    .map(({ instance }) => instance);

it('stops what two must not run, goes on with the rest, and has everything back as it was', async () => {
  const names = Array.from({ length: 6 }, (_, i) => i);
  await mesh.connection('kept', { type: 'sink', subject: 'kept' }, server.url);
  for (const i of names) {
    const source = { type: 'source', format: 'json', subject: `in.${i}` };
    await mesh.connection(`exclusive_${i}`, source, server.url);
    await mesh.connection(`shared_${i}`, { ...source, subject: `shared.${i}`, queue_group: 'g' }, server.url);
    await mesh.pipeline(`exclusive_${i}`, `INSERT INTO kept SELECT n FROM exclusive_${i}`);
    await mesh.pipeline(`shared_${i}`, `INSERT INTO kept SELECT n FROM shared_${i}`);
  }
  const pipelines = names.flatMap((i) => [`exclusive_${i}`, `shared_${i}`]);
  for (const pipeline of pipelines) await mesh.settled(pipeline, 'running');
  const before = pipelines.map(owners);
  expect(new Set(before.flat()).size).toBe(2);
  const rows: number[] = [];
  nc.subscribe('kept', { callback: (_, message) => void rows.push(message.json<{ n: number }>().n) });
  await nc.flush();

  await mesh.mesh.nats.down();
  // A core subject without a subscription has no row, however often one asks.
  await eventually(
    async () => {
      rows.length = 0;
      for (const i of names) nc.publish(`in.${i}`, '{"n":0}');
      for (const i of names) nc.publish(`shared.${i}`, '{"n":1}');
      await eventually(() => rows.filter((n) => n === 1).length >= names.length, { what: 'the shared ones to go on' });
      return !rows.includes(0);
    },
    { what: 'the exclusive ones to stop' },
  );

  await mesh.mesh.nats.up();
  rows.length = 0;
  const flowing: number[] = [];
  const feeding = setInterval(() => {
    flowing.push(flowing.length);
    for (const i of names) nc.publish(`shared.${i}`, '{"n":1}');
  }, 5);
  try {
    for (const pipeline of pipelines) await mesh.settled(pipeline, 'running', 20_000);
    await eventually(
      () => {
        for (const i of names) nc.publish(`in.${i}`, JSON.stringify({ n: 10 + i }));
        return names.every((i) => rows.includes(10 + i));
      },
      { what: 'the exclusive ones to be back' },
    );
    const sent = flowing.length;
    await eventually(() => flowing.length > sent + 400, { what: 'leases to have been claimed, if any were free' });
  } finally {
    clearInterval(feeding);
  }
  // Those that went on have not changed hands, nor missed a message.
  expect(pipelines.map(owners)).toEqual(before);
  await eventually(() => rows.filter((n) => n === 1).length >= flowing.length * names.length, { what: 'every row' });
  expect(rows.filter((n) => n === 1)).toHaveLength(flowing.length * names.length);

  // And they watch each other again.
  const [owner] = owners('exclusive_0');
  const index = Number(owner?.split('-')[1]) - 1;
  mesh.mesh.ingestion[index]?.kill('SIGKILL');
  await eventually(() => owners('exclusive_0').some((instance) => instance !== owner), {
    what: 'the other instance to take over',
    timeoutMs: 15_000,
  });
});

it('lets go of what was dropped while it was away, so that its name can run again', async () => {
  const leases = await new Kvm(mesh.nc).open(buckets.leases);
  await mesh.connection('fleeting', { type: 'source', format: 'json', subject: 'fleeting' }, server.url);
  await mesh.pipeline('fleeting', 'SELECT n FROM fleeting');
  await mesh.settled('fleeting', 'running');
  await mesh.append('pipeline', 'fleeting', { type: 'PipelineStopped' });
  // The stop is known and the slot drained when the bus goes, or it is not: both must end alike.
  await mesh.restartBus();
  await mesh.settled('fleeting', 'stopped');
  await eventually(async () => (await leases.get('fleeting.0'))?.operation !== 'PUT', { what: 'the lease to be free' });
  await mesh.append('pipeline', 'fleeting', { type: 'PipelineStarted' });
  await mesh.settled('fleeting', 'running');
  const rows: string[] = [];
  mesh.nc.subscribe(subjects.output('fleeting'), { callback: (_, message) => void rows.push(message.string()) });
  await mesh.nc.flush();
  nc.publish('fleeting', '{"n":1}');
  await eventually(() => rows.length === 1, { what: 'the row' });
});
