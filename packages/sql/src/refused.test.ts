import { beforeAll, describe, expect, it } from 'vitest';
import { bindLiveQuery, bindQuery, loadSql, SqlError } from './index.js';
import { relations } from './testing.js';

beforeAll(() => loadSql());

/** SELECTs that look at more than one message, or do what a pipeline never does, each with the text that the error is at. */
const selects: readonly (readonly [select: string, at: string])[] = [
  ['SELECT DISTINCT id FROM items', 'DISTINCT id'],
  ['SELECT DISTINCT ON (id) id FROM items', 'DISTINCT ON'],
  ['SELECT id FROM items GROUP BY id', 'GROUP BY'],
  ['SELECT id FROM items GROUP BY ROLLUP (id)', 'GROUP BY'],
  ['SELECT id FROM items HAVING id > 1', 'HAVING'],
  ['SELECT id FROM items WINDOW w AS (PARTITION BY id)', 'WINDOW'],
  ['SELECT id FROM items ORDER BY id', 'ORDER BY'],
  ['SELECT id FROM items LIMIT 5', 'LIMIT'],
  ['SELECT id FROM items FETCH FIRST 5 ROWS ONLY', 'FETCH'],
  ['SELECT id FROM items OFFSET 5', 'OFFSET'],
  ['SELECT id FROM items FOR UPDATE', 'FOR UPDATE'],
  ['SELECT id FROM items FOR SHARE SKIP LOCKED', 'FOR SHARE'],
  ['SELECT i.id FROM items i, events e', 'events e'],
  ['SELECT i.id FROM items i JOIN events e ON i.id = 1', 'events e'],
  ['SELECT i.id FROM items i LEFT JOIN (SELECT 1 AS x FROM events) e ON true', '1 AS x'],
  ['SELECT i.id FROM items i FULL JOIN events e ON true', 'events e'],
  ['SELECT i.id FROM items i NATURAL JOIN events', 'events'],
  ['SELECT id FROM items TABLESAMPLE SYSTEM (5)', 'TABLESAMPLE'],
];

/** The same for expressions. */
const expressions: readonly (readonly [expression: string, at: string])[] = [
  ['count(*)', 'count'],
  ['count(id)', 'count'],
  ['sum(price) + 1', 'sum'],
  ['avg(price)', 'avg'],
  ['string_agg(itemName, 1::text)', 'string_agg'],
  ['array_agg(id)', 'array_agg'],
  ['jsonb_agg(data)', 'jsonb_agg'],
  ['max(id) FILTER (WHERE ok)', 'max'],
  ['percentile_cont(0.5) WITHIN GROUP (ORDER BY price)', 'percentile_cont'],
  ['sum(price) OVER ()', 'sum'],
  ['row_number() OVER (PARTITION BY id)', 'row_number'],
  ['lag(id) OVER (ORDER BY id)', 'lag'],
  ['lower(itemName) OVER ()', 'lower'],
  ['(SELECT 1)', '(SELECT'],
  ['(SELECT max(id) FROM items)', '(SELECT'],
  ['EXISTS (SELECT 1 FROM events)', 'EXISTS'],
  ['id IN (SELECT 1)', 'IN (SELECT'],
  ['id NOT IN (SELECT id FROM events)', 'NOT IN (SELECT'],
  ['id = ANY (SELECT 1)', '= ANY'],
  ['ARRAY(SELECT 1)', 'ARRAY(SELECT'],
  ['GROUPING(id)', 'GROUPING'],
  ['unnest(data)', 'unnest'],
  ['generate_series(1, 2)', 'generate_series'],
];

/** Where such a SELECT may stand. */
const places: { readonly [where: string]: (select: string) => string } = {
  'the query': (select) => select,
  'INSERT INTO': (select) => `INSERT INTO out ${select}`,
  'a CTE': (select) => `WITH c AS (${select}) SELECT * FROM c`,
  'a CTE before INSERT': (select) => `WITH c AS (${select}) INSERT INTO out SELECT * FROM c`,
  'a subquery': (select) => `SELECT s.* FROM (${select}) AS s WHERE s.id > 1`,
  'the first of a UNION ALL': (select) => `(${select}) UNION ALL SELECT id FROM items`,
  'the second of a UNION ALL': (select) => `SELECT id FROM items UNION ALL (${select})`,
  'a UNION ALL within a CTE': (select) =>
    `WITH c AS (SELECT id FROM items UNION ALL (${select})) SELECT x.id FROM c AS x`,
};

function refusal(work: () => unknown): SqlError {
  try {
    work();
  } catch (error) {
    if (error instanceof SqlError) return error;
    throw error;
  }
  throw new Error('it is accepted');
}

describe.each(Object.entries(places))('in %s', (_, within) => {
  const all = [
    ...selects,
    ...expressions.flatMap(([expression, at]) => [
      [`SELECT ${expression} AS id FROM items`, at] as const,
      [`SELECT id FROM items WHERE (${expression}) IS NOT NULL`, at] as const,
      [`SELECT CASE WHEN ok THEN (${expression}) END AS id FROM items`, at] as const,
      [`SELECT id FROM items, jsonb_array_elements((${expression})) AS e`, at] as const,
    ]),
  ];
  it.each(all)('%s is refused, where it stands, with a word of what to do', (select, at) => {
    const query = within(select);
    const { code, offset, message, hint } = refusal(() => bindQuery(query, relations));
    expect(`${code}: ${message}`).toMatch(/^unsupported: .*(?:not supported|gives rows)/);
    expect(query.slice(offset)).toMatch(new RegExp(`^\\(*${at.replace(/[()*=]/g, '\\$&')}`, 'i'));
    expect(hint).toBeTruthy();
  });
});

it.each([
  ['SELECT id FROM items UNION SELECT id FROM items', 'UNION SELECT'],
  ['SELECT id FROM items INTERSECT SELECT id FROM items', 'INTERSECT'],
  ['SELECT id FROM items EXCEPT ALL SELECT id FROM items', 'EXCEPT'],
  ['SELECT id FROM items UNION ALL SELECT id FROM items UNION SELECT id FROM items', 'UNION SELECT'],
  ['SELECT id FROM (SELECT id FROM items UNION SELECT id FROM items) AS u', 'UNION SELECT'],
  ['SELECT id FROM items UNION ALL SELECT id FROM items ORDER BY id', 'ORDER BY'],
  ['SELECT id FROM items UNION ALL SELECT id FROM items OFFSET 1', 'OFFSET'],
])('%s is refused', (query, at) => {
  const { code, offset, hint } = refusal(() => bindQuery(query, relations));
  expect(code).toBe('unsupported');
  expect(query.slice(offset).startsWith(at), query.slice(offset)).toBe(true);
  expect(hint).toBeTruthy();
});

it('refuses the same of a live query, but for LIMIT at its end', () => {
  for (const query of ['SELECT count(*) AS n FROM items', 'SELECT id FROM items ORDER BY id LIMIT 1'])
    expect(refusal(() => bindLiveQuery(query, relations)).code).toBe('unsupported');
  expect(bindLiveQuery('SELECT id FROM items UNION ALL SELECT id FROM items LIMIT 1', relations).limit).toBe(1);
});
