import {
  type Codec,
  DecodeError,
  jsonCodec,
  kvEntryCodec,
  type Message,
  type MessageCodec,
  objectInfoCodec,
  rawCodec,
} from '@laminar/codecs';
import { beforeAll, describe, expect, it } from 'vitest';
import { bindQuery, compileQuery, decodedMessage, loadSql, SqlError } from './index.js';
import type { TableRelation } from './relations.js';
import { message, relationsOf } from './testing.js';

beforeAll(loadSql);

const bytes = { kind: 'source', name: 'bytes', jetstream: false, format: 'raw' } as const;
const table = (name: string, columns: TableRelation['columns']): TableRelation => ({
  kind: 'table',
  name,
  connection: 'bytes',
  source: bytes,
  columns,
  includeMetadata: true,
});
const kv = { kind: 'source', name: 'kv', jetstream: true, format: 'json', store: 'kv' } as const;
const relations = relationsOf([
  bytes,
  { kind: 'source', name: 'events', jetstream: false, format: 'protobuf' },
  { kind: 'source', name: 'json', jetstream: false, format: 'json' },
  { kind: 'sink', name: 'out', jetstream: false, format: 'json' },
  { kind: 'sink', name: 'raw_out', jetstream: false, format: 'raw' },
  table('raw_messages', [
    { name: 'data', type: 'BYTEA' },
    { name: 'subject', type: 'TEXT' },
    { name: 'reply_to', type: 'TEXT' },
    { name: 'headers', type: 'JSON' },
    { name: 'timestamp', type: 'TIMESTAMP' },
  ]),
  table('misfit', [{ name: 'id', type: 'BIGINT' }]),
  kv,
  { ...kv, name: 'raw_kv', format: 'raw' },
  {
    ...table(
      'config_changes',
      ['key', 'value'].map((name) => ({ name, type: name === 'key' ? 'TEXT' : 'JSON' })),
    ),
    source: kv,
  },
  { kind: 'source', name: 'files', jetstream: true, format: 'raw', store: 'object' },
]);

/** Stands for a codec of protobuf: what matters to a query is the value, which is not what the bytes say. */
const eventCodec: Codec = { decode: () => ({ id: 9007199254740993n, name: 'Ann', tags: ['a'] }) };

function rows(query: string, codec: MessageCodec, data: Uint8Array, more: Partial<Message> = {}) {
  const bound = bindQuery(query, relations);
  if (bound.status !== 'bound') throw new Error(bound.reason);
  return compileQuery(bound.query).process(decodedMessage(message(data, more), codec));
}

const textOf = (data: Uint8Array | undefined) => new TextDecoder().decode(data);
const raw = (query: string, data: Uint8Array, more: Partial<Message> = {}) =>
  rows(query, rawCodec, data, more).map((row) => textOf(row.data));
const problemOf = (query: string): SqlError => {
  try {
    bindQuery(query, relations);
  } catch (error) {
    if (error instanceof SqlError) return error;
    throw error;
  }
  throw new Error(`it binds: ${query}`);
};

const noise = Uint8Array.from([0, 255, 0x7b, 10]);
const asBase64 = Buffer.from(noise).toString('base64');
const whole = { subject: 's.x', reply: 'r', timestampMs: 1774747800123, headers: () => ({ H: ['1', '2'] }) };

describe('raw messages', () => {
  it('are bytes with what the message says of itself, from a table and from the connection', () => {
    const expected = `{"data":"${asBase64}","subject":"s.x","reply_to":"r","headers":{"H":["1","2"]},"timestamp":"2026-03-29T01:30:00.123Z"}`;
    expect(raw('SELECT * FROM raw_messages', noise, whole)).toEqual([expected]);
    expect(raw('SELECT data, subject, reply_to, headers, timestamp FROM bytes', noise, whole)).toEqual([expected]);
    expect(raw('SELECT reply_to, headers, _nats_sequence, _nats_subject AS s FROM bytes', noise)).toEqual([
      '{"reply_to":null,"headers":null,"_nats_sequence":null,"s":"orders.new"}',
    ]);
  });

  it('say when they were stored, to the microsecond', () => {
    // JetStream counts nanoseconds, which are no whole number of anything.
    for (const [timestampMs, text] of [
      [1774747800123 + 0.4567, '.123457'],
      [1774747800000 + 0.0002, ''],
    ] as const)
      expect(raw('SELECT timestamp FROM bytes', noise, { timestampMs })).toEqual([
        `{"timestamp":"2026-03-29T01:30:00${text}Z"}`,
      ]);
  });

  it('go on exactly as they came by SELECT *, also through CTEs and filters', () => {
    for (const query of [
      'SELECT * FROM bytes',
      "WITH a AS (SELECT * FROM bytes) SELECT * FROM a WHERE subject LIKE 's.%'",
      'INSERT INTO out SELECT * FROM bytes',
      'INSERT INTO raw_out SELECT * FROM bytes',
    ])
      expect(rows(query, rawCodec, noise, whole)[0]?.data).toBe(noise);
    expect(raw("SELECT * FROM bytes WHERE subject = 'other'", noise, whole)).toEqual([]);
  });

  it('have no fields', () => {
    expect(problemOf('SELECT id FROM bytes')).toMatchObject({
      code: 'unknown_column',
      message: expect.stringContaining('"bytes", which is of format raw, has no column "id"'),
      offset: 7,
    });
    expect(problemOf('SELECT subjct FROM bytes').hint).toBe('did you mean "subject"?');
    expect(problemOf('SELECT *, subject AS s FROM bytes')).toMatchObject({ code: 'type_mismatch' });
    expect(problemOf('SELECT id FROM misfit')).toMatchObject({
      message: expect.stringContaining('"misfit" does not fit'),
    });
  });
});

describe('messages of another format than JSON', () => {
  it('are read by their values', () => {
    const read = (query: string) => rows(query, eventCodec, noise).map((row) => textOf(row.data));
    expect(read("SELECT id, tags->>0 AS tag FROM events WHERE name = 'Ann'")).toEqual([
      '{"id":9007199254740993,"tag":"a"}',
    ]);
    expect(read('INSERT INTO out SELECT payload FROM events')).toEqual([
      '{"id":9007199254740993,"name":"Ann","tags":["a"]}',
    ]);
    expect(read("SELECT *, 1 AS n, 'Bob' AS name FROM events")).toEqual([
      '{"id":9007199254740993,"name":"Bob","tags":["a"],"n":1}',
    ]);
    expect(rows('SELECT * FROM events', eventCodec, noise)[0]?.data).toBe(noise);
  });
});

describe('entries of a store', () => {
  const entry = (operation: string | undefined, key = 'settings.theme'): Partial<Message> => ({
    subject: `$KV.CONFIG.${key}`,
    sequence: 7,
    timestampMs: 1774747800123,
    header: (name) => (name === 'KV-Operation' ? operation : undefined),
  });
  const read = (query: string, value: string, more: Partial<Message>, values: Codec = jsonCodec) =>
    rows(query, kvEntryCodec(values), new TextEncoder().encode(value), more).map((row) => textOf(row.data));

  it('are their columns by SELECT *, from the connection and from a table, also through CTEs', () => {
    const all =
      '{"key":"settings.theme","value":{"n":9007199254740993},"revision":7,"operation":"PUT","timestamp":"2026-03-29T01:30:00.123Z"}';
    const value = '{"n":9007199254740993}';
    for (const query of [
      'SELECT * FROM kv',
      'WITH a AS (SELECT * FROM kv) SELECT * FROM a',
      'INSERT INTO out SELECT * FROM kv',
    ])
      expect(read(query, value, entry(undefined))).toEqual([all]);
    expect(read('SELECT * FROM config_changes', value, entry(undefined))).toEqual([
      '{"key":"settings.theme","value":{"n":9007199254740993}}',
    ]);
    expect(read('SELECT *, revision + 1 AS next FROM kv', '1', entry(undefined))[0]).toMatch(/"value":1,.*"next":8\}$/);
  });

  it('have a key to filter by, and no value once they are deleted', () => {
    const query = "SELECT key, value->>'a' AS a, operation FROM kv WHERE key LIKE 'settings.%'";
    expect(read(query, '{"a":1}', entry(undefined))).toEqual(['{"key":"settings.theme","a":"1","operation":"PUT"}']);
    expect(read(query, '', entry('DEL'))).toEqual(['{"key":"settings.theme","a":null,"operation":"DELETE"}']);
    expect(read(query, '{}', entry(undefined, 'other'))).toEqual([]);
    expect(read('SELECT key FROM kv WHERE value IS NULL', '', entry('PURGE'))).toEqual(['{"key":"settings.theme"}']);
  });

  it('have values as their format makes them', () => {
    expect(read('SELECT value FROM raw_kv', 'x', entry(undefined), rawCodec)).toEqual(['{"value":"eA=="}']);
    expect(read('INSERT INTO raw_out SELECT value AS payload FROM raw_kv', 'x', entry(undefined), rawCodec)).toEqual([
      'x',
    ]);
    expect(read('INSERT INTO out SELECT value AS payload FROM kv', '[1]', entry(undefined))).toEqual(['[1]']);
  });

  it('describe objects', () => {
    const described = '{"name":"a.txt","size":9007199254740993,"chunks":2,"digest":"SHA-256=x","metadata":{"o":"ann"}}';
    const sent = rows(
      "SELECT * FROM files WHERE metadata->>'o' = 'ann'",
      objectInfoCodec,
      new TextEncoder().encode(described),
    );
    expect(textOf(sent[0]?.data)).toBe(
      '{"name":"a.txt","size":9007199254740993,"chunks":2,"digest":"SHA-256=x","metadata":{"o":"ann"},"operation":"PUT","timestamp":"1970-01-01T00:00:01Z"}',
    );
  });

  it('have no other columns', () => {
    for (const [query, message, hint] of [
      ['SELECT ky FROM kv', /an entry of a KV bucket, such as of "kv", has no column "ky"/, 'did you mean "key"?'],
      ['SELECT payload FROM kv', /has no column "payload"/, undefined],
      ['SELECT data FROM files', /an object of an object store, such as of "files", has no column "data"/, undefined],
    ] as const) {
      expect(problemOf(query)).toMatchObject({ code: 'unknown_column', message: expect.stringMatching(message) });
      if (hint !== undefined) expect(problemOf(query).hint).toBe(hint);
    }
  });
});

describe('a sink of format raw', () => {
  it('takes the bytes of a TEXT or a BYTEA, with subject and headers', () => {
    const [row] = rows(
      "INSERT INTO raw_out SELECT data AS payload, 'to.' || subject AS subject, headers FROM bytes",
      rawCodec,
      noise,
      whole,
    );
    expect(row).toMatchObject({ subject: 'to.s.x', headers: { H: ['1', '2'] } });
    expect(row?.data).toBe(noise);
    expect(raw("INSERT INTO raw_out SELECT 'x=' || subject AS payload FROM bytes", noise, whole)).toEqual(['x=s.x']);
    expect(raw('INSERT INTO raw_out SELECT reply_to AS payload FROM bytes', noise)).toEqual(['']);
    expect(raw('INSERT INTO out SELECT data AS payload FROM bytes', noise)).toEqual([`"${asBase64}"`]);
  });

  it.each([
    'INSERT INTO raw_out SELECT subject FROM bytes',
    'INSERT INTO raw_out SELECT data AS payload, 1 AS n FROM bytes',
    'INSERT INTO raw_out SELECT headers AS payload FROM bytes',
    'INSERT INTO raw_out SELECT payload FROM json',
    'INSERT INTO raw_out SELECT 1 AS payload FROM json',
  ])('takes nothing else: %s', (query) => {
    expect(problemOf(query)).toMatchObject({ code: 'type_mismatch', hint: expect.stringContaining('AS payload') });
  });
});

describe('metadata of an object that goes out as it came', () => {
  const object = (query: string, more: string) =>
    rows(query, objectInfoCodec, new TextEncoder().encode(` {"name":"a"${more} }\n`)).map(({ data }) => textOf(data));

  it('keeps every byte, and so does what stands within it', () => {
    const metadata = ',"metadata":1,"metadata" : { "l":[ 1.0,"\\u0061"],"l" : [2.50] }';
    expect(object('SELECT metadata FROM files', metadata)).toEqual([
      '{"metadata":{ "l":[ 1.0,"\\u0061"],"l" : [2.50] }}',
    ]);
    expect(object("SELECT metadata->'l' AS l, i FROM files, unnest(metadata->'l') AS i", metadata)).toEqual([
      '{"l":[2.50],"i":2.50}',
    ]);
  });

  it('is NULL where there is none', () => {
    for (const none of ['', ',"metadata":null', ',"deleted":true'])
      expect(object("SELECT metadata, metadata->'l' AS l FROM files", none)).toEqual(['{"metadata":null,"l":null}']);
  });
});

describe('JSON of a KV entry that goes out as it came', () => {
  const codec = kvEntryCodec(jsonCodec);
  const entry = (query: string, value: string, more: Partial<Message> = {}) =>
    rows(query, codec, new TextEncoder().encode(value), { subject: '$KV.b.k', ...more }).map(({ data }) =>
      textOf(data),
    );

  it('keeps every byte, whatever kind of value it is', () => {
    for (const value of ['{ "a":2.50,"a" : 1e400 }', '[ 1.0 ]', '1.0', '"\\u0061"', 'null', 'true'])
      expect(entry('SELECT key, value FROM kv', ` ${value}\n`)).toEqual([`{"key":"k","value":${value}}`]);
    expect(entry('SELECT value FROM config_changes', '{"a":2.50}')).toEqual(['{"value":{"a":2.50}}']);
  });

  it('keeps those that a path leads to', () => {
    const at = (path: string, value: string) => entry(`SELECT ${path} AS x FROM kv`, value);
    expect(at("value->'a'", '{"a":[2.50, 1]}')).toEqual(['{"x":[2.50, 1]}']);
    expect(at("value#>'{a,-1}'", '{"a":[1,2.50]}')).toEqual(['{"x":2.50}']);
    expect(at('value->0', ' [1.0]')).toEqual(['{"x":1.0}']);
    for (const value of ['5', '"a"', 'null', '[]', '{}']) expect(at("value->'a'", value)).toEqual(['{"x":null}']);
  });

  it('keeps those of the elements of its lists', () => {
    const items = ' {"l":[ [2.50], {"a":1e400 ,"a":"\\u0061"} ]}';
    expect(entry("SELECT key, i, i->0 AS x FROM kv, unnest(value->'l') AS i", items)).toEqual([
      '{"key":"k","i":[2.50],"x":2.50}',
      '{"key":"k","i":{"a":1e400 ,"a":"\\u0061"},"x":null}',
    ]);
    expect(entry('SELECT i FROM config_changes, unnest(value) AS i', ' [ 1.0 ]\n')).toEqual(['{"i":1.0}']);
    expect(entry('SELECT i FROM kv, unnest(value) AS i', 'null')).toEqual([]);
  });

  it('is refused where it is no JSON, and is NULL where the key was deleted', () => {
    expect(() => entry('SELECT value FROM kv', '{"a":1} x')).toThrow(DecodeError);
    expect(() => entry("SELECT value->'a' AS x FROM kv", '{"a":1')).toThrow(DecodeError);
    const deleted = { header: (name: string) => (name === 'KV-Operation' ? 'DEL' : undefined) };
    expect(entry("SELECT value, value->'a' AS x FROM kv", '', deleted)).toEqual(['{"value":null,"x":null}']);
  });
});
