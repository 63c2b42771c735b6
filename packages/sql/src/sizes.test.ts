import { jsonCodec } from '@laminar/codecs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { rowFailure } from './compile/row-failure.js';
import { bindQuery, compileQuery, decodedMessage, loadSql, RowError } from './index.js';
import { message, relations } from './testing.js';

beforeAll(() => loadSql());

const limit = 1_000_000;
const rowLimit = 64 * 1024 * 1024;

/** The bytes of the row that a query makes of a payload, or the error that it fails with. */
function outcome(query: string, payload: string): number | RowError {
  const bound = bindQuery(query, relations);
  if (bound.status !== 'bound') throw new Error(bound.reason);
  const compiled = compileQuery(bound.query);
  try {
    return compiled.process(decodedMessage(message(payload), jsonCodec))[0]?.data.length ?? 0;
  } catch (error) {
    if (error instanceof RowError) return error;
    throw error;
  }
}

/** A CTE behind the other, each of which computes something of `x` of the one before it. */
const chain = (length: number, expression: string, first = 'x') =>
  `WITH c0 AS (SELECT ${first} AS x FROM orders)${Array.from({ length }, (_, i) => `, c${i + 1} AS (SELECT ${expression} AS x FROM c${i})`).join('')} SELECT x FROM c${length}`;

const times = (count: number, text: string, between = ', ') => Array(count).fill(text).join(between);

const payload = JSON.stringify({
  x: 'ab'.repeat(10_000),
  list: Array.from({ length: 2000 }, (_, i) => i),
  quotes: `"'\\`.repeat(5),
  object: { a: 'y'.repeat(1000) },
});

/** Ways to make much of little: 12 to 25 steps that double, or one with thousands of operands. */
const growing: readonly (readonly [what: string, query: string])[] = [
  ['||', chain(12, 'x || x', 'x::text')],
  ['|| with a literal', chain(8, "x || 'and' || x", 'x::text')],
  ['concat', chain(12, 'concat(x, x)')],
  ['concat of thousands', `SELECT concat(${times(5000, 'x')}) AS y FROM orders`],
  ['concat_ws', `SELECT concat_ws(x::text, ${times(5000, 'x')}) AS y FROM orders`],
  ['format', `SELECT format('${'%1$s'.repeat(5000)}', x) AS y FROM orders`],
  ['format with a width', `SELECT format('${'%999999s'.repeat(2)}', x, x) AS y FROM orders`],
  ['repeat', chain(4, 'repeat(x, 10)', 'x::text')],
  ['replace', "SELECT replace(x::text, 'a', x::text) AS y FROM orders"],
  ['regexp_replace', "SELECT regexp_replace(x::text, 'a', x::text, 'g') AS y FROM orders"],
  ['lpad', "SELECT lpad(x::text, 1000001, '.') AS y FROM orders"],
  ['lpad around a longer text', chain(6, 'lpad(x || x, 999999) || x', 'x::text')],
  ['rpad', "SELECT rpad('', 1000001, x::text) AS y FROM orders"],
  ['overlay', chain(10, 'overlay(x PLACING x FROM 1 FOR 0)', 'x::text')],
  ['quote_literal', chain(25, 'quote_literal(quote_literal(x))', 'quotes::text')],
  ['encode', chain(25, "encode(convert_to(x, 'UTF8'), 'hex')", 'quotes::text')],
  ['encode with escapes', chain(25, "encode(convert_to(x, 'UTF8'), 'escape')", 'quotes::text')],
  ['|| of bytes', chain(8, 'x || x', "convert_to(x::text, 'UTF8')")],
  ['array_to_string', `SELECT array_to_string(ARRAY[${times(1000, 'x::text')}], x::text) AS y FROM orders`],
  ['|| of arrays', chain(12, 'x || x', 'list::integer[]')],
  ['array_append', `SELECT ${'array_append('.repeat(100)}ARRAY[x::text]${', x::text)'.repeat(100)} AS y FROM orders`],
  ['array_prepend', chain(7, 'array_prepend(repeat(x[1], 2), x)', 'ARRAY[x::text]')],
  ['array_replace', chain(6, "array_replace(x || x, 'a', x[1])", 'ARRAY[x::text]')],
  ['ARRAY', `SELECT ARRAY[${times(5000, 'x::text')}] AS y FROM orders`],
  ['the text of an array', chain(25, 'ARRAY[x]::text', 'quotes::text')],
  ['|| of JSON', chain(12, 'x || x', 'list')],
  ['JSON_ARRAY', chain(10, 'JSON_ARRAY(x, x)')],
  ['json_build_array', chain(10, 'json_build_array(x, x)')],
  ['JSON_OBJECT', chain(10, "JSON_OBJECT('a': x, 'b': x)", 'object')],
  ['jsonb_build_object', chain(10, "jsonb_build_object('a', x, 'b', x)", 'object')],
  ['jsonb_set', chain(4, "jsonb_set(JSON_OBJECT('a': x, 'b': x), '{a}', JSON_ARRAY(x, x))")],
  ['the text of JSON', chain(25, 'JSON_ARRAY(x)::text', 'quotes')],
  ['jsonb_pretty', chain(25, 'jsonb_pretty(to_jsonb(x))', 'JSON_ARRAY(quotes)::text')],
];

describe('what an expression builds', () => {
  it.each(growing)('is bounded: %s', (_, query) => {
    const failure = outcome(query, payload);
    expect(failure).toMatchObject({ name: 'RowError', code: 'too_large' });
    const { message: text, offset } = failure as RowError;
    expect(offset).toBeGreaterThan(6);
    expect(text).toMatch(/larger than \d+, at character \d+ of the query$/);
    expect(text).toContain(`at character ${Number(offset) + 1} of`);
  });

  it('says where in the query it stands, in code points', () => {
    const query = `SELECT '🌍' AS e, lower(x::text) AS l, lower(x::text) || repeat(x::text, 100) AS y FROM orders`;
    const failure = outcome(query, payload) as RowError;
    expect([...query].slice(failure.offset).join('')).toMatch(/^repeat/);
    const filter = 'SELECT 1 AS one FROM orders WHERE concat(x, repeat(x::text, 60)) IS NULL';
    expect(filter.slice((outcome(filter, payload) as RowError).offset)).toMatch(/^repeat/);
  });

  it('may be as long as the message is', () => {
    const long = JSON.stringify({ x: 'z'.repeat(2 * limit) });
    expect(
      outcome("SELECT upper(x::text) AS u, payload::text AS p, 'a' || left(x::text, -1) AS y FROM orders", long),
    ).toBeGreaterThan(6 * limit);
    expect(outcome('SELECT x::text || x::text AS y FROM orders', long)).toMatchObject({ code: 'too_large' });
  });

  it('is bounded whatever is built of what', () => {
    const steps = [
      'x || x',
      'concat(x, x, x)',
      "replace(x, 'a', x)",
      'ARRAY[x, x]::text',
      'JSON_ARRAY(x, x)::text',
      "encode(convert_to(x, 'UTF8'), 'hex')",
      'quote_literal(x)',
      "lpad(x, 2 * length(x), '\"')",
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...steps), { minLength: 1, maxLength: 6 }), (chosen) => {
        const query = `WITH c0 AS (SELECT quotes::text AS x FROM orders)${chosen.map((step, i) => `, c${i + 1} AS (SELECT ${step} AS x FROM c${i})`).join('')} SELECT length(x) AS n, x FROM c${chosen.length}`;
        const result = outcome(query, payload);
        if (typeof result === 'number') expect(result).toBeLessThan(2 * limit + 100);
        else expect(result.code).toBe('too_large');
      }),
      { numRuns: 12 },
    );
  });
});

describe('a row', () => {
  const large = JSON.stringify({ x: 'ab'.repeat(limit / 4) });

  it.each([
    ['texts that are built', Array.from({ length: 60 }, (_, i) => `repeat('"', 900000) AS c${i}`)],
    ['a field, often', Array.from({ length: 200 }, (_, i) => `x AS c${i}`)],
    ['the payload, often', Array.from({ length: 200 }, (_, i) => `payload AS c${i}`)],
  ])('of %s is bounded, and says at which column', (_, columns) => {
    const query = `SELECT ${columns.join()} FROM orders`;
    const failure = outcome(query, large) as RowError;
    expect(failure).toMatchObject({ code: 'too_large' });
    expect(failure.message).toContain(`the row comes to more than ${rowLimit} bytes, at character `);
    const column = query.slice(failure.offset);
    expect(columns.some((written) => column.startsWith(written.split(' AS ')[0] ?? '-'))).toBe(true);
  });

  it('that adds to a message is bounded', () => {
    const columns = Array.from({ length: 200 }, (_, i) => `x AS c${i}`);
    expect(outcome(`SELECT *, ${columns.join()} FROM orders`, large)).toMatchObject({ code: 'too_large' });
  });

  it('that JavaScript cannot hold is too large', () => {
    const failure = rowFailure(new RangeError('Invalid string length'), 7);
    expect(failure).toMatchObject({ name: 'RowError', code: 'too_large', offset: 7 });
    expect(rowFailure(new TypeError('a fault'), 7)).toBeUndefined();
  });
});

describe('a query of many parts', () => {
  it('may have thousands of branches of CASE', () => {
    const branches = Array.from({ length: 2500 }, (_, i) => `WHEN a=${i} THEN ${i + 1}`).join(' ');
    expect(outcome(`SELECT CASE ${branches} ELSE -1 END AS x FROM orders`, '{"a":2499}')).toBe('{"x":2500}'.length);
    expect(outcome(`SELECT CASE ${branches} ELSE -1 END AS x FROM orders`, '{"a":0}')).toBe('{"x":1}'.length);
    expect(outcome(`SELECT CASE ${branches} END AS x FROM orders`, '{"a":9999}')).toBe('{"x":null}'.length);
  });
});
