import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { type MsgHdrs, headers as natsHeaders } from '@nats-io/nats-core';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import Long from 'long';
import protobuf from 'protobufjs';
import 'protobufjs/ext/descriptor.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, apiOf } from '../api.js';
import { eventually } from '../eventually.js';
import { startMesh, type TestMesh } from '../servers/mesh.js';
import { type TemporaryDirectory, temporaryDirectory } from '../temporary-directory.js';

// The specification's "Data Formats" and "Message Metadata": its statements as they are written there, but for servers and paths.

let mesh: TestMesh;
let nc: NatsConnection;
let api: Api;
let schemas: TemporaryDirectory;
beforeAll(async () => {
  schemas = await temporaryDirectory('schemas');
  mesh = await startMesh({ env: { LAMINAR_FILES_DIRS: schemas.path } });
  nc = await connect({ servers: mesh.nats.url });
  api = apiOf(mesh);
});
afterAll(async () => {
  await nc?.close();
  await mesh?.stop();
  await schemas?.remove();
});

/** Runs a script of the specification against this mesh's server; its results. */
async function run(sql: string): Promise<{ readonly [member: string]: unknown }[]> {
  const script = sql.replaceAll('nats://localhost:4222', mesh.nats.url).replaceAll('/schemas/', `${schemas.path}/`);
  const { status, body } = await api.post('/sql?wait=applied&timeout_ms=10000', { sql: script });
  expect(status, JSON.stringify(body)).toBe(200);
  return body.results;
}

interface Row {
  readonly data: Uint8Array;
  readonly text: string;
  readonly headers: MsgHdrs | undefined;
}

/** What arrives on a subject from now on. */
function collect(subject: string): Row[] {
  const rows: Row[] = [];
  nc.subscribe(subject, {
    callback: (_, { data, headers }) =>
      void rows.push({ data: new Uint8Array(data), text: new TextDecoder().decode(data), headers }),
  });
  return rows;
}

const arrived = (rows: readonly Row[], count: number) =>
  eventually(() => rows.length === count, { what: `${count} rows`, timeoutMs: 10_000 });

const textsOf = (rows: readonly Row[]) => rows.map(({ text }) => text);

const pipeline = (name: string) =>
  eventually(
    async () => {
      const [row] = await api.rows(`SELECT * FROM system.pipelines WHERE name = '${name}'`);
      return row;
    },
    { what: `${name} in system.pipelines`, timeoutMs: 5000 },
  );

// Under the test runner protobufjs does not find it by itself, and would round what it encodes.
protobuf.util.Long = Long;
protobuf.configure();

/** A type and the descriptor set that `protoc --include_imports` would write for it. */
function compile(source: string) {
  const root = new protobuf.Root();
  for (const file of ['timestamp', 'struct']) {
    const common = protobuf.common.get(`google/protobuf/${file}.proto`);
    if (common?.nested) root.addJSON(common.nested);
  }
  protobuf.parse(`syntax = "proto3"; package com.example; ${source}`, root, { keepCase: true });
  root.resolveAll();
  const set = root.toDescriptor('proto3');
  const type = root.lookupType('com.example.Event');
  return {
    descriptor: (set.$type as protobuf.Type).encode(set).finish(),
    encode: (value: { [field: string]: unknown }) => type.encode(type.fromObject(value)).finish(),
  };
}

const event = compile(`
  enum Kind { UNKNOWN = 0; CREATED = 1; }
  message Line { string sku = 1; uint32 count = 2; }
  message Event {
    int64 event_id = 1; Kind kind = 2; repeated Line lines = 3; map<string, string> labels = 4; google.protobuf.Timestamp created_at = 5;
    oneof subject_id { string user = 6; uint64 device = 7; } bytes signature = 8; google.protobuf.Struct extra = 9; double amount = 10;
  }`);
const order = {
  event_id: '9007199254740993',
  kind: 'CREATED',
  lines: [{ sku: 'A', count: 2 }],
  labels: { region: 'eu' },
  created_at: { seconds: 1774747800 },
  device: '18446744073709551615',
  signature: Buffer.from([0, 255]),
  extra: { fields: { deep: { numberValue: 1 } } },
};

const protobufConnection = `
  CREATE CONNECTION nats_protobuf TO nats (
      servers = 'nats://localhost:4222',
      subject = 'proto.events',
      type = 'source',
      format = 'protobuf',
      protobuf_message = 'com.example.Event',
      protobuf_descriptor = '/schemas/event.desc'
  );`;

describe('JSON Messages', () => {
  it('are read into the columns of a table', async () => {
    await run(`
      CREATE CONNECTION nats_json TO nats (
          servers = 'nats://localhost:4222',
          subject = 'json.events',
          type = 'source',
          format = 'json'
      );

      -- Usage
      CREATE TABLE nats_events (
          id TEXT,
          event_type TEXT,
          timestamp TIMESTAMP,
          data JSON
      ) WITH (
          connector = 'nats_json'
      );
      CREATE PIPELINE json_rows AS SELECT * FROM nats_events;
      CREATE PIPELINE json_whole AS SELECT * FROM nats_json;`);
    const rows = collect('laminar.output.json_rows');
    const whole = collect('laminar.output.json_whole');
    const sent =
      ' {"id":"a","event_type":"made","timestamp":"2026-03-29T01:30:00Z","data":{"n":12345678901234567890},"more":1} ';
    nc.publish('json.events', sent);
    nc.publish('json.events', '{"id":"b"}');
    await arrived(rows, 2);
    expect(textsOf(rows)).toEqual([
      '{"id":"a","event_type":"made","timestamp":"2026-03-29T01:30:00Z","data":{"n":12345678901234567890}}',
      '{"id":"b","event_type":null,"timestamp":null,"data":null}',
    ]);
    await arrived(whole, 2);
    expect(whole[0]?.text).toBe(sent);
  });
});

describe('Protobuf Messages', () => {
  it('wait for their descriptor, and are decoded when it comes', async () => {
    const [created, started] = await run(
      `${protobufConnection}
      CREATE PIPELINE proto_rows AS
      SELECT event_id, kind, device, "user", lines->0->>'sku' AS sku, labels->>'region' AS region, created_at, amount FROM nats_protobuf
      WHERE kind = 'CREATED' AND event_id > 9007199254740992;`,
    );
    expect(created).toMatchObject({
      action: 'created',
      warnings: [{ code: 'missing_file', message: expect.stringContaining('event.desc') }],
    });
    expect(started).toMatchObject({ status: { state: 'blocked', message: expect.stringContaining('event.desc') } });
    await writeFile(join(schemas.path, 'event.desc'), event.descriptor);
    await eventually(async () => (await api.get('/pipelines/proto_rows')).body.status.state === 'running', {
      what: 'the pipeline to heal',
      timeoutMs: 10_000,
    });

    await run(
      `
      CREATE TABLE proto_table (event_id BIGINT, kind TEXT, created_at TIMESTAMP, signature BYTEA, extra JSON, amount DOUBLE PRECISION)
          WITH (connector = 'nats_protobuf');
      CREATE PIPELINE proto_typed AS SELECT * FROM proto_table;
      CREATE PIPELINE proto_whole AS SELECT * FROM nats_protobuf;
      CREATE CONNECTION proto_json TO nats (servers = 'nats://localhost:4222', subject = 'proto.as.json', type = 'sink');
      CREATE PIPELINE proto_to_json AS INSERT INTO proto_json SELECT payload FROM nats_protobuf;`,
    );
    const rows = collect('laminar.output.proto_rows');
    const typed = collect('laminar.output.proto_typed');
    const whole = collect('laminar.output.proto_whole');
    const json = collect('proto.as.json');
    const bytes = event.encode(order);
    nc.publish('proto.events', bytes);
    nc.publish('proto.events', event.encode({ kind: 0 }));
    await arrived(json, 2);
    await arrived(typed, 2);
    await arrived(whole, 2);
    await arrived(rows, 1);
    expect(textsOf(rows)).toEqual([
      '{"event_id":9007199254740993,"kind":"CREATED","device":18446744073709551615,"user":null,"sku":"A","region":"eu","created_at":"2026-03-29T01:30:00Z","amount":0}',
    ]);
    expect(textsOf(typed)).toEqual([
      '{"event_id":9007199254740993,"kind":"CREATED","created_at":"2026-03-29T01:30:00Z","signature":"AP8=","extra":{"deep":1},"amount":0}',
      '{"event_id":0,"kind":"UNKNOWN","created_at":null,"signature":"","extra":null,"amount":0}',
    ]);
    expect(whole[0]?.data).toEqual(new Uint8Array(bytes));
    expect(json[0]?.text).toContain('"event_id":9007199254740993,"kind":"CREATED","lines":[{"sku":"A","count":2}]');
    expect(json[1]?.text).toBe('{"event_id":0,"kind":"UNKNOWN","lines":[],"labels":{},"signature":"","amount":0}');
  });

  it('that do not match are dead letters, and hold up nobody', async () => {
    const rows = collect('laminar.output.proto_whole');
    const before = Number((await pipeline('proto_whole')).errors);
    for (const junk of ['{"event_id":1}', 'no protobuf']) nc.publish('proto.events', junk);
    nc.publish('proto.events', event.encode(order));
    await arrived(rows, 1);
    const counted = await eventually(
      async () => {
        const row = await pipeline('proto_whole');
        return Number(row.errors) === before + 2 && Number(row.dead_letters) === before + 2 && row;
      },
      { what: 'the errors to be counted', timeoutMs: 5000 },
    );
    expect(counted).toMatchObject({
      state: 'running',
      last_error: expect.stringContaining('not a valid com.example.Event'),
    });
  });

  it('are read from JetStream alike', async () => {
    await run(`
      CREATE CONNECTION proto_stream TO nats (
          servers = 'nats://localhost:4222', subject = 'protojs.>', type = 'source', format = 'protobuf', jetstream = true,
          stream_name = 'PROTO', stream_subjects = 'protojs.>',
          protobuf_message = 'com.example.Event', protobuf_descriptor = '/schemas/event.desc'
      );
      CREATE PIPELINE proto_js AS SELECT event_id, _nats_sequence AS n FROM proto_stream;`);
    const rows = collect('laminar.output.proto_js');
    await jetstream(nc).publish('protojs.a', event.encode({ event_id: '-9223372036854775808' }));
    await arrived(rows, 1);
    expect(textsOf(rows)).toEqual(['{"event_id":-9223372036854775808,"n":1}']);
  });

  const define = (options: { [name: string]: unknown }) =>
    api.put('/connections/refused', {
      connector: 'nats',
      options: {
        servers: mesh.nats.url,
        subject: 'proto.events',
        type: 'source',
        format: 'protobuf',
        protobuf_message: 'com.example.Event',
        protobuf_descriptor: join(schemas.path, 'event.desc'),
        ...options,
      },
    });

  it('need a descriptor set that has the message, under the folders that are allowed', async () => {
    await writeFile(join(schemas.path, 'event.proto'), 'syntax = "proto3"; message Event {}');
    await symlink('/etc/hostname', join(schemas.path, 'link.desc'));
    for (const [options, pointer, message] of [
      [{ protobuf_message: 'com.example.Order' }, 'protobuf_message', 'it has com.example.Event, com.example.Line'],
      [{ protobuf_descriptor: join(schemas.path, 'event.proto') }, 'protobuf_descriptor', 'no descriptor set'],
      [{ protobuf_descriptor: '/etc/hostname' }, 'protobuf_descriptor', 'LAMINAR_FILES_DIRS'],
      [{ protobuf_descriptor: `${schemas.path}/../x.desc` }, 'protobuf_descriptor', 'LAMINAR_FILES_DIRS'],
      [{ protobuf_descriptor: join(schemas.path, 'link.desc') }, 'protobuf_descriptor', 'LAMINAR_FILES_DIRS'],
      [{ protobuf_descriptor: 'event.desc' }, 'protobuf_descriptor', 'absolute path'],
      [{ protobuf_descriptor: undefined }, 'protobuf_descriptor', 'needs "protobuf_descriptor"'],
      [{ format: 'json' }, 'protobuf_message', "without format = 'protobuf'"],
      [{ format: 'avro' }, 'format', '"json" or "protobuf" or "raw"'],
    ] as const) {
      const { status, body } = await define(options);
      expect({ status, errors: body.errors }).toMatchObject({ status: 422 });
      const found = body.errors.find((error: { pointer: string }) => error.pointer === `/options/${pointer}`);
      expect(found?.detail, JSON.stringify(body)).toContain(message);
    }
    const { status, body } = await api.post('/sql', {
      sql: protobufConnection
        .replaceAll('/schemas/', `${schemas.path}/`)
        .replace('nats_protobuf', 'refused_too')
        .replace('com.example.Event', 'Nothing'),
    });
    expect({ status, body }).toMatchObject({
      status: 422,
      body: { errors: [{ detail: expect.stringContaining('has no message "Nothing"'), position: { line: 7 } }] },
    });
  });

  it('are held up by a descriptor that went bad, which the state says until it is mended', async () => {
    const file = join(schemas.path, 'late.desc');
    await writeFile(file, event.descriptor);
    const options = { protobuf_descriptor: file, subject: 'late.events' };
    expect((await define(options)).body.warnings).toEqual([]);
    await writeFile(file, compile('message Event { string other = 1; } message More {}').descriptor.subarray(0, 20));
    const query = 'SELECT event_id FROM refused';
    const created = await api.put('/pipelines/late?wait=applied', { query });
    expect(created.body.status).toMatchObject({
      state: 'blocked',
      message: expect.stringContaining('no descriptor set'),
    });
    await writeFile(file, event.descriptor);
    await eventually(async () => (await api.get('/pipelines/late')).body.status.state === 'running', {
      what: 'the pipeline to heal',
      timeoutMs: 10_000,
    });
  });
});

describe('Raw Binary', () => {
  const noise = Uint8Array.from([0, 255, 0x7b, 10, 0xc3]);

  it('is bytes beside what the message says of itself', async () => {
    await run(`
      CREATE CONNECTION nats_raw TO nats (
          servers = 'nats://localhost:4222',
          subject = 'binary.data',
          type = 'source',
          format = 'raw'
      );

      -- Access raw data with headers
      CREATE TABLE raw_messages (
          data BYTEA,
          subject TEXT,
          reply_to TEXT,
          headers JSON,
          timestamp TIMESTAMP
      ) WITH (
          connector = 'nats_raw',
          include_metadata = true
      );
      CREATE PIPELINE raw_rows AS SELECT * FROM raw_messages;
      CREATE PIPELINE raw_whole AS SELECT * FROM nats_raw;
      CREATE CONNECTION raw_sink TO nats (servers = 'nats://localhost:4222', subject = 'binary.copies', type = 'sink', format = 'raw');
      CREATE PIPELINE raw_copies AS
      INSERT INTO raw_sink SELECT data AS payload, 'binary.to.' || COALESCE(reply_to, 'nobody') AS subject, headers FROM nats_raw;`);
    const rows = collect('laminar.output.raw_rows');
    const whole = collect('laminar.output.raw_whole');
    const copies = collect('binary.to.>');
    const sentAt = Date.now();
    const sent = natsHeaders();
    for (const value of ['1', '2']) sent.append('X-Tag', value);
    nc.publish('binary.data', noise, { headers: sent, reply: 'answers' });
    nc.publish('binary.data', new Uint8Array());
    await arrived(rows, 2);
    const [first, second] = rows.map(({ text }) => JSON.parse(text));
    expect(first).toMatchObject({
      data: Buffer.from(noise).toString('base64'),
      subject: 'binary.data',
      reply_to: 'answers',
      headers: { 'X-Tag': ['1', '2'] },
    });
    expect(Math.abs(Date.parse(first.timestamp) - sentAt)).toBeLessThan(10_000);
    expect(second).toMatchObject({ data: '', reply_to: null, headers: null });
    await arrived(whole, 2);
    expect(whole.map(({ data }) => data)).toEqual([noise, new Uint8Array()]);
    await arrived(copies, 2);
    expect(copies[0]?.data).toEqual(noise);
    expect(copies[0]?.headers?.values('X-Tag')).toEqual(['1', '2']);
  });

  it('is said by EXPLAIN', async () => {
    const [plan] = await run('EXPLAIN INSERT INTO raw_sink SELECT data AS payload FROM nats_raw');
    expect(plan?.rows).toMatchObject([
      ['source', 'nats_raw (subject binary.data, format raw)'],
      ['sink', 'raw_sink (subject binary.copies, format raw)'],
      ['column', 'payload BYTEA'],
      ['delivery', 'at_most_once'],
      ['because', expect.any(String)],
    ]);
  });

  it('has no other columns', async () => {
    const table = { connector: 'nats_raw', columns: [{ name: 'id', type: 'BIGINT' }] };
    const { status, body } = await api.put('/tables/raw_fields', table);
    expect(status).toBe(422);
    expect(body.errors).toMatchObject([{ code: 'unknown_column', pointer: '/columns/0/name' }]);
    const query = await api.put('/pipelines/raw_fields', { query: 'SELECT id FROM nats_raw' });
    expect(query).toMatchObject({
      status: 422,
      body: { detail: expect.stringContaining('format raw'), position: { column: 8 } },
    });
  });
});

describe('Message Metadata', () => {
  const table = `
    -- Table with NATS metadata
    CREATE TABLE nats_with_metadata (
        -- Data fields
        payload JSON,

        -- NATS metadata
        _nats_subject TEXT,
        _nats_reply TEXT,
        _nats_headers JSON,
        _nats_sequence BIGINT,  -- JetStream only
        _nats_stream TEXT,       -- JetStream only
        _nats_consumer TEXT,     -- JetStream only
        _nats_delivered BIGINT   -- JetStream delivery count
    ) WITH (
        connector = 'nats_source',
        include_metadata = true
    );
    CREATE PIPELINE metadata_rows AS SELECT * FROM nats_with_metadata;`;

  it('of core says where a message was, and nothing of streams', async () => {
    await run(`
      CREATE CONNECTION nats_source TO nats (
          servers = 'nats://localhost:4222',
          subject = 'events.>',
          type = 'source',
          format = 'json'
      );
      ${table}
      CREATE PIPELINE metadata_time AS SELECT _nats_timestamp AS at FROM nats_source;`);
    const rows = collect('laminar.output.metadata_rows');
    const times = collect('laminar.output.metadata_time');
    const headers = natsHeaders();
    for (const value of ['a', 'b']) headers.append('Via', value);
    const sentAt = Date.now();
    nc.publish('events.made', '{"n":1}', { headers, reply: 'answers' });
    nc.publish('events.made', '[2]');
    await arrived(rows, 2);
    const none = '"_nats_sequence":null,"_nats_stream":null,"_nats_consumer":null,"_nats_delivered":null}';
    expect(textsOf(rows)).toEqual([
      `{"payload":{"n":1},"_nats_subject":"events.made","_nats_reply":"answers","_nats_headers":{"Via":["a","b"]},${none}`,
      `{"payload":[2],"_nats_subject":"events.made","_nats_reply":null,"_nats_headers":null,${none}`,
    ]);
    await arrived(times, 2);
    expect(Math.abs(Date.parse(JSON.parse(times[0]?.text ?? '{}').at) - sentAt)).toBeLessThan(10_000);
    await run('DROP CONNECTION nats_source CASCADE');
  });

  it('of JetStream says where it is stored, who reads it, and how often it came', async () => {
    await run(`
      CREATE CONNECTION nats_source TO nats (
          servers = 'nats://localhost:4222', subject = 'stored.>', type = 'source', format = 'json', jetstream = true,
          stream_name = 'STORED', stream_subjects = 'stored.>', consumer_name = 'meta', on_error = 'retry'
      );
      ${table}
      CREATE PIPELINE metadata_time AS SELECT _nats_timestamp AS at FROM nats_source WHERE _nats_delivered = 1;
      -- Fails, so that the message comes again.
      CREATE PIPELINE failing AS SELECT CAST(payload->>'word' AS BIGINT) AS n FROM nats_with_metadata;
      CREATE PIPELINE redelivered AS
      -- Query with metadata
      SELECT
          payload,
          _nats_subject,
          _nats_sequence,
          _nats_delivered
      FROM nats_with_metadata
      WHERE _nats_delivered > 1;  -- Redelivered messages`);
    const rows = collect('laminar.output.metadata_rows');
    const times = collect('laminar.output.metadata_time');
    const again = collect('laminar.output.redelivered');
    const headers = natsHeaders();
    for (const value of ['a', 'b']) headers.append('Via', value);
    await jetstream(nc).publish('stored.x', '{"word":"one"}', { headers });
    await arrived(times, 1);
    await eventually(() => again.length > 0, { what: 'the message to come again', timeoutMs: 10_000 });
    const { headers: _, ...first } = rows[0] ?? { text: '' };
    expect(first.text).toBe(
      '{"payload":{"word":"one"},"_nats_subject":"stored.x","_nats_reply":null,"_nats_headers":{"Via":["a","b"]},"_nats_sequence":1,"_nats_stream":"STORED","_nats_consumer":"meta","_nats_delivered":1}',
    );
    expect(again[0]?.text).toBe(
      '{"payload":{"word":"one"},"_nats_subject":"stored.x","_nats_sequence":1,"_nats_delivered":2}',
    );
    const stored = await (await jetstreamManager(nc)).streams.getMessage('STORED', { seq: 1 });
    const { at } = JSON.parse(times[0]?.text ?? '{}');
    expect(Math.abs(Date.parse(at) - (stored?.time.getTime() ?? 0))).toBeLessThanOrEqual(1);
  });
});
