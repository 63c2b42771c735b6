import { laminar, subjects } from '@laminar/protocol';
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
import { afterAll, beforeAll, expect, it } from 'vitest';
import { select } from './testing.js';

const { InstanceLogs } = laminar.v1;
const atUnixUs = Date.UTC(2026, 10, 23, 12) * 1000;

let server: TestNats;
let directory: TemporaryDirectory;
let query: ServiceProcess;
let nc: NatsConnection;

const environment = () => ({ NATS_URL: server.url, LAMINAR_DATA_DIR: directory.path });

beforeAll(async () => {
  server = await startNats();
  directory = await temporaryDirectory('query');
  query = await startService({ service: 'query', env: environment() });
  nc = await connect({ servers: server.url });
});

afterAll(async () => {
  await nc?.close();
  await query?.stop();
  await server?.stop();
  await directory?.remove();
});

const say = (lines: laminar.v1.LogLine.$Properties[], instance = 'ingestion-1') =>
  nc.publish(subjects.logs(instance), InstanceLogs.encode({ instance, lines }).finish());

/** The rows of a connection in the order of their time, once there are so many, within twice the time in which tables have to be fresh. */
const rows = (connection: string, count: number) =>
  eventually(
    async () => {
      const found = await select(
        query.url,
        `SELECT * FROM system.nats_logs WHERE connection = '${connection}' ORDER BY timestamp`,
      );
      return found.length === count && found;
    },
    { what: `${count} lines of ${connection}`, timeoutMs: 4000 },
  );

it('shows lines as they were said, in their order to the microsecond', async () => {
  say([
    {
      atUnixUs: atUnixUs + 7,
      connection: 'orders',
      level: 'trace',
      message: 'received',
      attributes: { subject: { text: 'orders.a' }, size: { number: 12 }, sequence: { number: 0 } },
      traceId: '0af7651916cd43dd8448eb211c80319c',
    },
    { atUnixUs: atUnixUs + 8, connection: 'orders', level: 'info', message: 'connected', traceId: '' },
  ]);
  expect(await rows('orders', 2)).toEqual([
    {
      timestamp: '2026-11-23T12:00:00.000007Z',
      connection: 'orders',
      level: 'trace',
      message: 'received',
      attributes: JSON.stringify({ subject: 'orders.a', size: 12, sequence: 0 }),
      instance: 'ingestion-1',
      trace_id: '0af7651916cd43dd8448eb211c80319c',
    },
    {
      timestamp: '2026-11-23T12:00:00.000008Z',
      connection: 'orders',
      level: 'info',
      message: 'connected',
      attributes: '{}',
      instance: 'ingestion-1',
      trace_id: null,
    },
  ]);
});

it('leaves out what cannot be read, and keeps lines over a restart', async () => {
  nc.publish(subjects.logs('ingestion-1'), 'no protobuf');
  say([{ atUnixUs, connection: 'kept', level: 'info', message: 'connected' }]);
  await rows('kept', 1);
  await query.stop();
  query = await startService({ service: 'query', env: environment() });
  await rows('kept', 1);
});

it('writes many lines at once', async () => {
  for (let message = 0; message < 20; message++) {
    say(
      Array.from({ length: 400 }, (_, i) => ({
        atUnixUs: atUnixUs + message * 1000 + i,
        connection: 'busy',
        level: 'trace',
        message: 'received',
      })),
    );
  }
  await rows('busy', 8000);
});
