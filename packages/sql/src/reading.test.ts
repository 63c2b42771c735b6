import { DecodeError, jsonCodec, type MessageCodec, parseJson, stringifyJson } from '@laminar/codecs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  bindQuery,
  type CompiledQuery,
  compileQuery,
  type DecodedMessage,
  decodedMessage,
  loadSql,
  RowError,
} from './index.js';
import { json, key, space } from './testing/json-texts.js';
import { cases, message, relations, run } from './testing.js';

beforeAll(loadSql);

/** Reads every message whole, before anything else: what the other ways of reading must agree with. */
const whole: MessageCodec = { decode: parseJson };

type Outcome = { readonly rows: readonly string[] } | { readonly error: string };

function outcome(query: CompiledQuery, data: Uint8Array, codec: MessageCodec): Outcome {
  const decoded = decodedMessage(message(data), codec);
  return attempt(() => {
    if (codec === whole) decoded.check();
    return rowsOf(query, decoded);
  });
}

const rowsOf = (query: CompiledQuery, decoded: DecodedMessage): string[] =>
  query.process(decoded).map(({ data }) => new TextDecoder().decode(data));

function compile(query: string): CompiledQuery {
  const bound = bindQuery(query, relations);
  if (bound.status !== 'bound') throw new Error(bound.reason);
  return compileQuery(bound.query);
}

const object = fc
  .array(fc.tuple(key, space, json), { maxLength: 6 })
  .map((members) => ` {${members.map(([k, s, v]) => `${k}${s}:${s}${v}`).join(',')}}\n`);

/** Bytes that are JSON, or were before something happened to them. */
const payload = fc
  .tuple(
    fc.oneof({ weight: 6, arbitrary: object }, json),
    fc.option(
      fc.tuple(
        fc.nat(),
        fc.nat(2),
        fc.constantFrom('"', '\\', '{', '}', '[', ']', ',', ':', '0', '-', '.', 'e', 'u', '\u0001', ' ', 'a', ''),
      ),
      { freq: 3 },
    ),
    fc.option(fc.tuple(fc.nat(), fc.nat(255)), { freq: 12 }),
  )
  .map(([text, edit, byte]) => {
    const at = edit ? edit[0] % (text.length + 1) : 0;
    const edited = edit ? text.slice(0, at) + edit[2] + text.slice(at + edit[1]) : text;
    const bytes = new TextEncoder().encode(edited);
    if (byte && bytes.length > 0) bytes[byte[0] % bytes.length] = byte[1];
    return bytes;
  });

const field = fc.constantFrom('a', 'b', 'ab', 'c', '"é"', '"__proto__"', '"toString"', '"a/b"', '"a\n"');
const simple = fc.oneof(
  fc
    .tuple(
      field,
      fc.constantFrom('=', '<>', '<', '>='),
      fc.constantFrom('5', "'x'", '1.1', 'true', '9007199254740993', '0'),
    )
    .map((parts) => parts.join(' ')),
  fc
    .tuple(
      field,
      fc.constantFrom(
        ' IS NULL',
        ' IS NOT NULL',
        " LIKE '%x%'",
        " IN ('x', '5', '')",
        ' IN (1, 5)',
        ' IS TRUE',
        '::text > 1',
      ),
    )
    .map(([name, test]) => (test.startsWith('::') ? `length(${name}::text) > 1` : name + test)),
  fc.tuple(field, field).map(([a, b]) => `${a}->>'${b.replaceAll('"', '')}' = 'x'`),
  fc.tuple(field, field).map(([a, b]) => `${a} > ${b}`),
  fc.tuple(field, field).map(([a, b]) => `COALESCE(${a}, ${b}) = 5`),
  fc.tuple(field, field).map(([a, b]) => `CASE WHEN ${a} = 5 THEN ${b} = 'x' ELSE ${b} IS NULL END`),
  field.map((name) => `payload->'${name.replaceAll('"', '')}' IS NOT NULL`),
  field.map((name) => `JSON_EXTRACT(payload, '$.${/^\w/.test(name) ? name : 'a'}.b') = 5`),
  fc.constantFrom(
    "_nats_subject LIKE 'orders%'",
    "_nats_subject = 'x'",
    "payload->>'a' = 'x'",
    'payload @> \'{"a":5}\'',
  ),
);
const { filter } = fc.letrec<{ filter: string }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 2 },
    { weight: 2, arbitrary: simple },
    fc.tuple(tie('filter'), fc.constantFrom('AND', 'OR'), tie('filter')).map(([a, op, b]) => `(${a} ${op} ${b})`),
    tie('filter').map((inner) => `NOT (${inner})`),
  ),
}));
const list = fc.constantFrom(
  '*',
  'a',
  'b, a, c AS d',
  '"é", "__proto__", ab',
  'a::text AS t, b',
  'a::boolean AS l, b::smallint AS s, c::integer AS i',
  'c::bigint AS i, ab::double precision AS d, a::numeric AS n',
  '+a AS number, b::real AS r',
  'payload AS p, a',
  '*, a AS added',
  '*, 1 AS a, b AS "é"',
  '*, a AS c, payload AS "__proto__"',
  "a->>'b' AS x",
  "a->'b' AS x, b->0 AS y, c#>'{a,0}' AS z",
  '1 AS one',
  "i, i->'a' AS x, i#>'{0,b}' AS y",
);
const from = fc.constantFrom(
  ...['orders', 'orders', 'orders', 'orders, unnest(a) AS i', 'orders, jsonb_array_elements(payload) AS i'],
  ...['orders LEFT JOIN unnest(b, c) AS u(i, j) ON i = 5', "orders, unnest(b->'a') AS o, unnest(o) AS i"],
);

describe('what is read of a message', () => {
  it('gives what the message gives that is read whole, or lets go unread what is no JSON', () => {
    fc.assert(
      fc.property(payload, list, from, fc.option(filter, { nil: undefined, freq: 8 }), (data, columns, rows, where) => {
        const query = compile(`SELECT ${columns} FROM ${rows}${where === undefined ? '' : ` WHERE ${where}`}`);
        const [exact, lazy] = [outcome(query, data, whole), outcome(query, data, jsonCodec)];
        if ('rows' in lazy && lazy.rows.length > 0) expect(isJson(data)).toBe(true);
        if ('rows' in lazy && lazy.rows.length === 0 && !isJson(data)) return;
        expect(asValues(lazy)).toEqual(asValues(exact));
      }),
      { numRuns: cases(2500) },
    );
  });

  it('gives it to several queries over one message, in any order', () => {
    const queries = [
      'SELECT * FROM orders WHERE a = 5',
      "SELECT a, b FROM orders WHERE ab = 'x'",
      'SELECT payload AS p FROM orders',
      'SELECT *, b AS d FROM orders',
      'SELECT a FROM orders WHERE b = 5 AND NOT a = 1',
      "SELECT b FROM orders WHERE c <> 'x'",
      'SELECT 1 AS one FROM orders WHERE "é" > 1 OR "__proto__" > a',
    ];
    fc.assert(
      fc.property(
        fc.array(payload, { minLength: 1, maxLength: 4 }),
        fc.shuffledSubarray(queries, { minLength: 1 }),
        (messages, chosen) => {
          const compiled = chosen.map(compile);
          for (const data of messages) {
            const decoded = decodedMessage(message(data), jsonCodec);
            for (const query of compiled) {
              const lazy = attempt(() => rowsOf(query, decoded));
              if (!isJson(data) && 'rows' in lazy && lazy.rows.length === 0) continue;
              expect(asValues(lazy)).toEqual(asValues(outcome(query, data, whole)));
            }
          }
        },
      ),
      { numRuns: cases(500) },
    );
  });
});

describe('JSON that goes out as it came', () => {
  const forms = [
    'SELECT b FROM orders',
    'SELECT o.b FROM orders AS o',
    "SELECT payload->'b' AS b FROM orders",
    'WITH w AS (SELECT b, a FROM orders) SELECT b FROM w',
  ];

  /** Paths from the field a, and their steps: names, places of `->`, what is either, and places in arrays alone. */
  type Step = string | number | { either: string } | { place: number };
  const paths: readonly (readonly [text: string, steps: readonly Step[]])[] = [
    ["a->'a'", ['a']],
    ["a->'é'", ['é']],
    ["a->''", ['']],
    ["a->'__proto__'->'b'", ['__proto__', 'b']],
    ["a->'b'->'a'->'c'", ['b', 'a', 'c']],
    ['a->0', [0]],
    ['a->-1->0', [-1, 0]],
    ["a->-1->'a'", [-1, 'a']],
    ["a->'a'->-2", ['a', -2]],
    ["a#>'{a,0}'", [{ either: 'a' }, { either: '0' }]],
    ["a#>'{-1,b}'", [{ either: '-1' }, { either: 'b' }]],
    ["payload#>'{a,b}'", [{ either: 'b' }]],
    ["JSON_EXTRACT(payload, '$.a.b[1]')", ['b', { place: 1 }]],
    ["JSON_EXTRACT(payload, '$.a[0]')", [{ place: 0 }]],
  ];
  const found = (value: unknown, steps: readonly Step[]): unknown =>
    steps.reduce<unknown>((at, step) => {
      const written = typeof step !== 'object' ? step : 'either' in step ? step.either : step.place;
      const place = typeof step === 'string' ? Number.NaN : Number(written);
      if (Array.isArray(at)) return Number.isNaN(place) ? undefined : at.at(place);
      if (typeof at !== 'object' || at === null) return step === 0 || step === -1 ? at : undefined;
      if (typeof written === 'number') return undefined;
      return Object.hasOwn(at, written) ? (at as { [name: string]: unknown })[written] : undefined;
    }, value);

  it('keeps every byte as a field, the last one of a name', () => {
    const compiled = forms.map(compile);
    fc.assert(
      fc.property(json, json, space, fc.boolean(), (value, other, blank, isReadWhole) => {
        const data = new TextEncoder().encode(
          `{"a":${other},"b":${other},${blank}"b"${blank}:${blank}${value}${blank}}`,
        );
        const decoded = decodedMessage(message(data), jsonCodec);
        if (isReadWhole) decoded.value();
        for (const query of compiled) expect(rowsOf(query, decoded)).toEqual([`{"b":${value}}`]);
      }),
      { numRuns: cases(300) },
    );
  });

  it('keeps every byte of what a path leads to, as JSON.parse would find it', () => {
    const compiled = paths.map(([text, steps]) => ({ query: compile(`SELECT ${text} AS x FROM orders`), text, steps }));
    fc.assert(
      fc.property(json, json, fc.boolean(), (value, other, isReadWhole) => {
        const data = new TextEncoder().encode(`{"b":${other},"a":${value}}`);
        const decoded = decodedMessage(message(data), jsonCodec);
        if (isReadWhole) decoded.value();
        const { a } = parseJson(data) as { a: unknown };
        for (const { query, text, steps } of compiled) {
          const [row = ''] = rowsOf(query, decoded);
          const raw = row.slice('{"x":'.length, -1);
          expect(parseJson(new TextEncoder().encode(raw)), text).toEqual(found(a, steps) ?? null);
          expect(value, text).toContain(raw === 'null' ? '' : raw);
        }
      }),
      { numRuns: cases(500) },
    );
  });

  it('keeps digits behind a path, the last of duplicate keys, and keys with escapes', () => {
    const data = '{"y":{"z":1,"\\u007a" : [2.50, {"n":1e400, "n":0.10} ],"q":{"z":0.0}}}';
    const run = (path: string) =>
      outcome(compile(`SELECT ${path} AS x FROM orders`), new TextEncoder().encode(data), jsonCodec);
    const gives = (value: string) => ({ rows: [`{"x":${value}}`] });
    expect(run("y->'z'")).toEqual(gives('[2.50, {"n":1e400, "n":0.10} ]'));
    expect(run("y->'z'->0")).toEqual(gives('2.50'));
    expect(run("y->'z'->-1->'n'")).toEqual(gives('0.10'));
    expect(run("y->'z'->0->0->-1")).toEqual(gives('2.50'));
    expect(run("y#>'{z,0}'")).toEqual(gives('2.50'));
    expect(run("payload#>'{y,q,z}'")).toEqual(gives('0.0'));
    expect(run("JSON_EXTRACT(y, '$.q')")).toEqual(gives('{"z":0.0}'));
    expect(run("JSON_EXTRACT(payload, '$.y.z[1]')")).toEqual(gives('{"n":1e400, "n":0.10}'));
    const nowhere = ["y->'none'->0", 'y->0', "y->'z'->'n'", "y->'z'->2", "y->'z'->-3", "y->'z'->0->1"];
    const nowhereByPath = ["y#>'{z,x}'", "y#>'{q,0}'", "y#>'{z,0,0}'", "JSON_EXTRACT(y, '$.z[0][0]')"];
    for (const path of [...nowhere, ...nowhereByPath]) expect(run(path)).toEqual(gives('null'));
  });

  it('keeps digits, duplicate keys, escapes and white space', () => {
    const value = '{ "n":2.50,"n" : 1e400, "t":"\\u0061\\/\\ud800",\n"l":[0.10000000000000000001,-0.0] }';
    const data = `{"b":${value}}`;
    expect(outcome(compile('SELECT b FROM orders'), new TextEncoder().encode(data), jsonCodec)).toEqual({
      rows: [data],
    });
    expect(run('INSERT INTO out SELECT payload FROM orders', data)).toEqual([data]);
    expect(run('INSERT INTO out SELECT b AS payload FROM orders', data)).toEqual([value]);
    expect(run('SELECT payload AS whole FROM orders', ` ${data}\n`)).toEqual([`{"whole":${data}}`]);
  });

  it('may be as long and as deep as messages are', () => {
    const query = compile('SELECT b FROM orders');
    const long = `{"b":[${'2.50,"é" , '.repeat(100_000)}1]}`;
    const deep = (levels: number) => `{"b":${'['.repeat(levels)}${']'.repeat(levels)}}`;
    for (const text of [long, deep(255)]) expect(rowsOf(query, decoded(text))).toEqual([text]);
    expect(() => rowsOf(query, decoded(deep(256)))).toThrow(DecodeError);
  });

  const decoded = (text: string) => decodedMessage(message(text), jsonCodec);
});

/** Rows as the values that they write: JSON that goes out as it came is written otherwise than where it was read. */
const asValues = (of: Outcome): Outcome =>
  'rows' in of ? { rows: of.rows.map((row) => stringifyJson(parseJson(new TextEncoder().encode(row)))) } : of;

function attempt(run: () => readonly string[]): Outcome {
  try {
    return { rows: run() };
  } catch (error) {
    if (error instanceof RowError || error instanceof DecodeError) return { error: error.message };
    throw error;
  }
}

function isJson(data: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data));
    return true;
  } catch {
    return false;
  }
}
