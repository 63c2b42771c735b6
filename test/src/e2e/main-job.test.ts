import { headers as natsHeaders } from '@nats-io/nats-core';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, apiOf } from '../api.js';
import { eventually } from '../eventually.js';
import { startMesh, type TestMesh } from '../servers/mesh.js';

// The main job, end to end: define by REST, run, subscribe, query, trace.

let mesh: TestMesh;
let nc: NatsConnection;
let api: Api;
beforeAll(async () => {
  mesh = await startMesh();
  nc = await connect({ servers: mesh.nats.url });
  api = apiOf(mesh);
});
afterAll(async () => {
  await nc?.close();
  await mesh?.stop();
});

const source = (subject: string) => ({ servers: mesh.nats.url, subject, type: 'source', format: 'json' });

async function define(name: string, query: string, headers: Record<string, string> = {}) {
  const options = source(`${name}.>`);
  const connection = await api.post('/connections?wait=applied', { name, connector: 'nats', options }, headers);
  expect(connection.status, JSON.stringify(connection.body)).toBe(201);
  const pipeline = await api.post('/pipelines?wait=applied', { name: `${name}_p`, query }, headers);
  expect(pipeline.status, JSON.stringify(pipeline.body)).toBe(201);
  return pipeline.body;
}

function collect(subject: string) {
  const messages: { readonly text: string; readonly traceparent: string | undefined }[] = [];
  nc.subscribe(subject, {
    callback: (_, message) =>
      void messages.push({
        text: message.string(),
        traceparent: message.headers?.get('traceparent') || undefined,
      }),
  });
  return messages;
}

interface Span {
  readonly trace_id: string;
  readonly span_id: string;
  readonly parent_span_id: string;
  readonly service: string;
  readonly name: string;
}

const spansOf = async (traceId: string) =>
  (await api.rows(`SELECT * FROM system.spans WHERE trace_id = '${traceId}'`)) as unknown as Span[];

/** Whether `span` lies under `root`, at whatever depth. */
function descends(span: Span, root: string, spans: readonly Span[]): boolean {
  if (span.parent_span_id === root) return true;
  const parent = spans.find(({ span_id }) => span_id === span.parent_span_id);
  return parent !== undefined && descends(parent, root, spans);
}

describe('a pipeline defined by REST', () => {
  it('runs when the answer comes, and the system tables say what it did', async () => {
    const pipeline = await define('orders', 'SELECT id FROM orders WHERE amount > 10');
    expect(pipeline.status).toMatchObject({ state: 'running', applied_revision: pipeline.revision });
    const output = collect('laminar.output.orders_p');
    for (const amount of [1, 11, 21]) nc.publish('orders.x', JSON.stringify({ id: amount, amount }));
    await eventually(() => output.length === 2, { what: 'two rows' });
    const row = await eventually(
      async () => {
        const [found] = await api.rows("SELECT * FROM system.pipelines WHERE name = 'orders_p'");
        return found?.messages_out === 2 && found;
      },
      { what: 'the counters', timeoutMs: 4000 },
    );
    expect(row).toMatchObject({ state: 'running', instances: 1, messages_in: 3, messages_out: 2, errors: 0 });
    const [connection] = await api.rows("SELECT * FROM system.nats_connections WHERE connection_name = 'orders'");
    expect(connection).toMatchObject({ state: 'connected', messages_received: 3, instance: 'ingestion-1' });
    const [server] = await api.rows("SELECT * FROM system.nats_server_info WHERE connection = 'orders'");
    expect(server).toMatchObject({ port: mesh.nats.port });
    const worker = await eventually(
      async () => {
        const [found] = await api.rows('SELECT * FROM system.workers');
        return found?.readers === 1 && found;
      },
      { what: 'the reader of the worker', timeoutMs: 4000 },
    );
    expect(worker).toMatchObject({ instance: 'ingestion-1', pid: mesh.ingestion[0]?.pid });
    const events = await api.rows("SELECT * FROM system.definition_events WHERE name = 'orders_p'");
    expect(events).toHaveLength(1);
  });

  it('is one trace from the request to the first message that came out', async () => {
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const root = '00f067aa0ba902b7';
    await define('traced', 'SELECT n FROM traced', { traceparent: `00-${traceId}-${root}-01` });
    const output = collect('laminar.output.traced_p');
    nc.publish('traced.x', '{"n":1}');
    await eventually(() => output.length === 1, { what: 'the row' });
    const names = [
      'append',
      'apply definition',
      'start reader',
      'receive traced',
      'process traced_p',
      'publish laminar.output.traced_p',
    ];
    // Spans come in batches, a parent perhaps after its children.
    const spans = await eventually(
      async () => {
        const found = await spansOf(traceId);
        for (const name of names) {
          const span = found.find((candidate) => candidate.name === name);
          if (!span || !descends(span, root, found)) throw new Error(`${name} in ${JSON.stringify(found)}`);
        }
        return found;
      },
      { what: 'one tree of spans' },
    );
    expect(new Set(spans.map(({ service }) => service))).toEqual(
      new Set(['laminar-control-plane', 'laminar-ingestion']),
    );
    expect(output[0]?.traceparent).toContain(traceId);
  });

  it("carries a producer's trace on to the output message", async () => {
    await define('carried', 'SELECT n FROM carried');
    const output = collect('laminar.output.carried_p');
    nc.publish('carried.x', '{"n":0}');
    await eventually(() => output.length === 1, { what: 'the first row' });
    const traceId = '5bf92f3577b34da6a3ce929d0e0e4737';
    const headers = natsHeaders();
    headers.set('traceparent', `00-${traceId}-00f067aa0ba902b8-01`);
    nc.publish('carried.x', '{"n":1}', { headers });
    await eventually(() => output.length === 2, { what: 'the second row' });
    expect(output[1]?.traceparent).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
  });
});

describe('a script', () => {
  it('defines, runs and is undone by the statements of the dialect', async () => {
    const sql = `
      CREATE CONNECTION scripted TO nats (servers = '${mesh.nats.url}', subject = 'scripted.>', type = 'source', format = 'json');
      CREATE TABLE readings (sensor TEXT, value DOUBLE PRECISION) WITH (connector = 'scripted');
      CREATE PIPELINE hot AS SELECT sensor, value FROM readings WHERE value >= 30;`;
    const answer = await api.post('/sql?wait=applied', { sql });
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    const output = collect('laminar.output.hot');
    nc.publish('scripted.a', '{"sensor":"s1","value":31.5}');
    nc.publish('scripted.a', '{"sensor":"s2","value":29}');
    await eventually(() => output.length === 1, { what: 'the hot reading' });
    expect(output[0]?.text).toBe('{"sensor":"s1","value":31.5}');
    const dropped = await api.post('/sql?wait=applied', { sql: 'DROP CONNECTION scripted CASCADE' });
    expect(dropped.status, JSON.stringify(dropped.body)).toBe(200);
    expect((await api.get('/pipelines/hot')).status).toBe(404);
  });
});

describe('what is wrong with a definition', () => {
  it('is a state that heals, with the reason in every view', async () => {
    const query = 'SELECT n FROM lateconn';
    const created = await api.post('/pipelines?wait=applied', { name: 'early', query });
    expect(created.status).toBe(201);
    expect(created.body.warnings[0].message).toContain('lateconn');
    expect(created.body.status).toMatchObject({ state: 'blocked' });
    const [row] = await eventually(
      async () => {
        const rows = await api.rows("SELECT state FROM system.pipelines WHERE name = 'early'");
        return rows[0]?.state === 'blocked' && rows;
      },
      { what: 'the table to say so', timeoutMs: 4000 },
    );
    expect(row).toEqual({ state: 'blocked' });
    await api.post('/connections?wait=applied', { name: 'lateconn', connector: 'nats', options: source('late.>') });
    const healed = await api.get('/pipelines/early?wait=applied');
    expect(healed.body.status).toMatchObject({ state: 'running' });
  });
});
