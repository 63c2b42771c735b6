import { columnTypes } from '@laminar/definitions';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bindQuery, loadSql, SqlError } from './index.js';
import { Oracle } from './testing/differential/oracle.js';
import { columns, postgresType, rowRelations, rowsOf } from './testing/differential/rows.js';
import { evaluate } from './testing.js';

/** PostgreSQL in WebAssembly takes its time to start on a busy machine. */
const limitMs = 180_000;

const rows = rowsOf(1, () => 0);
const targets = [...columnTypes, 'INTERVAL', 'TEXT[]', 'INTEGER[]', 'NUMERIC[]'] as const;
/** A column of each type. */
const sources = Object.entries(columns).filter(([, type], i, all) => all.findIndex((other) => other[1] === type) === i);

/** Casts that one side alone has, on purpose. */
const deliberate = (from: string, to: string): boolean =>
  // Any value can be cast to JSON, and JSON to anything: it is the scalar that it holds.
  from === 'JSON' ||
  to === 'JSON' ||
  // PostgreSQL 18 casts whole numbers to bytes and back; a message has them in base64.
  [from, to].includes('BYTEA');

let oracle: Oracle;
beforeAll(async () => {
  await loadSql();
  oracle = await Oracle.open(rows);
}, limitMs);
afterAll(() => oracle.close());

const accepts = (sql: string): boolean => {
  try {
    return bindQuery(`SELECT ${sql} AS x FROM rows`, rowRelations).status === 'bound';
  } catch (error) {
    if (error instanceof SqlError) return false;
    throw error;
  }
};

const takes = (sql: string): boolean => {
  try {
    return evaluate(`(${sql}) IS NOT NULL`) === 'true';
  } catch (error) {
    if (error instanceof SqlError) return false;
    throw error;
  }
};

describe('casts', () => {
  it(
    'are those that PostgreSQL has, between any two types',
    async () => {
      const pairs = sources.flatMap(([name, from]) =>
        targets.filter((to) => !deliberate(from, to)).map((to) => ({ name, from, to })),
      );
      const questions = pairs.map(({ name, to }) => ({
        sql: `NULLIF(${name}, ${name})::${to === 'INTERVAL' ? to : postgresType(to)}`,
        row: 0,
      }));
      const answers = await oracle.ask(questions);
      const disagreements = pairs.flatMap(({ name, from, to }, i) => {
        const answer = answers[i];
        const theirs = answer !== undefined && !('error' in answer);
        return accepts(`${name}::${to}`) === theirs ? [] : [`${from} to ${to}: ${theirs ? 'only there' : 'only here'}`];
      });
      expect(disagreements).toEqual([]);
      expect(pairs.length).toBeGreaterThan(150);
    },
    limitMs,
  );

  it(
    'take the white space around a value that PostgreSQL takes, and no other',
    async () => {
      const spaces = [
        ' ',
        '\t',
        '\n',
        '\v',
        '\f',
        '\r',
        '\u0085',
        '\u00a0',
        '\u1680',
        '\u2003',
        '\u2028',
        '\u3000',
        '\ufeff',
      ];
      const values = {
        ...{ INTEGER: '1', BIGINT: '0x1f', NUMERIC: '1.5', 'DOUBLE PRECISION': '1e3', REAL: 'NaN', BOOLEAN: 'on' },
        ...{ TIMESTAMP: '2026-03-29', DATE: '2026-03-29', INTERVAL: '1 day', 'INTEGER[]': '{1,2}', 'TEXT[]': '{}' },
      };
      const texts = [
        ...Object.entries(values).flatMap(([to, value]) => spaces.map((space) => `'${space}${value}${space}'::${to}`)),
        ...spaces.map((space) => `'{${space}1${space},${space}"2"${space}}'::INTEGER[]`),
        ...spaces.flatMap((space) => [`decode('00${space}ff', 'hex')`, `decode('AP${space}8=', 'base64')`]),
      ];
      const answers = await oracle.ask(texts.map((sql) => ({ sql: `(${sql}) IS NOT NULL`, row: 0 })));
      const disagreements = texts.flatMap((sql, i) => {
        const answer = answers[i];
        const theirs = answer !== undefined && !('error' in answer);
        return takes(sql) === theirs ? [] : [`${JSON.stringify(sql)}: ${theirs ? 'only there' : 'only here'}`];
      });
      expect(disagreements).toEqual([]);
    },
    limitMs,
  );
});
