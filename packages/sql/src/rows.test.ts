import { jsonCodec } from '@laminar/codecs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { rowFunctions } from './functions/rows.js';
import {
  bindLiveQuery,
  bindQuery,
  compileQuery,
  decodedMessage,
  loadSql,
  queryReferences,
  RowError,
  SqlError,
} from './index.js';
import { rowBytesMax, rowsMax } from './rows.js';
import { cases, message, relations, run } from './testing.js';

beforeAll(() => loadSql());

const order =
  '{"id":7,"items":[{"sku":"a","n":2,"tags":["x","y"]},{"sku":"b","n":1,"tags":[]},{"sku":"c","n":5,"tags":["z"]}],"tags":["p","q"],"by":{"bb":1,"a":null,"10":"t"},"none":null,"text":"a,b"}';

describe('a function in FROM', () => {
  it.each(rowFunctions)('$name gives the rows of its example', ({ example: [from, gives] }) => {
    const alias = / AS (\w+)/.exec(from)?.[1] ?? '';
    const rows = run(`SELECT ${alias}.* FROM orders o, ${from}`, '{}');
    expect(rows.map((row) => Object.values(JSON.parse(row)))).toEqual(JSON.parse(gives));
  });

  it.each<[query: string, rows: readonly string[]]>([
    ['SELECT i FROM orders o, unnest(o.tags) AS i', ['{"i":"p"}', '{"i":"q"}']],
    ["SELECT i->>'sku' AS sku FROM orders, unnest(items) AS i", ['{"sku":"a"}', '{"sku":"b"}', '{"sku":"c"}']],
    [
      "SELECT o.id, item.value->>'sku' AS sku FROM orders o CROSS JOIN LATERAL jsonb_array_elements(o.items) AS item(value)",
      ['{"id":7,"sku":"a"}', '{"id":7,"sku":"b"}', '{"id":7,"sku":"c"}'],
    ],
    ["SELECT item->'n' AS n FROM orders, jsonb_array_elements(items) AS item", ['{"n":2}', '{"n":1}', '{"n":5}']],
    ['SELECT value FROM orders, jsonb_array_elements(tags)', ['{"value":"p"}', '{"value":"q"}']],
    ['SELECT t, n FROM orders, unnest(tags) WITH ORDINALITY AS x(t, n)', ['{"t":"p","n":1}', '{"t":"q","n":2}']],
    ['SELECT ordinality FROM orders, unnest(tags) WITH ORDINALITY AS t', ['{"ordinality":1}', '{"ordinality":2}']],
    [
      'SELECT a, b FROM orders, unnest(tags, ARRAY[1, 2, 3]) AS x(a, b)',
      ['{"a":"p","b":1}', '{"a":"q","b":2}', '{"a":null,"b":3}'],
    ],
    [
      'SELECT a, b, n FROM orders, ROWS FROM (unnest(tags), generate_series(5, 3, -1)) WITH ORDINALITY AS x(a, b, n)',
      ['{"a":"p","b":5,"n":1}', '{"a":"q","b":4,"n":2}', '{"a":null,"b":3,"n":3}'],
    ],
    [
      "SELECT i->>'sku' AS sku, t FROM orders, unnest(items) AS i, jsonb_array_elements_text(i->'tags') AS t",
      ['{"sku":"a","t":"x"}', '{"sku":"a","t":"y"}', '{"sku":"c","t":"z"}'],
    ],
    [
      "SELECT i->>'sku' AS sku, t.value FROM orders, unnest(items) AS i LEFT JOIN LATERAL jsonb_array_elements(i->'tags') AS t ON true",
      ['{"sku":"a","value":"x"}', '{"sku":"a","value":"y"}', '{"sku":"b","value":null}', '{"sku":"c","value":"z"}'],
    ],
    [
      "SELECT i->>'sku' AS sku, t.value FROM orders, unnest(items) AS i LEFT JOIN jsonb_array_elements_text(i->'tags') AS t ON t.value > 'x'",
      ['{"sku":"a","value":"y"}', '{"sku":"b","value":null}', '{"sku":"c","value":"z"}'],
    ],
    ['SELECT id, t FROM orders LEFT JOIN unnest(none) AS t ON true', ['{"id":7,"t":null}']],
    // A condition that NULL does not fulfil makes it an inner join, of which ON is a filter like any other.
    ...['n % 2 = 1', 'n IS NOT NULL', '(n > 3) IS TRUE', "n = 1 OR n::text = '2'", 'jsonb_array_length(n) > 1'].map(
      (condition): [string, string[]] => [
        `SELECT id, n FROM orders LEFT JOIN jsonb_array_elements(text) AS n ON id > 7 WHERE ${condition}`,
        [],
      ],
    ),
    ['SELECT id, t FROM orders LEFT JOIN unnest(tags) AS t ON true WHERE t IS NULL', []],
    ['SELECT id, t FROM orders, unnest(none) AS t', []],
    ['SELECT id, t FROM orders, unnest(absent) AS t', []],
    [
      'SELECT key, value FROM orders, jsonb_each(by)',
      ['{"key":"a","value":null}', '{"key":"10","value":"t"}', '{"key":"bb","value":1}'],
    ],
    [
      'SELECT a, b FROM orders, unnest(tags) a, generate_series(1, 2) b',
      ['{"a":"p","b":1}', '{"a":"p","b":2}', '{"a":"q","b":1}', '{"a":"q","b":2}'],
    ],
    ["SELECT part FROM orders, string_to_table(text, ',') AS part", ['{"part":"a"}', '{"part":"b"}']],
    ['SELECT n FROM orders, generate_series(1, id) AS n WHERE n % 3 = 0', ['{"n":3}', '{"n":6}']],
    [
      'SELECT n FROM orders, generate_series(9007199254740992, 9007199254740993) AS n',
      ['{"n":9007199254740992}', '{"n":9007199254740993}'],
    ],
    ['SELECT t FROM orders, unnest(tags) AS t WHERE id = 8', []],
    ['SELECT "Tag" FROM orders, unnest(tags) AS x("Tag")', ['{"Tag":"p"}', '{"Tag":"q"}']],
    ['SELECT tag FROM orders, unnest(tags) AS x(Tag)', ['{"Tag":"p"}', '{"Tag":"q"}']],
    [
      'SELECT x.* FROM orders, unnest(tags) WITH ORDINALITY AS x(tag)',
      ['{"tag":"p","ordinality":1}', '{"tag":"q","ordinality":2}'],
    ],
    ['SELECT o.* FROM orders o, unnest(tags) AS x', [order, order]],
    [
      'SELECT * FROM orders o, unnest(o.tags) AS tag',
      [order.replace(/}$/, ',"tag":"p"}'), order.replace(/}$/, ',"tag":"q"}')],
    ],
    [
      "WITH i AS (SELECT o.id, item FROM orders o, unnest(o.items) AS item WHERE item->>'sku' <> 'b') SELECT id, t FROM i, jsonb_array_elements_text(i.item->'tags') AS t WHERE t <> 'y'",
      ['{"id":7,"t":"x"}', '{"id":7,"t":"z"}'],
    ],
    [
      "SELECT s.n + 1 AS m FROM (SELECT CAST(i->'n' AS INTEGER) AS n FROM orders, unnest(items) i) AS s WHERE s.n > 1",
      ['{"m":3}', '{"m":6}'],
    ],
    [
      'SELECT a || b AS c FROM orders, unnest(tags) a CROSS JOIN (unnest(tags) b CROSS JOIN generate_series(1, 1) n) WHERE a < b',
      ['{"c":"pq"}'],
    ],
    ['SELECT n FROM orders, generate_series(1, 2, 0.50) n WHERE n > 1', ['{"n":1.50}', '{"n":2.00}']],
    ['SELECT n FROM orders, generate_series(1.5, 0, -0.5) n', ['1.5', '1.0', '0.5', '0.0'].map((n) => `{"n":${n}}`)],
    [
      "SELECT d FROM orders, generate_series('2026-01-31', '2026-04-01', INTERVAL '1 month') d",
      ['2026-01-31', '2026-02-28', '2026-03-28'].map((day) => `{"d":"${day}T00:00:00Z"}`),
    ],
    [
      "SELECT d FROM orders, generate_series(DATE '2026-01-02', DATE '2026-01-01', '-12 hours') d",
      ['2026-01-02T00', '2026-01-01T12', '2026-01-01T00'].map((hour) => `{"d":"${hour}:00:00Z"}`),
    ],
    [
      "SELECT _nats_subject, payload->>'id' AS id, t FROM orders, unnest(tags) t",
      ['{"_nats_subject":"orders.new","id":"7","t":"p"}', '{"_nats_subject":"orders.new","id":"7","t":"q"}'],
    ],
  ])('%s', (query, rows) => {
    expect(run(query, order)).toEqual(rows);
  });

  it('is taken apart only where the rest of the message fits', () => {
    const query = "SELECT t FROM orders, jsonb_array_elements(items) AS t WHERE t->>'a' = 'x' AND kind = 'list'";
    expect(run(query, '{"kind":"scalar","items":5}')).toEqual([]);
    expect(() => run(query, '{"kind":"list","items":5}')).toThrow(RowError);
  });

  it.each([
    ['SELECT t FROM orders, jsonb_array_elements(x) AS t', '{"x":{"a":1}}', 'wrong_kind'],
    ['SELECT t.key FROM orders, jsonb_each(x) AS t', '{"x":[1]}', 'wrong_kind'],
    ['SELECT t FROM orders, unnest(x) AS t', '{"x":5}', 'invalid_value'],
    ['SELECT t FROM orders, generate_series(1, x) AS t', `{"x":${rowsMax + 1}}`, 'too_many_rows'],
    [
      'SELECT a FROM orders, generate_series(1, x) AS a, generate_series(1, x) AS b WHERE a + b < 0',
      `{"x":${Math.ceil(Math.sqrt(rowsMax))}}`,
      'too_many_rows',
    ],
    ['SELECT t FROM orders, generate_series(1, 5, x) AS t', '{"x":0}', 'invalid_argument'],
    ['SELECT t FROM orders, generate_series(0, 1, x::numeric) AS t', '{"x":"0.0"}', 'invalid_argument'],
    ['SELECT t FROM orders, generate_series(0, 1, x::numeric) AS t', '{"x":"0.00001"}', 'too_many_rows'],
    [
      "SELECT t FROM orders, generate_series(x::timestamp, '2030-01-01', INTERVAL '1 minute') AS t",
      '{"x":"2026-01-01"}',
      'too_many_rows',
    ],
  ])('%s over %s is a row error', (query, payload, code) => {
    expect(() => run(query, payload)).toThrow(expect.objectContaining({ name: 'RowError', code }));
  });

  it('gives as many rows as are allowed, and as many bytes', () => {
    expect(run('SELECT n FROM orders, generate_series(1, x) AS n', `{"x":${rowsMax}}`)).toHaveLength(rowsMax);
    const bound = bindQuery('SELECT o.* FROM orders o, generate_series(1, 2000) n', relations);
    if (bound.status !== 'bound') throw new Error(bound.reason);
    const large = message(JSON.stringify('x'.repeat(rowBytesMax / 2000)));
    const { process } = compileQuery(bound.query);
    expect(() => process(decodedMessage(large, jsonCodec))).toThrow(expect.objectContaining({ code: 'too_many_rows' }));
  });

  it('knows types of columns', () => {
    const bound = bindQuery(
      "SELECT a, b, c, d, n FROM items, unnest(ARRAY[1.5]) a, jsonb_each_text(data) AS e(b, c), unnest('{1,2}'::bigint[]) WITH ORDINALITY AS d(d, n)",
      relations,
    );
    expect(bound.status === 'bound' && bound.query.columns.map(({ type }) => type)).toEqual([
      'NUMERIC',
      'TEXT',
      'TEXT',
      'BIGINT',
      'BIGINT',
    ]);
  });

  it('reads no relation and calls no function of users', () => {
    expect(queryReferences('SELECT t FROM orders o LEFT JOIN LATERAL unnest(o.tags) AS t ON true')).toEqual({
      reads: ['orders'],
      writes: undefined,
      calls: [],
    });
  });

  it.each([
    ['SELECT unnest(tags) AS t FROM orders', 'unsupported', 7],
    ['SELECT t FROM unnest(ARRAY[1]) t', 'unsupported', 14],
    ['SELECT t FROM orders, lower(name) t', 'unsupported', 22],
    ['SELECT t FROM orders, jsonb_to_recordset(x) AS t(a int)', 'unsupported', 22],
    ['SELECT t FROM orders, jsonb_array_element(x) AS t', 'unsupported', 22],
    ['SELECT t FROM orders, count(*) AS t', 'unsupported', 22],
    ['SELECT t FROM orders, unnest(tags) t, unnest(tags) t', 'duplicate_column', 38],
    ['SELECT t FROM orders, unnest(tags, tags) t', 'duplicate_column', 22],
    ['SELECT x FROM orders, unnest(tags) a(x), unnest(tags) b(x)', 'unknown_column', 7],
    ['SELECT t FROM orders, unnest(tags) AS x(t, u)', 'syntax_error', 22],
    ['SELECT id FROM items, unnest(itemName) AS t', 'type_mismatch', 29],
    ['SELECT nope FROM items, unnest(data) AS t', 'unknown_column', 7],
    ['SELECT x.nope FROM orders, unnest(tags) AS x', 'unknown_column', 7],
    ['SELECT t FROM orders RIGHT JOIN unnest(tags) t ON true', 'unsupported', 32],
    ['SELECT t FROM orders FULL JOIN unnest(tags) t ON true', 'unsupported', 31],
    ['SELECT t FROM orders JOIN unnest(tags) t USING (id)', 'unsupported', 26],
    ['SELECT t FROM orders, unnest(t.x) t', 'unknown_table', 29],
    ['SELECT t FROM orders, generate_series(1, 5, 0) t', 'type_mismatch', 38],
  ])('%s is refused', (query, code, offset) => {
    expect(() => bindQuery(query, relations)).toThrow(SqlError);
    expect(() => bindQuery(query, relations)).toThrow(expect.objectContaining({ code, offset }));
  });
});

describe('UNION ALL', () => {
  it.each<[query: string, rows: readonly string[]]>([
    ['SELECT id FROM orders UNION ALL SELECT text FROM orders', ['{"id":7}', '{"id":"a,b"}']],
    [
      "SELECT 'a' AS kind, id FROM orders WHERE id > 5 UNION ALL SELECT 'b', id FROM orders WHERE id > 7 UNION ALL SELECT 'c', id + 1 AS n FROM orders",
      ['{"kind":"a","id":7}', '{"kind":"c","id":8}'],
    ],
    ['SELECT NULL AS x FROM orders UNION ALL SELECT 1 AS y FROM orders', ['{"x":null}', '{"x":1}']],
    ["SELECT '5' AS x FROM orders UNION ALL SELECT 1.5 AS x FROM orders", ['{"x":5}', '{"x":1.5}']],
    [
      'SELECT 1 AS x FROM orders UNION ALL SELECT 2.50 AS x FROM orders UNION ALL SELECT 3::double precision AS x FROM orders',
      ['{"x":1}', '{"x":2.5}', '{"x":3}'],
    ],
    ['SELECT * FROM orders WHERE id = 7 UNION ALL SELECT * FROM orders WHERE id > 0', [order, order]],
    ['SELECT id FROM (SELECT * FROM orders UNION ALL SELECT * FROM orders) AS u', ['{"id":7}', '{"id":7}']],
    [
      "WITH u AS (SELECT 'x' AS k, items AS list FROM orders UNION ALL SELECT 'y', tags FROM orders) SELECT k, i FROM u, unnest(list) AS i WHERE k = 'y'",
      ['{"k":"y","i":"p"}', '{"k":"y","i":"q"}'],
    ],
    [
      'WITH u(a) AS (SELECT id FROM orders UNION ALL SELECT id + 1 AS y FROM orders), v AS (SELECT a * 10 AS b FROM u) SELECT b FROM v UNION ALL SELECT a FROM u',
      ['{"b":70}', '{"b":80}', '{"b":7}', '{"b":8}'],
    ],
    [
      "SELECT t FROM orders, unnest(tags) t UNION ALL SELECT 'end' AS t FROM orders",
      ['{"t":"p"}', '{"t":"q"}', '{"t":"end"}'],
    ],
    [
      'SELECT n.deep FROM (SELECT id AS deep FROM orders UNION ALL (SELECT id FROM orders WHERE id < 0 UNION ALL SELECT 0 AS z FROM orders)) n',
      ['{"deep":7}', '{"deep":0}'],
    ],
    ['(SELECT id FROM orders) UNION ALL SELECT id FROM orders', ['{"id":7}', '{"id":7}']],
  ])('%s', (query, rows) => {
    expect(run(query, order)).toEqual(rows);
  });

  it('writes envelopes by the names of the first SELECT', () => {
    const bound = bindQuery(
      "INSERT INTO out SELECT payload, 'a.' || id::text AS subject FROM orders UNION ALL SELECT JSON_OBJECT('x', 1), 'b' FROM orders",
      relations,
    );
    if (bound.status !== 'bound') throw new Error(bound.reason);
    const rows = compileQuery(bound.query).process(decodedMessage(message('{"id":1}'), jsonCodec));
    expect(rows.map(({ data, subject }) => [new TextDecoder().decode(data), subject])).toEqual([
      ['{"id":1}', 'a.1'],
      ['{"x":1}', 'b'],
    ]);
  });

  it('reads several connections, each with its own SELECTs', () => {
    const bound = bindQuery(
      "WITH u AS (SELECT id, 'o' AS k FROM orders UNION ALL SELECT a, 'e' FROM events WHERE a > 1 UNION ALL SELECT b, 'i' FROM items JOIN unnest(ARRAY[1, 2]) AS b ON true) SELECT * FROM u WHERE k <> 'x'",
      relations,
    );
    if (bound.status !== 'bound') throw new Error(bound.reason);
    expect(bound.query).toMatchObject({ connections: ['orders', 'events'], reads: ['orders', 'events', 'items'] });
    const rows = (connection: string, payload: string) =>
      compileQuery(bound.query, connection)
        .process(decodedMessage(message(payload), jsonCodec))
        .map(({ data }) => new TextDecoder().decode(data));
    expect(rows('orders', '{"id":5,"a":6}')).toEqual(['{"id":5,"k":"o"}', '{"id":1,"k":"i"}', '{"id":2,"k":"i"}']);
    expect(rows('events', '{"id":5,"a":6}')).toEqual(['{"id":6,"k":"e"}']);
    expect(rows('events', '{"id":5,"a":1}')).toEqual([]);
    expect(() => compileQuery(bound.query)).toThrow('several connections');
    expect(() => bindLiveQuery('SELECT id FROM orders UNION ALL SELECT id FROM events', relations)).toThrow(
      expect.objectContaining({ code: 'unsupported' }),
    );
  });

  it('has 100 SELECTs at most', () => {
    const union = (count: number) => Array.from({ length: count }, () => 'SELECT id FROM orders').join(' UNION ALL ');
    expect(run(union(100), order)).toHaveLength(100);
    expect(() => bindQuery(union(101), relations)).toThrow(expect.objectContaining({ code: 'too_large' }));
  });

  it.each([
    ['SELECT id FROM orders UNION SELECT id FROM orders', 'unsupported', 22],
    ['SELECT id FROM orders INTERSECT ALL SELECT id FROM orders', 'unsupported', 22],
    ['SELECT id FROM orders EXCEPT SELECT id FROM orders', 'unsupported', 22],
    ['SELECT id FROM orders UNION ALL SELECT id, name FROM orders', 'type_mismatch', 22],
    ['SELECT * FROM orders UNION ALL SELECT id FROM orders', 'type_mismatch', 21],
    ['SELECT id FROM items UNION ALL SELECT at FROM items', 'type_mismatch', 38],
    ["SELECT 'x' AS a FROM items UNION ALL SELECT id FROM items", 'type_mismatch', 7],
    ['SELECT id FROM orders UNION ALL SELECT id FROM orders ORDER BY 1', 'unsupported', 54],
    ['SELECT id FROM orders UNION ALL (SELECT id FROM orders LIMIT 1)', 'unsupported', 55],
    ['SELECT id FROM orders UNION ALL SELECT DISTINCT id FROM orders', 'unsupported', 39],
    ['SELECT id FROM orders UNION ALL SELECT 1 AS x', 'unsupported', 0],
  ])('%s is refused', (query, code, offset) => {
    expect(() => bindQuery(query, relations)).toThrow(expect.objectContaining({ code, offset }));
  });
});

describe('CTEs and subqueries', () => {
  it.each<[query: string, rows: readonly string[]]>([
    ['SELECT x, y FROM (SELECT 1, id FROM orders) AS l(x, y)', ['{"x":1,"y":7}']],
    ['SELECT * FROM (SELECT id + 1, id, id FROM orders) AS l(x, y)', ['{"x":8,"y":7,"id":7}']],
    ['WITH w(x, y) AS (SELECT id * 2, id * 2 FROM orders) SELECT x + y AS s FROM w', ['{"s":28}']],
    ['WITH w AS (SELECT id * 2, id FROM orders) SELECT z.x FROM w AS z(x)', ['{"x":14}']],
    ['SELECT x FROM (SELECT id * 2 FROM orders UNION ALL SELECT 5 FROM orders) AS u(x)', ['{"x":14}', '{"x":5}']],
    ['SELECT l.* FROM orders o, LATERAL (SELECT 1, o.id, o.id) AS l(x, y, z)', ['{"x":1,"y":7,"z":7}']],
    [
      "SELECT x, y FROM orders LEFT JOIN LATERAL (SELECT t || 1, t FROM unnest(tags) AS t) AS l(x, y) ON x > 'q'",
      ['{"x":"q1","y":"q"}'],
    ],
  ])('need no names where the alias has them: %s', (query, rows) => {
    expect(run(query, order)).toEqual(rows);
  });

  it.each([
    ['SELECT x FROM (SELECT id * 2, id * 3 FROM orders) AS l(x)', 'unnamed_column', 30],
    ['WITH w(x) AS (SELECT 1, 2 FROM orders) SELECT x FROM w', 'unnamed_column', 24],
    ['SELECT x FROM orders, LATERAL (SELECT 1, 2) AS l(x)', 'unnamed_column', 41],
    ['SELECT x FROM (SELECT 1, id, id FROM orders) AS l(x)', 'duplicate_column', 29],
    ['SELECT x FROM (SELECT y FROM (SELECT 1 FROM orders) AS i) AS l(x)', 'unnamed_column', 37],
    ['SELECT x FROM (SELECT 1 FROM orders) AS l(x, y)', 'syntax_error', 22],
  ])('are refused where they have none: %s', (query, code, offset) => {
    expect(() => bindQuery(query, relations)).toThrow(expect.objectContaining({ code, offset }));
  });

  it.each([
    ['SELECT x FROM (SELECT 1, id FROM orders) AS l(x, x)', 7],
    ['SELECT l.x FROM (SELECT 1, id FROM orders) AS l(x, x)', 7],
    ['SELECT y FROM (SELECT 1, id, 2 FROM orders) AS l(x, y, X) WHERE x > 0', 64],
    ['SELECT id FROM (SELECT 1, id FROM orders) AS l(id)', 7],
    ['WITH w(x, x) AS (SELECT 1, 2 FROM orders) SELECT x FROM w', 49],
    ['SELECT x FROM orders, LATERAL (SELECT 1, 2) AS l(x, x)', 7],
    ['SELECT "x" FROM (SELECT 1, id FROM orders) AS l(x, x)', 7],
    ['SELECT ab FROM (SELECT 1, id FROM orders) AS l("aB", "Ab")', 7],
  ])('have no column where two have its name: %s', (query, offset) => {
    const error = { code: 'unknown_column', offset, message: expect.stringMatching(/the column "\w+" is ambiguous/) };
    expect(() => bindQuery(query, relations)).toThrow(expect.objectContaining(error));
  });

  it.each<[query: string, rows: readonly string[]]>([
    ['SELECT y FROM (SELECT 1, id, 2 FROM orders) AS l(x, y, x)', ['{"y":7}']],
    ['SELECT X, "X" AS z FROM (SELECT 1, id FROM orders) AS l("X", x)', ['{"x":7,"z":1}']],
    ['SELECT "aB" AS z FROM (SELECT 1, id FROM orders) AS l("aB", "Ab")', ['{"z":1}']],
  ])('of two columns have that which is meant: %s', (query, rows) => {
    expect(run(query, order)).toEqual(rows);
  });

  const filters = ['id > 3', "name <> 'x'", 'id % 2 = 1 OR name IS NULL', "_nats_subject LIKE 'orders.%'", 'ok'];
  const columns = ['id', 'name', '_nats_subject', "payload->'nested' AS nested", 'id * 2 AS twice', 'ok'];
  const payloads = fc.record({
    id: fc.integer({ min: 0, max: 9 }),
    name: fc.constantFrom('x', 'y', null),
    ok: fc.constantFrom(true, false, null),
    nested: fc.jsonValue({ maxDepth: 2 }),
    list: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }),
  });
  const some = (texts: readonly string[]) => fc.subarray([...texts]);
  const where = (conditions: readonly string[]) =>
    conditions.length === 0 ? '' : ` WHERE ${conditions.map((c) => `(${c})`).join(' AND ')}`;

  it('a query through a CTE, or a subquery, gives what it gives when it is written flat', () => {
    fc.assert(
      fc.property(
        some(filters),
        some(filters),
        fc.subarray(columns, { minLength: 1 }),
        payloads,
        (inner, outer, list, payload) => {
          const text = JSON.stringify(payload);
          const flat = run(`SELECT ${list.join(', ')} FROM orders${where([...inner, ...outer])}`, text);
          const through = `SELECT * FROM orders${where(inner)}`;
          expect(run(`WITH c AS (${through}) SELECT ${list.join(', ')} FROM c${where(outer)}`, text)).toEqual(flat);
          expect(run(`SELECT ${list.join(', ')} FROM (${through}) AS s${where(outer)}`, text)).toEqual(flat);
          const star = `WITH c AS (SELECT * FROM orders${where(inner)}) SELECT * FROM c${where(outer)}`;
          expect(run(star, text)).toEqual(flat.length === 0 ? [] : [text]);
        },
      ),
      { numRuns: cases(250) },
    );
  });

  it('rows of a UNION ALL are those of its parts, and filters go through it', () => {
    fc.assert(
      fc.property(some(filters), some(filters), some(filters), payloads, (a, b, outer, payload) => {
        const text = JSON.stringify(payload);
        const part = (own: readonly string[]) => `SELECT id, name, ok FROM orders${where(own)}`;
        const visible = outer.filter((condition) => !condition.includes('_nats'));
        const parts = [a, b].flatMap((own) => run(part([...own, ...visible]), text));
        expect(run(`SELECT * FROM (${part(a)} UNION ALL ${part(b)}) AS u${where(visible)}`, text)).toEqual(parts);
      }),
      { numRuns: cases(250) },
    );
  });

  it('rows of a function are filtered alike before, between and behind', () => {
    fc.assert(
      fc.property(some(filters), fc.integer({ min: 0, max: 4 }), payloads, (own, least, payload) => {
        const text = JSON.stringify(payload);
        const flat = `SELECT id, n FROM orders, unnest(list) AS n${where([`n::integer >= ${least}`, ...own])}`;
        const nested = `SELECT id, n FROM (SELECT * FROM orders${where(own)}) AS o, unnest(o.list) AS n WHERE n::integer >= ${least}`;
        const behind = `WITH x AS (SELECT id, name, ok, _nats_subject, n FROM orders, unnest(list) AS n) SELECT id, n FROM x${where([...own, `n::integer >= ${least}`])}`;
        const expected = run(flat, text);
        expect(run(nested, text)).toEqual(expected);
        expect(run(behind, text)).toEqual(expected);
      }),
      { numRuns: cases(250) },
    );
  });
});
