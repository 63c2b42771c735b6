import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  eventually,
  freePort,
  type ServiceProcess,
  startNats,
  startService,
  type TemporaryDirectory,
  type TestNats,
  temporaryDirectory,
} from '@laminar/test';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogWriter, pipelineOver, SpeakingInstance, select, sourceConnection } from './testing.js';

const at = Date.UTC(2026, 10, 23, 13);
const derived = [
  'nats_connections',
  'nats_jetstream_consumers',
  'nats_server_info',
  'pipelines',
  'pipeline_instances',
  'definitions',
  'definition_events',
] as const;

let server: TestNats;
let directory: TemporaryDirectory;
let nc: NatsConnection;
let log: LogWriter;
let instance: SpeakingInstance;
const services: ServiceProcess[] = [];

beforeEach(async () => {
  server = await startNats();
  directory = await temporaryDirectory('query');
  nc = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
  log = await LogWriter.open(nc);
});

afterEach(async () => {
  instance?.fallSilent();
  await Promise.all(services.splice(0).map((service) => service.stop()));
  await nc.close();
  await server.stop();
  await directory.remove();
});

async function start(options: { env?: Record<string, string>; waitReady?: boolean } = {}): Promise<ServiceProcess> {
  const { env = {}, waitReady = true } = options;
  const environment = { NATS_URL: server.url, LAMINAR_DATA_DIR: directory.path, ...env };
  const service = await startService({ service: 'query', env: environment, waitReady });
  services.push(service);
  return service;
}

/** A mesh in which something of everything has happened; the instance lives on. */
async function live(): Promise<void> {
  const connection = await log.append('connection', 'orders', sourceConnection);
  const pipeline = await log.append('pipeline', 'big', pipelineOver('orders'));
  await log.append('pipeline', 'gone', pipelineOver('orders'));
  await log.append('pipeline', 'gone', { type: 'PipelineDropped' });
  await log.append('connection', 'odd', sourceConnection);
  await log.appendRaw('connection.odd.0000000002', new TextEncoder().encode('no protobuf'), 'odd-2');
  instance = new SpeakingInstance(nc, 'one', 'one-a', at).start();
  instance.report({
    connections: [{ name: 'orders', desiredRevision: connection, appliedRevision: connection, state: 'connected' }],
    pipelines: [{ name: 'big', desiredRevision: pipeline, appliedRevision: pipeline, state: 'running' }],
  });
}

/** Counters as instances left them on the bus, which may have been written while no query service ran. */
async function count(messagesIn: number): Promise<void> {
  await instance.count({
    connections: [{ name: 'orders', incarnation: 1, messagesReceived: messagesIn, subscriptions: 1, rttMs: 0.25 }],
    pipelines: [{ name: 'big', incarnation: 2, messagesIn, messagesOut: 5, latencyBuckets: [0, 0, 3] }],
    consumers: [{ connection: 'orders', incarnation: 1, stream: 'S', consumer: 'c', pending: 4 }],
    servers: [{ connection: 'orders', serverId: 'ID', serverName: 'n', clientId: 3 }],
  });
}

async function sendSpan(url: string): Promise<void> {
  const span = {
    traceId: 'a'.repeat(32),
    spanId: 'b'.repeat(16),
    name: 's',
    startTimeUnixNano: '1',
    endTimeUnixNano: '2',
  };
  const body = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] });
  await fetch(`${url}/v1/traces`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
}

const dump = async (url: string) =>
  Object.fromEntries(
    await Promise.all(
      derived.map(async (table) => [table, await select(url, `SELECT * FROM system.${table} ORDER BY 1, 2, 3`)]),
    ),
  );

/** The tables once they show the instance; all of that comes in one transaction, but the tables are read one by one. */
async function settled(url: string) {
  await eventually(
    async () => {
      const tables = await dump(url);
      return tables.pipeline_instances?.length === 1 && tables.nats_server_info?.length === 1;
    },
    { what: 'the tables to show the instance' },
  );
  return dump(url);
}

describe('the tables', () => {
  it('are the same again when the file was deleted', async () => {
    const first = await start();
    await live();
    await count(7);
    const before = await settled(first.url);
    expect(before.definition_events).toHaveLength(6);
    expect(before.definitions).toHaveLength(3);
    await first.stop();
    await rm(join(directory.path, 'query'), { recursive: true });
    const second = await start();
    expect(await settled(second.url)).toEqual(before);
  });

  it('are the same again when the file was deleted under a running service, which ends then', async () => {
    const first = await start();
    await live();
    await count(7);
    const before = await settled(first.url);
    // What was not checkpointed stays behind beside it.
    await rm(join(directory.path, 'query', 'system.db'));
    expect(await first.exited).toBe(1);
    expect(first.output()).toContain('was deleted while the service ran');
    const second = await start();
    expect(await settled(second.url)).toEqual(before);
  });

  it('are the same again after a kill, with their spans, and counters have gone on as soon as the service is ready', async () => {
    const first = await start();
    await live();
    await count(7);
    await settled(first.url);
    await sendSpan(first.url);
    first.kill('SIGKILL');
    await first.exited;
    await count(9);
    await log.append('pipeline', 'late', pipelineOver('orders'));
    const second = await start();
    expect(await select(second.url, "SELECT messages_in FROM system.pipelines WHERE name = 'big'")).toEqual([
      { messages_in: 9 },
    ]);
    expect(await select(second.url, 'SELECT count(*) AS n FROM system.definition_events')).toEqual([{ n: 7 }]);
    expect(await select(second.url, 'SELECT name, start_time FROM system.spans')).toEqual([
      { name: 's', start_time: '1970-01-01T00:00:00.000000001Z' },
    ]);
  });

  it('are made anew from another log, whatever the file holds', async () => {
    const first = await start();
    await live();
    await count(7);
    await settled(first.url);
    await first.stop();
    const other = await startNats();
    try {
      const otherConnection = await connect({ servers: other.url });
      await (await LogWriter.open(otherConnection)).append('connection', 'elsewhere', sourceConnection);
      const second = await start({ env: { NATS_URL: other.url } });
      expect(await select(second.url, 'SELECT name FROM system.definition_events')).toEqual([{ name: 'elsewhere' }]);
      expect(await select(second.url, 'SELECT connection_name FROM system.nats_connections')).toEqual([
        { connection_name: 'elsewhere' },
      ]);
      expect(await select(second.url, 'SELECT * FROM system.pipelines')).toEqual([]);
      await second.stop();
      await otherConnection.close();
    } finally {
      await other.stop();
    }
  });

  it('are made anew where the file is not a database', async () => {
    const first = await start();
    await live();
    await first.stop();
    await writeFile(
      join(directory.path, 'query', 'system.db'),
      'this is not a database, but it is long enough to be read as one'.repeat(100),
    );
    const second = await start();
    expect(await select(second.url, 'SELECT count(*) AS n FROM system.definition_events')).toEqual([{ n: 6 }]);
    expect(second.output()).toContain('made anew');
  });

  it('are written only where something changed', async () => {
    const service = await start();
    await live();
    await count(7);
    await settled(service.url);
    const written = async () => {
      const text = await (await fetch(`${service.url}/metrics`)).text();
      return Number(
        /^laminar_query_rows_written_total.* (\d+) \d+$|^laminar_query_rows_written_total.* (\d+)$/m
          .exec(text)
          ?.slice(1)
          .find(Boolean),
      );
    };
    const before = await written();
    expect(before).toBeGreaterThan(10);
    await count(7);
    await log.append('pipeline', 'one_more', pipelineOver('orders'));
    await eventually(
      async () => (await select(service.url, "SELECT * FROM system.pipelines WHERE name = 'one_more'")).length === 1,
      {
        what: 'the new pipeline',
      },
    );
    // The event, the definition and the pipeline.
    expect((await written()) - before).toBe(3);
  });
});

describe('several services', () => {
  it('of one data folder have files of their own', async () => {
    const [first, second] = [await start(), await start()];
    await live();
    await count(7);
    expect(await settled(second.url)).toEqual(await settled(first.url));
  });
});

describe('while the bus is away', () => {
  it('starts, says what it waits for, and goes on when the bus is there', async () => {
    const port = await freePort();
    const service = await start({ env: { NATS_URL: `nats://127.0.0.1:${port}` }, waitReady: false });
    const readiness = () => fetch(`${service.url}/readyz`);
    const response = await eventually(readiness, { what: 'the service to listen' });
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ reason: expect.stringContaining('the bus cannot be reached') });
    expect((await fetch(`${service.url}/livez`)).status).toBe(200);
    await expect(select(service.url, 'SELECT 1')).rejects.toThrow('not_ready');
    const late = await startNats({ port });
    try {
      await service.ready();
      expect(await select(service.url, 'SELECT * FROM system.definitions')).toEqual([]);
      expect(await service.stop()).toBe(0);
    } finally {
      await late.stop();
    }
  });

  it('stops at once where it never was there', async () => {
    const service = await start({ env: { NATS_URL: `nats://127.0.0.1:${await freePort()}` }, waitReady: false });
    await eventually(() => fetch(`${service.url}/livez`), { what: 'the service to listen' });
    expect(await service.stop()).toBe(0);
  });

  it('answers with what it knows, and catches up by itself', async () => {
    const service = await start();
    await live();
    await count(7);
    await settled(service.url);
    await server.down();
    await eventually(async () => (await fetch(`${service.url}/readyz`)).status === 503, {
      what: 'the loss to be seen',
    });
    expect(await select(service.url, "SELECT messages_in FROM system.pipelines WHERE name = 'big'")).toEqual([
      { messages_in: 7 },
    ]);
    await server.up();
    await eventually(() => count(8).then(() => true), { what: 'metrics after the return' });
    await service.ready();
    await eventually(
      async () =>
        (await select(service.url, "SELECT messages_in FROM system.pipelines WHERE name = 'big'"))[0]?.messages_in ===
        8,
      { what: 'the new counters' },
    );
  });

  it('starts over where another log comes back', async () => {
    const port = await freePort();
    const first = await startNats({ port });
    const env = { NATS_URL: first.url };
    const service = await start({ env });
    const before = await connect({ servers: first.url });
    await (await LogWriter.open(before)).append('connection', 'old', sourceConnection);
    await eventually(async () => (await select(service.url, 'SELECT * FROM system.definitions')).length === 1, {
      what: 'the old log',
    });
    await before.close();
    await first.stop();
    const second = await startNats({ port });
    try {
      const after = await connect({ servers: second.url });
      await (await LogWriter.open(after)).append('connection', 'new', sourceConnection);
      await eventually(
        async () =>
          (await select(service.url, 'SELECT name FROM system.definitions')).map(({ name }) => name).join() === 'new',
        { what: 'the new log' },
      ).catch(async (error: Error) => {
        throw new Error(`${error.message}: ${service.output()}`);
      });
      await after.close();
      await service.stop();
    } finally {
      await second.stop();
    }
  });
});

describe('while the file cannot be written', () => {
  it('says so, asks exporters to try again, and loses nothing', async () => {
    const service = await start();
    const writer = new Sqlite(join(directory.path, 'query', 'system.db'));
    writer.exec('BEGIN IMMEDIATE');
    await log.append('connection', 'held', sourceConnection);
    const reason = await eventually(
      async () => ((await (await fetch(`${service.url}/readyz`)).json()) as { reason?: string }).reason,
      { what: 'the service to say why it is not ready' },
    );
    expect(reason).toContain('the system tables cannot be written: database is locked');
    const answer = await fetch(`${service.url}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    writer.exec('ROLLBACK');
    writer.close();
    await service.ready();
    expect(await select(service.url, 'SELECT connection_name FROM system.nats_connections')).toEqual([
      { connection_name: 'held' },
    ]);
    expect(await select(service.url, 'SELECT name FROM system.definition_events')).toEqual([{ name: 'held' }]);
  });
});
