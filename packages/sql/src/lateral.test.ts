import { jsonCodec } from '@laminar/codecs';
import { beforeAll, describe, expect, it } from 'vitest';
import { bindQuery, compileQuery, decodedMessage, loadSql, queryReferences } from './index.js';
import { message, relations, run } from './testing.js';

beforeAll(() => loadSql());

const order =
  '{"id":7,"rate":2,"items":[{"sku":"a","n":2,"tags":["x","y"]},{"sku":"b","n":1,"tags":[]},{"sku":"c","n":5,"tags":["z"]}],"none":null}';

describe('a subquery behind LATERAL', () => {
  it.each<[query: string, rows: readonly string[]]>([
    [
      "SELECT o.id, l.sku FROM orders o, LATERAL (SELECT i->>'sku' AS sku FROM jsonb_array_elements(o.items) AS i WHERE (i->'n')::integer > 1) AS l",
      ['{"id":7,"sku":"a"}', '{"id":7,"sku":"c"}'],
    ],
    [
      "SELECT id, sku FROM orders CROSS JOIN LATERAL (SELECT i->>'sku' AS s FROM unnest(items) AS i) AS l(sku) WHERE sku <> 'b'",
      ['{"id":7,"sku":"a"}', '{"id":7,"sku":"c"}'],
    ],
    // It need not have a FROM: it names what is computed.
    [
      'SELECT total, total + 1 AS more FROM orders o, LATERAL (SELECT o.id * rate AS total) AS l WHERE total > 10',
      ['{"total":14,"more":15}'],
    ],
    ['SELECT total FROM orders o, LATERAL (SELECT o.id * rate AS total WHERE rate > 2) AS l', []],
    [
      "SELECT sku, t FROM orders, unnest(items) AS i, LATERAL (SELECT i->>'sku' AS sku, t FROM jsonb_array_elements_text(i->'tags') AS t) AS l",
      ['{"sku":"a","t":"x"}', '{"sku":"a","t":"y"}', '{"sku":"c","t":"z"}'],
    ],
    [
      "SELECT m.sku, m.t FROM orders o, LATERAL (SELECT l.sku, l.tags->>0 AS t FROM LATERAL (SELECT i->>'sku' AS sku, i->'tags' AS tags, o.rate FROM unnest(o.items) AS i) AS l WHERE l.rate = 2) AS m WHERE t IS NOT NULL",
      ['{"sku":"a","t":"x"}', '{"sku":"c","t":"z"}'],
    ],
    [
      'SELECT l.* FROM orders o, LATERAL (SELECT * FROM generate_series(1, o.rate::integer) AS a, generate_series(a, 2) AS b) AS l',
      ['{"a":1,"b":1}', '{"a":1,"b":2}', '{"a":2,"b":2}'],
    ],
    // Its own names come first.
    ['SELECT l.x FROM orders, LATERAL (SELECT id AS x FROM unnest(ARRAY[1]) AS id) AS l', ['{"x":1}']],
    ['SELECT l.x FROM orders o, LATERAL (SELECT o AS x FROM unnest(ARRAY[1]) AS o) AS l', ['{"x":1}']],
    [
      "WITH c AS (SELECT l.n, id FROM orders o, LATERAL (SELECT (i->>'n')::integer AS n FROM unnest(items) AS i) AS l) SELECT n + id AS x FROM c WHERE n > 1",
      ['{"x":9}', '{"x":12}'],
    ],
  ])('gives for each row what it makes of it: %s', (query, rows) => {
    expect(run(query, order)).toEqual(rows);
  });

  it.each<[query: string, rows: readonly string[]]>([
    [
      "SELECT id, sku, kind FROM orders LEFT JOIN LATERAL (SELECT i->>'sku' AS sku, 'item' AS kind FROM unnest(items) AS i WHERE i->>'sku' > 'b') AS l ON true",
      ['{"id":7,"sku":"c","kind":"item"}'],
    ],
    [
      "SELECT id, sku, kind FROM orders LEFT JOIN LATERAL (SELECT i->>'sku' AS sku, 'item' AS kind FROM unnest(items) AS i WHERE i->>'sku' > 'c') AS l ON true",
      ['{"id":7,"sku":null,"kind":null}'],
    ],
    [
      'SELECT id, kind FROM orders LEFT JOIN LATERAL (SELECT COALESCE(i, 0) AS kind FROM jsonb_array_elements(none) AS i) AS l ON true',
      ['{"id":7,"kind":null}'],
    ],
    [
      "SELECT id, n FROM orders LEFT JOIN LATERAL (SELECT COALESCE((i->'n')::integer, 0) AS n FROM unnest(items) AS i WHERE id > 7) AS l ON n > 1",
      ['{"id":7,"n":null}'],
    ],
    [
      "SELECT id, n FROM orders LEFT JOIN LATERAL (SELECT COALESCE((i->'n')::integer, 0) AS n FROM unnest(items) AS i) AS l ON n > 1 WHERE n < 5",
      ['{"id":7,"n":2}'],
    ],
    ['SELECT id, x FROM orders LEFT JOIN LATERAL (SELECT 1 AS x WHERE id > 7) AS l ON true', ['{"id":7,"x":null}']],
    ['SELECT id, x FROM orders LEFT JOIN LATERAL (SELECT 1 AS x) AS l ON x > 0', ['{"id":7,"x":1}']],
  ])('of a LEFT JOIN gives NULLs where there is none: %s', (query, rows) => {
    expect(run(query, order)).toEqual(rows);
  });

  it('names the relations and functions that the query depends on', () => {
    expect(
      queryReferences('SELECT l.x FROM orders o, LATERAL (SELECT mine(t) AS x FROM unnest(o.tags) AS t) AS l'),
    ).toMatchObject({ reads: ['orders'], calls: ['mine'] });
  });

  it('takes a message apart within the limit of rows', () => {
    const query =
      'SELECT l.n FROM orders o, LATERAL (SELECT n FROM generate_series(1, o.id::integer) AS n WHERE n < 3) AS l';
    const bound = bindQuery(query, relations);
    if (bound.status !== 'bound') throw new Error(bound.reason);
    const { process } = compileQuery(bound.query);
    expect(process(decodedMessage(message('{"id":10000}'), jsonCodec))).toHaveLength(2);
    expect(() => process(decodedMessage(message('{"id":10001}'), jsonCodec))).toThrow(
      expect.objectContaining({ code: 'too_many_rows' }),
    );
  });
});
