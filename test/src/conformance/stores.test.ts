import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { type KV, Kvm } from '@nats-io/kv';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, apiOf } from '../api.js';
import { eventually } from '../eventually.js';
import { createObjectStore, type ObjectStore } from '../object-store.js';
import { startMesh, type TestMesh } from '../servers/mesh.js';
import type { ServiceProcess } from '../servers/service.js';
import { specIt, specSql } from './spec.js';

// The specification's "Key-Value Store", "Object Store" and "Ordered Consumer": sources of which the mesh itself keeps how far they were read.

let mesh: TestMesh;
let nc: NatsConnection;
let api: Api;
beforeAll(async () => {
  mesh = await startMesh({ ingestion: 2 });
  nc = await connect({ servers: mesh.nats.url });
  api = apiOf(mesh);
});
afterAll(async () => {
  await nc?.close();
  await mesh?.stop();
});

const here = (id: string) => specSql(id).replaceAll('nats://localhost:4222', mesh.nats.url);

async function run(...sql: string[]): Promise<{ readonly [member: string]: unknown }[]> {
  const { status, body } = await api.post('/sql?wait=applied&timeout_ms=10000', { sql: sql.join(';\n') });
  expect(status, JSON.stringify(body)).toBe(200);
  return body.results;
}

const refusalOf = async (sql: string) => {
  const { status, body } = await api.post('/sql', { sql });
  expect(status, JSON.stringify(body)).toBe(422);
  return body;
};

type Row = { readonly [column: string]: unknown };

/** The rows of a pipeline's output from now on. */
function outputOf(pipeline: string): Row[] {
  const rows: Row[] = [];
  nc.subscribe(`laminar.output.${pipeline}`, { callback: (_, message) => void rows.push(message.json<Row>()) });
  return rows;
}

const arrived = (rows: readonly Row[], count: number) =>
  eventually(() => rows.length >= count, { what: `${count} rows` });

const statusOf = async (connection: string): Promise<{ state: string; message: string }> =>
  (await api.get(`/connections/${connection}`)).body.status;

/** The process that reads for a pipeline. */
async function readerOf(pipeline: string): Promise<ServiceProcess> {
  const instance = await eventually(
    async () => {
      const rows = await api.rows(
        `SELECT instance FROM system.pipeline_instances WHERE pipeline = '${pipeline}' AND state = 'running'`,
      );
      return rows[0]?.instance;
    },
    { what: `who runs ${pipeline}` },
  );
  const index = Number(String(instance).split('-')[1]) - 1;
  const process = mesh.ingestion[index];
  if (!process) throw new Error(`there is no ${instance}`);
  return process;
}

/** Ends the process that reads for a pipeline by a kill, and waits until the other reads. Gives what starts it again. */
async function killReaderOf(pipeline: string): Promise<() => Promise<void>> {
  const killed = await readerOf(pipeline);
  killed.kill('SIGKILL');
  await killed.exited;
  await eventually(async () => (await readerOf(pipeline)) !== killed, { what: 'the other to take over' });
  return async () => {
    const index = mesh.ingestion.indexOf(killed);
    mesh.ingestion[index] = await mesh.start('ingestion', `ingestion-${index + 1}`);
  };
}

/** The position that the mesh keeps of a connection. */
async function positionOf(connection: string): Promise<number | undefined> {
  const positions = await new Kvm(nc).open('laminar_positions');
  const entry = await positions.get(connection);
  return entry?.operation === 'PUT' ? entry.json<{ sequence: number }>().sequence : undefined;
}

describe('a KV bucket', () => {
  let config: KV;

  specIt('nats_kv', 'waits for its bucket, then gives the present values and every change', async () => {
    await run(here('nats_kv'), 'CREATE PIPELINE kv_direct AS SELECT * FROM nats_kv');
    expect(await statusOf('nats_kv')).toMatchObject({
      state: 'blocked',
      message: expect.stringContaining('the KV bucket "CONFIG" does not exist'),
    });
    const rows = outputOf('kv_direct');
    config = await new Kvm(nc).create('CONFIG', { history: 5 });
    await eventually(async () => (await statusOf('nats_kv')).state === 'connected', { what: 'it to heal' });
    await config.put('settings.theme', '{"dark": true}');
    await config.put('other', '1');
    await config.put('settings.size', '42');
    await config.delete('settings.theme');
    await config.purge('settings.size');
    await arrived(rows, 4);
    expect(rows.map(({ key, value, revision, operation }) => [key, operation, revision, value])).toEqual([
      ['settings.theme', 'PUT', 1, { dark: true }],
      ['settings.size', 'PUT', 3, 42],
      ['settings.theme', 'DELETE', 4, null],
      ['settings.size', 'DELETE', 5, null],
    ]);
    expect(Object.keys(rows[0] ?? {})).toEqual(['key', 'value', 'revision', 'operation', 'timestamp']);
    expect(Math.abs(Date.parse(String(rows[0]?.timestamp)) - Date.now())).toBeLessThan(60_000);
  });

  specIt('config_changes', 'is a table whose columns work anywhere in a query', async () => {
    await config.put('settings.a', '1');
    await config.put('settings.a', '2');
    await run(
      here('config_changes'),
      'STOP PIPELINE kv_direct',
      // A connection of its own, so that the present values come again.
      here('nats_kv').replace('nats_kv', 'kv_again'),
      here('config_changes').replace('config_changes', 'again').replace('nats_kv', 'kv_again'),
    );
    const rows = outputOf('kv_table');
    await run(
      `CREATE PIPELINE kv_table AS
       SELECT upper(key) AS k, value, operation FROM again WHERE key LIKE 'settings.a%' AND revision > 0`,
    );
    await config.put('settings.ab', '{"x":"y"}');
    await config.put('settings.b', '0');
    await config.put('settings.a', '3');
    await arrived(rows, 3);
    // Of a key's history only its present value, then every change.
    expect(rows).toEqual([
      { k: 'SETTINGS.A', value: 2, operation: 'PUT' },
      { k: 'SETTINGS.AB', value: { x: 'y' }, operation: 'PUT' },
      { k: 'SETTINGS.A', value: 3, operation: 'PUT' },
    ]);
    const own = outputOf('config_rows');
    await run('CREATE PIPELINE config_rows AS SELECT * FROM config_changes');
    await config.put('settings.c', '[]');
    await eventually(() => own.some(({ key }) => key === 'settings.c'), { what: 'the last change' });
    expect(own.at(-1)).toMatchObject({ key: 'settings.c', value: [], operation: 'PUT' });
  });

  specIt('nats_kv', 'goes on after a stop, with what changed in between', async () => {
    await run('STOP PIPELINE kv_table', 'STOP PIPELINE config_rows');
    await config.put('settings.away', '1');
    await config.put('settings.away', '2');
    const rows = outputOf('config_rows');
    await run('START PIPELINE config_rows');
    await config.put('settings.back', '1');
    await eventually(() => rows.some(({ key }) => key === 'settings.back'), { what: 'the last change' });
    expect(rows.map(({ key, value }) => [key, value])).toEqual([
      ['settings.away', 1],
      ['settings.away', 2],
      ['settings.back', 1],
    ]);
  });

  specIt('config_changes', 'goes on in another process after a kill, without reading all again', async () => {
    const rows = outputOf('config_rows');
    for (let i = 0; i < 50; i++) await config.put(`settings.k${i}`, String(i));
    await arrived(rows, 50);
    const { revision } = (await config.get('settings.k49')) ?? {};
    await eventually(async () => (await positionOf('nats_kv')) === revision, { what: 'the position' });
    const again = await killReaderOf('config_rows');
    await config.put('settings.k0', '100');
    await eventually(() => rows.some(({ value }) => value === 100), { what: 'the change' });
    await again();
    expect(rows).toHaveLength(51);
  });

  it('refuses what no entry has', async () => {
    expect((await refusalOf("CREATE TABLE t (ky TEXT) WITH (connector = 'nats_kv')")).detail).toMatch(
      /an entry of a KV bucket has no column "ky"; did you mean "key"/,
    );
    expect((await refusalOf("CREATE TABLE t (value TEXT) WITH (connector = 'nats_kv')")).detail).toMatch(
      /"value" of an entry of a KV bucket is of type JSON/,
    );
    expect((await refusalOf('CREATE PIPELINE p AS SELECT theme FROM nats_kv')).detail).toMatch(/no column "theme"/);
  });

  it('forgets how far it was read when its connection is dropped', async () => {
    expect(await positionOf('nats_kv')).toBeGreaterThan(0);
    await run('DROP CONNECTION nats_kv CASCADE');
    await eventually(async () => (await positionOf('nats_kv')) === undefined, { what: 'the position to be gone' });
    const rows = outputOf('kv_anew');
    await run(here('nats_kv'), 'CREATE PIPELINE kv_anew AS SELECT * FROM nats_kv');
    await arrived(rows, 50);
  });
});

describe('an object store', () => {
  let files: ObjectStore;

  specIt('nats_object', 'gives a row for each upload, replacement and deletion', async () => {
    files = await createObjectStore(nc, 'FILES');
    await files.put('before.txt', '12345', { metadata: { owner: 'ann' } });
    await run(here('nats_object'), here('file_events'));
    const rows = outputOf('object_direct');
    const events = outputOf('object_table');
    await run(
      'CREATE PIPELINE object_direct AS SELECT * FROM nats_object',
      'CREATE PIPELINE object_table AS SELECT * FROM file_events WHERE size > 0',
    );
    // A store is read by the newest of each name first: what is replaced before that is not seen.
    await arrived(rows, 1);
    await arrived(events, 1);
    await files.put('a/b.bin', '123456789', { chunkBytes: 4 });
    await files.put('before.txt', '1');
    await files.delete('a/b.bin');
    await arrived(rows, 4);
    expect(
      rows.map(({ name, size, chunks, metadata, operation }) => [name, size, chunks, metadata, operation]),
    ).toEqual([
      ['before.txt', 5, 1, { owner: 'ann' }, 'PUT'],
      ['a/b.bin', 9, 3, null, 'PUT'],
      ['before.txt', 1, 1, null, 'PUT'],
      ['a/b.bin', 0, 0, null, 'DELETE'],
    ]);
    expect(rows[0]?.digest).toMatch(/^SHA-256=/);
    expect(Object.keys(rows[0] ?? {})).toEqual([
      'name',
      'size',
      'chunks',
      'digest',
      'metadata',
      'operation',
      'timestamp',
    ]);
    await arrived(events, 3);
    expect(Object.keys(events[0] ?? {})).toEqual(['name', 'size', 'chunks', 'digest', 'metadata', 'timestamp']);
  });

  specIt('file_events', 'goes on after a kill where it was', async () => {
    const rows = outputOf('object_table');
    const { state } = await (await jetstreamManager(nc)).streams.info('OBJ_FILES');
    await eventually(async () => (await positionOf('nats_object')) === state.last_seq, { what: 'the position' });
    const again = await killReaderOf('object_table');
    await files.put('after.txt', 'abc');
    await arrived(rows, 1);
    await again();
    expect(rows.map(({ name, size }) => [name, size])).toEqual([['after.txt', 3]]);
  });

  it('has no content to read as protobuf', async () => {
    const connection = here('nats_object')
      .replace('nats_object', 'nats_objects')
      .replace("'raw'", "'protobuf', protobuf_message = 'M', protobuf_descriptor = '/x'");
    expect((await refusalOf(connection)).detail).toMatch(/content is not read/);
  });
});

describe('an ordered consumer', () => {
  const feed = async (from: number, to: number) => {
    const js = jetstream(nc);
    for (let n = from; n < to; n++) await js.publish('ledger.entry', JSON.stringify({ n }));
  };
  const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);
  const numbers = (rows: readonly Row[]) => rows.map(({ n }) => n);

  specIt('nats_ordered', 'waits for its stream, then gives all of it in order', async () => {
    await run(here('nats_ordered'), 'CREATE PIPELINE ledger AS SELECT n, _nats_sequence AS s FROM nats_ordered');
    expect(await statusOf('nats_ordered')).toMatchObject({ state: 'blocked' });
    const rows = outputOf('ledger');
    await (await jetstreamManager(nc)).streams.add({ name: 'LEDGER', subjects: ['ledger.>', 'else.>'] });
    await feed(0, 500);
    await arrived(rows, 500);
    expect(numbers(rows)).toEqual(upTo(500));
    expect(rows.at(-1)?.s).toBe(500);
    const [consumer] = await eventually(
      async () => {
        const found = await api.rows(
          "SELECT * FROM system.nats_jetstream_consumers WHERE connection_name = 'nats_ordered' AND last_delivered = 500",
        );
        return found.length > 0 && found;
      },
      { what: 'the row of the consumer' },
    );
    expect(consumer).toMatchObject({ stream_name: 'LEDGER', lag: 0, ack_pending: 0 });
  });

  specIt('nats_ordered', 'goes on in order when its process is stopped, and when it is killed', async () => {
    const rows = outputOf('ledger');
    await eventually(async () => (await positionOf('nats_ordered')) === 500, { what: 'the position' });
    const stopped = await readerOf('ledger');
    const index = mesh.ingestion.indexOf(stopped);
    expect(await stopped.stop()).toBe(0);
    await feed(500, 700);
    mesh.ingestion[index] = await mesh.start('ingestion', `ingestion-${index + 1}`);
    await arrived(rows, 200);
    expect(numbers(rows)).toEqual(upTo(700).slice(500));
    const feeding = feed(700, 1500);
    await arrived(rows, 400);
    const again = await killReaderOf('ledger');
    await feeding;
    await eventually(() => rows.at(-1)?.n === 1499, { what: 'the last' });
    await again();
    // What was read since the position was saved for the last time comes again, in order.
    expect([...new Set(numbers(rows))].sort((a, b) => Number(a) - Number(b))).toEqual(upTo(1500).slice(500));
    const repeated = rows.findIndex(({ n }, i) => i > 0 && Number(n) <= Number(rows[i - 1]?.n));
    const rest = repeated === -1 ? [] : numbers(rows.slice(repeated));
    expect(rest).toEqual(repeated === -1 ? [] : upTo(1500).slice(Number(rest[0])));
  });

  specIt('nats_ordered', 'goes on when its consumer is deleted and when the server is restarted', async () => {
    const rows = outputOf('ledger');
    const jsm = await jetstreamManager(nc);
    for await (const { name } of jsm.consumers.list('LEDGER')) await jsm.consumers.delete('LEDGER', name);
    await feed(1500, 1600);
    await arrived(rows, 100);
    await mesh.nats.restart();
    await eventually(async () => (await nc.rtt()) >= 0, { what: 'the server to be back' });
    await eventually(() => feed(1600, 1601).then(() => true), { what: 'JetStream to be back' });
    await feed(1601, 1700);
    await eventually(() => rows.at(-1)?.n === 1699, { what: 'the last' });
    expect([...new Set(numbers(rows))]).toEqual(upTo(1700).slice(1500));
  });

  specIt('nats_ordered', 'says what was purged before it was read, and that its stream was made again', async () => {
    const jsm = await jetstreamManager(nc);
    const rows = outputOf('ledger');
    await run('STOP PIPELINE ledger');
    await feed(1700, 1800);
    await jsm.streams.purge('LEDGER');
    await run('START PIPELINE ledger');
    await feed(1800, 1810);
    await arrived(rows, 10);
    expect(numbers(rows)).toEqual(upTo(1810).slice(1800));
    expect((await statusOf('nats_ordered')).message).toMatch(
      /^messages \d+ to \d+ of the stream "LEDGER" were removed/,
    );
    const { config } = await jsm.streams.info('LEDGER');
    await jsm.streams.delete('LEDGER');
    await jsm.streams.add(config);
    await feed(1810, 1820);
    await arrived(rows, 20);
    expect(numbers(rows).slice(10)).toEqual(upTo(1820).slice(1810));
    await eventually(async () => /was deleted and made again/.test((await statusOf('nats_ordered')).message), {
      what: 'the remark',
    });
  });
});
