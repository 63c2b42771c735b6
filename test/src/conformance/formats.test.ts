import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { headers as natsHeaders } from '@nats-io/nats-core';
import Long from 'long';
import protobuf from 'protobufjs';
import 'protobufjs/ext/descriptor.js';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { eventually } from '../eventually.js';
import { startMesh, type TestMesh } from '../servers/mesh.js';
import { type TemporaryDirectory, temporaryDirectory } from '../temporary-directory.js';
import { MeshClient, textsOf } from './client.js';
import { specIt, specSql } from './spec.js';

// The specification's "Data Formats" and "Message Metadata": its statements as they are written there, but for servers and paths.

let mesh: TestMesh;
let client: MeshClient;
let schemas: TemporaryDirectory;
beforeAll(async () => {
  schemas = await temporaryDirectory('schemas');
  mesh = await startMesh({ env: { LAMINAR_FILES_DIRS: schemas.path } });
  client = await MeshClient.connect(mesh);
});
afterAll(async () => {
  await MeshClient.close(client);
  await mesh?.stop();
  await schemas?.remove();
});

/** A statement of the specification against this mesh's server. */
const spec = (id: string, replace: { readonly [written: string]: string } = {}) =>
  specSql(id, { 'nats://localhost:4222': mesh.nats.url, ...replace });
/** One that names the descriptor. */
const specProtobuf = () => spec('nats_protobuf', { '/schemas': schemas.path });

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

const systemRow = (pipeline: string, check: (row: Record<string, unknown>) => boolean = () => true) =>
  client.systemRow(`SELECT * FROM system.pipelines WHERE name = '${pipeline}'`, check);

describe('JSON Messages', () => {
  const sent =
    ' {"id":"a","event_type":"made","timestamp":"2026-03-29T01:30:00Z","data":{"n":12345678901234567890},"more":1} ';

  specIt('nats_events', 'JSON is read into the columns of a table', async () => {
    await client.run(`
      ${spec('nats_json')}
      ${specSql('nats_events')}
      CREATE PIPELINE json_rows AS SELECT * FROM nats_events;`);
    const rows = await client.collect('laminar.output.json_rows');
    client.nc.publish('json.events', sent);
    client.nc.publish('json.events', '{"id":"b"}');
    await client.arrived(rows, 2);
    expect(textsOf(rows)).toEqual([
      '{"id":"a","event_type":"made","timestamp":"2026-03-29T01:30:00Z","data":{"n":12345678901234567890}}',
      '{"id":"b","event_type":null,"timestamp":null,"data":null}',
    ]);
  });

  specIt('nats_json', 'a message is handed on as it came, byte by byte', async () => {
    await client.run('CREATE PIPELINE json_whole AS SELECT * FROM nats_json;');
    const whole = await client.collect('laminar.output.json_whole');
    client.nc.publish('json.events', sent);
    await client.arrived(whole, 1);
    expect(textsOf(whole)).toEqual([sent]);
  });
});

describe('Protobuf Messages', () => {
  specIt('nats_protobuf', 'it waits for its descriptor, and is decoded when that comes', async () => {
    const [created, started] = await client.run(
      `${specProtobuf()}
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
    await client.stands('pipelines', 'proto_rows', 'running');

    await client.run(
      `
      CREATE TABLE proto_table (event_id BIGINT, kind TEXT, created_at TIMESTAMP, signature BYTEA, extra JSON, amount DOUBLE PRECISION)
          WITH (connector = 'nats_protobuf');
      CREATE PIPELINE proto_typed AS SELECT * FROM proto_table;
      CREATE PIPELINE proto_whole AS SELECT * FROM nats_protobuf;
      CREATE CONNECTION proto_json TO nats (servers = '${mesh.nats.url}', subject = 'proto.as.json', type = 'sink');
      CREATE PIPELINE proto_to_json AS INSERT INTO proto_json SELECT payload FROM nats_protobuf;`,
    );
    const rows = await client.collect('laminar.output.proto_rows');
    const typed = await client.collect('laminar.output.proto_typed');
    const whole = await client.collect('laminar.output.proto_whole');
    const json = await client.collect('proto.as.json');
    const bytes = event.encode(order);
    client.nc.publish('proto.events', bytes);
    client.nc.publish('proto.events', event.encode({ kind: 0 }));
    await client.arrived(json, 2);
    await client.arrived(typed, 2);
    await client.arrived(whole, 2);
    await client.arrived(rows, 1);
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

  specIt('nats_protobuf', 'what does not match is a dead letter, and holds up nobody', async () => {
    const rows = await client.collect('laminar.output.proto_whole');
    const before = Number((await systemRow('proto_whole')).errors);
    for (const junk of ['{"event_id":1}', 'no protobuf']) client.nc.publish('proto.events', junk);
    client.nc.publish('proto.events', event.encode(order));
    await client.arrived(rows, 1);
    const counted = await systemRow(
      'proto_whole',
      (row) => Number(row.errors) === before + 2 && Number(row.dead_letters) === before + 2,
    );
    expect(counted).toMatchObject({
      state: 'running',
      last_error: expect.stringContaining('not a valid com.example.Event'),
    });
  });

  specIt('nats_protobuf', 'it is read from JetStream alike', async () => {
    await client.run(`
      CREATE CONNECTION proto_stream TO nats (
          servers = '${mesh.nats.url}', subject = 'protojs.>', type = 'source', format = 'protobuf', jetstream = true,
          stream_name = 'PROTO', stream_subjects = 'protojs.>',
          protobuf_message = 'com.example.Event', protobuf_descriptor = '${schemas.path}/event.desc'
      );
      CREATE PIPELINE proto_js AS SELECT event_id, _nats_sequence AS n FROM proto_stream;`);
    const rows = await client.collect('laminar.output.proto_js');
    await jetstream(client.nc).publish('protojs.a', event.encode({ event_id: '-9223372036854775808' }));
    await client.arrived(rows, 1);
    expect(textsOf(rows)).toEqual(['{"event_id":-9223372036854775808,"n":1}']);
  });

  const define = (options: { [name: string]: unknown }) =>
    client.api.put('/connections/refused', {
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

  specIt(
    'nats_protobuf',
    'it needs a descriptor set that has the message, under the folders that are allowed',
    async () => {
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
      const { status, body } = await client.api.post('/sql', {
        sql: spec('nats_protobuf', {
          '/schemas': schemas.path,
          nats_protobuf: 'refused_too',
          'com.example.Event': 'Nothing',
        }),
      });
      expect({ status, body }).toMatchObject({
        status: 422,
        body: { errors: [{ detail: expect.stringContaining('has no message "Nothing"'), position: { line: 6 } }] },
      });
    },
  );

  specIt(
    'nats_protobuf',
    'it is held up by a descriptor that went bad, which the state says until it is mended',
    async () => {
      const file = join(schemas.path, 'late.desc');
      await writeFile(file, event.descriptor);
      const options = { protobuf_descriptor: file, subject: 'late.events' };
      expect((await define(options)).body.warnings).toEqual([]);
      await writeFile(file, compile('message Event { string other = 1; } message More {}').descriptor.subarray(0, 20));
      const query = 'SELECT event_id FROM refused';
      const created = await client.api.put('/pipelines/late?wait=applied', { query });
      expect(created.body.status).toMatchObject({
        state: 'blocked',
        message: expect.stringContaining('no descriptor set'),
      });
      await writeFile(file, event.descriptor);
      await client.stands('pipelines', 'late', 'running');
    },
  );
});

describe('Raw Binary', () => {
  const noise = Uint8Array.from([0, 255, 0x7b, 10, 0xc3]);

  /** Nothing that JSON or text would be, with headers and a reply subject; and nothing at all. */
  const send = () => {
    const sent = natsHeaders();
    for (const value of ['1', '2']) sent.append('X-Tag', value);
    client.nc.publish('binary.data', noise, { headers: sent, reply: 'answers' });
    client.nc.publish('binary.data', new Uint8Array());
  };

  specIt('raw_messages', 'bytes stand beside what the message says of itself', async () => {
    await client.run(`
      ${spec('nats_raw')}
      ${specSql('raw_messages')}
      CREATE PIPELINE raw_rows AS SELECT * FROM raw_messages;`);
    const rows = await client.collect('laminar.output.raw_rows');
    const sentAt = Date.now();
    send();
    await client.arrived(rows, 2);
    const [first, second] = rows.map(({ text }) => JSON.parse(text));
    expect(first).toMatchObject({
      data: Buffer.from(noise).toString('base64'),
      subject: 'binary.data',
      reply_to: 'answers',
      headers: { 'X-Tag': ['1', '2'] },
    });
    expect(Math.abs(Date.parse(first.timestamp) - sentAt)).toBeLessThan(10_000);
    expect(second).toMatchObject({ data: '', reply_to: null, headers: null });
  });

  specIt('nats_raw', 'bytes are handed on as they came, with headers and to where data says', async () => {
    await client.run(`
      CREATE PIPELINE raw_whole AS SELECT * FROM nats_raw;
      CREATE CONNECTION raw_sink TO nats (servers = '${mesh.nats.url}', subject = 'binary.copies', type = 'sink', format = 'raw');
      CREATE PIPELINE raw_copies AS
      INSERT INTO raw_sink SELECT data AS payload, 'binary.to.' || COALESCE(reply_to, 'nobody') AS subject, headers FROM nats_raw;`);
    const whole = await client.collect('laminar.output.raw_whole');
    const copies = await client.collect('binary.to.>');
    send();
    await client.arrived(whole, 2);
    expect(whole.map(({ data }) => data)).toEqual([noise, new Uint8Array()]);
    await client.arrived(copies, 2);
    expect(copies[0]?.data).toEqual(noise);
    expect(copies[0]?.headers?.values('X-Tag')).toEqual(['1', '2']);
  });

  specIt('nats_raw', 'EXPLAIN says the format', async () => {
    const [plan] = await client.run('EXPLAIN INSERT INTO raw_sink SELECT data AS payload FROM nats_raw');
    expect(plan?.rows).toEqual(
      expect.arrayContaining([
        ['source', 'nats_raw (subject binary.data, format raw)'],
        ['sink', 'raw_sink (subject binary.copies, format raw)'],
        ['column', 'payload BYTEA'],
        ['delivery', 'at_most_once'],
      ]),
    );
  });

  specIt('raw_messages', 'it has no other columns', async () => {
    const table = { connector: 'nats_raw', columns: [{ name: 'id', type: 'BIGINT' }] };
    const { status, body } = await client.api.put('/tables/raw_fields', table);
    expect(status).toBe(422);
    expect(body.errors).toMatchObject([{ code: 'unknown_column', pointer: '/columns/0/name' }]);
    const query = await client.api.put('/pipelines/raw_fields', { query: 'SELECT id FROM nats_raw' });
    expect(query).toMatchObject({
      status: 422,
      body: { detail: expect.stringContaining('format raw'), position: { column: 8 } },
    });
  });
});

describe('Message Metadata', () => {
  const table = `
    ${specSql('nats_with_metadata')}
    CREATE PIPELINE metadata_rows AS SELECT * FROM nats_with_metadata;`;

  specIt('nats_with_metadata', 'core says where a message was, and nothing of streams', async () => {
    await client.run(`
      ${spec('nats_source')}
      ${table}
      CREATE PIPELINE metadata_time AS SELECT _nats_timestamp AS at FROM nats_source;`);
    const rows = await client.collect('laminar.output.metadata_rows');
    const times = await client.collect('laminar.output.metadata_time');
    const headers = natsHeaders();
    for (const value of ['a', 'b']) headers.append('Via', value);
    const sentAt = Date.now();
    client.nc.publish('events.made', '{"n":1}', { headers, reply: 'answers' });
    client.nc.publish('events.made', '[2]');
    await client.arrived(rows, 2);
    const none = '"_nats_sequence":null,"_nats_stream":null,"_nats_consumer":null,"_nats_delivered":null}';
    expect(textsOf(rows)).toEqual([
      `{"payload":{"n":1},"_nats_subject":"events.made","_nats_reply":"answers","_nats_headers":{"Via":["a","b"]},${none}`,
      `{"payload":[2],"_nats_subject":"events.made","_nats_reply":null,"_nats_headers":null,${none}`,
    ]);
    await client.arrived(times, 2);
    expect(Math.abs(Date.parse(JSON.parse(times[0]?.text ?? '{}').at) - sentAt)).toBeLessThan(10_000);
    await client.run('DROP CONNECTION nats_source CASCADE');
  });

  specIt('Message Metadata', 'JetStream says where it is stored, who reads it, and how often it came', async () => {
    await client.run(`
      CREATE CONNECTION nats_source TO nats (
          servers = '${mesh.nats.url}', subject = 'stored.>', type = 'source', format = 'json', jetstream = true,
          stream_name = 'STORED', stream_subjects = 'stored.>', consumer_name = 'meta', on_error = 'retry'
      );
      ${table}
      CREATE PIPELINE metadata_time AS SELECT _nats_timestamp AS at FROM nats_source WHERE _nats_delivered = 1;
      -- Fails, so that the message comes again.
      CREATE PIPELINE failing AS SELECT CAST(payload->>'word' AS BIGINT) AS n FROM nats_with_metadata;
      CREATE PIPELINE redelivered AS ${specSql('Message Metadata')}`);
    const rows = await client.collect('laminar.output.metadata_rows');
    const times = await client.collect('laminar.output.metadata_time');
    const again = await client.collect('laminar.output.redelivered');
    const headers = natsHeaders();
    for (const value of ['a', 'b']) headers.append('Via', value);
    await jetstream(client.nc).publish('stored.x', '{"word":"one"}', { headers });
    await client.arrived(times, 1);
    await eventually(() => again.length > 0, { what: 'the message to come again' });
    const { headers: _, ...first } = rows[0] ?? { text: '' };
    expect(first.text).toBe(
      '{"payload":{"word":"one"},"_nats_subject":"stored.x","_nats_reply":null,"_nats_headers":{"Via":["a","b"]},"_nats_sequence":1,"_nats_stream":"STORED","_nats_consumer":"meta","_nats_delivered":1}',
    );
    expect(again[0]?.text).toBe(
      '{"payload":{"word":"one"},"_nats_subject":"stored.x","_nats_sequence":1,"_nats_delivered":2}',
    );
    const stored = await (await jetstreamManager(client.nc)).streams.getMessage('STORED', { seq: 1 });
    const { at } = JSON.parse(times[0]?.text ?? '{}');
    expect(Math.abs(Date.parse(at) - (stored?.time.getTime() ?? 0))).toBeLessThanOrEqual(1);
  });
});
