import { buckets, subjects } from '@laminar/protocol';
import { eventually, type ServiceProcess } from '@laminar/test';
import { RetentionPolicy } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { IngestionMesh } from './testing/ingestion-mesh.js';
import { range } from './testing/survivor.js';

// A durable that is gone when somebody comes to read who has never read by it.

let mesh: IngestionMesh;
beforeAll(async () => {
  mesh = await IngestionMesh.start({ instances: 2 });
});
afterAll(() => mesh?.stop());

/** A durable over a stream of its own, whose rows go to core: at least once. Gives them as they come. */
async function reading(name: string, options: object = {}): Promise<number[]> {
  const rows: number[] = [];
  mesh.nc.subscribe(subjects.output(name), {
    callback: (_, message) => void rows.push(message.json<{ n: number }>().n),
  });
  await mesh.nc.flush();
  await mesh.jsm.streams.add({ name, subjects: [`${name}.in`] });
  await mesh.connection(name, {
    type: 'source',
    format: 'json',
    jetstream: true,
    stream_name: name,
    subject: `${name}.in`,
    ...options,
  });
  await mesh.pipeline(name, `SELECT n FROM ${name}`);
  await mesh.settled(name, 'running');
  return rows;
}

const durable = (name: string) => `laminar-${name}`;

/** Waits until the bus knows that all up to this sequence is done. */
async function known(name: string, sequence: number): Promise<void> {
  const positions = await new Kvm(mesh.nc).open(buckets.positions);
  await eventually(
    async () => (await positions.get(`durable/${name}`))?.json<{ sequence: number }>().sequence === sequence,
    { what: `the bus to know that ${name} has come to ${sequence}` },
  );
}

function ownerOf(name: string): ServiceProcess {
  const [owner] = mesh.board.pipeline(name).filter(({ state }) => state === 'running');
  const process = mesh.mesh.ingestion[Number(owner?.instance.split('-')[1]) - 1];
  if (!process) throw new Error(`nobody runs ${name}`);
  return process;
}

const sorted = (numbers: Iterable<number>) => [...numbers].sort((a, b) => a - b);

it('goes on where it was in another process, when its own is killed meanwhile', async () => {
  const rows = await reading('killed');
  await mesh.feed('killed.in', 0, 300);
  await known('killed', 300);
  const owner = ownerOf('killed');
  owner.kill('SIGSTOP');
  await mesh.feed('killed.in', 300, 320);
  owner.kill('SIGKILL');
  await owner.exited;
  await mesh.jsm.consumers.delete('killed', durable('killed'));
  await eventually(() => rows.includes(319), { what: 'the rows to go on', timeoutMs: 30_000 });
  expect(sorted(rows)).toEqual(range(0, 320));
  await eventually(() => mesh.connectionState('killed').message.includes('to go on after sequence 300'), {
    what: 'the connection to say where it goes on',
  });
});

it('begins anew where its pipeline was stopped when it was deleted', async () => {
  const rows = await reading('stopped');
  await mesh.feed('stopped.in', 0, 50);
  await known('stopped', 50);
  await mesh.append('pipeline', 'stopped', { type: 'PipelineStopped' });
  await mesh.settled('stopped', 'stopped');
  await mesh.jsm.consumers.delete('stopped', durable('stopped'));
  rows.length = 0;
  await mesh.append('pipeline', 'stopped', { type: 'PipelineStarted' });
  await eventually(() => rows.length >= 50, { what: 'every row again' });
  expect(sorted(rows)).toEqual(range(0, 50));
});

it('reads all of a stream that was made anew while nobody looked', async () => {
  const rows = await reading('anew', { start: 'new' });
  await mesh.feed('anew.in', 0, 50);
  await known('anew', 50);
  const owner = ownerOf('anew');
  owner.kill('SIGSTOP');
  await mesh.jsm.streams.delete('anew');
  await mesh.jsm.streams.add({ name: 'anew', subjects: ['anew.in'] });
  rows.length = 0;
  await mesh.feed('anew.in', 100, 120);
  owner.kill('SIGKILL');
  await owner.exited;
  await mesh.mesh.start('ingestion', 'ingestion-3');
  await eventually(() => rows.includes(119), { what: 'the rows of the new stream', timeoutMs: 30_000 });
  expect(sorted(rows)).toEqual(range(100, 120));
});

it('leaves nothing on the bus when its connection is dropped', async () => {
  await reading('dropped');
  await mesh.feed('dropped.in', 0, 1);
  await known('dropped', 1);
  await mesh.append('pipeline', 'dropped', { type: 'PipelineDropped' });
  await mesh.append('connection', 'dropped', { type: 'ConnectionDropped' });
  const positions = await new Kvm(mesh.nc).open(buckets.positions);
  await eventually(async () => (await positions.get('durable/dropped'))?.operation !== 'PUT', {
    what: 'its position to be gone',
  });
});

it('is not made again where every pipeline has a reader of its own, but for the first that has not', async () => {
  const name = 'alone';
  await mesh.jsm.streams.add({ name, subjects: [`${name}.in`], retention: RetentionPolicy.Interest });
  const options = { format: 'json', jetstream: true, stream_name: name, subject: `${name}.in` };
  await mesh.connection(name, { type: 'source', ...options });
  await mesh.pipeline('own', `SELECT n FROM ${name}`, { reader: 'own' });
  await mesh.settled('own', 'running');
  // As soon as it is defined a connection keeps what comes for pipelines that follow.
  await eventually(() => mesh.jsm.consumers.info(name, durable(name)), { what: 'the durable to be made' });
  await mesh.append('pipeline', 'own', { type: 'PipelineStopped' });
  await mesh.settled('own', 'stopped');
  await mesh.jsm.consumers.delete(name, durable(name));
  for (const process of mesh.mesh.ingestion) process.kill('SIGKILL');
  const successor = 'ingestion-3';
  mesh.mesh.ingestion.push(await mesh.mesh.start('ingestion', successor));
  await eventually(
    () =>
      mesh.board
        .connection(name)
        .some(({ instance, state, appliedRevision }) => instance === successor && state === 'idle' && appliedRevision),
    { what: 'the connection to be provisioned', timeoutMs: 30_000 },
  );
  const names = async () => (await mesh.jsm.consumers.list(name).next()).map((consumer) => consumer.name);
  expect(await names()).toEqual([`${durable(name)}-own`]);
  await mesh.pipeline('shared', `SELECT n FROM ${name}`);
  await mesh.settled('shared', 'running');
  expect((await names()).sort()).toEqual([durable(name), `${durable(name)}-own`]);
}, 60_000);
