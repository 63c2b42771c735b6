import { buckets } from '@laminar/protocol';
import { eventually, type ServiceProcess, startNats } from '@laminar/test';
import { DiscardPolicy, jetstreamManager } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { type MsgHdrs, nanos } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IngestionMesh } from './testing/ingestion-mesh.js';

// JetStream in, JetStream out, and an output stream that itself knows an id for a second only: what is out when a process dies has left
// its duplicate window when the message is processed again.

const windowMs = 1000;

let mesh: IngestionMesh;
let process: ServiceProcess;
beforeAll(async () => {
  mesh = await IngestionMesh.start();
  process = mesh.process;
});
afterAll(() => mesh?.stop());

async function source(name: string, options = {}): Promise<void> {
  const stream = { stream_name: `IN_${name}`, stream_subjects: `in.${name}` };
  await mesh.connection(`in_${name}`, {
    ...{ type: 'source', format: 'json', jetstream: true, subject: `in.${name}`, consumer_ack_wait_s: 1 },
    ...stream,
    ...options,
  });
  await eventually(() => mesh.jsm.streams.info(`IN_${name}`), { what: 'the stream that is read' });
}

/** A sink, and its stream of other subjects too. */
async function sink(name: string, duplicateWindowMs = windowMs): Promise<string> {
  const stream = `OUT_${name}`;
  await mesh.jsm.streams.add({ name: stream, subjects: [`out.${name}.>`], duplicate_window: nanos(duplicateWindowMs) });
  await mesh.connection(`out_${name}`, { type: 'sink', jetstream: true, subject: `out.${name}.rows` });
  return stream;
}

async function kill(): Promise<void> {
  process.kill('SIGKILL');
  await process.exited;
}

async function revive(): Promise<void> {
  process = await mesh.mesh.start('ingestion', 'ingestion-1');
}

interface Stored {
  readonly subject: string;
  readonly n: number;
  readonly v: number;
  readonly header: MsgHdrs | undefined;
}

/** What a stream holds of a subject, in order. */
async function stored(stream: string, filter_subjects: string): Promise<Stored[]> {
  const consumer = await mesh.js.consumers.get(stream, { deliver_policy: 'all', filter_subjects });
  const { num_pending } = await consumer.info();
  const all: Stored[] = [];
  if (num_pending === 0) return all;
  for await (const message of await consumer.fetch({ max_messages: num_pending }))
    all.push({ ...message.json<{ n: number; v: number }>(), subject: message.subject, header: message.headers });
  return all;
}

const reached = (stream: string, rows: number) =>
  eventually(async () => (await mesh.count(stream)) >= rows, { what: `${rows} rows in ${stream}`, timeoutMs: 40_000 });

const acknowledged = (name: string) =>
  eventually(
    async () => {
      const { num_ack_pending, num_pending } = await mesh.jsm.consumers.info(`IN_${name}`, `laminar-in_${name}`);
      return num_ack_pending === 0 && num_pending === 0;
    },
    { what: 'every acknowledgement', timeoutMs: 40_000 },
  );

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);
const numbers = (rows: readonly Stored[]) => rows.map(({ n }) => n).sort((a, b) => a - b);

describe('beyond the duplicate window each message comes out once', () => {
  it('over several slots, pipelines and kills, beside others who write to the output', async () => {
    const [messages, rows] = [1500, 4];
    await source('kills', { parallelism: 2 });
    const output = await sink('kills');
    await mesh.connection('out_odd', { type: 'sink', jetstream: true, subject: 'out.kills.odd' });
    await mesh.pipeline(
      'four',
      `INSERT INTO out_kills SELECT n * ${rows} + i AS n FROM in_kills, generate_series(0, ${rows - 1}) AS i`,
    );
    await mesh.pipeline('odd', 'INSERT INTO out_odd SELECT n FROM in_kills WHERE n % 2 = 1');
    await mesh.settled('four', 'running');
    await mesh.settled('odd', 'running');
    let others = 0;
    const writing = setInterval(() => mesh.nc.publish('out.kills.rows', JSON.stringify({ n: -1, other: others++ })), 5);
    try {
      const feeding = mesh.feed('in.kills', 0, messages);
      for (const some of [300, 3000]) {
        await reached(output, some);
        await kill();
        await revive();
      }
      await feeding;
      await acknowledged('kills');
    } finally {
      clearInterval(writing);
    }
    const four = (await stored(output, 'out.kills.rows')).filter(({ n }) => n >= 0);
    expect(numbers(four)).toEqual(upTo(messages * rows));
    expect(numbers(await stored(output, 'out.kills.odd'))).toEqual(upTo(messages).filter((n) => n % 2 === 1));
  }, 120_000);

  it('where the process died between the rows of a message, which the version that began it ends', async () => {
    await source('part');
    const output = await sink('part');
    const query = (version: number, rows: number) =>
      `INSERT INTO out_part SELECT JSON_OBJECT('n', n, 'v', ${version}) AS payload, CASE WHEN i = 2 THEN 'late.part' ELSE 'out.part.' || i END AS subject FROM in_part, generate_series(0, ${rows - 1}) AS i`;
    const began = await mesh.pipeline('part', query(1, 3));
    await mesh.settled('part', 'running');
    await mesh.feed('in.part', 0, 1);
    // No stream takes the third row yet.
    await reached(output, 2);
    await kill();
    await mesh.jsm.streams.add({ name: 'LATE', subjects: ['late.>'], duplicate_window: nanos(windowMs) });
    const changed = await mesh.pipeline('part', query(2, 2));
    await revive();
    await mesh.settled('part', 'running');
    await mesh.feed('in.part', 1, 2);
    await reached(output, 4);
    await acknowledged('part');
    const rows = await stored(output, 'out.part.>');
    expect(rows.map(({ n, v }) => [n, v])).toEqual([
      [0, 1],
      [0, 1],
      [1, 2],
      [1, 2],
    ]);
    const [late, ...others] = await stored('LATE', 'late.part');
    expect(late).toMatchObject({ n: 0, v: 1 });
    expect(others).toEqual([]);
    expect(late?.header?.get('Laminar-Revision')).toBe(String(began));
    expect(rows.at(-1)?.header?.get('Laminar-Revision')).toBe(String(changed));
  }, 60_000);

  it('where the durable is gone, and what was known of it, and everything comes for the first time again', async () => {
    const count = 2000;
    await source('again');
    const output = await sink('again');
    await mesh.pipeline('again', 'INSERT INTO out_again SELECT n FROM in_again');
    await mesh.settled('again', 'running');
    await mesh.feed('in.again', 0, count);
    await acknowledged('again');
    await kill();
    await mesh.jsm.consumers.delete('IN_again', 'laminar-in_again');
    await (await new Kvm(mesh.nc).open(buckets.positions)).delete('durable/in_again');
    await revive();
    await mesh.settled('again', 'running');
    await mesh.feed('in.again', count, count + 10);
    await reached(output, count + 10);
    await acknowledged('again');
    expect(numbers(await stored(output, 'out.again.rows'))).toEqual(upTo(count + 10));
    const figures = await (await fetch(`${process.url}/metrics`)).text();
    const [, duplicates] = /^laminar_pipeline_duplicates_total{pipeline="again".*} (\d+)$/m.exec(figures) ?? [];
    expect(Number(duplicates)).toBeGreaterThanOrEqual(count);
  }, 60_000);

  it('from a source without a durable, in the order of its messages', async () => {
    const count = 3000;
    await mesh.jsm.streams.add({ name: 'IN_ordered', subjects: ['in.ordered'] });
    await mesh.connection('in_ordered', {
      ...{ type: 'source', format: 'json', jetstream: true, subject: 'in.ordered', stream_name: 'IN_ordered' },
      consumer_ordered: true,
    });
    const output = await sink('ordered');
    await mesh.pipeline('ordered', 'INSERT INTO out_ordered SELECT n FROM in_ordered');
    await mesh.settled('ordered', 'running');
    const feeding = mesh.feed('in.ordered', 0, count);
    for (const some of [300, 1500]) {
      await reached(output, some);
      await kill();
      await revive();
    }
    await feeding;
    await reached(output, count);
    await mesh.feed('in.ordered', count, count + 1);
    await reached(output, count + 1);
    expect((await stored(output, 'out.ordered.rows')).map(({ n }) => n)).toEqual(upTo(count + 1));
  }, 60_000);

  it('where the owner of a slot stands still, another takes over, and it wakes within the window', async () => {
    const count = 3000;
    await source('stale');
    const output = await sink('stale', 120_000);
    await mesh.pipeline('stale', 'INSERT INTO out_stale SELECT n FROM in_stale');
    await mesh.settled('stale', 'running');
    const feeding = mesh.feed('in.stale', 0, count);
    await reached(output, 300);
    process.kill('SIGSTOP');
    const heir = await mesh.mesh.start('ingestion', 'ingestion-2');
    await feeding;
    // What the one that stands still held comes after its time to acknowledge is over, all else at once.
    await reached(output, count);
    process.kill('SIGCONT');
    await mesh.feed('in.stale', count, count + 100);
    await reached(output, count + 100);
    await acknowledged('stale');
    expect(numbers(await stored(output, 'out.stale.rows'))).toEqual(upTo(count + 100));
    await heir.stop();
  }, 60_000);
});

it('stores nothing of a pipeline that has stopped, though others use its sink, and all of it once it is started again', async () => {
  const output = await sink('full');
  const { config } = await mesh.jsm.streams.info(output);
  await mesh.jsm.streams.update(output, { ...config, max_msgs: 1, discard: DiscardPolicy.New });
  await mesh.js.publish('out.full.first', JSON.stringify({ n: -1 }));
  const names = ['leaving', 'staying'];
  for (const [i, name] of names.entries()) {
    await source(name);
    await mesh.pipeline(name, `INSERT INTO out_full SELECT n + ${10 * i} AS n FROM in_${name}`);
    await mesh.settled(name, 'running');
  }
  for (const name of names) {
    await mesh.feed(`in.${name}`, 0, 3);
    await eventually(
      async () => (await mesh.jsm.consumers.info(`IN_${name}`, `laminar-in_${name}`)).num_ack_pending === 3,
      { what: 'the messages to be read' },
    );
    await mesh.settled(name, 'blocked');
  }
  await mesh.append('pipeline', 'leaving', { type: 'PipelineStopped' });
  await mesh.settled('leaving', 'stopped');
  await mesh.jsm.streams.update(output, config);
  await acknowledged('staying');
  expect(numbers(await stored(output, 'out.full.rows'))).toEqual([10, 11, 12]);
  await mesh.append('pipeline', 'leaving', { type: 'PipelineStarted' });
  await acknowledged('leaving');
  expect(numbers(await stored(output, 'out.full.rows'))).toEqual([0, 1, 2, 10, 11, 12]);
}, 60_000);

describe('what was seen of an output is believed of that stream alone', () => {
  /** Stops the pipeline, has what it reads come again, and starts it. */
  async function readAnew(name: string, between: () => Promise<unknown>): Promise<void> {
    await mesh.append('pipeline', name, { type: 'PipelineStopped' });
    await mesh.settled(name, 'stopped');
    await mesh.jsm.consumers.delete(`IN_${name}`, `laminar-in_${name}`);
    await between();
    await mesh.append('pipeline', name, { type: 'PipelineStarted' });
    await mesh.settled(name, 'running');
    await acknowledged(name);
  }

  /** Deleted and made again as it was. */
  async function remake(stream: string): Promise<void> {
    const { config } = await mesh.jsm.streams.info(stream);
    await mesh.jsm.streams.delete(stream);
    await mesh.jsm.streams.add(config);
  }

  /** Emptied, and its duplicate window passed: a purge has the server forget no id. */
  async function purge(stream: string): Promise<void> {
    const probe = () => mesh.js.publish(`${stream.replace('OUT_', 'out.')}.probe`, '', { msgID: 'probe' });
    await probe();
    await mesh.jsm.streams.purge(stream);
    await eventually(async () => !(await probe()).duplicate, { what: 'the window to pass' });
  }

  it.each([
    ['deleted and made anew', 'remade', remake],
    ['purged', 'purged', purge],
  ])(
    'where it was %s, all rows are stored that are made again',
    async (_, name, empty) => {
      const count = 50;
      await source(name);
      const output = await sink(name);
      await mesh.pipeline(name, `INSERT INTO out_${name} SELECT n FROM in_${name}`);
      // Keeps the sink open meanwhile.
      await source(`idle_${name}`);
      await mesh.pipeline(`idle_${name}`, `INSERT INTO out_${name} SELECT n FROM in_idle_${name}`);
      await mesh.settled(`idle_${name}`, 'running');
      await mesh.feed(`in.${name}`, 0, count);
      await reached(output, count);
      await readAnew(name, async () => undefined);
      expect(numbers(await stored(output, `out.${name}.rows`))).toEqual(upTo(count));
      await readAnew(name, () => empty(output));
      expect(numbers(await stored(output, `out.${name}.rows`))).toEqual(upTo(count));
    },
    60_000,
  );
});

describe('an output that may not be read', () => {
  /** A user who may publish, and look nowhere. */
  const config = `
    authorization {
      users = [
        { user: all, password: all }
        { user: blind, password: blind, permissions: { publish: ["out"] } }
      ]
    }
    no_auth_user: blind
  `;

  it('takes rows all the same, and the pipeline says what may become of them', async () => {
    const server = await startNats({ config });
    const nc = await connect({ servers: server.url, user: 'all', pass: 'all' });
    try {
      const jsm = await jetstreamManager(nc);
      await jsm.streams.add({ name: 'OUT', subjects: ['out'] });
      await source('blind');
      // Stored before its consumer has delivered anything, they may have been delivered by one before it.
      await mesh.feed('in.blind', 0, 10);
      await mesh.connection('out_blind', { type: 'sink', jetstream: true, subject: 'out' }, server.url);
      await mesh.pipeline('blind', 'INSERT INTO out_blind SELECT n FROM in_blind');
      await acknowledged('blind');
      expect((await jsm.streams.info('OUT')).state.messages).toBe(10);
      await eventually(
        () => {
          const { state, message } = mesh.pipelineState('blind');
          expect({ state, message }).toEqual({
            state: 'running',
            message: expect.stringMatching(/may come twice: looking which stream takes "out" is not permitted/),
          });
          return true;
        },
        { what: 'the pipeline to say so' },
      );
    } finally {
      await nc.close();
      await server.stop();
    }
  }, 60_000);
});
