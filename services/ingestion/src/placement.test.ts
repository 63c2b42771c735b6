import { eventually, type ServiceProcess } from '@laminar/test';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Feeding } from './testing/feeding.js';
import { IngestionMesh } from './testing/ingestion-mesh.js';

// Several instances: leases say who reads, and a slot outlives its holder.

let mesh: IngestionMesh;
beforeAll(async () => {
  mesh = await IngestionMesh.start({ instances: 2 });
});
afterAll(() => mesh?.stop());

const running = (pipeline: string) => mesh.board.pipeline(pipeline).filter(({ state }) => state === 'running');

function processOf(instance: string): ServiceProcess {
  const index = Number(instance.split('-')[1]) - 1;
  const process = mesh.mesh.ingestion[index];
  if (!process) throw new Error(`there is no process ${instance}`);
  return process;
}

it('spreads slots over the instances, each slot on one of them', async () => {
  const names = Array.from({ length: 12 }, (_, i) => `spread_${i}`);
  for (const name of names) {
    await mesh.connection(name, { type: 'source', format: 'json', subject: `${name}.>` });
    await mesh.pipeline(`p_${name}`, `SELECT n FROM ${name}`);
  }
  for (const name of names) await mesh.settled(`p_${name}`, 'running');
  const owners = names.map((name) => running(`p_${name}`).map(({ instance }) => instance));
  expect(owners.every((instances) => instances.length === 1)).toBe(true);
  expect(new Set(owners.flat()).size).toBe(2);
});

it('runs as many slots as a connection asks for, which share the work', async () => {
  await mesh.connection('shared', {
    type: 'source',
    format: 'json',
    subject: 'shared.>',
    queue_group: 'workers',
    parallelism: 4,
  });
  await mesh.pipeline('shared', 'SELECT n FROM shared');
  await mesh.settled('shared', 'running');
  const seen: number[] = [];
  mesh.nc.subscribe('laminar.output.shared', {
    callback: (_, message) => void seen.push(message.json<{ n: number }>().n),
  });
  for (let n = 0; n < 200; n++) mesh.nc.publish('shared.x', JSON.stringify({ n }));
  await eventually(() => seen.length >= 200, { what: 'every row' });
  expect([...seen].sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, n) => n));
});

it('hands the slots of a killed instance to another, which goes on where it was', async () => {
  await mesh.connection('takeover', {
    type: 'source',
    format: 'json',
    subject: 'takeover.>',
    jetstream: true,
    stream_name: 'TAKEOVER',
    stream_subjects: 'takeover.>',
    consumer_ack_wait_s: 1,
  });
  await mesh.connection('taken', {
    type: 'sink',
    subject: 'taken',
    jetstream: true,
    stream_name: 'TAKEN',
    stream_subjects: 'taken',
  });
  await mesh.pipeline('takeover', 'INSERT INTO taken SELECT n FROM takeover');
  await mesh.settled('takeover', 'running');
  const count = 2000;
  const feeding = mesh.feed('takeover.x', 0, count);
  await eventually(async () => (await mesh.count('TAKEN')) >= 300, { what: 'some rows' });
  const [owner] = running('takeover');
  if (!owner) throw new Error('nobody runs it');
  const killed = processOf(owner.instance);
  killed.kill('SIGKILL');
  await killed.exited;
  await feeding;
  await eventually(async () => (await mesh.count('TAKEN')) >= count, { what: 'every row' });
  expect((await mesh.numbers('TAKEN')).sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, n) => n));
  await eventually(() => running('takeover').some(({ instance }) => instance !== owner.instance), {
    what: 'the other instance to say so',
  });
});

it('doubles nothing when an instance stands still for so long that another takes over, and then goes on', async () => {
  const fresh = await IngestionMesh.start({ instances: 2 });
  try {
    await fresh.connection('still', {
      type: 'source',
      format: 'json',
      subject: 'still.>',
      jetstream: true,
      stream_name: 'STILL',
      stream_subjects: 'still.>',
      consumer_ack_wait_s: 1,
    });
    const output = { type: 'sink', subject: 'moved', jetstream: true, stream_name: 'MOVED', stream_subjects: 'moved' };
    await fresh.connection('moved', output);
    await fresh.pipeline('still', 'INSERT INTO moved SELECT n FROM still');
    await fresh.settled('still', 'running');
    const owner = () => fresh.board.pipeline('still').find(({ state }) => state === 'running')?.instance;
    const first = owner();
    const process = fresh.mesh.ingestion[Number(first?.split('-')[1]) - 1];
    const feeding = new Feeding(fresh, 'still.x');
    await eventually(async () => (await fresh.count('MOVED')) >= 300, { what: 'some rows' });
    process?.kill('SIGSTOP');
    feeding.slowDown();
    await eventually(() => owner() !== undefined && owner() !== first, {
      what: 'the other instance to take over',
      timeoutMs: 15_000,
    });
    process?.kill('SIGCONT');
    await fresh.settled('still', 'running');
    const count = await feeding.stop();
    await eventually(async () => (await fresh.count('MOVED')) >= count, { what: 'every row' });
    expect((await fresh.numbers('MOVED')).sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, n) => n));
    expect(owner()).not.toBe(first);
  } finally {
    await fresh.stop();
  }
});

it('stops in an orderly way while the bus is away', async () => {
  const alone = await IngestionMesh.start();
  try {
    await alone.connection('lonely', { type: 'source', format: 'json', subject: 'lonely.>' });
    await alone.pipeline('lonely', 'SELECT n FROM lonely');
    await alone.settled('lonely', 'running');
    await alone.mesh.nats.down();
    await eventually(async () => !(await fetch(`${alone.process.url}/readyz`)).ok, { what: 'it to notice' });
    expect(await alone.process.stop()).toBe(0);
  } finally {
    await alone.stop();
  }
});
