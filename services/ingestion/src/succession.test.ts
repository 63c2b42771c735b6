import type { Options } from '@laminar/definitions';
import { subjects } from '@laminar/protocol';
import { eventually, TcpProxy } from '@laminar/test';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IngestionMesh } from './testing/ingestion-mesh.js';

// What becomes of a durable or position when definitions that name it are changed, dropped or created again.

let mesh: IngestionMesh;
beforeAll(async () => {
  mesh = await IngestionMesh.start();
});
afterAll(() => mesh?.stop());

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);
const source = (stream: string, options: Options): Options => ({
  type: 'source',
  format: 'json',
  jetstream: true,
  stream_name: stream,
  subject: `${stream.toLowerCase()}.in`,
  ...options,
});

const consumersOf = async (stream: string): Promise<string[]> => {
  const names: string[] = [];
  for await (const { name } of mesh.jsm.consumers.list(stream)) names.push(name);
  return names.sort();
};

/** The field `n` of each row that comes out, in order. */
function rowsOf(pipeline: string): number[] {
  const rows: number[] = [];
  mesh.nc.subscribe(subjects.output(pipeline), {
    callback: (_, message) => void rows.push(message.json<{ n: number }>().n),
  });
  return rows;
}

const drop = (name: string) => mesh.append('connection', name, { type: 'ConnectionDropped' });
const stands = (name: string) =>
  eventually(
    () =>
      mesh.board.connection(name).some((report) => report.appliedRevision >= mesh.position && report.state === 'idle'),
    { what: `${name} to stand` },
  );

const pull: Options = {};
const ordered: Options = { consumer_ordered: true };
const kinds: Record<string, Options> = {
  pull,
  push: { consumer_pull: false },
  ordered,
  ephemeral: { consumer_durable: false },
  renamed: { consumer_name: 'another' },
};

/** A stream whose messages up to `count` were read by a pipeline of that name. */
async function given(name: string, options: Options, count: number): Promise<number[]> {
  await mesh.jsm.streams.add({ name: name.toUpperCase(), subjects: [`${name}.in`] });
  const rows = rowsOf(name);
  await mesh.connection(name, source(name.toUpperCase(), options));
  await mesh.pipeline(name, `SELECT n FROM ${name}`);
  await mesh.settled(name, 'running');
  await mesh.feed(`${name}.in`, 0, count);
  await eventually(() => rows.length >= count, { what: 'the first rows' });
  return rows;
}

describe('a source that is changed to be read by other means', () => {
  it.each([
    ['pull', 'ordered'],
    ['pull', 'push'],
    ['pull', 'ephemeral'],
    ['pull', 'renamed'],
    ['ordered', 'pull'],
    ['ephemeral', 'push'],
    ['ordered', 'ephemeral'],
  ])('goes on where it was: from %s to %s', async (from, to) => {
    const name = `from_${from}_to_${to}`;
    const rows = await given(name, kinds[from] ?? {}, 100);
    await mesh.connection(name, source(name.toUpperCase(), kinds[to] ?? {}));
    await mesh.settled(name, 'running');
    await mesh.feed(`${name}.in`, 100, 120);
    await eventually(() => rows.includes(119), { what: 'what came afterwards' });
    expect(rows).toEqual(upTo(120));
    // The means from before are gone, those of now are there.
    await eventually(async () => (await consumersOf(name.toUpperCase())).length === 1, { what: 'one consumer' });
    const wanted = { renamed: 'another', pull: `laminar-${name}`, push: `laminar-${name}` }[to];
    if (wanted !== undefined) expect(await consumersOf(name.toUpperCase())).toEqual([wanted]);
  });

  it.each([
    ['pull', 'ordered'],
    ['pull', 'renamed'],
    ['pull', 'push'],
    ['ordered', 'pull'],
  ])('begins where a new start says: from %s to %s', async (from, to) => {
    const name = `anew_${from}_${to}`;
    const rows = await given(name, kinds[from] ?? {}, 10);
    await mesh.connection(name, source(name.toUpperCase(), { ...kinds[to], start: 6 }));
    await mesh.settled(name, 'running');
    await eventually(() => rows.length >= 15, { what: 'the rows from there on' });
    expect(rows).toEqual([...upTo(10), 5, 6, 7, 8, 9]);
  });

  it('goes on also where nothing reads it meanwhile', async () => {
    const rows = await given('stopped', pull, 10);
    await mesh.append('pipeline', 'stopped', { type: 'PipelineStopped' });
    await mesh.settled('stopped', 'stopped');
    await mesh.connection('stopped', source('STOPPED', ordered));
    await eventually(async () => (await consumersOf('STOPPED')).length === 0, { what: 'the durable to be gone' });
    await mesh.feed('stopped.in', 10, 15);
    await mesh.append('pipeline', 'stopped', { type: 'PipelineStarted' });
    await eventually(() => rows.includes(14), { what: 'what came meanwhile' });
    expect(rows).toEqual(upTo(15));
  });

  it('goes on in a work queue, which takes no second consumer', async () => {
    await mesh.jsm.streams.add({ name: 'WORK', subjects: ['work.in'], retention: 'workqueue' });
    const rows = rowsOf('work');
    await mesh.connection('work', source('WORK', pull));
    await mesh.pipeline('work', 'SELECT n FROM work');
    await mesh.settled('work', 'running');
    await mesh.feed('work.in', 0, 10);
    await eventually(async () => rows.length >= 10 && (await mesh.count('WORK')) === 0, { what: 'the first rows' });
    await mesh.connection('work', source('WORK', { consumer_name: 'another' }));
    await mesh.settled('work', 'running');
    await mesh.feed('work.in', 10, 15);
    await eventually(() => rows.includes(14), { what: 'what came afterwards' });
    expect(rows).toEqual(upTo(15));
    expect(await consumersOf('WORK')).toEqual(['another']);
  });

  it('says so where it cannot go on, in another stream', async () => {
    const rows = await given('moved', pull, 5);
    let log = '';
    mesh.nc.subscribe('laminar.logs.>', {
      callback: (_, { data }) => {
        log += new TextDecoder().decode(data);
      },
    });
    await mesh.jsm.streams.add({ name: 'ELSEWHERE', subjects: ['elsewhere.in'] });
    await mesh.feed('elsewhere.in', 100, 105);
    await mesh.connection('moved', source('ELSEWHERE', pull));
    await mesh.settled('moved', 'running');
    await eventually(() => rows.includes(104), { what: 'the rows of the other stream' });
    // Whoever makes the new durable says it: the provisioner, or the reader if it comes first.
    await eventually(() => /"MOVED" before.*"ELSEWHERE".*start/.test(log), { what: 'word of it in the log' });
  });
});

describe('a durable of a connection that is dropped while its server is away', () => {
  it('goes when the server is back', async () => {
    const proxy = new TcpProxy(mesh.mesh.nats.port);
    await proxy.start();
    try {
      await mesh.jsm.streams.add({ name: 'AWAY', subjects: ['away.in'] });
      await mesh.connection('away', source('AWAY', pull), proxy.url);
      await eventually(async () => (await consumersOf('AWAY')).length === 1, { what: 'the durable' });
      await stands('away');
      proxy.refuse();
      await drop('away');
      await eventually(() => proxy.refused > 0, { what: 'an attempt to delete it' });
      await mesh.connection('meanwhile', source('AWAY', { consumer_name: 'meanwhile' }));
      await stands('meanwhile');
      proxy.cut();
      await eventually(async () => !(await consumersOf('AWAY')).includes('laminar-away'), {
        what: 'the durable to go',
      });
      expect(await consumersOf('AWAY')).toEqual(['meanwhile']);
    } finally {
      await proxy.stop();
    }
  });
});

describe('a durable that two connections share', () => {
  const shared = { consumer_name: 'shared', consumer_max_deliver: 5 };
  const capture = (stream: string) => `laminar_exhausted_${stream}_shared`;
  const hasCapture = (stream: string) =>
    mesh.jsm.streams.info(capture(stream)).then(
      () => true,
      () => false,
    );

  /** Two connections over one durable; gives when it was made. */
  async function two(stream: string): Promise<() => Promise<string>> {
    await mesh.jsm.streams.add({ name: stream, subjects: [`${stream}.in`] });
    const created = async () => (await mesh.jsm.consumers.info(stream, 'shared')).created;
    for (const name of ['one', 'two']) {
      await mesh.connection(`${stream}_${name}`, source(stream, shared));
      await stands(`${stream}_${name}`);
    }
    return created;
  }

  const settled = () =>
    eventually(() => mesh.board.instances().every(({ appliedRevision }) => appliedRevision >= mesh.position), {
      what: 'the drop to be applied',
    });

  it('outlives the one that made it, also when that is created again, and goes with the last', async () => {
    const created = await two('shared_a');
    const first = await created();
    await drop('shared_a_one');
    await settled();
    await mesh.connection('shared_a_one', source('shared_a', shared));
    await stands('shared_a_one');
    expect(await created()).toBe(first);
    await drop('shared_a_two');
    await settled();
    await mesh.connection('marker', source('shared_a', { consumer_name: 'marker' }));
    await eventually(async () => (await consumersOf('shared_a')).includes('marker'), { what: 'what came later' });
    expect(await created()).toBe(first);
    expect(await hasCapture('shared_a')).toBe(true);
    await drop('shared_a_one');
    await eventually(async () => !(await consumersOf('shared_a')).includes('shared'), { what: 'the durable to go' });
    await eventually(async () => !(await hasCapture('shared_a')), { what: 'its capture to go' });
  });

  it.each([
    ['the maker', 'one', 'two'],
    ['the other', 'two', 'one'],
  ])('goes when both are dropped, %s first', async (_, before, after) => {
    const stream = `shared_${before}`;
    await two(stream);
    await drop(`${stream}_${before}`);
    await settled();
    await drop(`${stream}_${after}`);
    await eventually(async () => (await consumersOf(stream)).length === 0, { what: 'the durable to go' });
    await eventually(async () => !(await hasCapture(stream)), { what: 'its capture to go' });
  });
});
