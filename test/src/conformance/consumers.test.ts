import { type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, apiOf } from '../api.js';
import { eventually } from '../eventually.js';
import { startMesh, type TestMesh } from '../servers/mesh.js';
import { specIt, specSql } from './spec.js';

// The specification's "JetStream Configuration", "JetStream Features" and "Flow Control": what the server itself says of the streams and consumers.

let mesh: TestMesh;
let nc: NatsConnection;
let jsm: JetStreamManager;
let api: Api;
beforeAll(async () => {
  mesh = await startMesh({ ingestion: 2 });
  nc = await connect({ servers: mesh.nats.url });
  jsm = await jetstreamManager(nc);
  api = apiOf(mesh);
  await jsm.streams.add({ name: 'ORDERS', subjects: ['orders.>'] });
  await jsm.streams.add({ name: 'STREAM', subjects: ['stream.>'] });
});
afterAll(async () => {
  await nc?.close();
  await mesh?.stop();
});

async function run(sql: string): Promise<{ readonly [member: string]: unknown }[]> {
  const { status, body } = await api.post('/sql?wait=applied&timeout_ms=10000', { sql });
  expect(status, JSON.stringify(body)).toBe(200);
  return body.results;
}

/** Runs a statement of the specification, which names this mesh's server. */
const define = (id: string) => run(specSql(id, { 'nats://localhost:4222': mesh.nats.url }));

type Row = { readonly [column: string]: unknown };

/** The rows of a pipeline, from now on. */
async function rowsOf(pipeline: string): Promise<Row[]> {
  const rows: Row[] = [];
  nc.subscribe(`laminar.output.${pipeline}`, { callback: (_, message) => void rows.push(message.json<Row>()) });
  await nc.flush();
  return rows;
}

async function publish(subject: string, from: number, to: number): Promise<void> {
  const js = jetstream(nc);
  for (let start = from; start < to; start += 500) {
    const numbers = Array.from({ length: Math.min(500, to - start) }, (_, i) => start + i);
    await Promise.all(numbers.map((n) => js.publish(subject, JSON.stringify({ n }))));
  }
}

const consumer = (stream: string, name: string) => jsm.consumers.info(stream, name);

/** The row of a consumer in the system table, when it is as it should be. */
const consumerRow = (name: string, expected: Row) =>
  eventually(
    async () => {
      const [row] = await api.rows(`SELECT * FROM system.nats_jetstream_consumers WHERE consumer_name = '${name}'`);
      expect(row).toMatchObject(expected);
      return row;
    },
    { what: `${name} in system.nats_jetstream_consumers` },
  );

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);
const numbers = (rows: readonly Row[]) => rows.map(({ n }) => Number(n)).sort((a, b) => a - b);

describe('JetStream Configuration', () => {
  specIt(
    'nats_jetstream',
    'makes the durable by its name, and reads what the stream has from the beginning',
    async () => {
      await publish('orders.new', 0, 10);
      await define('nats_jetstream');
      expect((await consumer('ORDERS', 'laminar-consumer')).config).toMatchObject({
        durable_name: 'laminar-consumer',
        ack_policy: 'explicit',
        ack_wait: 6e9,
        max_deliver: -1,
        deliver_policy: 'all',
        filter_subject: 'orders.*',
      });
      const rows = await rowsOf('plain');
      await run('CREATE PIPELINE plain AS SELECT n, _nats_sequence AS seq FROM nats_jetstream;');
      await publish('orders.new', 10, 20);
      await eventually(() => rows.length >= 20, { what: 'the rows' });
      expect(numbers(rows)).toEqual(upTo(20));
      await consumerRow('laminar-consumer', {
        stream_name: 'ORDERS',
        pending_messages: 0,
        ack_pending: 0,
        last_delivered: 20,
        lag: 0,
      });
    },
  );
});

describe('JetStream Features', () => {
  specIt('nats_js_stream', 'makes the stream as it says, and a durable', async () => {
    await define('nats_js_stream');
    const { config } = await eventually(() => jsm.streams.info('EVENTS'), { what: 'the stream' });
    expect(config).toMatchObject({
      subjects: ['events.>'],
      retention: 'limits',
      max_msgs: 1_000_000,
      max_age: 86_400e9,
      storage: 'file',
    });
    expect((await consumer('EVENTS', 'laminar-nats_js_stream')).config.filter_subject).toBeUndefined();
    const rows = await rowsOf('events');
    await run('CREATE PIPELINE events AS SELECT n, _nats_subject AS subject FROM nats_js_stream;');
    await publish('events.a.b', 0, 1);
    await eventually(() => rows.length === 1, { what: 'the row' });
    expect(rows).toEqual([{ n: 0, subject: 'events.a.b' }]);
  });

  specIt('nats_js_stream', 'leaves a stream that is another one as it is, and says in what it differs', async () => {
    await jsm.streams.add({ name: 'THEIRS', subjects: ['theirs.>'], max_msgs: 10, storage: 'memory' });
    const written = { 'nats://localhost:4222': mesh.nats.url, nats_js_stream: 'over_theirs', "'EVENTS'": "'THEIRS'" };
    await run(specSql('nats_js_stream', { ...written, 'events.>': 'theirs.>' }));
    const { state, message } = (await api.get('/connections/over_theirs')).body.status;
    expect(state).toBe('idle');
    for (const setting of ['max_msgs', 'max_age', 'storage'])
      expect(message).toContain(`the stream "THEIRS" has another ${setting} than the definition says`);
    expect((await jsm.streams.info('THEIRS')).config).toMatchObject({ max_msgs: 10, max_age: 0, storage: 'memory' });
  });

  specIt('nats_js_stream', 'keeps no more than it says, and says what was gone before it was read', async () => {
    const written = { 'nats://localhost:4222': mesh.nats.url, nats_js_stream: 'few', "'EVENTS'": "'FEW'" };
    await run(`${specSql('nats_js_stream', { ...written, 'events.>': 'few.>', '1000000': '5' })}
      CREATE PIPELINE few AS SELECT n FROM few;`);
    const rows = await rowsOf('few');
    await publish('few.x', 0, 1);
    await eventually(() => rows.length === 1, { what: 'the first row' });
    await run('ALTER CONNECTION few SET (consumer_rate_limit = 1)');
    await publish('few.x', 1, 101);
    expect((await jsm.streams.info('FEW')).state.messages).toBe(5);
    await eventually(() => numbers(rows).includes(100), { what: 'the last row' });
    await eventually(
      async () =>
        /lost messages up to sequence \d+.*limits/.test((await api.get('/connections/few')).body.status.message),
      { what: 'the gap to be said' },
    );
  });

  it.each([
    ['interest', 'memory'],
    ['workqueue', 'file'],
  ])('a stream of retention %s in %s is made, too, and drops what is acknowledged', async (retention, storage) => {
    const name = `made_${retention}`;
    await run(`
      CREATE CONNECTION ${name} TO nats (servers = '${mesh.nats.url}', type = 'source', format = 'json', jetstream = true,
        stream_name = '${name}', stream_subjects = '${name}.>', stream_retention = '${retention}', stream_storage = '${storage}');
      CREATE PIPELINE ${name} AS SELECT n FROM ${name};`);
    expect((await jsm.streams.info(name)).config).toMatchObject({ retention, storage });
    const rows = await rowsOf(name);
    await publish(`${name}.x`, 0, 20);
    await eventually(() => rows.length === 20, { what: 'the rows' });
    await eventually(async () => (await jsm.streams.info(name)).state.messages === 0, { what: 'an empty stream' });
  });

  specIt('nats_durable', 'delivers a message that fails three times, and no more', async () => {
    await define('nats_durable');
    expect((await consumer('ORDERS', 'laminar-durable')).config).toMatchObject({
      durable_name: 'laminar-durable',
      ack_policy: 'explicit',
      max_deliver: 3,
      filter_subject: 'orders.>',
    });
    const seen = await rowsOf('durable_seen');
    await run(`
      CREATE PIPELINE durable_fails WITH (on_error = 'retry') AS SELECT 1 / (n - 513) AS x FROM nats_durable;
      CREATE PIPELINE durable_seen AS SELECT n, _nats_delivered AS delivered FROM nats_durable;`);
    await publish('orders.durable.x', 510, 516);
    await eventually(() => seen.some(({ n, delivered }) => n === 513 && delivered === 3), {
      what: 'the third delivery',
      timeoutMs: 15_000,
    });
    await eventually(async () => (await consumer('ORDERS', 'laminar-durable')).num_ack_pending === 0, {
      what: 'the message to be given up',
      timeoutMs: 30_000,
    });
    const times = (wanted: number) => seen.filter(({ n }) => n === wanted).map(({ delivered }) => delivered);
    expect(times(513)).toEqual([1, 2, 3]);
    expect(times(514)).toEqual([1]);
  });

  it('a durable outlives its pipelines and processes, and goes on where it was', async () => {
    const rows = await rowsOf('durable_seen');
    await run('STOP PIPELINE durable_fails; STOP PIPELINE durable_seen;');
    await publish('orders.durable.y', 100, 110);
    const info = await consumer('ORDERS', 'laminar-durable');
    expect(info).toMatchObject({ num_pending: 10, num_waiting: 0 });
    await run('START PIPELINE durable_seen;');
    await eventually(() => rows.length >= 10, { what: 'the rows' });
    expect(numbers(rows)).toEqual(upTo(10).map((n) => 100 + n));
  });

  specIt('nats_pull', 'asks for a hundred messages at a time, for a second', async () => {
    const requests: Row[] = [];
    nc.subscribe('$JS.API.CONSUMER.MSG.NEXT.EVENTS.laminar-pull', {
      callback: (_, message) => void requests.push(message.json<Row>()),
    });
    await nc.flush();
    await define('nats_pull');
    expect((await consumer('EVENTS', 'laminar-pull')).config.deliver_subject).toBeUndefined();
    expect(requests).toEqual([]);
    const rows = await rowsOf('pulled');
    await run('CREATE PIPELINE pulled AS SELECT n FROM nats_pull;');
    await publish('events.pull', 1, 1001);
    await eventually(() => numbers(rows).includes(1000), { what: 'the rows' });
    await eventually(() => requests.length > 10, { what: 'the requests' });
    for (const request of requests) expect(request).toMatchObject({ batch: 100, expires: 1e9 });
    await consumerRow('laminar-pull', { waiting_pulls: 1, pending_messages: 0 });
  });
});

describe('Exactly-once delivery', () => {
  specIt('nats_jetstream', 'each message comes out once, though the process that reads it is killed', async () => {
    const count = 3000;
    await jsm.streams.add({ name: 'BILLS', subjects: ['bills.*'] });
    const written = { 'nats://localhost:4222': mesh.nats.url, nats_jetstream: 'once', 'orders.*': 'bills.*' };
    await run(`${specSql('nats_jetstream', { ...written, "'ORDERS'": "'BILLS'" })}
      CREATE CONNECTION once_out TO nats (servers = '${mesh.nats.url}', type = 'sink', jetstream = true, subject = 'billed',
        stream_name = 'BILLED', stream_subjects = 'billed');
      CREATE PIPELINE once AS INSERT INTO once_out SELECT n FROM once;`);
    expect((await api.get('/pipelines/once')).body.delivery.guarantee).toBe('exactly_once');
    const billed = async () => (await jsm.streams.info('BILLED')).state.messages;
    const publishing = publish('bills.new', 0, count);
    await eventually(async () => (await billed()) > 100, { what: 'some rows' });
    const [{ instance } = {}] = await api.rows(
      "SELECT instance FROM system.pipeline_instances WHERE pipeline = 'once' AND state = 'running'",
    );
    const index = Number(String(instance).split('-')[1]) - 1;
    mesh.ingestion[index]?.kill('SIGKILL');
    await publishing;
    await eventually(async () => (await billed()) >= count, { what: 'every row', timeoutMs: 40_000 });
    await eventually(async () => (await consumer('BILLS', 'laminar-consumer')).ack_floor.stream_seq === count, {
      what: 'every acknowledgement',
      timeoutMs: 40_000,
    });
    expect(await billed()).toBe(count);
    const all = await jetstream(nc).consumers.get('BILLED', { deliver_policy: 'all' });
    const rows: Row[] = [];
    for await (const message of await all.fetch({ max_messages: count })) rows.push(message.json<Row>());
    expect(numbers(rows)).toEqual(upTo(count));
    mesh.ingestion[index] = await mesh.start('ingestion', String(instance));
  });
});

describe('Flow Control', () => {
  specIt('nats_flow', 'reads a thousand messages a second, and holds a hundred at most', async () => {
    await define('nats_flow');
    const name = 'laminar-nats_flow';
    expect((await consumer('STREAM', name)).config).toMatchObject({ max_ack_pending: 100, filter_subject: 'stream.>' });
    await publish('stream.x', 0, 5500);
    const times: number[] = [];
    nc.subscribe('laminar.output.flow', { callback: () => void times.push(performance.now()) });
    await nc.flush();
    await run('CREATE PIPELINE flow AS SELECT n FROM nats_flow;');
    let held = 0;
    await eventually(
      async () => {
        held = Math.max(held, (await consumer('STREAM', name)).num_ack_pending);
        return times.length === 5500;
      },
      { what: 'the rows' },
    );
    expect(held).toBeLessThanOrEqual(100);
    const [from = 0, to = 0] = [times[500], times.at(-1)];
    const perSecond = 4999 / ((to - from) / 1000);
    // A machine that has much else to do may be slower, never faster.
    expect(perSecond).toBeGreaterThan(300);
    expect(perSecond).toBeLessThan(1050);
  });

  it('holds no more than may be unacknowledged while a sink stands still', async () => {
    await run(`
      CREATE CONNECTION held TO nats (servers = '${mesh.nats.url}', type = 'source', format = 'json', jetstream = true,
        stream_name = 'HELD', stream_subjects = 'held.>', consumer_max_ack_pending = 25, consumer_ack_wait_s = 1);
      CREATE CONNECTION held_sink TO nats (servers = '${mesh.nats.url}', type = 'sink', jetstream = true, subject = 'kept.held');
      CREATE PIPELINE held AS INSERT INTO held_sink SELECT n FROM held;`);
    await publish('held.x', 0, 100);
    // No stream takes the rows: nothing is confirmed, so that nothing is acknowledged.
    await consumerRow('laminar-held', { ack_pending: 25, pending_messages: 75, redelivered: 0, lag: 100 });
    await jsm.streams.add({ name: 'KEPT', subjects: ['kept.held'] });
    await eventually(async () => (await jsm.streams.info('KEPT')).state.messages === 100, {
      what: 'the rows',
      timeoutMs: 30_000,
    });
    await consumerRow('laminar-held', { ack_pending: 0, pending_messages: 0, lag: 0 });
  });
});

describe('push consumers', () => {
  it('with a deliver group share the work of one durable between two processes, of which one may die', async () => {
    await run(`
      CREATE CONNECTION pushed TO nats (servers = '${mesh.nats.url}', type = 'source', format = 'json', jetstream = true,
        stream_name = 'PUSHED', stream_subjects = 'pushed.>', consumer_pull = false, queue_group = 'workers', parallelism = 8,
        consumer_ack_wait_s = 2);
      CREATE PIPELINE pushed AS SELECT n FROM pushed;`);
    const { config } = await consumer('PUSHED', 'laminar-pushed');
    expect(config).toMatchObject({
      deliver_group: 'workers',
      ack_policy: 'explicit',
      deliver_subject: expect.stringMatching(/\S/),
    });
    await eventually(
      async () => {
        const running = await api.rows(
          "SELECT DISTINCT instance FROM system.pipeline_instances WHERE pipeline = 'pushed' AND state = 'running'",
        );
        if (running.length === 2) return true;
        // Whoever was thought dead when the slots were placed has none of them.
        await run('STOP PIPELINE pushed; START PIPELINE pushed;');
        return false;
      },
      { what: 'both processes to run it', timeoutMs: 40_000 },
    );
    const rows = await rowsOf('pushed');
    await publish('pushed.x', 0, 1000);
    await eventually(() => rows.length >= 1000, { what: 'the rows' });
    expect(numbers(rows)).toEqual(upTo(1000));
    await consumerRow('laminar-pushed', { waiting_pulls: 0, ack_pending: 0, last_delivered: 1000 });
    mesh.ingestion[1]?.kill('SIGKILL');
    await publish('pushed.x', 1000, 1200);
    await eventually(() => new Set(numbers(rows)).size === 1200, { what: 'the rest', timeoutMs: 30_000 });
    await mesh.start('ingestion', 'ingestion-2');
  });
});

describe('acknowledgement policies', () => {
  it.each([
    ['all', true],
    ['all', false],
    ['none', true],
    ['none', false],
  ])('%s (pull: %s)', async (policy, pull) => {
    const name = `${policy}_${pull ? 'pull' : 'push'}`;
    await run(`
      CREATE CONNECTION ${name} TO nats (servers = '${mesh.nats.url}', type = 'source', format = 'json', jetstream = true,
        stream_name = '${name}', stream_subjects = '${name}.>', consumer_ack_policy = '${policy}', consumer_pull = ${pull});
      CREATE PIPELINE ${name} AS SELECT n FROM ${name};`);
    expect((await consumer(name, `laminar-${name}`)).config.ack_policy).toBe(policy);
    const acks = new Set<string>();
    nc.subscribe(`$JS.ACK.${name}.>`, { callback: (_, { subject }) => void acks.add(subject) });
    const rows = await rowsOf(name);
    await publish(`${name}.x`, 0, 2000);
    await eventually(() => rows.length >= 2000, { what: 'the rows' });
    expect(numbers(rows)).toEqual(upTo(2000));
    await eventually(
      async () => {
        const { num_ack_pending, ack_floor } = await consumer(name, `laminar-${name}`);
        return num_ack_pending === 0 && ack_floor.stream_seq === 2000;
      },
      { what: 'everything to be done' },
    );
    if (policy === 'none') expect(acks.size).toBe(0);
    else expect(acks.size).toBeGreaterThan(0);
  });
});
