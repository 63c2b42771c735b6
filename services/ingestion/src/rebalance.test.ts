import { setTimeout as wait } from 'node:timers/promises';
import { buckets, subjects } from '@laminar/protocol';
import { eventually } from '@laminar/test';
import { Kvm } from '@nats-io/kv';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { IngestionMesh } from './testing/ingestion-mesh.js';

// Instances join, leave and die under load: slots are spread anew, and no row is lost or doubled.

let mesh: IngestionMesh;
const durables = ['wide', 'deep'];
const ordered = ['first', 'second', 'third'];
const streams = [...durables, ...ordered];
const pipelines = [...streams, 'group'];
const slotCount = 4 + 4 + 3 + 4;

/** How many numbers were published, to every source alike. */
let published = 0;
let isFeeding = true;
let feeding: Promise<void>;
const groupRows: number[] = [];

beforeAll(async () => {
  mesh = await IngestionMesh.start({ instances: 2 });
  for (const name of streams) {
    const output = `${name}_out`;
    await mesh.connection(name, {
      type: 'source',
      format: 'json',
      jetstream: true,
      stream_name: name,
      stream_subjects: `${name}.in`,
      subject: `${name}.in`,
      ...(durables.includes(name) ? { parallelism: 4, consumer_ack_wait_s: 4 } : { consumer_ordered: true }),
    });
    await mesh.connection(output, {
      type: 'sink',
      subject: output,
      jetstream: true,
      stream_name: output,
      stream_subjects: output,
    });
    await mesh.pipeline(name, `INSERT INTO ${output} SELECT n FROM ${name}`);
  }
  const group = { type: 'source', format: 'json', subject: 'group.in', queue_group: 'workers', parallelism: 4 };
  await mesh.connection('group', group);
  await mesh.pipeline('group', 'SELECT n FROM "group"');
  mesh.nc.subscribe(subjects.output('group'), {
    callback: (_, message) => void groupRows.push(message.json<{ n: number }>().n),
  });
  for (const name of pipelines) await mesh.settled(name, 'running');
  feeding = feed();
}, 60_000);
afterAll(async () => {
  isFeeding = false;
  await feeding?.catch(() => undefined);
  await mesh?.stop();
});

async function feed(): Promise<void> {
  const step = 20;
  for (; isFeeding; published += step) {
    for (let n = published; n < published + step; n++) mesh.nc.publish('group.in', JSON.stringify({ n }));
    await Promise.all(streams.map((name) => mesh.feed(`${name}.in`, published, published + step)));
    // What waits stays little, so that the machine's speed does not matter.
    await eventually(async () => (await mesh.count('wide_out')) >= published - 200, {
      what: 'rows',
      timeoutMs: 30_000,
    });
    // Enough to be in the middle of everything; as much as goes would take the machine from those who are waited for.
    await wait(50);
  }
}

/** How many slots each instance has, by name. */
async function shares(): Promise<Map<string, number>> {
  const leases = await new Kvm(mesh.nc).open(buckets.leases);
  const counts = new Map<string, number>();
  for await (const key of await leases.keys()) {
    const { instance } = (await leases.get(key))?.json<{ instance: string }>() ?? { instance: '' };
    counts.set(instance, (counts.get(instance) ?? 0) + 1);
  }
  return counts;
}

/** Waits until these instances have all slots, evenly, and every pipeline runs on whoever has it. */
async function spreadOver(instances: readonly string[], what: string): Promise<void> {
  const startedMs = performance.now();
  await eventually(
    async () => {
      const counts = await shares();
      const loads = instances.map((instance) => counts.get(instance) ?? 0);
      const isEven = Math.max(...loads) - Math.min(...loads) <= 1;
      if (counts.size !== instances.length || !isEven || loads.reduce((a, b) => a + b, 0) !== slotCount)
        throw new Error(JSON.stringify([...counts]));
      return true;
    },
    { what: `slots to be spread over ${instances.join(', ')}` },
  );
  console.info(`${what}: slots spread after ${(performance.now() - startedMs).toFixed(0)} ms`);
  for (const name of pipelines) await mesh.settled(name, 'running');
  console.info(`${what}: all run after ${(performance.now() - startedMs).toFixed(0)} ms`);
}

const processOf = (instance: string) => {
  const process = mesh.mesh.ingestion[Number(instance.split('-')[1]) - 1];
  if (!process) throw new Error(`there is no process ${instance}`);
  return process;
};

/** Waits until what has been published is out everywhere. */
async function caughtUp(): Promise<void> {
  const target = published;
  for (const name of streams)
    await eventually(async () => (await mesh.count(`${name}_out`)) >= target, { what: `${name}` });
}

it('gives an instance that joins its share, and moves nothing any more afterwards', async () => {
  await spreadOver(['ingestion-1', 'ingestion-2'], 'start');
  await mesh.mesh.start('ingestion', 'ingestion-3');
  await spreadOver(['ingestion-1', 'ingestion-2', 'ingestion-3'], 'join');
  const revision = async () => (await mesh.jsm.streams.info(`KV_${buckets.leases}`)).state.last_seq;
  const before = await revision();
  await caughtUp();
  expect(await revision()).toBe(before);
});

it('hands over the slots of an instance that leaves', async () => {
  const leaving = processOf('ingestion-1');
  leaving.kill('SIGTERM');
  await spreadOver(['ingestion-2', 'ingestion-3'], 'leave');
  await leaving.exited;
  const target = published;
  await eventually(() => groupRows.includes(target), { what: 'rows of the group' });
  // While a group has a member nothing of it is lost.
  await eventually(() => groupRows.filter((n) => n < target).length >= target, { what: 'every row of the group' });
});

it('takes over the slots of an instance that is killed', async () => {
  processOf('ingestion-2').kill('SIGKILL');
  await spreadOver(['ingestion-3'], 'kill');
  await caughtUp();
});

it('gives an instance that comes again under its name its share', async () => {
  await mesh.mesh.start('ingestion', 'ingestion-2');
  await spreadOver(['ingestion-2', 'ingestion-3'], 'join again');
});

it('has lost and doubled nothing in the end', async () => {
  isFeeding = false;
  await feeding;
  await caughtUp();
  const all = Array.from({ length: published }, (_, n) => n);
  for (const name of durables) expect((await mesh.numbers(`${name}_out`)).sort((a, b) => a - b)).toEqual(all);
  for (const name of ordered) expect(await mesh.numbers(`${name}_out`)).toEqual(all);
  expect(new Set(groupRows).size).toBe(groupRows.length);
});
