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
import { LogWriter, pipelineOver, SpeakingInstance, select, sourceConnection } from './testing.js';

let server: TestNats;
let directory: TemporaryDirectory;
let query: ServiceProcess;
let nc: NatsConnection;
let instance: SpeakingInstance;
let incarnations: { readonly connection: number; readonly pipeline: number };

const environment = () => ({ NATS_URL: server.url, LAMINAR_DATA_DIR: directory.path });

beforeAll(async () => {
  server = await startNats();
  directory = await temporaryDirectory('query');
  query = await startService({ service: 'query', env: environment() });
  nc = await connect({ servers: server.url });
  const log = await LogWriter.open(nc);
  const connection = await log.append('connection', 'orders', sourceConnection);
  incarnations = { connection, pipeline: await log.append('pipeline', 'big', pipelineOver('orders')) };
  instance = new SpeakingInstance(nc, 'one', 'one-a', Date.now()).start();
});

afterAll(async () => {
  instance?.fallSilent();
  await nc?.close();
  await query?.stop();
  await server?.stop();
  await directory?.remove();
});

/** The instance has counted so many messages of the connection and of the pipeline, and has so many yet to come. */
const count = (messages: number, pending: number) =>
  instance.count({
    connections: [{ name: 'orders', incarnation: incarnations.connection, messagesReceived: messages, rttMs: 0.25 }],
    pipelines: [{ name: 'big', incarnation: incarnations.pipeline, messagesIn: messages }],
    consumers: [{ connection: 'orders', incarnation: incarnations.connection, stream: 'S', consumer: 'c', pending }],
  });

const history = () =>
  select(query.url, 'SELECT time, table_name, entity, metric, value FROM system.metrics_history ORDER BY time');

/** The values of a series from the first that is not 0, once the last is this one. */
const values = (table: string, entity: string, metric: string, last: number) =>
  eventually(
    async () => {
      const rows = await history();
      const series = rows.filter((row) => row.table_name === table && row.entity === entity && row.metric === metric);
      const found = series.map(({ value }) => value);
      return found.at(-1) === last && found.slice(found.findIndex((value) => value !== 0));
    },
    { what: `${table}.${metric} of ${entity} at ${last}` },
  );

it('shows what figures were, in the order of their seconds, also after a restart', async () => {
  await count(10, 8);
  expect(await values('pipelines', 'big', 'messages_in', 10)).toEqual([10]);
  await count(25, 3);
  const counted = await values('pipelines', 'big', 'messages_in', 25);
  // A minute may have begun in between, and has a value of its own.
  expect([...new Set(counted)]).toEqual([10, 25]);
  expect(new Set(await values('nats_connections', 'orders', 'messages_received', 25))).toEqual(new Set([10, 25]));
  expect(new Set(await values('nats_connections', 'orders', 'rtt_ms', 0.25))).toEqual(new Set([0.25]));
  expect(new Set(await values('nats_jetstream_consumers', 'orders/S/c', 'lag', 3))).toEqual(new Set([8, 3]));
  const before = await history();
  for (const { time } of before) expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/);

  await query.stop();
  query = await startService({ service: 'query', env: environment() });
  await count(30, 0);
  expect([...new Set(await values('pipelines', 'big', 'messages_in', 30))]).toEqual([10, 25, 30]);
  expect((await history()).slice(0, before.length)).toEqual(before);
});
