import { eventually, startNats, type TestNats } from '@laminar/test';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Replica, startReplica } from '../testing.js';

let nats: TestNats;
let replica: Replica;
const doors = ['sql', 'validate'] as const;

beforeAll(async () => {
  nats = await startNats();
  replica = await startReplica(nats.url);
  await eventually(() => replica.health.reason === undefined, { what: 'the control plane to be ready' });
  const { status } = await replica.call('POST', 'sql', {
    sql: `CREATE CONNECTION c TO nats (servers = 'nats://127.0.0.1:4222', subject = 'in.c', type = 'source', format = 'json');
      CREATE TABLE t (id BIGINT, "constructor" TEXT) WITH (connector = 'c')`,
  });
  expect(status).toBe(200);
});
afterAll(async () => {
  await replica?.stop();
  await nats?.stop();
});

const columns = (count: number) => Array.from({ length: count }, (_, i) => `c${i}`).join(', ');

describe.each(doors)('POST /%s', (door) => {
  const post = (sql: string) => replica.call('POST', door, { sql });

  it('takes no body of more than 1 MiB', async () => {
    expect(await post(' '.repeat(1024 * 1024))).toMatchObject({ status: 413, body: { code: 'body_too_large' } });
  });

  it.each([
    ['a query of more than 64 KiB', `EXPLAIN SELECT ${columns(20_000)} FROM c`, 'too_large'],
    ['100,000 brackets', `EXPLAIN SELECT ${'('.repeat(100_000)}`, 'too_large'],
    ['30,000 brackets', `EXPLAIN SELECT ${'('.repeat(30_000)}1${')'.repeat(30_000)} AS x FROM c`, 'too_large'],
    ['10,000 terms', `CREATE PIPELINE p AS SELECT ${'a + '.repeat(10_000)} 1 AS x FROM c`, 'too_large'],
    ['80,000 statements', 'SHOW TABLES;'.repeat(80_000), 'too_large'],
    ['a NUL', 'SHOW TABLES;\0', 'syntax_error'],
    ['a name of 64 characters', `DROP TABLE ${'x'.repeat(64)}`, 'syntax_error'],
    ['a name that runs backwards', 'DROP TABLE "a\u202eb"', 'invalid_name'],
    ['a quote that is never closed', "DESCRIBE t; SELECT 'a", 'syntax_error'],
    [
      'an unknown option that objects have',
      "ALTER CONNECTION c SET (__proto__ = 'x', subject = 'a')",
      'invalid_definition',
    ],
    ['an option that objects inherit', 'ALTER CONNECTION c SET (constructor = 1)', 'invalid_definition'],
    ['a column that objects inherit', 'EXPLAIN SELECT "toString" FROM t', 'unknown_column'],
  ])('refuses %s with a reason and a place', async (_, script, code) => {
    const { status, body } = await post(script);
    expect({ status, code: body.code }, JSON.stringify(body)).toEqual({ status: 422, code });
    expect(body.position).toMatchObject({ line: 1, column: expect.any(Number) });
    expect(body.detail.length).toBeLessThan(1000);
    expect(body.excerpt.length).toBeLessThan(500);
  });

  it('keeps what is hostile as data', async () => {
    const { status, body } = await post(
      `EXPLAIN SELECT "constructor", '"\\\`\${1}' AS "__proto__", U&'\\202e' AS back FROM t WHERE "constructor" = E'\\\\' OR id IS NULL`,
    );
    expect(status, JSON.stringify(body)).toBe(200);
    expect(body.results[0].rows).toEqual(
      expect.arrayContaining([
        ['column', 'constructor TEXT'],
        ['column', '__proto__ TEXT'],
      ]),
    );
  });

  it('answers others while it is busy with a long script', async () => {
    const script = `EXPLAIN SELECT ${columns(300)} FROM c;`.repeat(60);
    const order: string[] = [];
    const long = post(script).then((answer) => {
      order.push('script');
      return answer;
    });
    const short = async () => {
      expect((await fetch(`${replica.url}/livez`)).status).toBe(200);
      order.push('others');
    };
    // The first of them is sent behind the script, on a connection of its own.
    for (let i = 0; i < 3; i++) await short();
    expect((await long).status).toBe(200);
    expect(order).toEqual(['others', 'others', 'others', 'script']);
  });
});
