import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseScript, SqlError, statementIndexAt } from '../index.js';

describe('a SELECT on its own', () => {
  const over = (text: string) => parseScript(text).map((statement) => 'over' in statement && statement.over);

  it.each([
    'SELECT * FROM system.pipelines',
    'WITH p AS (SELECT * FROM system.pipelines) SELECT * FROM p',
    'WITH p (a, b) AS (SELECT name, state FROM system.pipelines) SELECT * FROM p',
    'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT * FROM n, system.pipelines',
    'WITH p AS NOT MATERIALIZED (SELECT * FROM system.pipelines) SELECT * FROM p',
    'WITH "P q" AS (SELECT * FROM system.pipelines) SELECT * FROM "P q"',
  ])('%s is over system tables', (text) => {
    expect(over(text)).toEqual(['system']);
  });

  it.each(['SELECT * FROM orders', 'WITH p AS (SELECT a FROM orders) SELECT a FROM p'])(
    '%s is over relations',
    (text) => {
      expect(over(text)).toEqual(['relations']);
    },
  );

  it('is not over both', () => {
    expect(() => parseScript('SELECT * FROM system.pipelines JOIN orders ON true')).toThrow(SqlError);
  });
});

describe('the statement at an offset', () => {
  it('is the one that a failure is in', () => {
    const whole = [
      'SHOW TABLES',
      'SHOW /* ; */ PIPELINES',
      'DESCRIBE a',
      "EXPLAIN SELECT ';' AS a FROM b",
      "EXPLAIN SELECT ';'",
    ];
    const broken = ['SHOW x', "DESCRIBE 'x", 'CREATE TABEL t', '"'];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...whole, '', '-- 🌍;\n')), fc.constantFrom(...broken), (before, last) => {
        const script = [...before, last].join(';\n');
        const index = parseScript(before.join(';\n')).length;
        expect(() => parseScript(script)).toThrow(SqlError);
        try {
          parseScript(script);
        } catch (error) {
          expect(statementIndexAt(script, (error as SqlError).offset)).toBe(index);
        }
      }),
    );
  });
});
