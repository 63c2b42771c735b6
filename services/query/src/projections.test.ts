import {
  eventually,
  type ServiceProcess,
  startNats,
  startService,
  type TemporaryDirectory,
  type TestNats,
  temporaryDirectory,
} from '@laminar/test';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LogWriter, pipelineOver, SpeakingInstance, select, sourceConnection } from './testing.js';

const fresh = { timeoutMs: 2000 };
const at = Date.UTC(2026, 10, 23, 13);

let server: TestNats;
let directory: TemporaryDirectory;
let query: ServiceProcess;
let nc: NatsConnection;
let log: LogWriter;
const instances: SpeakingInstance[] = [];

beforeAll(async () => {
  server = await startNats();
  directory = await temporaryDirectory('query');
  query = await startService({ service: 'query', env: environment() });
  nc = await connect({ servers: server.url });
  log = await LogWriter.open(nc);
});

afterAll(async () => {
  for (const instance of instances) instance.fallSilent();
  await nc?.close();
  await query?.stop();
  await server?.stop();
  await directory?.remove();
});

const environment = () => ({ NATS_URL: server.url, LAMINAR_DATA_DIR: directory.path });

function instance(name: string, session: string, atMs = at): SpeakingInstance {
  const started = new SpeakingInstance(nc, name, session, atMs).start();
  instances.push(started);
  return started;
}

/** The one row of a statement, once `check` holds for it, within the time in which the tables have to be fresh. */
async function row(sql: string, check: (row: { [column: string]: unknown }) => boolean = () => true, options = fresh) {
  let last: unknown;
  return eventually(
    async () => {
      const rows = await select(query.url, sql);
      last = rows;
      return rows.length === 1 && rows[0] !== undefined && check(rows[0]) ? rows[0] : undefined;
    },
    { what: `one row that fits of: ${sql}`, ...options },
  ).catch((error: Error) => {
    throw new Error(`${error.message}; there is ${JSON.stringify(last)}`);
  });
}

const none = (sql: string, options = fresh) =>
  eventually(async () => (await select(query.url, sql)).length === 0, { what: `no row of: ${sql}`, ...options });

describe('definitions', () => {
  it('shows the fold and the log', async () => {
    const created = await log.append('connection', 'shown', sourceConnection);
    await log.append('pipeline', 'shown_p', pipelineOver('shown'));
    const stopped = await log.append('pipeline', 'shown_p', { type: 'PipelineStopped' });
    expect(await row("SELECT * FROM system.definitions WHERE kind = 'connection' AND name = 'shown'")).toMatchObject({
      version: 1,
      revision: created,
      incarnation: created,
      created_at: '2026-11-23T12:00:00.001Z',
      actor: 'ada',
      desired: null,
      quarantined: null,
    });
    expect(
      await row("SELECT * FROM system.definitions WHERE name = 'shown_p'", ({ version }) => version === 2),
    ).toMatchObject({
      kind: 'pipeline',
      revision: stopped,
      desired: 'stopped',
      created_at: '2026-11-23T12:00:00.001Z',
      updated_at: '2026-11-23T12:00:00.002Z',
    });
    const events = await select(
      query.url,
      "SELECT version, type, definition ->> 'query' AS query FROM system.definition_events WHERE name = 'shown_p' ORDER BY revision",
    );
    expect(events).toEqual([
      { version: 1, type: 'PipelineCreated', query: 'SELECT id FROM shown' },
      { version: 2, type: 'PipelineStopped', query: null },
    ]);
  });

  it('removes the rows of what is dropped', async () => {
    await log.append('connection', 'passing', sourceConnection);
    await log.append('pipeline', 'passing_p', pipelineOver('passing'));
    await row("SELECT * FROM system.nats_connections WHERE connection_name = 'passing'");
    await row("SELECT * FROM system.pipelines WHERE name = 'passing_p'");
    await log.append('pipeline', 'passing_p', { type: 'PipelineDropped' });
    await log.append('connection', 'passing', { type: 'ConnectionDropped' });
    await none("SELECT * FROM system.nats_connections WHERE connection_name = 'passing'");
    await none("SELECT * FROM system.pipelines WHERE name = 'passing_p'");
    await none("SELECT * FROM system.definitions WHERE name LIKE 'passing%'");
    expect(await row("SELECT count(*) AS n FROM system.definition_events WHERE name LIKE 'passing%'")).toEqual({
      n: 4,
    });
  });

  it('shows what cannot be read, and why, until it is replaced', async () => {
    await log.append('connection', 'broken', sourceConnection);
    await log.appendRaw('connection.broken.0000000002', new TextEncoder().encode('no protobuf'), 'broken-2');
    const quarantined = await row(
      "SELECT * FROM system.definitions WHERE name = 'broken'",
      (found) => found.version === 2,
    );
    expect(quarantined).toMatchObject({ definition: null, quarantined: expect.stringContaining('corrupt') });
    expect(await row("SELECT * FROM system.definition_events WHERE name = 'broken' AND version = 2")).toMatchObject({
      type: null,
      problem: quarantined.quarantined,
    });
    await log.append('connection', 'broken', {
      ...sourceConnection,
      type: 'ConnectionChanged',
    } as typeof sourceConnection);
    await row("SELECT * FROM system.definitions WHERE name = 'broken'", (found) => found.quarantined === null);
  });
});

describe('connections', () => {
  it('shows a connection that nobody uses as idle', async () => {
    await log.append('connection', 'idle', sourceConnection);
    expect(await row("SELECT * FROM system.nats_connections WHERE connection_name = 'idle'")).toEqual({
      connection_name: 'idle',
      server_url: 'nats://127.0.0.1:4222',
      state: 'idle',
      subscriptions_count: 0,
      messages_received: 0,
      bytes_received: 0,
      messages_dropped: 0,
      reconnects: 0,
      last_error: null,
      instance: '',
      rtt_ms: null,
      updated_at: '2026-11-23T12:00:00.001Z',
    });
  });

  it('adds up what instances count, keeps it when they die, and shows gauges of live ones alone', async () => {
    const incarnation = await log.append('connection', 'shared', sourceConnection);
    const one = instance('one', 'one-a');
    const two = instance('two', 'two-a');
    const connected = {
      name: 'shared',
      desiredRevision: incarnation,
      appliedRevision: incarnation,
      state: 'connected',
    };
    const counted = {
      name: 'shared',
      incarnation,
      serverUrl: 'nats://a:4222',
      subscriptions: 1,
      bytesReceived: 100,
      rttMs: 0.5,
    };
    one.report({ connections: [connected] });
    two.report({ connections: [{ ...connected, state: 'reconnecting', message: 'the server went away' }] });
    await one.count({
      connections: [{ ...counted, messagesReceived: 10, reconnects: 1, exhausted: 3 }],
      consumers: [
        {
          connection: 'shared',
          incarnation,
          stream: 'S',
          consumer: 'c',
          pending: 5,
          ackPending: 2,
          lastDelivered: 9,
        },
      ],
      servers: [
        {
          connection: 'shared',
          serverId: 'ID',
          serverName: 'n1',
          version: '2.9.10',
          host: 'a',
          port: 4222,
          jetstream: true,
          maxPayload: 1048576,
          clientId: 7,
        },
      ],
    });
    // An older namesake, dropped before, is not this one.
    await two.count({
      connections: [
        { ...counted, messagesReceived: 32 },
        { ...counted, incarnation: incarnation - 1, messagesReceived: 500 },
      ],
    });
    const shared = "SELECT * FROM system.nats_connections WHERE connection_name = 'shared'";
    expect(await row(shared, ({ messages_received }) => messages_received === 42)).toEqual({
      connection_name: 'shared',
      server_url: 'nats://a:4222',
      state: 'reconnecting',
      subscriptions_count: 2,
      messages_received: 42,
      bytes_received: 200,
      messages_dropped: 0,
      reconnects: 1,
      last_error: 'the server went away',
      instance: 'one,two',
      rtt_ms: 0.5,
      updated_at: '2026-11-23T13:00:00.000Z',
    });
    expect(await row("SELECT * FROM system.nats_jetstream_consumers WHERE connection_name = 'shared'")).toEqual({
      connection_name: 'shared',
      stream_name: 'S',
      consumer_name: 'c',
      pending_messages: 5,
      ack_pending: 2,
      redelivered: 0,
      waiting_pulls: 0,
      last_delivered: 9,
      lag: 7,
      exhausted: 3,
      updated_at: '2026-11-23T13:00:00.000Z',
    });
    expect(await row("SELECT * FROM system.nats_server_info WHERE connection = 'shared'")).toMatchObject({
      server_id: 'ID',
      server_name: 'n1',
      port: 4222,
      jetstream: 1,
      tls_required: 0,
      max_payload: 1048576,
      client_id: 7,
    });

    one.leave();
    expect(await row(shared, ({ instance }) => instance === 'two')).toMatchObject({
      messages_received: 42,
      reconnects: 1,
      subscriptions_count: 1,
    });
    await none("SELECT * FROM system.nats_jetstream_consumers WHERE connection_name = 'shared'");
    await none("SELECT * FROM system.nats_server_info WHERE connection = 'shared'");

    // It comes back under its name and goes on from where it was; another takes the consumer over and has seen fewer run out.
    const again = instance('one', 'one-b', at + 1000);
    await again.count({ connections: [{ ...counted, messagesReceived: 11, reconnects: 1 }] });
    expect(await row(shared, ({ messages_received }) => messages_received === 43)).toMatchObject({
      subscriptions_count: 2,
    });
  });

  it('adds up what instances count of messages that ran out of deliveries, also when another takes over', async () => {
    const incarnation = await log.append('connection', 'poisoned', sourceConnection);
    const consumer = { connection: 'poisoned', incarnation, stream: 'S', consumer: 'c' };
    const one = instance('poisoned-1', 'poisoned-1a');
    const counted = (exhausted: number) => ({ connections: [{ name: 'poisoned', incarnation, exhausted }] });
    await one.count({ ...counted(3), consumers: [consumer] });
    const sql = "SELECT * FROM system.nats_jetstream_consumers WHERE connection_name = 'poisoned'";
    await row(sql, ({ exhausted }) => exhausted === 3);
    one.leave();
    await none(sql);
    await instance('poisoned-2', 'poisoned-2a').count({ ...counted(1), consumers: [{ ...consumer, pending: 8 }] });
    expect(await row(sql)).toMatchObject({ exhausted: 4, pending_messages: 8 });
  });

  it('starts from zero when a name is created again', async () => {
    const before = await log.append('connection', 'reborn', sourceConnection);
    await instance('reborn-i', 'reborn-s').count({
      connections: [{ name: 'reborn', incarnation: before, messagesReceived: 9 }],
    });
    const sql = "SELECT * FROM system.nats_connections WHERE connection_name = 'reborn'";
    await row(sql, ({ messages_received }) => messages_received === 9);
    await log.append('connection', 'reborn', { type: 'ConnectionDropped' });
    await log.append('connection', 'reborn', sourceConnection);
    await row(sql, ({ messages_received }) => messages_received === 0);
  });
});

describe('pipelines', () => {
  it('adds up counters and latencies, and shows what each instance says', async () => {
    await log.append('connection', 'orders', sourceConnection);
    const incarnation = await log.append('pipeline', 'big', pipelineOver('orders'));
    expect(await row("SELECT * FROM system.pipelines WHERE name = 'big'")).toEqual({
      name: 'big',
      state: 'starting',
      instances: 0,
      messages_in: 0,
      messages_out: 0,
      errors: 0,
      dead_letters: 0,
      latency_p50_ms: null,
      latency_p99_ms: null,
      last_error: null,
      updated_at: '2026-11-23T12:00:00.001Z',
    });
    const running = { name: 'big', desiredRevision: incarnation, appliedRevision: incarnation, state: 'running' };
    const [one, two] = [instance('big-1', 'big-1a'), instance('big-2', 'big-2a')];
    one.report({ pipelines: [running] });
    two.report({ pipelines: [running] });
    // 2^10 us in bucket 40.
    const buckets = [...Array(40).fill(0), 50];
    await one.count({
      pipelines: [
        {
          name: 'big',
          incarnation,
          messagesIn: 60,
          messagesOut: 30,
          errors: 1,
          lastError: 'no number',
          latencyBuckets: buckets,
        },
      ],
    });
    await two.count({
      pipelines: [
        { name: 'big', incarnation, messagesIn: 40, messagesOut: 20, deadLetters: 1, latencyBuckets: buckets },
      ],
    });
    const big = await row(
      "SELECT * FROM system.pipelines WHERE name = 'big'",
      (found) => found.messages_in === 100 && found.instances === 2,
    );
    expect(big).toMatchObject({
      state: 'running',
      messages_out: 50,
      errors: 1,
      dead_letters: 1,
      last_error: 'no number',
    });
    expect(big.latency_p50_ms).toBeCloseTo(1.117, 3);
    expect(
      await select(query.url, "SELECT * FROM system.pipeline_instances WHERE pipeline = 'big' ORDER BY instance"),
    ).toEqual(
      ['big-1', 'big-2'].map((name) => ({
        pipeline: 'big',
        instance: name,
        desired_revision: incarnation,
        applied_revision: incarnation,
        state: 'running',
        message: '',
        updated_at: '2026-11-23T13:00:00.000Z',
      })),
    );
    two.report({ pipelines: [{ ...running, state: 'blocked', message: 'there is no stream ORDERS' }] });
    expect(
      await row("SELECT * FROM system.pipelines WHERE name = 'big'", ({ state }) => state === 'blocked'),
    ).toMatchObject({
      instances: 1,
      last_error: 'there is no stream ORDERS',
    });
    one.leave();
    two.leave();
    expect(
      await row("SELECT * FROM system.pipelines WHERE name = 'big'", ({ state }) => state === 'starting'),
    ).toMatchObject({
      instances: 0,
      messages_in: 100,
      latency_p50_ms: null,
    });
    await none("SELECT * FROM system.pipeline_instances WHERE pipeline = 'big'");
  });
});

describe('workers', () => {
  it('shows who is alive, and drops who falls silent', async () => {
    const worker = new SpeakingInstance(nc, 'mortal', 'mortal-a', at);
    worker.beat(3);
    expect(await row("SELECT * FROM system.workers WHERE instance = 'mortal'")).toMatchObject({
      host: 'box',
      pid: 4711,
      started_at: '2026-11-23T13:00:00.000Z',
      readers: 3,
    });
    await none("SELECT * FROM system.workers WHERE instance = 'mortal'", { timeoutMs: 10_000 });
  });
});

describe('what cannot be read', () => {
  it('is left out and harms nothing', async () => {
    nc.publish('laminar.metrics.odd.0', new Uint8Array([0xff, 0xff]));
    nc.publish('laminar.status.odd', new Uint8Array([0xff, 0xff]));
    nc.publish('$KV.laminar_workers.odd', 'no json');
    await log.append('connection', 'after_odd', sourceConnection);
    await row("SELECT * FROM system.nats_connections WHERE connection_name = 'after_odd'");
    expect(query.output()).toContain('cannot be read and is left out');
  });
});
