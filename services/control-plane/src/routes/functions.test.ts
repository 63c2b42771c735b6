import { eventually, startNats, type TestNats } from '@laminar/test';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Replica, startReplica } from '../testing.js';

let nats: TestNats;
let replica: Replica;
const call: Replica['call'] = (...args) => replica.call(...args);
const sql = (text: string) => call('POST', 'sql', { sql: text });

beforeAll(async () => {
  nats = await startNats();
  replica = await startReplica(nats.url);
  await eventually(() => replica.health.reason === undefined, { what: 'the control plane to be ready' });
});
afterAll(async () => {
  await replica?.stop();
  await nats?.stop();
});

const gross = {
  arguments: [{ name: 'net', type: 'numeric' }],
  returns: 'NUMERIC',
  language: 'sql',
  body: 'net * 1.19',
};

describe('functions', () => {
  it('are created, read, listed, replaced, patched and dropped, and keep their past', async () => {
    const created = await call('POST', 'functions', { name: 'gross', ...gross });
    expect(created.status).toBe(201);
    expect(created.headers.get('location')).toBe('/api/v1/functions/gross');
    expect(created.body).toMatchObject({
      name: 'gross',
      ...gross,
      arguments: [{ name: 'net', type: 'NUMERIC' }],
      version: 1,
      warnings: [],
      status: { state: 'defined' },
    });
    expect((await call('POST', 'functions', { name: 'gross', ...gross })).status).toBe(409);
    const ifMatch = { 'if-match': created.headers.get('etag') ?? '' };
    const patched = await call('PATCH', 'functions/gross', { body: 'net * 1.07' }, ifMatch);
    expect(patched.body).toMatchObject({ body: 'net * 1.07', version: 2 });
    expect((await call('PUT', 'functions/gross', gross, ifMatch)).status).toBe(412);
    expect((await call('PUT', 'functions/gross', patched.body)).body).toMatchObject({ version: 2 });
    expect((await call('GET', 'functions/gross?version=1')).body).toMatchObject({ body: 'net * 1.19', version: 1 });
    expect((await call('GET', 'functions')).body.items).toMatchObject([{ name: 'gross', version: 2 }]);
    expect((await call('DELETE', 'functions/gross')).status).toBe(204);
    expect((await call('GET', 'functions/gross')).status).toBe(404);
    const history = await call('GET', 'functions/gross/history');
    expect(history.body.items.map(({ type }: { type: string }) => type).sort()).toEqual([
      'FunctionChanged',
      'FunctionCreated',
      'FunctionDropped',
    ]);
  });

  it('are shown and described', async () => {
    await sql("CREATE FUNCTION shown (id JSON, n INT) RETURNS BIGINT LANGUAGE nats AS 'data.get'");
    const { body } = await sql('SHOW FUNCTIONS; DESCRIBE shown');
    const [shown, described] = body.results;
    expect(shown.rows).toContainEqual([
      'shown',
      'id JSON, n INTEGER',
      'BIGINT',
      'nats',
      'defined',
      '',
      1,
      expect.anything(),
    ]);
    expect(described.rows).toEqual(
      expect.arrayContaining([
        ['function', 'shown'],
        ['argument id', 'JSON'],
        ['returns', 'BIGINT'],
        ['body', 'data.get'],
      ]),
    );
    await sql('DROP FUNCTION shown');
  });

  it('in use are dropped only with what uses them', async () => {
    await sql(`CREATE FUNCTION inner_one (a TEXT) RETURNS TEXT LANGUAGE sql AS 'a';
      CREATE FUNCTION outer_one (a TEXT) RETURNS TEXT LANGUAGE sql AS 'inner_one(a)';
      CREATE PIPELINE user_of AS SELECT outer_one(a) AS x FROM nowhere`);
    const refused = await sql('DROP FUNCTION inner_one');
    expect(refused).toMatchObject({ status: 409, body: { code: 'in_use' } });
    expect(refused.body.detail).toContain('is in use by pipeline "user_of", function "outer_one"');
    const { body } = await call('DELETE', 'functions/inner_one?cascade=true').then(() => call('GET', 'functions'));
    expect(body.items).toEqual([]);
    expect((await call('GET', 'pipelines/user_of')).status).toBe(404);
    expect((await sql('DROP FUNCTION IF EXISTS inner_one')).status).toBe(200);
  });

  it('that call what is missing are blocked until it is there', async () => {
    const early = await sql("CREATE FUNCTION early (a TEXT) RETURNS TEXT LANGUAGE sql AS 'later(a)'");
    expect(early.body.results[0]).toMatchObject({
      warnings: [{ code: 'missing_function', message: 'there is no function "later"' }],
      status: { state: 'blocked', message: 'there is no function "later"' },
    });
    await sql("CREATE FUNCTION later (a TEXT) RETURNS TEXT LANGUAGE sql AS 'upper(a)'");
    expect((await call('GET', 'functions/early')).body).toMatchObject({ warnings: [], status: { state: 'defined' } });
    const circle = await sql("CREATE OR REPLACE FUNCTION later (a TEXT) RETURNS TEXT LANGUAGE sql AS 'early(a)'");
    expect(circle).toMatchObject({
      status: 422,
      body: {
        detail: 'a function cannot call itself, directly or through others: "later" calls "early" calls "later"',
      },
    });
    const self = await sql("CREATE FUNCTION again (a TEXT) RETURNS TEXT LANGUAGE sql AS 'again(a)'");
    expect(self.body.detail).toContain('"again" calls "again"');
    await sql('DROP FUNCTION later CASCADE');
  });

  it('that change say which pipelines do not hold with them', async () => {
    await sql(`CREATE CONNECTION c TO nats (servers = 'nats://127.0.0.1:4222', subject = 'x', type = 'source', format = 'json');
      CREATE FUNCTION f (a TEXT) RETURNS TEXT LANGUAGE sql AS 'a';
      CREATE PIPELINE over_f AS SELECT f(a) AS x FROM c`);
    const { body } = await sql("CREATE OR REPLACE FUNCTION f (a TEXT, b TEXT) RETURNS TEXT LANGUAGE sql AS 'a || b'");
    expect(body.results[0].warnings).toMatchObject([
      { code: 'pipeline_broken', message: expect.stringContaining('is called with 1 argument') },
    ]);
    const explained = await sql(
      "CREATE OR REPLACE FUNCTION f (a TEXT) RETURNS TEXT LANGUAGE nats AS 'data.f'; EXPLAIN SELECT f(a) AS x FROM c",
    );
    expect(explained.body.results[1].rows).toContainEqual([
      'function',
      expect.stringContaining('f (a request on data.f'),
    ]);
    await sql('DROP FUNCTION f CASCADE; DROP CONNECTION c');
  });
});

describe('bad functions are refused', () => {
  it.each([
    ['a language that there is not', { language: 'python' }, '/language'],
    ['a type that there is not', { returns: 'NUMBRE' }, '/returns'],
    ['an argument without a name', { arguments: [{ name: '', type: 'TEXT' }] }, '/arguments/0/name'],
    ['an argument with a strange name', { arguments: [{ name: 'a){}; (', type: 'TEXT' }] }, '/arguments/0/name'],
    [
      'two arguments of one name',
      { arguments: [gross.arguments[0], { name: 'NET', type: 'TEXT' }] },
      '/arguments/1/name',
    ],
    ['an empty body', { body: ' \n' }, '/body'],
    ['a body that is too large', { body: `net + ${'1'.repeat(64 * 1024)}` }, '/body'],
    ['SQL that is none', { body: 'net +' }, '/body'],
    ['SQL of two expressions', { body: 'net, 1' }, '/body'],
    ['SQL with a FROM', { body: 'net FROM orders' }, '/body'],
    ['SQL of another type', { body: "'x' || 'y'" }, '/body'],
    ['JavaScript that is none', { language: 'javascript', body: 'return net +;' }, '/body'],
    ['JavaScript that ends early', { language: 'javascript', body: 'return 1; }), (function () {' }, '/body'],
    [
      'JavaScript with an argument that it cannot have',
      { language: 'javascript', arguments: [{ name: 'class', type: 'TEXT' }] },
      '/body',
    ],
    ['a subject with a wildcard', { language: 'nats', body: 'data.*' }, '/body'],
    ['a subject of NATS', { language: 'nats', body: '$JS.API.STREAM.LIST' }, '/body'],
    ['a subject of the mesh', { language: 'nats', body: 'laminar.query.sql' }, '/body'],
    ['a subject with a space', { language: 'nats', body: 'data get' }, '/body'],
  ])('%s', async (_, change, pointer) => {
    const { status, body } = await call('PUT', 'functions/bad', { ...gross, ...change });
    expect(status, JSON.stringify(body)).toBe(422);
    expect(body.errors).toMatchObject([{ pointer }]);
  });

  it('by names that are taken', async () => {
    for (const name of ['lower', 'now', 'count', 'json_extract', 'mod', 'coalesce', 'test_connection']) {
      expect(await call('PUT', `functions/${name}`, gross), name).toMatchObject({
        status: 422,
        body: { detail: expect.stringContaining('is a built-in function'), errors: [{ pointer: '/name' }] },
      });
    }
    for (const name of ['row', 'exists', 'normalize', 'treat', 'select', 'current_timestamp', 'time']) {
      expect(await call('PUT', `functions/${name}`, gross), name).toMatchObject({
        status: 422,
        body: {
          detail: expect.stringContaining(`reads ${name}(...) as something of its own`),
          errors: [{ pointer: '/name' }],
        },
      });
    }
    expect((await call('PUT', 'functions/system', gross)).status).toBe(422);
    // No name of JavaScript means anything here.
    for (const name of ['__proto__', 'constructor']) {
      expect((await call('PUT', `functions/${name}`, gross)).status, name).toBe(201);
      expect((await call('DELETE', `functions/${name}`)).status, name).toBe(204);
    }
  });

  it.each([
    ["CREATE FUNCTION lower (a TEXT) RETURNS TEXT LANGUAGE sql AS 'a'", 'lower'],
    ["CREATE FUNCTION f (a TEXT, a TEXT) RETURNS TEXT LANGUAGE sql AS 'a'", 'a TEXT) RETURNS'],
    ["CREATE FUNCTION f (a TXT) RETURNS TEXT LANGUAGE sql AS 'a'", 'TXT)'],
    ["CREATE FUNCTION f (a TEXT) RETURNS TXT LANGUAGE sql AS 'a'", 'TXT LANGUAGE'],
    ["CREATE FUNCTION f (a TEXT) RETURNS TEXT LANGUAGE plpgsql AS 'a'", 'plpgsql'],
    ["CREATE FUNCTION f (a TEXT) RETURNS TEXT LANGUAGE nats AS 'a.*'", "'a.*'"],
    ["CREATE FUNCTION f (a TEXT) RETURNS TEXT LANGUAGE sql AS ' '", "' '"],
    ["CREATE FUNCTION f (a TEXT) RETURNS TEXT LANGUAGE sql AS 'a;'", ";'"],
    ["CREATE FUNCTION f (a TEXT) RETURNS TEXT LANGUAGE sql AS 'SELECT a'", 'SELECT a'],
    ["CREATE TABLE t (id BIGINT, name TXT) WITH (connector = 'c')", 'TXT)'],
    ["CREATE TABLE t (id BIGINT, id TEXT) WITH (connector = 'c')", 'id TEXT)'],
    ["CREATE CONNECTION k TO kafka (servers = 'x')", 'kafka'],
    [
      "CREATE CONNECTION system TO nats (servers = 'nats://a', subject = 'x', type = 'source', format = 'json')",
      'system',
    ],
  ])('where they stand: %s', async (statement, at) => {
    const { status, body } = await sql(`SHOW TABLES; ${statement}`);
    expect(status, JSON.stringify(body)).toBe(422);
    expect(`SHOW TABLES; ${statement}`.slice(body.position.offset)).toMatch(
      new RegExp(`^${at.replace(/[.*();]/g, '\\$&')}`),
    );
  });

  it('where they stand, in SQL and in JavaScript', async () => {
    const inSql = await sql(
      "SHOW FUNCTIONS;\nCREATE FUNCTION f (a TEXT) RETURNS TEXT LANGUAGE sql AS 'a || ''x'' || nope'",
    );
    expect(inSql).toMatchObject({ status: 422, body: { statement_index: 1, position: { line: 2, column: 72 } } });
    const script = 'CREATE FUNCTION f (a TEXT) RETURNS TEXT LANGUAGE javascript AS $$\nconst x = 1;\nreturn x +;\n$$';
    const inJavaScript = await sql(script);
    expect(inJavaScript.body).toMatchObject({ code: 'syntax_error', detail: expect.stringContaining('JavaScript: ') });
    expect(inJavaScript.body.position.line).toBe(3);
    const { body } = await call('PUT', 'functions/f', { ...gross, body: 'net +\n nope' });
    expect(body).toMatchObject({ code: 'unknown_column', position: { line: 2, column: 2 } });
  });
});
