import { eventually, startNats, type TestNats } from '@laminar/test';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Replica, startReplica } from '../testing.js';

let nats: TestNats;
let replica: Replica;

const sql = (text: string, more: object = {}) => replica.call('POST', 'sql', { sql: text, ...more });

beforeAll(async () => {
  nats = await startNats();
  replica = await startReplica(nats.url);
  await eventually(() => replica.health.reason === undefined, { what: 'the control plane to be ready' });
  const reads = "servers = 'nats://127.0.0.1:4222', type = 'source'";
  const { status, body } = await sql(`
    CREATE CONNECTION core TO nats (${reads}, format = 'json', subject = 'a.>', queue_group = 'workers');
    CREATE CONNECTION asked TO nats (${reads}, format = 'json', subject = 'ask.>', enable_reply = true);
    CREATE CONNECTION pull TO nats (${reads}, format = 'json', jetstream = true, stream_name = 'S', subject = 's.*', consumer_max_deliver = 3);
    CREATE CONNECTION push TO nats (${reads}, format = 'json', jetstream = true, stream_name = 'S', filter_subjects = ['s.1', 's.2'], consumer_pull = false, consumer_name = 'pushed');
    CREATE CONNECTION ordered TO nats (${reads}, format = 'json', jetstream = true, stream_name = 'L', subject = 'l.>', consumer_ordered = true, start = 7);
    CREATE CONNECTION kv TO nats (${reads}, format = 'json', jetstream = true, kv_bucket = 'CONFIG', kv_keys = 'settings.>');
    CREATE CONNECTION files TO nats (${reads}, format = 'raw', jetstream = true, object_bucket = 'FILES');
    CREATE CONNECTION raw TO nats (${reads}, format = 'raw', subject = 'bytes');
    CREATE CONNECTION sink TO nats (servers = 'nats://127.0.0.1:4222', type = 'sink', subject = 'out');
    CREATE CONNECTION js_sink TO nats (servers = 'nats://127.0.0.1:4222', type = 'sink', jetstream = true, stream_name = 'OUT', subject = 'out.js');
    CREATE TABLE items (id BIGINT, itemName TEXT, price NUMERIC, payload JSON, _nats_subject TEXT) WITH (connector = 'pull', include_metadata = true);
    CREATE FUNCTION enrich (id TEXT) RETURNS JSON LANGUAGE nats AS 'data.enrich';
    CREATE FUNCTION twice (n BIGINT) RETURNS BIGINT LANGUAGE sql AS 'n * 2';
    CREATE FUNCTION shout (t TEXT) RETURNS TEXT LANGUAGE javascript AS 'return t.toUpperCase()'`);
  expect(status, JSON.stringify(body)).toBe(200);
});
afterAll(async () => {
  await replica?.stop();
  await nats?.stop();
});

type Row = [field: string, value: string];

/** The rows of EXPLAIN, and the values of one field. */
async function explained(query: string): Promise<{ rows: Row[]; of(field: string): string[] }> {
  const { status, body } = await sql(`EXPLAIN ${query}`);
  expect(status, JSON.stringify(body)).toBe(200);
  const rows: Row[] = body.results[0].rows;
  return { rows, of: (field) => rows.filter(([name]) => name === field).map(([, value]) => value) };
}

describe('EXPLAIN of a query for a pipeline', () => {
  it('says all that becomes of a message, in the order in which it does', async () => {
    const { rows } = await explained(`INSERT INTO js_sink
      SELECT id, twice(price::bigint) AS double, _nats_subject AS subject_of FROM items WHERE price > 10 AND itemName LIKE 'a%'`);
    expect(rows).toEqual([
      ['source', 'pull (stream S, subject s.*)'],
      ['reader', 'a pull consumer, the durable laminar-pull, acknowledging each message, begun at the first message'],
      ['table', 'items'],
      ['sink', 'js_sink (stream OUT, subject out.js)'],
      ['filter', 'price > 10'],
      ['filter', "itemName LIKE 'a%'"],
      [
        'decides',
        'itemName, price: where a condition does not hold, nothing else is computed, and no other field is decoded',
      ],
      ['fields', 'id, itemName, price'],
      ['metadata', '_nats_subject'],
      ['column', 'id BIGINT'],
      ['column', 'double BIGINT'],
      ['column', 'subject_of TEXT'],
      ['function', 'twice (SQL, a part of the query)'],
      ['delivery', 'exactly_once'],
      ['mode', 'S'],
      ['because', expect.stringMatching(/acknowledged after its rows were confirmed.*duplicate window/)],
      ...Array.from({ length: 4 }, () => ['rests on', expect.any(String)]),
      ['on_error', 'retry: a message that fails is delivered again, and a dead letter after its last delivery'],
    ]);
  });

  it('says it of each select of a UNION ALL, and of the rows that functions in FROM make', async () => {
    const { rows } = await explained(`SELECT a, 0 AS part FROM core WHERE a = 1
      UNION ALL SELECT b, part FROM pull, jsonb_array_elements(parts) AS part WHERE b > 1 AND part > 2`);
    expect(rows.slice(5, -4)).toEqual([
      ['select', '1 of 2, from core'],
      ['filter', 'a = 1'],
      ['decides', 'a: where a condition does not hold, nothing else is computed, and no other field is decoded'],
      ['fields', 'a'],
      ['column', 'a JSON (as it came: the same bytes, where the message is JSON)'],
      ['column', 'part JSON'],
      ['select', '2 of 2, from pull'],
      ['filter', 'b > 1'],
      ['decides', 'b: where a condition does not hold, nothing else is computed, and no other field is decoded'],
      ['rows', 'functions in FROM make any number of rows of a message'],
      ['row filter', 'part > 2'],
      ['fields', 'b, parts'],
      ['column', 'a JSON (as it came: the same bytes, where the message is JSON)'],
      ['column', 'part JSON (as it came: the same bytes, where the message is JSON)'],
    ]);
  });

  it.each([
    ['core', 'core (subject a.>)', 'a subscription in the queue group workers'],
    ['asked', 'asked (subject ask.>)', 'a subscription'],
    ['push', 'push (stream S, subjects s.1, s.2)', expect.stringContaining('a push consumer, the durable pushed')],
    ['ordered', 'ordered (stream L, subject l.>)', expect.stringContaining('an ordered consumer, begun at sequence 7')],
    ['kv', 'kv (KV bucket CONFIG, keys settings.>)', expect.stringContaining('a watch of the bucket')],
    ['files', 'files (object store FILES, format raw)', expect.stringContaining('a watch of the object store')],
  ])('names the reader of %s', async (connection, source, reader) => {
    const { of } = await explained(`SELECT * FROM ${connection}`);
    expect([of('source'), of('reader')]).toEqual([[source], [reader]]);
  });

  it.each([
    ['SELECT * FROM core', 'at_most_once', 'without JetStream'],
    ['SELECT * FROM pull', 'at_least_once', 'acknowledged after its rows were flushed'],
    ['SELECT * FROM ordered', 'at_least_once', 'the position of the reader moves on'],
    ['INSERT INTO js_sink SELECT * FROM ordered', 'exactly_once', 'duplicate window'],
    ['INSERT INTO js_sink SELECT enrich(id) AS e FROM pull', 'at_least_once', 'it calls enrich'],
    ['INSERT INTO js_sink SELECT _nats_delivered AS n FROM pull', 'at_least_once', '_nats_delivered'],
    ['INSERT INTO js_sink SELECT now() AS at FROM pull', 'at_least_once', 'NOW()'],
  ])('says how often a row of %s arrives, and why', async (query, guarantee, why) => {
    const { of } = await explained(query);
    expect(of('delivery')).toEqual([guarantee]);
    expect(of('because')[0]).toContain(why);
  });

  it('says what goes out untouched, and that nothing of it is decoded as a value', async () => {
    const whole = await explained('SELECT * FROM raw');
    expect([whole.of('column'), whole.of('fields')]).toEqual([
      ['* (the payload as it came: the same bytes)'],
      ['none'],
    ]);
    const more = await explained('SELECT *, a AS b FROM core');
    expect(more.of('column')).toEqual([
      '* (the payload as it came, to which the other columns are added)',
      'b JSON (as it came: the same bytes, where the message is JSON)',
    ]);
    const some = await explained('SELECT a, a + 1 AS more FROM core');
    expect(some.of('column')).toEqual([
      'a JSON (as it came: the same bytes, where the message is JSON)',
      'more NUMBER',
    ]);
    const within =
      await explained(`SELECT a->'b'->0 AS x, jsonb_extract_path(a, 'b', c) AS y, i, i->'n' AS n, p, l, COALESCE(i->'m', '[]') AS m
      FROM core, unnest(a->'items') AS i, unnest(i->'parts') AS p, unnest(COALESCE(b, c)) AS l`);
    expect(within.of('column').map((column) => column.replace(/ JSON.*the same bytes.*/, ' as it came'))).toEqual([
      ...['x as it came', 'y JSON', 'i as it came', 'n as it came', 'p as it came', 'l JSON', 'm JSON'],
    ]);
    const body = await explained('INSERT INTO sink SELECT i AS payload FROM core, unnest(items) AS i');
    expect(body.of('column')).toEqual(['payload JSON (as it came: the same bytes, where the message is JSON)']);
    const envelope = await explained("INSERT INTO sink SELECT payload, 'x.' || kind AS subject FROM core");
    expect([envelope.of('fields'), envelope.of('message').length]).toEqual([['the whole payload'], 1]);
  });

  it('has a row for each condition, also of CTEs and subqueries', async () => {
    const { of } = await explained(`WITH big AS (SELECT * FROM (SELECT * FROM core WHERE (n > (1))) s WHERE NOT small
      ), named AS (SELECT n, name FROM big WHERE name IS NOT NULL ) SELECT n FROM named WHERE n < 100 -- the rest`);
    expect(of('filter')).toEqual(['(n > (1))', 'NOT small', 'name IS NOT NULL', 'n < 100']);
    expect(of('decides')).toEqual([expect.stringMatching(/^n, name, small:/)]);
  });

  it('takes a WHERE apart by its ANDs, and by nothing else', async () => {
    const filters = async (where: string) => (await explained(`SELECT id FROM core WHERE ${where}`)).of('filter');
    expect(
      await filters('a BETWEEN 1 AND 2 AND (b = 1 AND c = 2) AND CASE WHEN d AND e THEN true ELSE false END'),
    ).toEqual(['a BETWEEN 1 AND 2', '(b = 1 AND c = 2)', 'CASE WHEN d AND e THEN true ELSE false END']);
    expect(await filters('a = 1 OR b = 2 AND c = 3')).toEqual(['a = 1 OR b = 2 AND c = 3']);
  });

  it('says what functions ask, and their limits', async () => {
    const { of } = await explained('SELECT enrich(id) AS e, shout(name) AS s FROM core');
    expect(of('function')).toEqual([
      "enrich (a request on data.enrich of the mesh's bus, answered within 2000 ms)",
      'shout (JavaScript, 100 ms at most for a call)',
    ]);
  });

  it('says what is missing', async () => {
    expect((await explained('SELECT nope(a) AS b FROM core')).rows).toEqual([
      ['blocked', 'there is no function "nope"'],
    ]);
  });

  it("takes the pipeline's own on_error where /validate sees one", async () => {
    const { body } = await replica.call('POST', 'validate', {
      sql: "CREATE PIPELINE p WITH (on_error = 'stop') AS SELECT * FROM core",
    });
    expect(body.results[0].plan).toContainEqual(['on_error', expect.stringMatching(/^stop:/)]);
  });
});

describe('EXPLAIN of a query that is answered with rows', () => {
  it('is of a live query where there is a LIMIT', async () => {
    const { of } = await explained('SELECT a FROM pull WHERE b > 1 LIMIT 5');
    expect([of('limit'), of('sink'), of('delivery')]).toEqual([
      ['5 rows'],
      ['the answer to whoever asks'],
      ['at_most_once'],
    ]);
    expect(of('reader')[0]).toContain('of its own');
    const { body } = await replica.call('POST', 'validate', { sql: 'SELECT a FROM pull' });
    expect(body.results[0].plan).toContainEqual([
      'column',
      'a JSON (as it came: the same bytes, where the message is JSON)',
    ]);
  });

  it('leaves system tables to SQLite, whose answer needs the query service', async () => {
    const query = 'EXPLAIN SELECT name FROM system.pipelines LIMIT 3';
    const { body } = await sql(query, { dry_run: true });
    expect(body.results[0].rows[0]).toEqual(['source', expect.stringContaining('SQLite')]);
    expect(await sql(query)).toMatchObject({ status: 503, body: { code: 'query_unavailable' } });
  });

  it.each([
    ['EXPLAIN ANALYZE SELECT * FROM core', 'unsupported', 9],
    ['EXPLAIN (ANALYZE, BUFFERS) SELECT * FROM core', 'unsupported', 10],
    ['EXPLAIN CREATE PIPELINE p AS SELECT * FROM core', 'syntax_error', 9],
    ['EXPLAIN core', 'syntax_error', 9],
    ['EXPLAIN', 'syntax_error', 8],
    ['EXPLAIN SELECT a.b FROM core, system.pipelines', 'unsupported', 25],
  ])('refuses %s', async (text, code, column) => {
    const { status, body } = await sql(text);
    expect({ status, code: body.code, column: body.position?.column }).toEqual({ status: 422, code, column });
  });
});

describe('EXPLAIN', () => {
  const column = fc.constantFrom('id', 'itemName', '_nats_subject', 'payload', '"\u202eodd"', '"__proto__"', 'price');
  const value = fc.constantFrom("'x'", '1', 'NULL', "'\u{1f600}'", 'now()', "enrich('a')", 'twice(2)', "shout('b')");
  const expression = fc.oneof(
    column,
    value,
    fc.tuple(column, value).map(([a, b]) => `COALESCE(CAST(${a} AS TEXT), CAST(${b} AS TEXT))`),
    fc.tuple(column, column).map(([a, b]) => `CASE WHEN ${a} IS NULL THEN 'where' ELSE CAST(${b} AS TEXT) END`),
  );
  const list = fc.oneof(
    fc.constantFrom('*', 'payload', "payload, 'a.b' AS subject"),
    fc
      .array(expression, { minLength: 1, maxLength: 4 })
      .map((items) => items.map((item, i) => `${item} AS c${i}`).join(', ')),
  );
  const condition = fc.oneof(
    fc.constant(''),
    fc.tuple(expression, expression).map(([a, b]) => ` WHERE CAST(${a} AS TEXT) = CAST(${b} AS TEXT)`),
    expression.map((inner) => ` WHERE /* ( */ (CAST(${inner} AS TEXT) LIKE ')%') IS NOT TRUE`),
    fc.constantFrom(' WHERE true', ' WHERE NULL', " WHERE 'where' = 'x'", ' WHERE id IS NULL OR true'),
  );
  const relation = fc.constantFrom('core', 'asked', 'pull', 'items', 'ordered', 'kv', 'files', 'raw', 'nothing');
  const target = fc.constantFrom('', 'INSERT INTO sink ', 'INSERT INTO js_sink ', 'INSERT INTO nats_responder ');
  const form = fc.constantFrom(
    (into: string, select: string, where: string) => `${into}${select}${where}`,
    (into: string, select: string, where: string) => `WITH w AS (${select}${where}) ${into}SELECT * FROM w`,
    (into: string, select: string, where: string) => `${into}SELECT * FROM (${select}) "where"${where}`,
  );

  it('explains whatever a pipeline may be made of', async () => {
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(form, target, list, relation, condition, async (write, into, columns, from, where) => {
        const query = write(into, `SELECT ${columns} FROM ${from}`, where);
        const created = await sql(`CREATE PIPELINE any_query AS ${query}`, { dry_run: true });
        const { status, body } = await sql(`EXPLAIN ${query}`);
        const validated = await replica.call('POST', 'validate', { sql: `CREATE PIPELINE any_query AS ${query}` });
        expect(status).toBeLessThan(500);
        if (created.status !== 200) return;
        accepted++;
        expect(status, JSON.stringify(body)).toBe(200);
        expect(body.results[0].rows.length).toBeGreaterThan(0);
        expect(validated.body.results[0].plan.length).toBeGreaterThan(0);
      }),
      { numRuns: 100 },
    );
    expect(accepted).toBeGreaterThan(10);
  });
});
