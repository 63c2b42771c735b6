import { beforeAll, describe, expect, it } from 'vitest';
import { bindFunction, bindQuery, compileQuery, loadSql, SqlError, type UserFunction } from './index.js';
import { relations } from './testing.js';
import { noFunctions } from './user-functions.js';

beforeAll(() => loadSql());

const refused = (work: () => unknown): { readonly code: string; readonly offset: number } | undefined => {
  try {
    work();
  } catch (error) {
    if (error instanceof SqlError) return { code: error.code, offset: error.offset };
    throw error;
  }
  return undefined;
};
const inQuery = (query: string) => refused(() => bindQuery(query, relations));

describe('a constant that would fail', () => {
  it.each([
    'CASE WHEN id = 1 THEN 1 / 0 END',
    'CASE WHEN id = 1 THEN 1 ELSE 1 / 0 END',
    'CASE WHEN id = 1 THEN 1 WHEN 1 / 0 = 1 THEN 2 END',
    'COALESCE(id, 1 / 0)',
    'ok AND false AND 1 / 0 = 1',
    'true OR 1 / 0 = 1',
    'ok OR 1 / 0 = 1',
    "CASE WHEN ok THEN format('%s %s', id) END",
    'NULL::integer / 0',
    "md5(repeat('x', 1000000))::text = 'a'",
  ])('in %s is left to the rows', (expression) => {
    expect(inQuery(`SELECT ${expression} AS x FROM items`)).toBeUndefined();
  });

  it('is refused where it stands', () => {
    const query = 'SELECT id, abs(1 - 2 / 0) AS x FROM items';
    expect(inQuery(query)).toEqual({ code: 'always_fails', offset: query.indexOf('/') });
  });

  it('is not looked for in large values, which would cost much to compute', () => {
    expect(inQuery("SELECT md5(repeat('x', 10000))::integer AS x FROM items")).toMatchObject({ code: 'always_fails' });
    expect(inQuery("SELECT md5(repeat('x', 10001))::integer AS x FROM items")).toBeUndefined();
  });
});

describe('a function in SQL', () => {
  const inverse = (body: string): UserFunction => ({
    name: 'inverse',
    arguments: [{ name: 'n', type: 'INTEGER' }],
    returns: 'INTEGER',
    language: 'sql',
    body,
  });

  it('is refused where its body always fails', () => {
    expect(refused(() => bindFunction(inverse('n + 1 / 0'), noFunctions))).toEqual({ code: 'always_fails', offset: 6 });
    expect(refused(() => bindFunction(inverse('1 / n'), noFunctions))).toBeUndefined();
  });

  it('is refused where it is called with what it fails for', () => {
    const functions = { get: () => inverse('6 / (n - 1)'), names: () => ['inverse'] };
    const query = (argument: string) => `SELECT 1 AS one, inverse(${argument}) AS x FROM orders`;
    expect(refused(() => bindQuery(query('1'), relations, functions))).toEqual({
      code: 'always_fails',
      offset: query('').indexOf('inverse'),
    });
    for (const argument of ['3', 'id'])
      expect(bindQuery(query(argument), relations, functions)).toMatchObject({ status: 'bound' });
    const bound = bindQuery(query('3'), relations, functions);
    if (bound.status === 'bound') expect(() => compileQuery(bound.query)).not.toThrow();
  });
});
