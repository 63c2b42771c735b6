import { jsonCodec, rawCodec } from '@laminar/codecs';
import { beforeAll, describe, expect, it } from 'vitest';
import { bindLiveQuery, compileQuery, decodedMessage, loadSql, parseScript, SqlError } from './index.js';
import { message, relations, relationsOf } from './testing.js';

beforeAll(() => loadSql());

function rows(query: string, payload: string): unknown[] {
  const { query: bound } = bindLiveQuery(query, relations);
  const texts = compileQuery(bound).process(decodedMessage(message(payload, { delivered: 1 }), jsonCodec));
  return texts.map(({ data }) => new TextDecoder().decode(data));
}

function refusal(query: string): { code: string; at: string; text: string } {
  try {
    bindLiveQuery(query, relations);
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    return {
      code: error.code,
      at: [...query].slice(error.offset).join('').split(' ')[0] ?? '',
      text: `${error.message} ${error.hint}`,
    };
  }
  throw new Error('it was not refused');
}

describe('a live query', () => {
  it('gives a value per column, with all digits', () => {
    const query = 'SELECT id, price, itemName AS name, at FROM items WHERE id > 1';
    expect(bindLiveQuery(query, relations).columns).toEqual([
      { name: 'id', type: 'BIGINT' },
      { name: 'price', type: 'NUMERIC' },
      { name: 'name', type: 'TEXT' },
      { name: 'at', type: 'TIMESTAMP' },
    ]);
    expect(rows(query, '{"id":9007199254740993,"price":"1.10","itemName":"a\\n\\"b"}')).toEqual([
      '[9007199254740993,1.10,"a\\n\\"b",null]',
    ]);
    expect(rows(query, '{"id":1}')).toEqual([]);
  });

  it('has JSON as it came, on one line', () => {
    const payload = '{"n":2.50,\r\n "t":"a\\u0062\\n", "l":[ 1e400,\n0.10000000000000000001]}\n';
    expect(rows('SELECT * FROM orders', payload)).toEqual([
      '[{"n":2.50,   "t":"a\\u0062\\n", "l":[ 1e400, 0.10000000000000000001]}]',
    ]);
    expect(rows('SELECT n, t, l FROM orders', payload)).toEqual([
      '[2.50,"a\\u0062\\n",[ 1e400, 0.10000000000000000001]]',
    ]);
  });

  it('has one column for whole messages, beside which others may stand', () => {
    expect(bindLiveQuery('SELECT * FROM orders', relations).columns).toEqual([{ name: 'payload', type: 'JSON' }]);
    expect(rows('SELECT * FROM orders', '{"n":9007199254740993}')).toEqual(['[{"n":9007199254740993}]']);
    expect(rows('WITH o AS (SELECT * FROM orders) SELECT * FROM o', '[1]')).toEqual(['[[1]]']);
    const more = 'SELECT *, _nats_subject AS subject FROM orders';
    expect(bindLiveQuery(more, relations).columns.map(({ name }) => name)).toEqual(['payload', 'subject']);
    expect(rows(more, '7')).toEqual(['[7,"orders.new"]']);
    expect(refusal('SELECT *, n AS payload FROM orders').code).toBe('duplicate_column');
  });

  it('gives the bytes of raw messages in base64', () => {
    const raw = relationsOf([{ kind: 'source', name: 'bin', jetstream: false, format: 'raw' }]);
    const live = bindLiveQuery('SELECT * FROM bin', raw);
    expect(live.columns).toEqual([{ name: 'data', type: 'BYTEA' }]);
    const [row] = compileQuery(live.query).process(decodedMessage(message(new Uint8Array([0, 255])), rawCodec));
    expect(new TextDecoder().decode(row?.data)).toBe('["AP8="]');
  });

  it('ends at its LIMIT, which leaves every other place where it was', () => {
    const limits = [
      'LIMIT 3',
      'limit 3 -- rows',
      'WHERE n > 1 LIMIT 3',
      "LIMIT (1 + '2'::int)",
      'LIMIT 0',
      'LIMIT ALL',
      '',
    ].map((end) => bindLiveQuery(`SELECT n FROM orders ${end}`, relations).limit);
    expect(limits).toEqual([3, 3, 3, 3, 0, undefined, undefined]);
    expect(bindLiveQuery('SELECT n AS limit FROM orders', relations).limit).toBeUndefined();
    expect(refusal('SELECT n FROM orders LIMIT 1 OFFSET 2')).toMatchObject({ code: 'unsupported', at: 'OFFSET' });
    expect(refusal('SELECT n FROM orders LIMIT 1.5')).toMatchObject({ code: 'unsupported', at: '1.5' });
    expect(refusal('SELECT n FROM orders LIMIT 1 LIMIT 2')).toMatchObject({ code: 'unsupported', at: 'LIMIT' });
    expect(refusal('WITH o AS (SELECT n FROM orders LIMIT 2) SELECT n FROM o')).toMatchObject({ at: 'LIMIT' });
    expect(refusal('SELECT n FROM orders ORDER BY n LIMIT 2')).toMatchObject({ at: 'ORDER' });
  });

  it.each([
    ['SELECT n FROM orders LIMIT 5 WHERE n > 1', 'WHERE'],
    ['SELECT n LIMIT 5 FROM orders', 'FROM'],
    ['SELECT n FROM orders LIMIT 5 UNION ALL SELECT n FROM orders', 'UNION'],
  ])('does not read over its LIMIT: %s', (query, at) => {
    expect(refusal(query)).toMatchObject({ code: 'syntax_error', at });
  });

  it.each([
    ['SELECT n FROM orders LIMIT n', 'n'],
    ["SELECT n FROM orders LIMIT 'x'", "'x'"],
    ['SELECT n FROM orders LIMIT -1', '-1'],
    ['SELECT n FROM orders LIMIT 1 / 0', '/'],
    ['SELECT n FROM orders LIMIT f(1)', 'f(1)'],
    ['SELECT n FROM orders LIMIT 5 o', '5'],
    ['SELECT n FROM orders LIMIT 1, 2', '2'],
    ['SELECT n FROM orders LIMIT', ''],
    ['SELECT n FROM orders LIMIT (SELECT 1)', '(SELECT'],
  ])('takes a number: %s', (query, at) => {
    expect(refusal(query)).toMatchObject({ code: 'unsupported', at, text: expect.stringContaining('write LIMIT 10') });
  });

  it('is told of LIMIT where it has it by another name, or elsewhere', () => {
    for (const query of [
      'SELECT n FROM orders FETCH FIRST 2 ROWS ONLY',
      'SELECT n FROM (SELECT n FROM orders LIMIT 2) AS o',
    ])
      expect(refusal(query).text).toContain('LIMIT n as the last');
  });

  it('reads one connection, and names the place of the second', () => {
    const union = 'SELECT id FROM items UNION ALL SELECT id FROM events';
    expect(refusal(union)).toMatchObject({ code: 'unsupported', at: 'events' });
    expect(refusal('SELECT id FROM events UNION ALL SELECT id FROM items')).toMatchObject({ at: 'items' });
  });

  it('wants what it names to be there, and writes nowhere', () => {
    expect(refusal('SELECT n FROM ordes')).toMatchObject({
      code: 'unknown_table',
      at: 'ordes',
      text: expect.stringContaining('did you mean "orders"?'),
    });
    expect(refusal('SELECT id FROM orphans')).toMatchObject({ code: 'unknown_table', at: 'orphans' });
    expect(refusal('SELECT uper(n) AS u, uper FROM orders')).toMatchObject({
      code: 'unknown_function',
      at: 'uper(n)',
      text: expect.stringContaining('did you mean "upper"?'),
    });
    expect(refusal('SELECT uper AS u FROM orders WHERE UPER(n) = 1')).toMatchObject({ at: 'UPER(n)' });
    expect(refusal('SELECT n FROM out')).toMatchObject({ code: 'unknown_table', at: 'out' });
    expect(refusal('WITH o AS (SELECT n FROM orders) INSERT INTO out SELECT n FROM o')).toMatchObject({
      code: 'unsupported',
      at: 'INSERT',
      text: expect.stringContaining('CREATE PIPELINE'),
    });
  });

  it('says that it sees no redeliveries of others', () => {
    const { warnings } = bindLiveQuery('SELECT id FROM events WHERE _nats_delivered > 1', relations);
    expect(warnings).toMatchObject([{ code: 'own_consumer' }]);
    expect(bindLiveQuery('SELECT id FROM events', relations).warnings).toEqual([]);
  });
});

describe('test_connection', () => {
  it('is a statement of its own', () => {
    for (const text of ["SELECT test_connection('Orders')", "select * from TEST_CONNECTION ( 'Orders' ) -- now"])
      expect(parseScript(text)).toMatchObject([{ type: 'test_connection', name: 'Orders' }]);
    expect(parseScript("SELECT 'test_connection(' FROM orders")).toMatchObject([{ type: 'select' }]);
  });

  it('takes one name and stands alone', () => {
    const wrong = [
      'SELECT test_connection(name)',
      "SELECT test_connection('a'), 1",
      "SELECT test_connection('a') FROM orders",
      "SELECT id FROM orders WHERE test_connection('a')",
    ];
    for (const text of wrong) expect(() => parseScript(text), text).toThrow('stands alone');
  });
});
