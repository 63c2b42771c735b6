import { resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { bindQuery, loadSql, locate, parseScript, SqlError } from './index.js';
import { relations } from './testing.js';

beforeAll(() => loadSql());

/** Queries and scripts that are refused, by what is wrong with them. What they are told stands in `refusals.txt` beside the test's helpers. */
const wrong: { readonly [what: string]: readonly string[] } = {
  'is no SQL': [
    'SELECT FROM WHERE',
    'SELECT order FROM orders',
    'SELECT user FROM orders',
    "SELECT 'abc FROM orders",
    'SELECT (1 + 2 AS x FROM orders',
    'SELECT id FROM orders WHERE',
    'SELECT id,, name FROM orders',
    'SELECT id FROM',
    'SELECT 1 AS x, FROM orders',
    'SELECT a b c FROM orders',
    `SELECT ${'x'.repeat(70)} FROM orders`,
    'SELECT a\u00a0b FROM orders',
    'SELECT $$abc FROM orders',
    'SELECT CASE WHEN true THEN 1 AS x FROM orders',
    'SELECT ARRAY[1, 2 AS x FROM orders',
  ],
  'names what is not there': [
    'SELECT nope FROM items',
    'SELECT itemNme FROM items',
    'SELECT "ITEMNAME" FROM items',
    'SELECT a.id FROM orders o',
    'SELECT x.* FROM items',
    'SELECT customer.address FROM orders',
    'SELECT a.b.c FROM orders',
    'SELECT id::intt AS x FROM orders',
    'SELECT id::money AS x FROM orders',
    'SELECT * FROM out',
    'INSERT INTO orders SELECT * FROM events',
    'INSERT INTO items SELECT * FROM events',
    'SELECT * FROM other.orders',
    'SELECT pg_temp.lower(name) AS x FROM orders',
    'SELECT id::pg_temp.thing AS x FROM orders',
  ],
  'has columns that cannot go out': [
    'SELECT id, id FROM orders',
    'SELECT 1 AS x, 2 AS X FROM orders',
    'SELECT 1 + 2 FROM orders',
    "SELECT a->'b' FROM orders",
    'SELECT lower(a), lower(b) FROM orders',
    'SELECT *, id FROM items',
    'SELECT FROM items',
  ],
  'has types that do not fit': [
    'SELECT 1 + ok AS x FROM items',
    'SELECT itemName + 1 AS x FROM items',
    "SELECT 1 + 'x' AS x FROM items",
    'SELECT -itemName AS x FROM items',
    'SELECT id FROM items WHERE itemName',
    'SELECT id FROM items WHERE id = true',
    'SELECT id FROM items WHERE itemName = id',
    "SELECT id FROM items WHERE day > 'yesterday'",
    "SELECT id FROM items WHERE ok = 'maybe'",
    "SELECT id FROM items WHERE id = '12x'",
    "SELECT id FROM items WHERE small = '40000'",
    'SELECT at + 1 AS x FROM items',
    'SELECT at + at AS x FROM items',
    'SELECT day * 2 AS x FROM items',
    "SELECT at + INTERVAL '1 fortnight' AS x FROM items",
    "SELECT day + '1' AS x FROM items",
    'SELECT ok AND id AS x FROM items',
    'SELECT NOT id AS x FROM items',
    'SELECT CASE WHEN id THEN 1 END AS x FROM items',
    'SELECT CASE WHEN ok THEN 1 ELSE at END AS x FROM items',
    'SELECT COALESCE(id, itemName) AS x FROM items',
    'SELECT GREATEST(day, 1) AS x FROM items',
    'SELECT id || price AS x FROM items',
    'SELECT at::integer AS x FROM items',
    'SELECT id::boolean AS x FROM items',
    'SELECT ok::bigint AS x FROM items',
    'SELECT blob::integer AS x FROM items',
    'SELECT "real" % "real" AS x FROM items',
    'SELECT price & 1 AS x FROM items',
    'SELECT data->true AS x FROM items',
    "SELECT '{a'::json AS x FROM items",
    "SELECT '\\xyz'::bytea AS x FROM items",
    "SELECT '1 2'::integer[] AS x FROM items",
    'SELECT price::numeric(0) AS x FROM items',
    'SELECT 1e99999 AS x FROM items',
    'SELECT id = ANY (itemName) AS x FROM items',
    "SELECT id = ANY (ARRAY['a']::text[]) AS x FROM items",
    'SELECT itemName[1] AS x FROM items',
    'SELECT itemName[1:2] AS x FROM items',
    "SELECT ARRAY[1, 'x'] AS x FROM items",
    'SELECT ARRAY[1, at] AS x FROM items',
    "SELECT ARRAY[1] @> ARRAY['a']::text[] AS x FROM items",
  ],
  'calls a function as it is not': [
    'SELECT lower(1, 2) AS x FROM orders',
    'SELECT lower(id) AS x FROM items',
    'SELECT left(itemName, id) AS x FROM items',
    'SELECT concat() AS x FROM items',
    'SELECT split_part(itemName, 1) AS x FROM items',
    'SELECT abs(itemName) AS x FROM items',
    "SELECT abs('x') AS x FROM items",
    "SELECT date_trunc('fortnight', at) AS x FROM items",
    'SELECT extract(fortnight FROM at) AS x FROM items',
    'SELECT extract(hour FROM itemName) AS x FROM items',
    "SELECT encode(blob, 'hexx') AS x FROM items",
    'SELECT array_length(itemName, 1) AS x FROM items',
    'SELECT array_append(ARRAY[1], at) AS x FROM items',
    'SELECT json_extract(data) AS x FROM items',
    'SELECT json_extract(data, itemName) AS x FROM items',
    "SELECT json_extract(data, 'a.b') AS x FROM items",
    'SELECT mod(id) AS x FROM items',
    'SELECT pi(1) AS x FROM items',
  ],
  'has a pattern that is none': [
    "SELECT itemName ~ '(a' AS x FROM items",
    "SELECT itemName ~ 'a**' AS x FROM items",
    "SELECT itemName ~ '[a' AS x FROM items",
    "SELECT itemName ~ '(a)\\1' AS x FROM items",
    "SELECT itemName ~ 'a(?=b)' AS x FROM items",
    "SELECT itemName ~ '\\mword' AS x FROM items",
    "SELECT itemName ~ 'a{300}' AS x FROM items",
    "SELECT itemName ~ 'a{3,1}' AS x FROM items",
    "SELECT itemName ~ '[[:letter:]]' AS x FROM items",
    "SELECT itemName ~ '\\q' AS x FROM items",
    "SELECT regexp_replace(itemName, 'a', 'b', 'z') AS x FROM items",
  ],
  'wants what a pipeline has not': [
    'SELECT count(*) AS n FROM orders',
    'SELECT sum(id) AS n FROM items',
    'SELECT lower(itemName) OVER () AS n FROM items',
    'SELECT random() AS x FROM orders',
    'SELECT gen_random_uuid() AS x FROM orders',
    'SELECT DISTINCT id FROM orders',
    'SELECT id FROM orders GROUP BY id',
    'SELECT id FROM orders HAVING id > 1',
    'SELECT * FROM orders ORDER BY id',
    'SELECT * FROM orders OFFSET 1',
    'SELECT * FROM orders JOIN events ON true',
    'SELECT * FROM orders EXCEPT SELECT * FROM events',
    'SELECT id FROM orders FOR UPDATE',
    'VALUES (1)',
    'SELECT 1 AS x',
    'SELECT (SELECT 1) AS x FROM orders',
    'SELECT id FROM orders WHERE EXISTS (SELECT 1)',
    'SELECT id FROM orders WHERE id IN (SELECT 1)',
    'SELECT ROW(1, 2) AS x FROM orders',
    'SELECT $1 AS x FROM orders',
    'SELECT concat(VARIADIC tags) AS x FROM orders',
    'SELECT CURRENT_TIME AS x FROM orders',
    'SELECT tags[0] AS x FROM orders',
    'SELECT id::integer[][] AS x FROM orders',
    'SELECT ARRAY[ARRAY[1]] AS x FROM orders',
    "SELECT INTERVAL '1-2' YEAR TO MONTH AS x FROM orders",
    'SELECT at::timestamp(9) AS x FROM items',
    'WITH RECURSIVE a AS (SELECT id FROM items) SELECT id FROM a',
    'WITH a(x, y) AS (SELECT id FROM items) SELECT x FROM a',
    'SELECT x FROM orders o(x)',
    'WITH a AS (SELECT id FROM orders), a AS (SELECT id FROM events) SELECT id FROM a',
    'INSERT INTO out (id) SELECT id FROM items',
    'INSERT INTO out SELECT id FROM items RETURNING id',
    'DELETE FROM orders',
    "SELECT JSON_OBJECT('a': 1 ABSENT ON NULL) AS x FROM items",
  ],
};

const scripts: readonly string[] = [
  'SELCT * FROM orders;',
  'CREATE CONECTION c TO nats ();',
  "CREATE CONNECTION c TO nats (a = 'x);",
  'CREATE CONNECTION c TO nats (a 1);',
  'CREATE OR REPLACE TABLE IF NOT EXISTS t (a INT) WITH ();',
  'CREATE TABLE t (a INT[3]) WITH ();',
  'CREATE TABLE t (a NUMERIC(3)) WITH ();',
  'CREATE TABLE t () WITH ();',
  'CREATE PIPELINE p AS ;',
  'INSERT INTO out SELECT * FROM orders;',
  'DROP orders;',
  'SHOW everything;',
  'START p;',
];

/** What someone reads who wrote it: the place, the code, the message and the hint. */
function told(text: string, work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    const { excerpt } = locate(text, error.offset);
    return `${excerpt}\n${error.code}: ${error.message}${error.hint === undefined ? '' : `\n  ${error.hint}`}`;
  }
  return `${text}\nis accepted`;
}

describe('what is wrong is told', () => {
  it('for queries and scripts, with place, code, message and hint (refusals.txt)', async () => {
    const queries = Object.entries(wrong).flatMap(([what, texts]) => [
      `=== A query that ${what}`,
      ...texts.map((text) => told(text, () => bindQuery(text, relations))),
    ]);
    const all = [...queries, '=== A script', ...scripts.map((text) => told(text, () => parseScript(text)))];
    const told100 = all.filter((block) => !block.startsWith('==='));
    expect(told100.length).toBeGreaterThan(150);
    expect(told100.filter((block) => block.endsWith('is accepted'))).toEqual([]);
    await expect(`${all.join('\n\n')}\n`).toMatchFileSnapshot(resolve(import.meta.dirname, 'testing/refusals.txt'));
  });
});
