import { jsonCodec, type MessageCodec, parseJson, stringifyJson } from '@laminar/codecs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { bindQuery, type CompiledQuery, compileQuery, type DecodedMessage, decodedMessage, loadSql } from './index.js';
import { json, space } from './testing/json-texts.js';
import { cases, message, relations, relationsOf, run } from './testing.js';

beforeAll(loadSql);

/** Has no places: what is written anew from values. */
const whole: MessageCodec = { decode: parseJson };
const bytes = (text: string) => new TextEncoder().encode(text);
/** The row as its values are written anew. */
const anew = (row: string): string => stringifyJson(parseJson(bytes(row)));

function compile(query: string): CompiledQuery {
  const bound = bindQuery(query, relations);
  if (bound.status !== 'bound') throw new Error(bound.reason);
  return compileQuery(bound.query);
}

const rowsOf = (query: CompiledQuery, decoded: DecodedMessage): string[] =>
  query.process(decoded).map(({ data }) => new TextDecoder().decode(data));

/** A list as it may be written, and its elements. */
const list = fc.tuple(fc.array(fc.tuple(space, json, space), { maxLength: 4 }), space).map(([items, blank]) => ({
  items: items.map(([, text]) => text),
  text: items.length === 0 ? `[${blank}]` : `[${items.map((parts) => parts.join('')).join(',')}]`,
}));

describe('elements of a list in FROM that go out as they came', () => {
  const forms = [
    'SELECT i FROM orders, unnest(items) AS i',
    'SELECT o.i FROM (SELECT i, id FROM orders, jsonb_array_elements(items) AS i) AS o',
    "SELECT i FROM orders CROSS JOIN LATERAL json_array_elements(payload->'items') AS x(i)",
    'WITH w AS (SELECT items AS l FROM orders) SELECT i FROM w LEFT JOIN unnest(l) AS i ON true WHERE i IS NULL OR true',
    'SELECT i FROM orders o, LATERAL (SELECT x AS i FROM unnest(o.items) AS x) AS l',
    'SELECT i FROM orders, unnest(items::json[]) AS i',
    "SELECT i FROM orders o, unnest(o.items) AS x(e) LEFT JOIN LATERAL (SELECT e AS i WHERE id IS NULL AND items ? 'x' IS NOT NULL) AS l ON true",
    'SELECT CASE WHEN id IS NULL THEN i ELSE items END AS i FROM orders, unnest(items) AS i',
  ];
  const rows = (items: readonly string[]) => items.map((text) => `{"i":${text}}`);

  it('keep every byte, the last list of a name', () => {
    const compiled = forms.map((text) => ({ text, query: compile(text) }));
    fc.assert(
      fc.property(list, json, space, fc.boolean(), ({ items, text }, other, blank, isReadWhole) => {
        const data = bytes(`{"a":${other},"items":${other},${blank}"items"${blank}:${blank}${text}${blank}}`);
        const decoded = decodedMessage(message(data), jsonCodec);
        if (isReadWhole) decoded.value();
        for (const { text: form, query } of compiled) {
          const outer = form.includes('LEFT JOIN unnest') && items.length === 0;
          expect(rowsOf(query, decoded), form).toEqual(rows(outer ? ['null'] : items));
        }
      }),
      { numRuns: cases(300) },
    );
  });

  it('keep every byte behind a path, and where the message is the list', () => {
    const behind = [
      "SELECT i FROM orders, unnest(o->'l'->1) AS i",
      "SELECT i FROM orders, jsonb_array_elements(o #> '{l,-1}') AS i",
      "SELECT i FROM orders, jsonb_array_elements(jsonb_extract_path(o, 'l', '1')) AS i",
      "SELECT i FROM orders, jsonb_array_elements(JSON_EXTRACT(payload, '$.o.l[1]')) AS i",
    ].map(compile);
    const itself = compile('SELECT i FROM orders, unnest(payload) AS i');
    fc.assert(
      fc.property(list, json, space, fc.boolean(), ({ items, text }, other, blank, isReadWhole) => {
        const data = `{"o":{"l":${other},"\\u006c"${blank}: [${other}${blank},${blank}${text}]${blank}}}`;
        const decoded = decodedMessage(message(data), jsonCodec);
        if (isReadWhole) decoded.value();
        for (const query of behind) expect(rowsOf(query, decoded)).toEqual(rows(items));
        expect(rowsOf(itself, decodedMessage(message(`${blank}${text}${blank}`), jsonCodec))).toEqual(rows(items));
      }),
      { numRuns: cases(300) },
    );
  });

  it('keep every byte side by side, and numbered, the shorter lists going on with NULL', () => {
    const queries = [
      'SELECT a, b, n FROM orders, unnest(x, y) WITH ORDINALITY AS t(a, b, n)',
      'SELECT a, b, n FROM orders, ROWS FROM (unnest(x), jsonb_array_elements(y)) WITH ORDINALITY AS t(a, b, n)',
    ].map(compile);
    fc.assert(
      fc.property(list, list, (x, y) => {
        const decoded = decodedMessage(message(`{"x":${x.text},"y":${y.text}}`), jsonCodec);
        const count = Math.max(x.items.length, y.items.length);
        const expected = Array.from(
          { length: count },
          (_, i) => `{"a":${x.items[i] ?? 'null'},"b":${y.items[i] ?? 'null'},"n":${i + 1}}`,
        );
        for (const query of queries) expect(rowsOf(query, decoded)).toEqual(expected);
      }),
      { numRuns: cases(200) },
    );
  });

  it('keep every byte where one list stands within the elements of another', () => {
    const queries = [
      "SELECT i->'p' AS l, p, i->'n' AS n FROM orders, unnest(items) AS i, unnest(i->'p') AS p",
      "WITH w AS (SELECT i FROM orders, unnest(items) AS i) SELECT i->'p' AS l, p, jsonb_extract_path(i, 'n') AS n FROM w, LATERAL (SELECT x AS p FROM jsonb_array_elements(w.i #> '{p}') AS x) AS l",
    ].map(compile);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(list, json, space), { maxLength: 3 }),
        space,
        json,
        fc.boolean(),
        (items, blank, other, isReadWhole) => {
          const texts = items.map(
            ([{ text }, n, more]) => `{"p":${other},"n":${more}${n}${more},${blank}"p":${more}${text}}`,
          );
          const data = `{"items":[${texts.join(` ,${blank}`)}]}`;
          const decoded = decodedMessage(message(data), jsonCodec);
          if (isReadWhole) decoded.value();
          const expected = items.flatMap(([{ items: parts, text }, n]) =>
            parts.map((part) => `{"l":${text},"p":${part},"n":${n}}`),
          );
          for (const query of queries) expect(rowsOf(query, decoded)).toEqual(expected);
        },
      ),
      { numRuns: cases(300) },
    );
  });

  it('and what a path leads to within them, which is what the path gives of their values', () => {
    const paths = [
      "i->'a'",
      'i->0',
      'i->-1->0',
      "i->-1->'a'",
      "i->'a'->'b'->0",
      "i#>'{a,0}'",
      "i#>'{0,a}'",
      "jsonb_extract_path(i, 'a', '1')",
      "json_extract_path(i, 'é')",
      "JSON_EXTRACT(i, '$.a[0]')",
      "COALESCE(i->'a', i->0)",
      "CASE WHEN i ? 'a' THEN i->'a' WHEN i ? 'b' THEN i->'b' ELSE i END",
    ].map((text) => ({ text, query: compile(`SELECT ${text} AS x FROM orders, unnest(items) AS i`) }));
    fc.assert(
      fc.property(list, space, fc.boolean(), ({ text, items }, blank, isReadWhole) => {
        const data = bytes(`{"items"${blank}:${text}}`);
        const decoded = decodedMessage(message(data), jsonCodec);
        if (isReadWhole) decoded.value();
        for (const { text: path, query } of paths) {
          const given = rowsOf(query, decoded);
          const written = rowsOf(query, decodedMessage(message(data), whole));
          expect(given.map(anew), path).toEqual(written.map(anew));
          for (const [i, row] of given.entries()) {
            const raw = row.slice('{"x":'.length, -1);
            expect(items[i], path).toContain(raw === 'null' ? '' : raw);
          }
        }
      }),
      { numRuns: cases(400) },
    );
  });

  it('are written from their values where the list is computed, or is no JSON array of the message', () => {
    const items = '{"items":[ {"n" : 1.0}, 2.50 ],"text":"{1.0,2.50}"}';
    const written = ['{"i":{"n":1}}', '{"i":2.5}'];
    expect(run("SELECT i FROM orders, unnest(COALESCE(items, '[]')) AS i", items)).toEqual(written);
    expect(run('SELECT i FROM orders, unnest(jsonb_strip_nulls(items)) AS i', items)).toEqual(written);
    expect(run('SELECT i FROM orders, unnest(CASE WHEN true THEN items END) AS i', items)).toEqual(written);
    expect(run('SELECT i FROM orders, unnest(ARRAY[items->0, items->1]) AS i', items)).toEqual(written);
    expect(run('SELECT i FROM orders, unnest(text) AS i', items)).toEqual(['{"i":1}', '{"i":2.5}']);
    expect(run('SELECT value AS i FROM orders, jsonb_each(payload) AS e', items)).toEqual([
      '{"i":"{1.0,2.50}"}',
      '{"i":[{"n":1},2.5]}',
    ]);
  });

  it('are written from their values where the fields of the message are not read one by one', () => {
    const data = '{"\\u0061":1,"items":[ 1.0, "\\u0061" ]}';
    expect(run('SELECT i FROM orders, unnest(items) AS i', data)).toEqual(['{"i":1}', '{"i":"a"}']);
    const rows = rowsOf(
      compile("SELECT i, i->'a' AS a FROM orders, unnest(items) AS i"),
      decodedMessage(message('{"items":[{"a":1.0}]}'), whole),
    );
    expect(rows).toEqual([stringifyJson({ i: { a: 1 }, a: 1 })]);
  });

  it('make the body of a message, a member of a whole one, and a column of a table', () => {
    const data = '{"id":7,"items":[ {"n" : 1.0}, 1e400 ]}';
    expect(run('INSERT INTO out SELECT i AS payload FROM orders, unnest(items) AS i', data)).toEqual([
      '{"n" : 1.0}',
      '1e400',
    ]);
    expect(run("SELECT o.*, i->'n' AS n FROM orders AS o, unnest(items) AS i", data)).toEqual([
      '{"id":7,"items":[ {"n" : 1.0}, 1e400 ],"n":1.0}',
      '{"id":7,"items":[ {"n" : 1.0}, 1e400 ],"n":null}',
    ]);
    const typed = relationsOf([
      { kind: 'source', name: 'orders', jetstream: false, format: 'json' },
      {
        kind: 'table',
        name: 'lists',
        connection: 'orders',
        source: { kind: 'source', name: 'orders', jetstream: false, format: 'json' },
        columns: [
          { name: 'items', type: 'JSON[]' },
          { name: 'numbers', type: 'NUMERIC[]' },
        ],
        includeMetadata: false,
      },
    ]);
    const bound = bindQuery('SELECT items, i, n FROM lists, unnest(items) AS i, unnest(numbers) AS n', typed);
    if (bound.status !== 'bound') throw new Error(bound.reason);
    const decoded = decodedMessage(message('{"items":[ 1.0 ],"numbers":[1.50, 1e1]}'), jsonCodec);
    expect(rowsOf(compileQuery(bound.query), decoded)).toEqual([
      '{"items":[ 1.0 ],"i":1.0,"n":1.50}',
      '{"items":[ 1.0 ],"i":1.0,"n":10}',
    ]);
    const text = decodedMessage(message('{"items":"{1.0}","numbers":[1]}'), jsonCodec);
    expect(rowsOf(compileQuery(bound.query), text)).toEqual(['{"items":[1],"i":1,"n":1}']);
  });

  it('are not looked for where no row goes out, nor where none goes out as it came', () => {
    const asked: string[] = [];
    const spied = (data: string): DecodedMessage => {
      const decoded = decodedMessage(message(data), jsonCodec);
      const { elements } = decoded;
      return Object.assign(decoded, {
        elements(...args: Parameters<DecodedMessage['elements']>) {
          asked.push(args[0]?.text ?? 'payload');
          return elements.apply(decoded, args);
        },
      });
    };
    const data = '{"items":[ 1.0, 2.0, 3.0 ]}';
    const rows = (query: string) => rowsOf(compile(query), spied(data));
    expect(rows('SELECT i FROM orders, unnest(items) AS i WHERE i > 3')).toEqual([]);
    expect(rows('SELECT i + 1 AS n FROM orders, unnest(items) AS i')).toHaveLength(3);
    expect(asked).toEqual([]);
    expect(rows('SELECT i, i AS j FROM orders, unnest(items) AS i WHERE i > 1')).toEqual([
      '{"i":2.0,"j":2.0}',
      '{"i":3.0,"j":3.0}',
    ]);
    expect(asked).toEqual(['items']);
  });
});

describe('jsonb_extract_path of constant keys', () => {
  it.each([
    ["jsonb_extract_path(a, 'b', 'c')", '{"a":{"b":{"c": 5.0}}}', '5.0'],
    ["json_extract_path(payload, 'a', '-1')", '{"a":[1, { "x":1e2 }]}', '{ "x":1e2 }'],
    ["json_extract_path(payload, '0')", '[ 5.0 ]', '5.0'],
    ["jsonb_extract_path(a->'b', 'c')", '{"a":{"b":{"c":1,"c": "\\u0061"}}}', '"\\u0061"'],
    ["jsonb_extract_path(a, 'b', c)", '{"a":{"b":{"c": 5.0}},"c":"c"}', '5'],
    ["jsonb_extract_path(a, 'b', NULL)", '{"a":{"b":{"c": 5.0}}}', 'null'],
  ])('%s of %s is %s', (path, data, value) => {
    expect(run(`SELECT ${path} AS x FROM orders`, data)).toEqual([`{"x":${value}}`]);
  });
});

describe('a path from the payload', () => {
  it.each([
    ["payload #> '{0}'", '[ 5.0 ]', '5.0'],
    ["payload #> '{0}'", '{"0":5.0}', '5.0'],
    ["payload #> '{-1,a}'", '[1, {"a":[ 1e2 ]}]', '[ 1e2 ]'],
    ['payload->0', ' [ 5.0 ]', '5.0'],
    ["payload->1->'a'", '[1,{"a":1,"a":"\\u0061"}]', '"\\u0061"'],
    ["payload->2->'a'", '[1,{"a":1}]', 'null'],
    ['payload->0', '{"0":5.0}', 'null'],
    ['payload->0', ' 5.0 ', '5.0'],
    ['payload->-1->0', '"\\u0061"', '"\\u0061"'],
    ['payload->1', '5', 'null'],
    ["payload#>'{0}'", '5', 'null'],
  ])('%s of %s is %s', (path, data, value) => {
    expect(run(`SELECT ${path} AS x FROM orders`, data)).toEqual([`{"x":${value}}`]);
  });
});
