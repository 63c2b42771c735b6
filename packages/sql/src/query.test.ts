import { DecodeError, jsonCodec } from '@laminar/codecs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { bindQuery, compileQuery, decodedMessage, loadSql, queryReferences, RowError, SqlError } from './index.js';
import { atRow, cases, evaluate, message, relations, relationsOf, run } from './testing.js';
import { like, likeMatcher } from './values/like.js';

beforeAll(() => loadSql());

const order =
  '{"id":7,"name":"Ann","amount":12.5,"n":null,"tags":["a","b"],"nested":{"deep":{"x":1}},"big":9007199254740993,"ok":true,"customerId":"c1"}';

describe('values', () => {
  it.each([
    ['1 + 2', '3'],
    ['7 / 2', '3'],
    ['-7 / 2', '-3'],
    ['-7 % 3', '-1'],
    ['7.0 / 2', '3.5000000000000000'],
    ['1.10 + 2.2', '3.30'],
    ['1.1 * 1.1', '1.21'],
    ['10 / 3.0', '3.3333333333333333'],
    ['1 / 3.0', '0.33333333333333333333'],
    ['2 * 3 + 4', '10'],
    ['9223372036854775807', '9223372036854775807'],
    ['CAST(2.5 AS INTEGER)', '3'],
    ['CAST(2.5::double precision AS INTEGER)', '2'],
    ["'5'::int + 1", '6'],
    ['round(2.567, 2)', '2.57'],
    ['round(-2.5)', '-3'],
    ['floor(-1.5)', '-2'],
    ['ceil(1.2)', '2'],
    ['abs(-4)', '4'],
    ['mod(7, 3)', '1'],
    ['sqrt(16)', '4'],
    ['power(2, 10)', '1024'],
    ["'a' || 'b' || 1", '"ab1"'],
    ["lower('ABC')", '"abc"'],
    ["upper('straße')", '"STRAßE"'],
    ["length('a😀b')", '3'],
    ["substring('hello' from 2 for 3)", '"ell"'],
    ["substr('hello', 2)", '"ello"'],
    ["trim('  x ')", '"x"'],
    ["trim(both 'x' from 'xxaxx')", '"a"'],
    ["position('l' in 'hello')", '3'],
    ["replace('aXbX', 'X', '--')", '"a--b--"'],
    ["split_part('a,b,c', ',', 2)", '"b"'],
    ["left('hello', -2)", '"hel"'],
    ["right('hello', 2)", '"lo"'],
    ["lpad('7', 3, '0')", '"007"'],
    ["concat('a', NULL, 2, true)", '"a2t"'],
    ["starts_with('hello', 'he')", 'true'],
    ["'abc' LIKE 'a%'", 'true'],
    ["'abc' NOT LIKE '_b_'", 'false'],
    ["'A' ILIKE 'a'", 'true'],
    ["'50%' LIKE '50!%' ESCAPE '!'", 'true'],
    ['NULL AND false', 'false'],
    ['NULL AND true', 'null'],
    ['NULL OR true', 'true'],
    ['NULL OR false', 'null'],
    ['NOT NULL::boolean', 'null'],
    ['NULL IS NULL', 'true'],
    ['1 = NULL', 'null'],
    ['NULL IS DISTINCT FROM 1', 'true'],
    ['NULL IS NOT DISTINCT FROM NULL', 'true'],
    ['1 IS DISTINCT FROM 1', 'false'],
    ['3 IN (1, 2, 3)', 'true'],
    ['3 IN (1, NULL)', 'null'],
    ['3 NOT IN (1, 2)', 'true'],
    ['2 BETWEEN 1 AND 3', 'true'],
    ['2 NOT BETWEEN 1 AND 3', 'false'],
    ['true IS NOT FALSE', 'true'],
    ['NULL::boolean IS UNKNOWN', 'true'],
    ["CASE WHEN 1 > 2 THEN 'a' ELSE 'b' END", '"b"'],
    ["CASE 2 WHEN 1 THEN 'x' WHEN 2 THEN 'y' END", '"y"'],
    ['CASE WHEN false THEN 1 END', 'null'],
    ['COALESCE(NULL, NULL, 3)', '3'],
    ['NULLIF(1, 1)', 'null'],
    ['GREATEST(1, NULL, 3, 2)', '3'],
    ["LEAST('b', 'a')", '"a"'],
    ["JSON_OBJECT('a', 1, 'b', NULL)", '{"a":1,"b":null}'],
    ["JSON_ARRAY(1, 'x', true)", '[1,"x",true]'],
    ["'2026-03-29 01:30:00'::timestamp", '"2026-03-29T01:30:00Z"'],
    ["'2026-03-29T01:30:00.250+02:00'::timestamp", '"2026-03-28T23:30:00.25Z"'],
    ["'2026-03-29'::date", '"2026-03-29"'],
    ["'2026-03-29'::date < '2026-03-30'::timestamp", 'true'],
    ["'\\x00ff'::bytea", '"AP8="'],
    ["HASH(1) = HASH('1')", 'true'],
    ['HASH(NULL)', 'null'],
    ['1.5::numeric(10,0)', '2'],
    ["'NaN'::double precision", '"NaN"'],
    ['0.1::real', '0.1'],
  ])('%s is %s', (expression, expected) => {
    expect(evaluate(expression)).toBe(expected);
  });

  it.each([
    ['id', '7'],
    ['ID', 'null'],
    ['name', '"Ann"'],
    ['n', 'null'],
    ['missing', 'null'],
    ['big', '9007199254740993'],
    ['big + 1', '9007199254740994'],
    ['id / 2', '3.5'],
    ['id + 1', '8'],
    ['amount * 2', '25'],
    ['amount > 12', 'true'],
    ['amount >= 12.5', 'true'],
    ["name = 'Ann'", 'true'],
    ["name || '!'", '"Ann!"'],
    ['name::text', '"Ann"'],
    ['id::text', '"7"'],
    ['tags->0', '"a"'],
    ['tags->>-1', '"b"'],
    ["nested->'deep'->>'x'", '"1"'],
    ["nested#>'{deep,x}'", '1'],
    ['name || id', '"Ann7"'],
    ["'nested: ' || nested", '"nested: {\\"deep\\":{\\"x\\":1}}"'],
    ["JSON_EXTRACT(payload, '$.nested.deep.x') + 1", '2'],
    ["JSON_EXTRACT(payload, '$.tags[1]')", '"b"'],
    ["payload->'name'", '"Ann"'],
    ['ok AND id = 7', 'true'],
    ["COALESCE(n, 'none')", '"none"'],
    ['n IS NULL', 'true'],
    ['customerId', '"c1"'],
    ['"customerId"', '"c1"'],
    ['constructor', 'null'],
    ['__proto__', 'null'],
    ['nested', '{"deep":{"x":1}}'],
    ['_nats_subject', '"orders.new"'],
    ['_nats_timestamp', '"1970-01-01T00:00:01Z"'],
    ['_nats_sequence', 'null'],
    ['orders.id', '7'],
  ])('reads %s of a message as %s', (expression, expected) => {
    expect(evaluate(expression, order)).toBe(expected);
  });

  it('converts the columns of a table', () => {
    const payload =
      '{"id":"12345678901234567890","itemName":5,"price":1.10,"at":1774747800000,"day":"2026-03-29","small":3,"real":0.1,"blob":"AP8=","ok":"yes","data":{"a":1}}';
    expect(() => run('SELECT id FROM items', payload)).toThrow(RowError);
    const rows = run(
      'SELECT ITEMNAME, price + 1 AS p, at, day, small, "real", blob, ok, data, payload->>\'ok\' AS raw FROM items',
      payload,
    );
    expect(JSON.parse(rows[0] ?? '')).toEqual({
      itemName: '5',
      p: 2.1,
      at: '2026-03-29T01:30:00Z',
      day: '2026-03-29',
      small: 3,
      real: 0.1,
      blob: 'AP8=',
      ok: true,
      data: { a: 1 },
      raw: 'yes',
    });
  });

  it.each([
    ['1.10', '{"price":1.10,"twice":2.20}'],
    ['1.10000000000000000000001', '{"price":1.10000000000000000000001,"twice":2.20000000000000000000002}'],
    ['-12345678901234567890.123', '{"price":-12345678901234567890.123,"twice":-24691357802469135780.246}'],
    ['1.5E-3', '{"price":0.0015,"twice":0.0030}'],
    ['"0.10000000000000000001"', '{"price":0.10000000000000000001,"twice":0.20000000000000000002}'],
    ['null', '{"price":null,"twice":null}'],
  ])('keeps every digit of %s in a column of type NUMERIC', (price, expected) => {
    const query = 'SELECT price, price * 2 AS twice FROM items WHERE price <> 1 OR price IS NULL';
    expect(run(query, `{"price":${price}}`)).toEqual([expected]);
    // Keys that are read with the message as a whole.
    expect(run(query, `{"pric\\u0065":${price}}`)).toEqual([expected]);
    const both = 'SELECT price, payload IS NOT NULL AS there FROM items';
    expect(run(both, `{"price":${price}}`)).toEqual([expected.replace(/"twice".*/, '"there":true}')]);
  });

  it('keeps every digit in an array of NUMERIC', () => {
    const prices = relationsOf([
      {
        kind: 'table',
        name: 'prices',
        connection: 'orders',
        source: { kind: 'source', name: 'orders', jetstream: false, format: 'json' },
        columns: [{ name: 'all', type: 'NUMERIC[]' }],
        includeMetadata: false,
      },
    ]);
    const bound = bindQuery('SELECT "all" FROM prices', prices);
    if (bound.status !== 'bound') throw new Error(bound.reason);
    const decoded = decodedMessage(message('{"all":[1.10, 0.10000000000000000001, "2.0", null]}'), jsonCodec);
    const [row] = compileQuery(bound.query).process(decoded);
    expect(new TextDecoder().decode(row?.data)).toBe('{"all":[1.10,0.10000000000000000001,2.0,null]}');
  });

  it.each([
    'a * -1',
    'a / -5',
    'm % 2',
    'z::bigint',
    'z::integer',
    'z * 1',
    'mod(m, 2)',
    'z::smallint',
    'abs(z::integer)',
  ])('zero has no sign as a whole number: %s', (expression) => {
    expect(evaluate(expression, '{"a":0,"m":-4,"z":-0}')).toBe('0');
  });

  it.each([
    ['id = NULL', 'null'],
    ['NULL <> nested', 'null'],
    ['id IS DISTINCT FROM NULL', 'true'],
    ['NULL IS NOT DISTINCT FROM name', 'false'],
    ['absent IS NOT DISTINCT FROM NULL', 'true'],
    ['NULLIF(id, NULL)', '7'],
    ['id IN (7, NULL)', 'true'],
    ['id IN (8, NULL)', 'null'],
    ['id BETWEEN NULL AND 3', 'false'],
    ['CASE id WHEN NULL THEN 1 ELSE 2 END', '2'],
  ])('NULL beside a field is of its kind: %s is %s', (expression, value) => {
    expect(evaluate(expression, order)).toBe(value);
  });

  it.each([
    ['1 / 0', 'division_by_zero'],
    ['id / (id - 7)', 'division_by_zero'],
    ['9223372036854775807 + 1', 'out_of_range'],
    ['2147483647 + 1', 'out_of_range'],
    ["-('-32768'::smallint)", 'out_of_range'],
    ['-((-32768.0)::smallint)', 'out_of_range'],
    ['name + 1', 'wrong_kind'],
    ['name::int', 'invalid_value'],
    ['nested > 1', 'wrong_kind'],
    ['NOT name', 'wrong_kind'],
    ['lower(id)', 'wrong_kind'],
    ["id - 'a'", 'wrong_kind'],
    ["name #- '{a}'", 'wrong_kind'],
    ["tags #- '{x}'", 'invalid_argument'],
    ["repeat('x', 2000000)", 'too_large'],
    ["overlay('3.5' PLACING '3.5' FROM 2147483647)", 'out_of_range'],
  ])('%s is a row error', (expression, code) => {
    expect(() => evaluate(atRow(expression), order)).toThrow(expect.objectContaining({ name: 'RowError', code }));
  });

  it('computes BIGINT as PostgreSQL does', () => {
    const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    const operators = {
      '+': (a: bigint, b: bigint) => a + b,
      '-': (a: bigint, b: bigint) => a - b,
      '*': (a: bigint, b: bigint) => a * b,
      '/': (a: bigint, b: bigint) => a / b,
    };
    fc.assert(
      fc.property(
        int64,
        int64.filter((b) => b !== 0n),
        fc.constantFrom('+', '-', '*', '/'),
        (a, b, operator) => {
          const expected = operators[operator as '+'](a, b);
          const compute = () => evaluate(atRow(`'${a}'::bigint ${operator} '${b}'::bigint`));
          if (BigInt.asIntN(64, expected) === expected) expect(compute()).toBe(String(expected));
          else expect(compute).toThrow(RowError);
        },
      ),
      { numRuns: cases(200) },
    );
  });

  it('matches LIKE as its definition says, in bounded time', () => {
    const naive = (text: string, pattern: string) =>
      new RegExp(
        `^${[...pattern].map((c) => (c === '%' ? '[^]*' : c === '_' ? '[^]' : `\\u{${c.codePointAt(0)?.toString(16)}}`)).join('')}$`,
        'u',
      ).test(text);
    const alphabet = fc.string({ unit: fc.constantFrom('a', 'b', '%', '_', '😀'), maxLength: 12 });
    fc.assert(
      fc.property(alphabet, alphabet, (text, pattern) => {
        expect(like(text, pattern)).toBe(naive(text, pattern));
        expect(likeMatcher(pattern)(text)).toBe(naive(text, pattern));
      }),
    );
    expect(like('a'.repeat(100_000), `${'%a'.repeat(6)}b`)).toBe(false);
  });
});

describe('a query', () => {
  it('passes the payload through untouched', () => {
    const text = ' {"b": 1.0, "a" : 9007199254740993}';
    expect(run('SELECT * FROM orders', text)).toEqual([text]);
    expect(run('WITH a AS (SELECT * FROM orders WHERE b = 1) SELECT * FROM a WHERE b > 0', text)).toEqual([text]);
    expect(run('SELECT * FROM orders WHERE b > 1', text)).toEqual([]);
  });

  it('adds to the payload', () => {
    expect(run('SELECT *, id + 1 AS next FROM orders', '{"id":1,"n":12345678901234567890}')).toEqual([
      '{"id":1,"n":12345678901234567890,"next":2}',
    ]);
    expect(() => run('SELECT *, 1 AS x FROM orders', '[1]')).toThrow(RowError);
  });

  it('filters, computes and names as PostgreSQL does', () => {
    expect(
      run(
        'SELECT lower(name), id AS "theId", amount::int, COALESCE(n, 1), CASE WHEN ok THEN 1 END FROM orders o WHERE o.id = 7 AND name <> \'Bob\'',
        order,
      ),
    ).toEqual(['{"lower":"ann","theId":7,"amount":12,"coalesce":1,"case":1}']);
    expect(run('SELECT customerId, CUSTOMERID AS again FROM orders WHERE customerid IS NOT NULL', order)).toEqual([
      '{"customerId":"c1","again":"c1"}',
    ]);
    expect(run('SELECT id AS myAlias FROM orders', order)).toEqual(['{"myAlias":7}']);
  });

  it('inlines CTEs and subqueries', () => {
    expect(
      run(
        'WITH a AS (SELECT id * 2 AS d, name FROM orders WHERE id > 1), b AS (SELECT d + 1 AS e, name FROM a) SELECT e FROM b WHERE e > 10',
        order,
      ),
    ).toEqual(['{"e":15}']);
    expect(run('SELECT s.x FROM (SELECT id AS x FROM orders) s WHERE s.x = 7', order)).toEqual(['{"x":7}']);
    expect(run('WITH a AS (SELECT id FROM orders) INSERT INTO out SELECT * FROM a', order)).toEqual(['{"id":7}']);
  });

  it('makes envelopes with INSERT INTO only', () => {
    const bound = bindQuery(
      "INSERT INTO out SELECT nested AS payload, 'x.' || name AS subject, JSON_OBJECT('H', id, 'L', tags) AS headers FROM orders",
      relations,
    );
    if (bound.status !== 'bound') throw new Error(bound.reason);
    const [row] = compileQuery(bound.query).process(decodedMessage(message(order), jsonCodec));
    expect(row).toMatchObject({ subject: 'x.Ann', headers: { H: ['7'], L: ['a', 'b'] } });
    expect(new TextDecoder().decode(row?.data)).toBe('{"deep":{"x":1}}');
    for (const subject of ['NULL', "'a.*'", "'$JS.API'", "'laminar.output.x'", "''"]) {
      expect(() => run(`INSERT INTO out SELECT id AS payload, ${subject} AS subject FROM orders`, order)).toThrow(
        RowError,
      );
    }
    expect(run('SELECT id AS payload FROM orders', order)).toEqual(['{"payload":7}']);
  });

  it('refuses what is no message of its format', () => {
    expect(() => run('SELECT * FROM orders', '{nope')).toThrow(DecodeError);
  });

  it('says what it reads and whether it depends on more than the message', () => {
    expect(queryReferences('WITH a AS (SELECT * FROM orders) INSERT INTO out SELECT * FROM a')).toEqual({
      reads: ['orders'],
      writes: 'out',
      calls: [],
    });
    expect(queryReferences('SELECT * FROM nowhere')).toEqual({ reads: ['nowhere'], writes: undefined, calls: [] });
    const bound = (query: string) => {
      const result = bindQuery(query, relations);
      return result.status === 'bound' ? result.query : undefined;
    };
    expect(bound('SELECT NOW() AS t FROM orders')).toMatchObject({
      deterministic: false,
      readsDelivered: false,
      connections: ['orders'],
    });
    expect(bound('SELECT id FROM events WHERE _nats_delivered > 1')).toMatchObject({
      deterministic: false,
      readsDelivered: true,
    });
    expect(bound('INSERT INTO out SELECT id FROM items')).toMatchObject({
      deterministic: true,
      connections: ['orders'],
      sink: 'out',
      reads: ['items'],
      writes: 'out',
    });
  });

  it.each([
    ['SELECT * FROM ordres', 'there is no connection or table "ordres"; did you mean "orders"?'],
    ['INSERT INTO outt SELECT * FROM orders', 'there is no sink "outt"; did you mean "out"?'],
    ['SELECT get_data(id) AS x FROM orders', 'there is no function "get_data"'],
    ['SELECT lowr(name) AS x FROM orders', 'there is no function "lowr"; did you mean "lower"?'],
    ['SELECT id FROM orphans', 'the table "orphans" is over the connection "nowhere", which there is not'],
  ])('%s is blocked', (query, reason) => {
    expect(bindQuery(query, relations)).toMatchObject({ status: 'blocked', reason });
  });

  it.each([
    ['SELECT FROM WHERE', 'syntax_error', 12],
    ['SELECT order FROM orders', 'syntax_error', 13],
    ['SELECT "é", x FROM orders WHERE', 'syntax_error', 31],
    ["SELECT '😀' AS a, itemNme FROM items", 'unknown_column', 17],
    ['SELECT 1 + ok FROM items', 'type_mismatch', 11],
    ['SELECT id, id FROM orders', 'duplicate_column', 11],
    ['SELECT 1 + 2 FROM orders', 'unnamed_column', 7],
    ['SELECT count(*) AS n FROM orders', 'unsupported', 7],
    ['SELECT a.id FROM orders o', 'unknown_table', 7],
    ['SELECT id::intt AS x FROM orders', 'unknown_type', 11],
    ["SELECT id > 'x'::date AS y FROM items", 'type_mismatch', 12],
    ['SELECT * FROM orders ORDER BY id', 'unsupported', 21],
    ['SELECT * FROM orders LIMIT 1', 'unsupported', 21],
    ['SELECT id FROM orders GROUP BY id', 'unsupported', 22],
    ['SELECT DISTINCT id FROM orders', 'unsupported', 7],
    ['SELECT * FROM orders UNION SELECT * FROM events', 'unsupported', 21],
    ['SELECT * FROM orders, events', 'unsupported', 22],
    ['SELECT * FROM orders JOIN events ON true', 'unsupported', 26],
    ['SELECT * FROM out', 'unknown_table', 14],
    ['INSERT INTO orders SELECT * FROM events', 'unknown_table', 12],
    ['INSERT INTO nats_responder SELECT * FROM events', 'unsupported', 12],
    ['SELECT (SELECT 1) AS x FROM orders', 'unsupported', 7],
    ["SELECT name ~ '(a' AS x FROM orders", 'type_mismatch', 14],
    ['SELECT lower(1, 2) AS x FROM orders', 'type_mismatch', 7],
    ['DELETE FROM orders', 'unsupported', 0],
    ['SELECT $1 AS x FROM orders', 'unsupported', 7],
    [`SELECT ${'('.repeat(500)}1${')'.repeat(500)} AS x FROM orders`, undefined, 0],
    [`SELECT ${Array.from({ length: 300 }, () => 'NOT').join(' ')} ok AS x FROM orders`, 'too_large', 0],
  ])('%s is refused', (query, code, offset) => {
    if (code === undefined) {
      expect(bindQuery(query, relations).status).toBe('bound');
      return;
    }
    expect(() => bindQuery(query, relations)).toThrow(SqlError);
    expect(() => bindQuery(query, relations)).toThrow(expect.objectContaining({ code, offset }));
  });

  it('says how to name a reserved word', () => {
    expect(() => bindQuery('SELECT order FROM orders', relations)).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('"order"') }),
    );
    expect(() => bindQuery('SELECT user FROM orders', relations)).toThrow(SqlError);
    expect(run('SELECT "order" FROM orders', '{"order":1}')).toEqual(['{"order":1}']);
  });

  it('never lets text become code', () => {
    const hostile = `"];globalThis.pwned=1;//\${globalThis.pwned=1}\\u0022'`;
    const identifier = `"${hostile.slice(0, 50).replaceAll('"', '""')}"`;
    const literal = `'${hostile.replaceAll("'", "''")}'`;
    const rows = run(
      `SELECT ${literal} AS a, ${identifier} AS ${identifier}, payload->${literal} AS c FROM orders WHERE name <> ${literal}`,
      order,
    );
    expect(JSON.parse(rows[0] ?? '')).toMatchObject({ a: hostile });
    expect((globalThis as { pwned?: number }).pwned).toBeUndefined();
  });
});
