import { jsonCodec } from '@laminar/codecs';
import { beforeAll, describe, expect, it } from 'vitest';
import { bindQuery, compileQuery, decodedMessage, loadSql, locate, RowError, SqlError } from './index.js';
import { atRow, evaluate, message, relations, run } from './testing.js';

beforeAll(() => loadSql());

/** What a query is refused with. */
function refusal(query: string): SqlError {
  try {
    bindQuery(query, relations);
  } catch (error) {
    if (error instanceof SqlError) return error;
    throw error;
  }
  throw new Error(`${query} is not refused`);
}

/** The text at which a query is refused. */
function refusedAt(query: string): string {
  const { offset } = refusal(query);
  return [...query].slice(offset).join('');
}

describe('names', () => {
  it('match case-insensitively unless quoted, and keep the spelling first written in the query', () => {
    const payload = '{"customerId":1,"customerid":2}';
    expect(run('SELECT customerId FROM orders WHERE CUSTOMERID = 1', payload)).toEqual(['{"customerId":1}']);
    expect(run('SELECT "customerId" AS a, customerid AS b FROM orders', payload)).toEqual(['{"a":1,"b":1}']);
    expect(run('SELECT customerId AS a, "customerid" AS b FROM orders', payload)).toEqual(['{"a":1,"b":2}']);
    expect(run('WITH c AS (SELECT * FROM orders WHERE customerId = 1) SELECT CUSTOMERID FROM c', payload)).toEqual([
      '{"customerId":1}',
    ]);
    expect(run('SELECT o.customerId FROM (SELECT * FROM orders) o WHERE O.CustomerID = 1', payload)).toEqual([
      '{"customerId":1}',
    ]);
  });

  it('keep the spelling of CREATE TABLE and of aliases', () => {
    expect(run('SELECT ITEMNAME FROM items', '{"itemName":"x"}')).toEqual(['{"itemName":"x"}']);
    expect(run('WITH c AS (SELECT id AS theId FROM orders) SELECT THEID FROM c', '{"id":1}')).toEqual(['{"theId":1}']);
    expect(refusal('SELECT "ITEMNAME" FROM items')).toMatchObject({
      code: 'unknown_column',
      hint: 'did you mean "itemName"?',
    });
  });

  it.each(
    'order user group limit offset from to end when case table column check default desc left right like in natural current_user references'.split(
      ' ',
    ),
  )('%s as a field needs quotes, and the error says so', (word) => {
    expect(refusal(`SELECT ${word} FROM orders`).hint).toBe(
      `if "${word}" is a field here: it is a reserved word, so put it in double quotes`,
    );
    expect(run(`SELECT "${word}" FROM orders WHERE "${word}" = 1`, `{"${word}":1}`)).toEqual([`{"${word}":1}`]);
  });

  it.each([
    ['SELECT id, id FROM orders', 'id FROM orders'],
    ['SELECT id, ID FROM orders', 'ID FROM orders'],
    ['SELECT 1 AS x, 2 AS X FROM orders', '2 AS X FROM orders'],
    ['SELECT 1 AS "X", 2 AS "X" FROM orders', '2 AS "X" FROM orders'],
    ['SELECT lower(a), lower(b) FROM orders', 'lower(b) FROM orders'],
    ['SELECT *, id FROM items', 'id FROM items'],
  ])('two columns of one name are refused: %s', (query, at) => {
    expect(refusal(query)).toMatchObject({ code: 'duplicate_column', hint: expect.stringContaining('AS') });
    expect(refusedAt(query)).toBe(at);
  });

  it('differ where quotes say so', () => {
    expect(run('SELECT 1 AS x, 2 AS "X" FROM orders', '{}')).toEqual(['{"x":1,"X":2}']);
  });

  it.each([
    ['lower(a)', 'lower'],
    ["trim('x')", 'btrim'],
    ['a::int', 'a'],
    ["'1'::int", 'int4'],
    ['COALESCE(a, b)', 'coalesce'],
    ['NULLIF(a, b)', 'nullif'],
    ['GREATEST(1, 2)', 'greatest'],
    ['LEAST(1, 2)', 'least'],
    ['CASE WHEN true THEN 1 END', 'case'],
    ['CASE WHEN true THEN 1 ELSE b END', 'b'],
    ["CASE WHEN true THEN 'x' ELSE lower(b) END", 'lower'],
    ['CASE WHEN true THEN 1 END::text', 'text'],
    ["CASE WHEN true THEN 1 ELSE '2'::int END", 'case'],
    ['JSON_ARRAY(a)', 'json_array'],
    ["JSON_OBJECT('a', 1)", 'json_object'],
    ['CURRENT_TIMESTAMP', 'current_timestamp'],
    ['LOCALTIMESTAMP', 'localtimestamp'],
    ['MOD(1, 1)', 'mod'],
  ])('%s is named %s without an alias', (expression, name) => {
    const bound = bindQuery(`SELECT ${expression} FROM orders`, relations);
    expect(bound.status === 'bound' && bound.query.columns).toMatchObject([{ name }]);
  });

  it.each(['1', "'x'", 'a + 1', "a->'b'", 'NOT a', 'a IS NULL', 'a = 1', 'true', 'NULL'])(
    '%s has no name and needs an alias',
    (expression) => {
      expect(refusal(`SELECT ${expression} FROM orders`)).toMatchObject({
        code: 'unnamed_column',
        hint: expect.stringContaining('AS'),
      });
    },
  );

  it('are cut nowhere: what PostgreSQL would cut or fold unseen is refused', () => {
    expect(refusal(`SELECT ${'x'.repeat(64)} FROM orders`)).toMatchObject({ code: 'syntax_error', offset: 7 });
    expect(refusal('SELECT a\u00a0b FROM orders')).toMatchObject({ message: expect.stringContaining('U+00A0') });
    expect(evaluate("'a\u00a0b'")).toBe('"a\u00a0b"');
  });
});

describe('positions', () => {
  it.each([
    ['SELECT \'😀😀\' AS "é", nope FROM items', 'nope FROM items'],
    ['SELECT id /* 😀 */ FROM items /* é */ ORDER BY id', 'ORDER BY id'],
    ["SELECT id FROM items WHERE itemName = '😀' LIMIT 1", 'LIMIT 1'],
    ['SELECT id FROM items OFFSET 1', 'OFFSET 1'],
    ['SELECT id FROM items FETCH FIRST ROW ONLY', 'FETCH FIRST ROW ONLY'],
    ['SELECT id FROM items GROUP BY lower(itemName)', 'GROUP BY lower(itemName)'],
    ['SELECT id FROM items HAVING id > 1', 'HAVING id > 1'],
    ['SELECT id FROM items WINDOW w AS (ORDER BY id)', 'WINDOW w AS (ORDER BY id)'],
    ['SELECT id FROM items FOR UPDATE', 'FOR UPDATE'],
    ['SELECT DISTINCT id FROM items', 'DISTINCT id FROM items'],
    ['SELECT id FROM items UNION SELECT id FROM items', 'UNION SELECT id FROM items'],
    ['SELECT id FROM items EXCEPT SELECT id FROM items', 'EXCEPT SELECT id FROM items'],
    ['WITH a AS (SELECT id FROM items ORDER BY id) SELECT id FROM a', 'ORDER BY id) SELECT id FROM a'],
    [
      'WITH RECURSIVE a AS (SELECT id FROM items) SELECT id FROM a',
      'RECURSIVE a AS (SELECT id FROM items) SELECT id FROM a',
    ],
    ['WITH a(x, y) AS (SELECT id FROM items) SELECT x FROM a', 'a'],
    ['SELECT id FROM orders a(x)', 'orders a(x)'],
    ['SELECT id FROM orders JOIN events ON true', 'events ON true'],
    ['SELECT x.* FROM items', 'x.* FROM items'],
    ['SELECT FROM items', 'items'],
    ['SELECT ALL FROM items', 'items'],
    ['SELECT concat(VARIADIC data) AS x FROM items', 'concat(VARIADIC data) AS x FROM items'],
    ['SELECT evil.lower(itemName) AS x FROM items', 'evil.lower(itemName) AS x FROM items'],
    ['SELECT count(*) AS n FROM items', 'count(*) AS n FROM items'],
    ['SELECT lower(itemName) OVER () AS n FROM items', 'lower(itemName) OVER () AS n FROM items'],
    ["SELECT JSON_OBJECT('a': 1 ABSENT ON NULL) AS x FROM items", "JSON_OBJECT('a': 1 ABSENT ON NULL) AS x FROM items"],
    ['INSERT INTO out OVERRIDING USER VALUE SELECT id FROM items', 'out OVERRIDING USER VALUE SELECT id FROM items'],
    ['INSERT INTO out (id) SELECT id FROM items', 'out (id) SELECT id FROM items'],
    ['INSERT INTO out SELECT id FROM items ON CONFLICT DO NOTHING', 'out SELECT id FROM items ON CONFLICT DO NOTHING'],
    ['INSERT INTO out SELECT id FROM items RETURNING id', 'out SELECT id FROM items RETURNING id'],
  ])('nothing is ignored in silence: %s', (query, at) => {
    expect(refusedAt(query)).toBe(at);
  });

  it('are shown with line, column and caret in code points', () => {
    const query = "SELECT '😀' AS a,\n\t'é' AS b, nope\nFROM items";
    const { offset } = refusal(query);
    expect(locate(query, offset)).toEqual({
      line: 2,
      column: 12,
      offset: 28,
      excerpt: " 'é' AS b, nope\n           ^",
    });
  });

  it('show a window of a long line', () => {
    const query = `SELECT ${'1 + '.repeat(100)}nope AS x FROM items`;
    const [line, caret] = locate(query, refusal(query).offset).excerpt.split('\n');
    expect(line?.slice((caret ?? '').length - 1)).toMatch(/^nope AS x/);
    expect(line?.length).toBeLessThanOrEqual(120);
  });
});

describe('WITH', () => {
  it('stands before or behind INSERT INTO', () => {
    const cte = 'WITH a AS (SELECT id + 1 AS n FROM orders)';
    expect(run(`${cte} INSERT INTO out SELECT n FROM a`, '{"id":1}')).toEqual(['{"n":2}']);
    expect(run(`INSERT INTO out ${cte} SELECT n FROM a`, '{"id":1}')).toEqual(['{"n":2}']);
  });

  it('sees what stands before it, and only that', () => {
    expect(
      bindQuery('WITH a AS (SELECT id FROM b), b AS (SELECT id FROM orders) SELECT id FROM a', relations),
    ).toMatchObject({ status: 'blocked', reason: 'there is no connection or table "b"' });
    expect(run('WITH orders AS (SELECT id FROM orders WHERE id > 1) SELECT * FROM orders', '{"id":2}')).toEqual([
      '{"id":2}',
    ]);
    expect(refusal('WITH a AS (SELECT id FROM orders), a AS (SELECT id FROM events) SELECT id FROM a').message).toBe(
      'there are two CTEs "a"',
    );
  });
});

describe('SELECT *', () => {
  it('may be written TABLE', () => {
    expect(run('TABLE orders', '{"id" : 1}')).toEqual(['{"id" : 1}']);
    expect(run('WITH a AS (TABLE items) SELECT id FROM a', '{"id":1}')).toEqual(['{"id":1}']);
    expect(refusal('WITH a AS (SELECT *, 1 AS id FROM orders) TABLE a')).toMatchObject({
      code: 'unsupported',
      offset: 0,
    });
  });

  it('is the payload exactly as it came; with more columns its object and these, in its own bytes', () => {
    const text = '\t{"a": 1.0, "a": 1e400, "b" : 12345678901234567890 } \n';
    expect(run('SELECT * FROM orders WHERE b > 1', text)).toEqual([text]);
    expect(run('SELECT *, 1 AS x, name AS "n""\\" FROM orders', text)).toEqual([
      '\t{"a": 1.0, "a": 1e400, "b" : 12345678901234567890 ,"x":1,"n\\"\\\\":null} \n',
    ]);
    expect(run('SELECT 1.10 AS x, * FROM orders', '{ }')).toEqual(['{ "x":1.10}']);
  });

  it('replaces a member that is there already', () => {
    expect(run('SELECT *, b + 1 AS b FROM orders', '{"a":12345678901234567890,"b":1}')).toEqual([
      '{"a":12345678901234567890,"b":2}',
    ]);
  });

  it.each(['[1]', '"x"', '1', 'null'])('cannot add to %s', (payload) => {
    expect(run('SELECT * FROM orders', payload)).toEqual([payload]);
    expect(() => run('SELECT *, 1 AS x FROM orders', payload)).toThrow(RowError);
  });

  it('of a table is its columns', () => {
    expect(run('WITH a AS (SELECT id, itemName FROM items) SELECT * FROM a', '{"id":1,"x":2}')).toEqual([
      '{"id":1,"itemName":null}',
    ]);
  });
});

describe('digits', () => {
  it.each([
    ['12345678901234567890.123456789', '12345678901234567890.123456789'],
    ['9223372036854775807 - 1', '9223372036854775806'],
    ['0.1 + 0.2', '0.3'],
    ['1.50', '1.50'],
    ["'1e-20'::numeric", '0.00000000000000000001'],
    ["('1e-320'::double precision::numeric * '1e320'::numeric)::numeric(30,20)", '0.99998886718268300000'],
    ["'12345678901234567890'::json", '12345678901234567890'],
    ['big', '9007199254740993'],
    ['big::bigint + 1', '9007199254740994'],
    ['big::numeric * 10', '90071992547409930'],
    ['big * big', '81129638414606699710187514626049'],
    ["payload->'big'", '9007199254740993'],
    ["payload->>'big'", '"9007199254740993"'],
    ["JSON_OBJECT('b', big)", '{"b":9007199254740993}'],
    ['JSON_ARRAY(big, NULL)', '[9007199254740993]'],
    ['JSON_ARRAY(NULL, 1 NULL ON NULL)', '[null,1]'],
  ])('%s is %s', (expression, expected) => {
    expect(evaluate(expression, '{"big":9007199254740993}')).toBe(expected);
    const [row] = run(`SELECT *, ${expression} AS x FROM orders`, '{"big":9007199254740993}');
    expect(row).toBe(`{"big":9007199254740993,"x":${expected}}`);
  });

  it('are read into columns and out of them', () => {
    const payload = '{"id":9223372036854775807,"price":0.10}';
    expect(run('SELECT id, price FROM items', payload)).toEqual(['{"id":9223372036854775807,"price":0.10}']);
    expect(run('SELECT id FROM items', '{"id":"9223372036854775807"}')).toEqual(['{"id":9223372036854775807}']);
    expect(run('SELECT price FROM items', '{"price":"0.10"}')).toEqual(['{"price":0.10}']);
    expect(() => run('SELECT id FROM items', '{"id":9223372036854775808}')).toThrow(RowError);
  });

  it('beyond a double are an error, never Infinity by accident', () => {
    expect(() => evaluate(atRow('1e400::double precision'))).toThrow(RowError);
    expect(() => evaluate('x * 10', '{"x":1e308}')).toThrow(RowError);
    expect(refusal('SELECT 1e99999 AS x FROM orders').code).toBe('type_mismatch');
    expect(evaluate("'-Infinity'::double precision")).toBe('"-Infinity"');
    expect(evaluate("'NaN'::real / 0::real")).toBe('"NaN"');
    expect(() => evaluate(atRow("'Infinity'::double precision / 0"))).toThrow(RowError);
  });
});

describe('JSON where SQL wants a scalar', () => {
  it.each([
    ["x = 'a'", '{"x":"a"}', 'true'],
    ['x', '{"x":null}', 'null'],
    ['x IS NULL', '{"x":null}', 'true'],
    ['x IS NULL', '{}', 'true'],
    ["payload->'x' IS NULL", '{"x":null}', 'true'],
    ["COALESCE(x, 'none')", '{"x":null}', '"none"'],
    ['x AND true', '{"x":true}', 'true'],
    ['x::text', '{"x":true}', '"true"'],
    ['x::text', '{"x":"a\\"b"}', '"a\\"b"'],
    ['x::text', '{"x":{"a":[1,2]}}', '"{\\"a\\":[1,2]}"'],
    ['x + 0.5', '{"x":1}', '1.5'],
    ['x * 0.1', '{"x":3}', '0.30000000000000004'],
    ['x / 2', '{"x":7}', '3.5'],
    ['7 / x', '{"x":2}', '3.5'],
    ['x::int / 2', '{"x":7}', '3'],
    ['x % 4', '{"x":7}', '3'],
    ['-x', '{"x":7}', '-7'],
    ['x = 1', '{"x":1.0}', 'true'],
    ["x->>'y'", '{"x":{"y":false}}', '"false"'],
    ["x->'y'->0", '{"x":{"y":["z"]}}', '"z"'],
    ["x->'y'", '{"x":[1]}', 'null'],
    ['x->0', '{"x":{"0":1}}', 'null'],
    ['x->0', '{"x":1.50}', '1.50'],
    ['x->-1', '{"x":"y"}', '"y"'],
    ['x->>0', '{"x":"y"}', '"y"'],
    ['x->>-1', '{"x":true}', '"true"'],
    ['x->(1 - 1)::smallint->>0', '{"x":[[2]]}', '"2"'],
    ['x->0->-1->0', '{"x":[2]}', '2'],
    ['x->0', '{"x":null}', 'null'],
    ['x->1', '{"x":1}', 'null'],
    ['x->-2', '{"x":1}', 'null'],
    ["x->'0'", '{"x":1}', 'null'],
    ["x#>'{0}'", '{"x":1}', 'null'],
    ["x#>>'{-1}'", '{"x":1}', 'null'],
    ["x->0#>'{0}'", '{"x":[1]}', 'null'],
    ["jsonb_extract_path(x, '0')", '{"x":1}', 'null'],
    ["JSON_EXTRACT(x, '$[0]')", '{"x":1}', 'null'],
    ["JSON_EXTRACT(payload, '$.x[1].y')", '{"x":[0,{"y":5}]}', '5'],
    ['JSON_EXTRACT(payload, \'$["a b"]\')', '{"a b":1}', '1'],
    ["JSON_EXTRACT(payload, '$')", '[1]', '[1]'],
    ['length', '[1,2]', 'null'],
    ['filter', '[1]', 'null'],
    ["payload->'payload'", '{"payload":1}', '1'],
  ])('%s over %s is %s', (expression, payload, expected) => {
    expect(evaluate(expression, payload)).toBe(expected);
  });

  it.each([
    ['x + 1', '{"x":"1"}'],
    ['x > 1', '{"x":"a"}'],
    ["x > 'a'", '{"x":1}'],
    ['lower(x)', '{"x":1}'],
    ['NOT x', '{"x":0}'],
    ['x + 1', '{"x":[1]}'],
    ["('{' || x)::json", '{"x":"y"}'],
    ['x::timestamp', '{"x":"yesterday"}'],
  ])('%s over %s is a row error', (expression, payload) => {
    expect(() => evaluate(atRow(expression), payload)).toThrow(RowError);
  });

  it('is converted by columns, or is a row error', () => {
    const read = (column: string, json: string) => evaluate(column, `{"${column}":${json}}`, 'items');
    expect(read('ok', '"yes"')).toBe('true');
    expect(read('ok', 'null')).toBe('null');
    expect(read('id', '"12"')).toBe('12');
    expect(read('id', '2.5')).toBe('2');
    expect(read('at', '1774747800250')).toBe('"2026-03-29T01:30:00.25Z"');
    expect(read('at', '"2026-03-29 03:30+02"')).toBe('"2026-03-29T01:30:00Z"');
    expect(read('itemName', '{"a":1}')).toBe('"{\\"a\\":1}"');
    for (const [column, json] of [
      ['id', '{}'],
      ['id', '"x"'],
      ['ok', '"maybe"'],
      ['at', 'true'],
      ['small', '40000'],
      ['blob', '"%%%"'],
    ] as const)
      expect(() => read(column, json)).toThrow(RowError);
  });
});

describe('an envelope', () => {
  const envelope = (list: string, payload: string) => {
    const bound = bindQuery(`INSERT INTO out SELECT ${list} FROM orders`, relations);
    if (bound.status !== 'bound') throw new Error(bound.reason);
    return compileQuery(bound.query).process(decodedMessage(message(payload), jsonCodec))[0];
  };

  it('takes headers, but none that NATS or the mesh give a meaning to', () => {
    const row = envelope(
      'payload, headers',
      '{"headers":{"Nats-Rollup":"all","nats-msg-id":"1","Laminar-Pipeline":"x","traceparent":"y","X-A":["1",2],"X-B":null}}',
    );
    expect(row?.headers).toEqual({ 'X-A': ['1', '2'] });
  });

  it.each([
    '{"X":"a\\r\\nNats-Rollup: all"}',
    '{"X":"a\\nb"}',
    '{"X: y":"a"}',
    '{"X\\r\\nY":"a"}',
    '{"":"a"}',
    '[]',
    '"x"',
  ])('refuses the headers %s', (headers) => {
    expect(() => envelope('payload, headers', `{"headers":${headers}}`)).toThrow(RowError);
  });

  it('is data when there is another column, or no payload', () => {
    expect(new TextDecoder().decode(envelope("1 AS payload, 'a' AS other", '{}')?.data)).toBe(
      '{"payload":1,"other":"a"}',
    );
    expect(new TextDecoder().decode(envelope("'a' AS subject", '{}')?.data)).toBe('{"subject":"a"}');
  });
});

describe('the subscripts of an array', () => {
  it('are left alone where the array is NULL, and are all computed where it is not', () => {
    const broken = "(x->>'n')::integer";
    const slice = (array: string) => evaluate(`(${array})[NULL::integer:${broken}]`, '{"x":{"n":"none"}}');
    expect(slice('NULL::integer[]')).toBe('null');
    expect(() => slice('ARRAY[1, 2]')).toThrow(RowError);
    expect(() => slice("string_to_array(x->>'n', ',')")).toThrow(RowError);
  });
});

describe('what generated expressions found', () => {
  it.each([
    ["'1:60'::text::interval", undefined],
    ["'0:59:60.5'::text::interval", '"01:00:00.5"'],
    ["'1 02:03'::text::interval", '"1 day 02:03:00"'],
    ["'-1-2 3 4:05'::text::interval", '"-1 years -2 mons +3 days 04:05:00"'],
    ["'02:03.5'::text::interval", '"00:02:03.5"'],
    ["'PT1H2M'::text::interval", '"01:02:00"'],
    ...[
      '1 day 1 day',
      '1.5 seconds 5 ms',
      '5 min 1:00',
      '1 2',
      '1 2 days',
      '1 ago',
      'ago',
      '1-12',
      '1 day-2 hours',
    ].map((text): [string, undefined] => [`'${text}'::text::interval`, undefined]),
    ["INTERVAL '1.375 years'", '"1 year 4 mons"'],
    ["INTERVAL '0.1234567 months'", '"3 days 16:53:19.7664"'],
    ["INTERVAL '0.12345678 weeks'", '"20:44:26.660544"'],
    ["INTERVAL '1.0000035 seconds'", '"00:00:01.000003"'],
    ["INTERVAL 'P1.1234567891D'", '"1 day 02:57:46.666578"'],
    ["INTERVAL '00:00:00.0000025'", '"00:00:00.000002"'],
    ["TIMESTAMP '2026-01-01 00:00:00.0000025'", '"2026-01-01T00:00:00.000002Z"'],
    ['make_interval(0, 0, 0, 0, 0, 0, -0.0000035)', '"-00:00:00.000004"'],
    ['to_timestamp(0.0000005)', '"1970-01-01T00:00:00Z"'],
    ['make_timestamp(2, 5, 1, 3, 2, -1e-300)', '"0002-05-01T03:02:00Z"'],
    ['make_timestamp(2, 5, 1, 3, 2, -0.0000006)', undefined],
    ['make_timestamp(2, 5, 1, 23, 59, 60.0000005)', '"0002-05-02T00:00:00Z"'],
    ['make_timestamp(2, 5, 1, 24, 0, 0.0000006)', undefined],
    ["'1e400'::numeric::real", undefined],
    ["array_position(ARRAY['a'], NULL, NULL)", 'null'],
    ["array_position(ARRAY['a'], 'a', NULL)", undefined],
  ])('%s', (expression, gives) => {
    if (gives === undefined) expect(() => evaluate(expression)).toThrow(Error);
    else expect(evaluate(expression)).toBe(gives);
  });
});

describe('JSON put together and taken apart', () => {
  const payload = '{"o":{"a":1,"b":{"c":[1,2]},"__proto__":1},"l":["x","y",1,"x"],"s":"t","n":5,"z":null}';
  it.each([
    ["o - 'a' - '__proto__'", '{"b":{"c":[1,2]}}'],
    ["o - ARRAY['a', 'b', '__proto__']", '{}'],
    ["l - 'x'", '["y",1]'],
    ["o #- '{b,c,0}'", '{"a":1,"b":{"c":[2]},"__proto__":1}'],
    ["o #- '{b,c,-1}' #- '{a}'", '{"b":{"c":[1]},"__proto__":1}'],
    ["o #- '{}' = o", 'true'],
    ['n - 2', '3'],
    ['n - n', '0'],
    ['o || \'{"a":2}\'', '{"a":2,"b":{"c":[1,2]},"__proto__":1}'],
    ['\'{"a":0,"y":0}\' || o - \'b\'', '{"a":1,"y":0,"__proto__":1}'],
    ["o || jsonb_build_object('__proto__', 2) - 'b' - 'a'", '{"a":1,"b":{"c":[1,2]},"__proto__":2}'],
    ['l || n', '["x","y",1,"x",5]'],
    ['n || l', '[5,"x","y",1,"x"]'],
    ["l || '[{}]'", '["x","y",1,"x",{}]'],
    ['s || n', '"t5"'],
    ["s || '-' || n", '"t-5"'],
    ["s || '{}'", '"t{}"'],
    ["'[' || s || ']'", '"[t]"'],
    ['s || z', 'null'],
    ["payload - 'o' - 'l'", '{"s":"t","n":5,"z":null}'],
  ])('%s is %s', (expression, gives) => {
    expect(evaluate(expression, payload)).toBe(gives);
  });
});
