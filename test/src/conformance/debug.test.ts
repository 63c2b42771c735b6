import { headers } from '@nats-io/nats-core';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Api, apiOf } from '../api.js';
import { eventually } from '../eventually.js';
import { startMesh, type TestMesh } from '../servers/mesh.js';
import { startNats, type TestNats } from '../servers/nats.js';
import { specIt, specSql } from './spec.js';

// The specification's "Debug Logging": what a connection does, and nothing of what it carries.

const canarySecret = 'canary-secret-5f2a';
const canaryPayload = 'canary-payload-91cc';
const canaryNumber = 98_765_432_109_876;
const canaryHeader = 'canary-header-7d03';

let mesh: TestMesh;
let server: TestNats;
let nc: NatsConnection;
let api: Api;
beforeAll(async () => {
  server = await startNats({ jetstream: false });
  mesh = await startMesh({ env: { LAMINAR_SECRET_CANARY: canarySecret } });
  nc = await connect({ servers: server.url });
  api = apiOf(mesh);
});
afterAll(async () => {
  await nc?.close();
  await mesh?.stop();
  await server?.stop();
});

interface Line {
  readonly timestamp: string;
  readonly connection: string;
  readonly level: string;
  readonly message: string;
  readonly attributes: string;
  readonly instance: string;
  readonly trace_id: string | null;
}

/** What the statement of the specification gives; the oldest first. */
async function lines(): Promise<Line[]> {
  const { status, body } = await api.post('/sql', { sql: specSql('Debug Logging') });
  expect(status, JSON.stringify(body)).toBe(200);
  const [{ columns, rows }] = body.results;
  const named = rows.map((row: unknown[]) =>
    Object.fromEntries(row.map((value, i) => [columns[i].name as string, value])),
  );
  return named.reverse();
}

const attributesOf = ({ attributes }: Line): { [name: string]: unknown } => JSON.parse(attributes);
const lineWith = (message: string, timeoutMs = 40_000) =>
  eventually(async () => (await lines()).find((line) => line.message === message), { what: message, timeoutMs });

const define = async (sql: string, headers: Record<string, string> = {}) => {
  const { status, body } = await api.post('/sql?wait=applied&timeout_ms=15000', { sql }, headers);
  expect(status, JSON.stringify(body)).toBe(200);
};

specIt('nats_debug', 'shows what its connection does on the wire, and each message by its size', async () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const connection = specSql('nats_debug', { 'nats://localhost:4222': server.url });
  await define(`${connection} CREATE PIPELINE watched AS SELECT * FROM nats_debug;`, {
    traceparent: `00-${traceId}-b7ad6b7169203331-01`,
  });
  const connected = await lineWith('connected');
  expect(connected).toMatchObject({ level: 'info', instance: 'ingestion-1', trace_id: traceId });
  expect(attributesOf(await lineWith('connecting'))).toMatchObject({ credentials: 'none', servers: server.url });
  expect(attributesOf(await lineWith('subscribed'))).toEqual({ subject: 'debug.>' });
  expect(attributesOf(await lineWith('round trip')).rtt_ms).toBeGreaterThanOrEqual(0);

  const secretive = headers();
  secretive.set('X-Canary', canaryHeader);
  const data = JSON.stringify({ secret: canaryPayload });
  nc.publish('debug.a.b', data, { headers: secretive });
  await nc.flush();
  // Tables have to be fresh within two seconds; a busy machine gets twice as long.
  const received = await lineWith('received', 4000);
  expect(received.level).toBe('trace');
  expect(attributesOf(received)).toEqual({ subject: 'debug.a.b', size: data.length });
  const published = await lineWith('published');
  expect(attributesOf(published)).toEqual({
    subject: 'laminar.output.watched',
    size: data.length,
    pipeline: 'watched',
  });
  expect(published.trace_id).toBe(traceId);
});

specIt('Debug Logging', 'gives the newest lines first, and a flood of messages as a number', async () => {
  const flood = 1500;
  for (let n = 0; n < flood; n++) nc.publish('debug.flood', '{}');
  await nc.flush();
  // What is shown and what is counted are all messages in and out, the one of the test before among them.
  await eventually(
    async () => {
      const traced = await api.rows(
        "SELECT message, attributes FROM system.nats_logs WHERE connection = 'nats_debug' AND level = 'trace'",
      );
      const counts = traced.map(({ attributes }) => JSON.parse(String(attributes)).left_out ?? 1);
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(2 * (flood + 1));
      expect(traced.some(({ message }) => /^[1-9],?\d* more messages in this second$/.test(String(message)))).toBe(
        true,
      );
      expect(traced.length).toBeLessThan(flood);
      return true;
    },
    { what: 'a count of what was left out' },
  );
  const all = await lines();
  expect(all).toHaveLength(100);
  const times = all.map(({ timestamp }) => timestamp);
  expect(times).toEqual([...times].sort());
  expect(new Set(times).size).toBe(100);
});

specIt('Debug Logging', 'tells of dead letters and lost connections, and never of a payload or header', async () => {
  nc.publish('debug.broken', `${canaryPayload} is no JSON`);
  await nc.flush();
  expect(attributesOf(await lineWith('a dead letter was kept'))).toEqual({ count: 1, last_subject: 'debug.broken' });
  await server.restart();
  await eventually(async () => (await lines()).some(({ message }) => message.startsWith('reconnecting: ')), {
    what: 'the loss of the connection in the log',
  });
  await lineWith('trying to reconnect');
  await lineWith('reconnected');
  const everything = JSON.stringify(await api.rows('SELECT * FROM system.nats_logs'));
  expect(everything).toContain('debug.broken');
  for (const canary of [canaryPayload, canaryHeader]) expect(everything).not.toContain(canary);
});

it('says that a connection was stopped, and leaves it to its status to quote the message', async () => {
  await define(`
    CREATE CONNECTION stopping TO nats (servers = '${server.url}', subject = 'stopping', type = 'source', format = 'json', on_error = 'stop');
    CREATE PIPELINE stopping_p AS SELECT CAST(n AS INTEGER) AS n FROM stopping;`);
  nc.publish('stopping', JSON.stringify({ n: canaryNumber }));
  const stopped = await eventually(
    async () => {
      const log = await api.rows("SELECT * FROM system.nats_logs WHERE connection = 'stopping' AND level = 'error'");
      return log[0];
    },
    { what: 'the stop in the log' },
  );
  expect(stopped.message).toContain("stopped by on_error = 'stop'");
  const [pipeline] = await api.rows("SELECT last_error FROM system.pipelines WHERE name = 'stopping_p'");
  expect(pipeline?.last_error).toContain(String(canaryNumber));
  const everything = JSON.stringify(await api.rows('SELECT * FROM system.nats_logs'));
  expect(everything).not.toContain(String(canaryNumber));
});

it('names the kind of credentials and their refusal, and never a secret', async () => {
  const guarded = await startNats({ config: `authorization { token: "${canarySecret}" }`, jetstream: false });
  try {
    await define(`
      CREATE CONNECTION secretive TO nats (servers = '${guarded.url}', subject = 's', type = 'source', format = 'json',
        token = '\${secret:canary}', reconnect_wait_ms = 50, debug = true, trace = true);
      CREATE PIPELINE secretive_p AS SELECT * FROM secretive;`);
    const log = () =>
      api.rows("SELECT level, message, attributes FROM system.nats_logs WHERE connection = 'secretive'");
    await eventually(async () => (await log()).some(({ message }) => message === 'connected'), { what: 'its start' });
    await guarded.down();
    await guarded.reload('authorization { token: "another" }');
    await guarded.up();
    const refused = await eventually(
      async () => (await log()).find(({ message }) => String(message).includes('refuses the token')),
      { what: 'the refusal in the log' },
    );
    expect(refused.level).toBe('warn');
    const everything = JSON.stringify(await api.rows('SELECT * FROM system.nats_logs'));
    expect((await log()).map(({ attributes }) => JSON.parse(String(attributes)).credentials)).toContain('token');
    expect(everything).not.toContain(canarySecret);
  } finally {
    await guarded.stop();
  }
});

it('has of a connection without debug and trace nothing but its states', async () => {
  await define(`
    CREATE CONNECTION quiet TO nats (servers = '${mesh.nats.url}', subject = 'quiet', type = 'source', format = 'json');
    CREATE PIPELINE quiet_p AS SELECT * FROM quiet;`);
  const bus = await connect({ servers: mesh.nats.url });
  bus.publish('quiet', '{}');
  await bus.flush();
  await eventually(
    async () =>
      (await api.rows("SELECT messages_in FROM system.pipelines WHERE name = 'quiet_p'"))[0]?.messages_in === 1,
    { what: 'the message to be counted' },
  );
  await bus.close();
  const rows = await eventually(
    async () => {
      const found = await api.rows("SELECT level, message FROM system.nats_logs WHERE connection = 'quiet'");
      return found.length > 0 && found;
    },
    { what: 'its line', timeoutMs: 4000 },
  );
  expect(rows).toEqual([{ level: 'info', message: 'connected' }]);
});
