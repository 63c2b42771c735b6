import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { subjects } from '@laminar/protocol';
import {
  eventually,
  type ServiceProcess,
  startNats,
  startService,
  type TemporaryDirectory,
  type TestNats,
  temporaryDirectory,
} from '@laminar/test';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LogWriter, select, sourceConnection } from './testing.js';

const key = 'a-key-of-enough-characters';

let server: TestNats;
let directory: TemporaryDirectory;
let query: ServiceProcess;
let nc: NatsConnection;

beforeAll(async () => {
  server = await startNats();
  directory = await temporaryDirectory('query');
  nc = await connect({ servers: server.url });
  await (await LogWriter.open(nc)).append('connection', 'orders', sourceConnection);
  query = await startService({
    service: 'query',
    env: {
      NATS_URL: server.url,
      // Relative, as the default is.
      LAMINAR_DATA_DIR: relative(process.cwd(), directory.path),
      NATS_PASSWORD: 'do-not-tell',
    },
  });
});

afterAll(async () => {
  await nc?.close();
  await query?.stop();
  await server?.stop();
  await directory?.remove();
});

interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly text: string;
  readonly body: {
    readonly code?: string;
    readonly detail?: string;
    readonly errors?: unknown;
    readonly results?: {
      statement: string;
      columns: { name: string; type: string }[];
      rows: unknown[][];
      complete: boolean;
    }[];
  };
}

async function post(
  body: string | Uint8Array<ArrayBuffer> | object,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${query.url}/api/v1/sql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, type: response.headers.get('content-type'), text, body: JSON.parse(text) };
}

const detailOf = async (sql: string): Promise<string | undefined> => {
  const { status, body } = await post({ sql });
  expect(status).toBe(422);
  expect(body.code).toBe('invalid_query');
  return body.detail;
};

describe('a statement', () => {
  it('answers with names, types and rows', async () => {
    const { status, type, body } = await post({
      sql: "SELECT connection_name, messages_received, rtt_ms, 1.5 AS x, x'00ff' AS bytes FROM system.nats_connections;",
    });
    expect(status).toBe(200);
    expect(type).toContain('application/json');
    expect(body.results).toEqual([
      {
        statement: expect.stringContaining('SELECT connection_name'),
        columns: [
          { name: 'connection_name', type: 'TEXT' },
          { name: 'messages_received', type: 'BIGINT' },
          { name: 'rtt_ms', type: 'DOUBLE PRECISION' },
          { name: 'x', type: 'DOUBLE PRECISION' },
          { name: 'bytes', type: 'BYTEA' },
        ],
        rows: [['orders', 0, null, 1.5, 'AP8=']],
        complete: true,
      },
    ]);
  });

  it('keeps all digits of an integer, and says infinity as a text', async () => {
    expect((await post({ sql: 'SELECT 9007199254740993 AS n, 9e999 AS x' })).text).toContain(
      '[[9007199254740993,"Infinity"]]',
    );
  });

  it('may be WITH, VALUES, EXPLAIN, and have comments before it', async () => {
    for (const sql of [
      '-- first\n/* then */ WITH n AS (SELECT 1 AS a) SELECT a FROM n',
      'VALUES (1), (2)',
      'EXPLAIN QUERY PLAN SELECT * FROM system.pipelines',
      'select 1; -- the end',
    ]) {
      expect((await post({ sql })).status, sql).toBe(200);
    }
  });

  it('is helped along where a name is misspelt', async () => {
    expect(await detailOf('SELECT nme FROM system.pipelines')).toBe('no such column: nme; did you mean name?');
    expect(await detailOf('SELECT p.stat FROM system.pipelines p')).toBe('no such column: p.stat; did you mean state?');
    // A column that another table has is no help.
    expect(await detailOf('SELECT id FROM system.pipelines')).toBe('no such column: id');
    expect(await detailOf('SELECT * FROM system.pipelinse')).toBe(
      'no such table: system.pipelinse; did you mean pipelines?',
    );
    expect(await detailOf('SELECT * FROM system.xyzzy')).toContain('there are nats_connections, ');
    expect(await detailOf('SELECT FROM')).toContain('syntax error');
  });

  it('ends at the limit of rows, and says so', async () => {
    const { body } = await post({
      sql: 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n',
    });
    expect(body.results?.[0]).toMatchObject({ complete: false, rows: { length: 10_000 } });
  });

  it('ends at the limit of bytes, and says so', async () => {
    const sql =
      'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT hex(zeroblob(50000)) AS x FROM n';
    const { text, body } = await post({ sql });
    expect(body.results?.[0]?.complete).toBe(false);
    expect(text.length).toBeGreaterThan(7 * 1024 * 1024);
    expect(text.length).toBeLessThan(8.1 * 1024 * 1024);
  });
});

describe('the sandbox', () => {
  const outside = () => join(directory.path, 'outside.db');

  it.each([
    ['ATTACH', () => `ATTACH '${outside()}' AS other`],
    ['ATTACH in disguise', () => `/* */ -- x\n aTtAcH '${outside()}' AS other`],
    ['DETACH', () => 'DETACH system'],
    ['PRAGMA', () => 'PRAGMA database_list'],
    ['EXPLAIN of PRAGMA', () => 'EXPLAIN PRAGMA journal_mode = DELETE'],
    ['VACUUM INTO', () => `VACUUM INTO '${outside()}'`],
    ['INSERT', () => "INSERT INTO system.workers VALUES ('i', 'h', 1, 's', 'h', 1)"],
    ['WITH ... INSERT', () => "WITH x AS (SELECT 1) INSERT INTO system.workers SELECT 'i', 'h', 1, 's', 'h', 1 FROM x"],
    ['WITH ... DELETE RETURNING', () => 'WITH x AS (SELECT 1) DELETE FROM system.definitions RETURNING name'],
    ['UPDATE', () => "UPDATE system.pipelines SET name = 'x'"],
    ['DROP', () => 'DROP TABLE system.spans'],
    ['CREATE TEMP', () => 'CREATE TEMP TABLE t (a)'],
    ['BEGIN', () => 'BEGIN EXCLUSIVE'],
    ['two statements', () => 'SELECT 1; DELETE FROM system.spans'],
    ['a NUL', () => 'SELECT 1 \0; DROP TABLE spans'],
    ['load_extension', () => "SELECT load_extension('/tmp/x.so')"],
    ['readfile', () => "SELECT readfile('/etc/passwd')"],
    ['writefile', () => `SELECT writefile('${outside()}', 'x')`],
    ['pragma_database_list', () => 'SELECT * FROM pragma_database_list'],
    ['pragma_table_info', () => "SELECT * FROM pragma_table_info('spans')"],
    ['a quoted pragma function', () => 'SELECT * FROM main."PRAGMA_Database_List"'],
    ['a bracketed pragma function', () => "SELECT * FROM [pragma_table_list]('spans')"],
    ['a pragma function as a text', () => "SELECT * FROM 'pragma_function_list'"],
    ['a pragma function in a subquery', () => 'SELECT (SELECT count(*) FROM pragma_compile_options)'],
    ['sqlite_dbpage', () => 'SELECT * FROM sqlite_dbpage'],
    ['nothing', () => '   -- nothing'],
  ])('refuses %s', async (_what, sql) => {
    const detail = await detailOf(sql());
    expect(detail).not.toContain(directory.path);
    expect(existsSync(outside())).toBe(false);
    expect(await select(query.url, 'SELECT count(*) AS n FROM system.nats_connections')).toEqual([{ n: 1 }]);
  });

  it.runIf(process.platform === 'linux')('runs in a process without the credentials of the service', async () => {
    const children = await eventually(
      async () => {
        const found = (await readFile(`/proc/${query.pid}/task/${query.pid}/children`, 'utf8')).trim().split(' ');
        return found[0] !== '' && found;
      },
      { what: 'a process for SQL' },
    );
    for (const child of children) {
      expect(await readFile(`/proc/${child}/environ`, 'utf8')).not.toMatch(/do-not-tell|NATS_URL/);
    }
  });

  const endless = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n';

  it('ends what takes too long, and is ready for the next at once', async () => {
    const started = performance.now();
    const { status, body } = await post({ sql: endless, timeout_ms: 300 });
    expect([status, body.code, body.detail]).toEqual([504, 'query_timeout', 'the statement did not end within 300 ms']);
    expect(await select(query.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(performance.now() - started).toBeLessThan(2000);
  });

  it('answers others while endless statements run', async () => {
    const runaways = [1, 2, 3].map(() => post({ sql: endless, timeout_ms: 1500 }));
    const answers = await Promise.all(Array.from({ length: 20 }, () => post({ sql: 'SELECT 1', timeout_ms: 5000 })));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect((await Promise.all(runaways)).map(({ status }) => status)).toEqual([504, 504, 504]);
  });

  it.each([
    ['one value', 'SELECT length(randomblob(900000000))'],
    [
      'values that are kept',
      'WITH RECURSIVE n(i, b) AS (SELECT 1, randomblob(1000000) UNION ALL SELECT i + 1, randomblob(1000000) FROM n) SELECT count(*) FROM (SELECT b FROM n ORDER BY b)',
    ],
    ['one text', "SELECT replace(hex(zeroblob(200000000)), '0', 'xx') AS x"],
  ])('ends what takes too much memory: %s', async (_what, sql) => {
    const { status, body } = await post({ sql, timeout_ms: 20_000 });
    expect(status).toBe(422);
    expect(body.detail).toMatch(/MiB of memory|too big/);
    expect(await select(query.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });
});

describe('a request', () => {
  it.each([
    [400, 'malformed_json', '{"sql": '],
    [400, 'malformed_json', Buffer.from('{"sql": "é"}', 'latin1')],
    [400, 'missing_body', ''],
    [422, 'invalid_body', '{"__proto__": 1, "sql": "SELECT 1"}'],
    [422, 'invalid_body', '{}'],
    [422, 'invalid_body', '{"sql": 5}'],
    [422, 'invalid_body', '{"sql": ""}'],
    [422, 'invalid_body', '{"sql": "SELECT 1", "timeout_ms": 60001}'],
    [422, 'invalid_body', '{"sql": "SELECT 1", "timeout_ms": "5"}'],
    [422, 'invalid_body', '{"sql": "SELECT 1", "timeout": 5}'],
    [422, 'invalid_query', JSON.stringify({ sql: `SELECT ${' '.repeat(200_000)} 1` })],
    [422, 'invalid_query', JSON.stringify({ sql: `${' '.repeat(90_000)} x` })],
    [413, 'body_too_large', JSON.stringify({ sql: `SELECT '${'x'.repeat(1024 * 1024)}'` })],
  ])('is refused with %i %s', async (status, code, body) => {
    const answer = await post(body);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(answer.type).toContain('application/problem+json');
  });

  it('names a field that there is not', async () => {
    const { body } = await post({ sql: 'SELECT 1', timeout: 5 });
    const detail = 'there is no field "timeout"; did you mean "timeout_ms"?';
    expect(body).toMatchObject({ detail, errors: [{ pointer: '/timeout', detail }] });
  });

  it('is of a type and a method that are taken', async () => {
    const url = `${query.url}/api/v1/sql`;
    const text = await fetch(url, { method: 'POST', body: '{"sql": "SELECT 1"}' });
    expect(text.status).toBe(415);
    expect(await text.json()).toMatchObject({ code: 'unsupported_media_type' });
    const get = await fetch(url);
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST']);
    expect(await get.json()).toMatchObject({ code: 'method_not_allowed' });
  });

  it('to a path that there is not gets a problem', async () => {
    const response = await fetch(`${query.url}/api/v1/nothing?token=secret`);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ code: 'route_not_found', detail: 'there is no GET /api/v1/nothing' });
  });

  it('needs a key where there are keys, but for health', async () => {
    const other = await temporaryDirectory('query-keys');
    const guarded = await startService({
      service: 'query',
      env: { NATS_URL: server.url, LAMINAR_DATA_DIR: other.path, LAMINAR_API_KEYS: `${key},another-key-of-enough` },
    });
    try {
      const status = async (path: string, authorization?: string) =>
        (await fetch(`${guarded.url}${path}`, { headers: authorization === undefined ? {} : { authorization } }))
          .status;
      expect(await status('/livez')).toBe(200);
      expect(await status('/readyz')).toBe(200);
      expect(await status('/metrics')).toBe(401);
      expect(await status('/metrics', 'Bearer wrong-key-of-enough-chars')).toBe(401);
      expect(await status('/metrics', `Bearer ${key}`)).toBe(200);
      expect((await fetch(`${guarded.url}/api/v1/sql`, { method: 'POST', body: '{' })).status).toBe(401);
      expect((await fetch(`${guarded.url}/v1/traces`, { method: 'POST', body: '{' })).status).toBe(401);
    } finally {
      await guarded.stop();
      await other.remove();
    }
  });
});

describe('on the bus', () => {
  const ask = async (request: string | object) => {
    const message = await nc.request(
      subjects.querySql,
      typeof request === 'string' ? request : JSON.stringify(request),
      {
        timeout: 5000,
      },
    );
    return {
      code: message.headers?.get('Nats-Service-Error-Code'),
      text: message.headers?.get('Nats-Service-Error'),
      message,
    };
  };

  it('answers with columns and rows', async () => {
    const { code, message } = await ask({
      sql: 'SELECT connection_name FROM system.nats_connections',
      timeout_ms: 1000,
    });
    expect(code ?? '').toBe('');
    expect(message.json()).toEqual({
      columns: [{ name: 'connection_name', type: 'TEXT' }],
      rows: [['orders']],
      complete: true,
    });
  });

  it('answers errors by code', async () => {
    expect((await ask('no json')).code).toBe('400');
    expect((await ask({ sql: 'SELECT 1' })).code).toBe('400');
    expect(await ask({ sql: 'SELECT nme FROM system.pipelines', timeout_ms: 1000 })).toMatchObject({
      code: '422',
      text: 'no such column: nme; did you mean name?',
    });
    const endless = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n';
    expect((await ask({ sql: endless, timeout_ms: 200 })).code).toBe('408');
  });

  it('cuts rows so that the answer fits a message', async () => {
    const sql =
      'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT hex(zeroblob(5000)) AS x FROM n';
    const { message } = await ask({ sql, timeout_ms: 5000 });
    expect(message.data.length).toBeGreaterThan(900_000);
    expect(message.json<{ complete: boolean }>().complete).toBe(false);
  });

  it('is listed among the services of the mesh', async () => {
    const info = await nc.request('$SRV.INFO.laminar-query', '', { timeout: 2000 });
    expect(info.json()).toMatchObject({ name: 'laminar-query', endpoints: [{ subject: subjects.querySql }] });
  });
});

it('counts what it did', async () => {
  const text = await (await fetch(`${query.url}/metrics`)).text();
  expect(text).toMatch(/laminar_query_statements_total\{[^}]*outcome="timeout"[^}]*\} \d/);
});

it.runIf(process.platform === 'linux')(
  'leaves no process behind, even where it is killed within a statement',
  async () => {
    const other = await temporaryDirectory('query-killed');
    const doomed = await startService({
      service: 'query',
      env: { NATS_URL: server.url, LAMINAR_DATA_DIR: other.path },
    });
    const endless = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n';
    const asked = fetch(`${doomed.url}/api/v1/sql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ sql: endless, timeout_ms: 30_000 }),
    }).catch(() => undefined);
    const children = await eventually(
      async () => {
        const found = (await readFile(`/proc/${doomed.pid}/task/${doomed.pid}/children`, 'utf8')).trim().split(' ');
        return found.length >= 2 && found;
      },
      { what: 'a busy process and a spare' },
    );
    doomed.kill('SIGKILL');
    await doomed.exited;
    await asked;
    await eventually(() => children.every((child) => !existsSync(`/proc/${child}`)), {
      what: 'the processes for SQL to end',
    });
    await other.remove();
  },
);
