import { statementForms } from '@laminar/sql';
import { eventually, startNats, type TestNats } from '@laminar/test';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Replica, startReplica } from '../testing.js';

let nats: TestNats;
let replica: Replica;
const sql = (text: string, more: object = {}) => replica.call('POST', 'sql', { sql: text, ...more });
const validate = (text: string) => replica.call('POST', 'validate', { sql: text });

beforeAll(async () => {
  nats = await startNats();
  replica = await startReplica(nats.url);
  await eventually(() => replica.health.reason === undefined, { what: 'the control plane to be ready' });
});
afterAll(async () => {
  await replica.stop();
  await nats.stop();
});

const connection = (name: string, more = '') =>
  `CREATE CONNECTION ${name} TO nats (servers = 'nats://localhost:4222', subject = 'in.${name}', type = 'source', format = 'json'${more})`;

describe('a script', () => {
  it('defines, changes, shows and drops, statement by statement', async () => {
    const { status, body } = await sql(`
      -- Everything that is known of orders.
      ${connection('orders')};
      ${connection('orders').replace('CONNECTION', 'CONNECTION IF NOT EXISTS')};
      CREATE TABLE items (itemId BIGINT, price NUMERIC) WITH (connector = 'orders');
      CREATE PIPELINE dear AS SELECT itemId FROM items WHERE price > 10;
      STOP PIPELINE dear; START PIPELINE dear; START PIPELINE dear;
      ALTER PIPELINE dear SET (on_error = 'skip');
      CREATE OR REPLACE PIPELINE dear AS SELECT itemId, price FROM items WHERE price > 20;
      SHOW PIPELINES;
      DESCRIBE items;
      DROP CONNECTION orders CASCADE;
      DROP CONNECTION IF EXISTS orders;
    `);
    expect(status).toBe(200);
    const did = body.results.map((r: { action?: string; name?: string; version?: number; columns?: unknown }) =>
      r.columns ? 'rows' : [r.action, r.name, r.version],
    );
    expect(did).toEqual([
      ['created', 'orders', 1],
      ['unchanged', 'orders', 1],
      ['created', 'items', 1],
      ['created', 'dear', 1],
      ['stopped', 'dear', 2],
      ['started', 'dear', 3],
      ['started', 'dear', 4],
      ['changed', 'dear', 5],
      ['changed', 'dear', 6],
      'rows',
      'rows',
      ['dropped', 'orders', 2],
      ['unchanged', 'orders', null],
    ]);
    const [, , table, , , , , , , show, describe, dropped] = body.results;
    expect(table).toMatchObject({ kind: 'table', warnings: [], status: { instances: [] } });
    expect(table.statement).toContain('CREATE TABLE items');
    const row = Object.fromEntries(
      show.columns.map(({ name }: { name: string }, i: number) => [name, show.rows[0][i]]),
    );
    expect(row).toMatchObject({ name: 'dear', desired: 'running', reads: 'items', version: 6 });
    expect(describe.rows).toEqual(
      expect.arrayContaining([
        ['column itemId', 'BIGINT'],
        ['connector', 'orders'],
      ]),
    );
    expect(dropped.warnings.map(({ message }: { message: string }) => message)).toEqual([
      'the pipeline "dear" was dropped with it',
      'the table "items" was dropped with it',
    ]);
    expect((await replica.call('GET', 'pipelines/dear')).status).toBe(404);
  });

  it('stops at the first failure and says what was applied', async () => {
    const script = `${connection('first')};\n${connection('first')};\n${connection('third')}`;
    const { status, body } = await sql(script);
    expect(status).toBe(409);
    expect(body).toMatchObject({ code: 'already_exists', statement_index: 1, position: { line: 2, column: 19 } });
    expect(body.results).toMatchObject([{ action: 'created', name: 'first' }]);
    expect((await replica.call('GET', 'connections/third')).status).toBe(404);
  });

  it('says where in the script something is wrong, in code points', async () => {
    const query = await sql(`${connection('places')}; /* 🌍 */ CREATE PIPELINE p AS SELECT a +\n FROM places`);
    expect(query).toMatchObject({
      status: 422,
      body: { code: 'syntax_error', statement_index: 1, position: { line: 2, column: 2 } },
    });
    expect(query.body.excerpt).toBe(' FROM places\n ^');
    const retried = await sql(
      `CREATE CONNECTION once TO nats (servers = 'nats://127.0.0.1:1', subject = 'once', type = 'source', format = 'json');
CREATE PIPELINE again WITH (on_error = 'retry') AS SELECT n FROM once`,
    );
    expect(retried).toMatchObject({
      status: 422,
      body: { statement_index: 1, errors: [{ code: 'invalid_option', position: { line: 2, column: 29 } }] },
    });
    expect(query.body.errors).toBeUndefined();

    const option = await sql(connection('p2', ",\n  subjct = 'x'"));
    expect(option).toMatchObject({
      status: 422,
      body: { code: 'invalid_definition', position: { line: 2, column: 3 } },
    });
    expect(option.body.errors).toMatchObject([{ code: 'unknown_option', position: { line: 2, column: 3 } }]);
    expect(option.body.detail).toContain('did you mean "subject"?');

    const statement = await sql("SHOW TABLES; SHOW 'x'; SHOW PIPELINES");
    expect(statement).toMatchObject({ status: 422, body: { statement_index: 1, results: [] } });
    const unclosed = await sql("SHOW TABLES; SHOW TABLES; DESCRIBE 'x");
    expect(unclosed).toMatchObject({ status: 422, body: { statement_index: 2 } });
  });

  it.each([
    ['', 0, '\n^'],
    ['  \n', 0, '  \n^'],
    [' ; -- nothing\n', 13, ' ; -- nothing\n             ^'],
    [';;', 2, ';;\n  ^'],
  ])('that holds no statement, %j, is told so', async (text, offset, excerpt) => {
    expect((await sql(text)).body).toMatchObject({
      status: 422,
      code: 'syntax_error',
      detail: 'the script holds no statement; write one, such as SHOW PIPELINES',
      position: { offset },
      excerpt,
      results: [],
    });
  });

  it('says at the name what there is already, or is not there, and what to write', async () => {
    const made = await sql(`${connection('taken')}; CREATE TABLE taken_t (a INT) WITH (connector = 'taken');
      CREATE FUNCTION taken_f (a INT) RETURNS INT LANGUAGE sql AS 'a';
      CREATE PIPELINE taken_p AS SELECT a FROM taken; STOP PIPELINE taken_p`);
    expect(made.status, JSON.stringify(made.body)).toBe(200);
    const told = async (text: string) => {
      const { status, body } = await sql(text);
      return `${status} ${body.code} at ${text.slice(body.position.offset).split(/[ ;(]/)[0]}: ${body.detail}`;
    };
    const table = (name: string, columns = 'a INT') => `CREATE TABLE ${name} (${columns}) WITH (connector = 'taken')`;
    for (const [text, expected] of [
      [
        connection('taken'),
        '409 already_exists at taken: there is a connection "taken" already; CREATE OR REPLACE CONNECTION replaces it, CREATE CONNECTION IF NOT EXISTS leaves it as it is',
      ],
      [
        table('taken_t'),
        '409 already_exists at taken_t: there is a table "taken_t" already; CREATE OR REPLACE TABLE replaces it, CREATE TABLE IF NOT EXISTS leaves it as it is',
      ],
      [
        table('taken'),
        '409 already_exists at taken: there is a connection "taken" already; connections and tables share their names; take another name, or drop the other one first',
      ],
      [
        'CREATE PIPELINE taken_p AS SELECT a FROM taken',
        '409 already_exists at taken_p: there is a pipeline "taken_p" already; CREATE OR REPLACE PIPELINE replaces it, CREATE PIPELINE IF NOT EXISTS leaves it as it is',
      ],
      [
        "CREATE FUNCTION taken_f (a INT) RETURNS INT LANGUAGE sql AS 'a'",
        '409 already_exists at taken_f: there is a function "taken_f" already; CREATE OR REPLACE FUNCTION replaces it',
      ],
      [
        'DROP CONNECTION zzz',
        '404 not_found at zzz: there is no connection "zzz"; SHOW CONNECTIONS shows what there is; IF EXISTS lets it pass',
      ],
      ['DROP TABLE takn_t', '404 not_found at takn_t: there is no table "takn_t"; did you mean "taken_t"?'],
      [
        'DROP FUNCTION zzz',
        '404 not_found at zzz: there is no function "zzz"; SHOW FUNCTIONS shows what there is; IF EXISTS lets it pass',
      ],
      ['START PIPELINE zzz', '404 not_found at zzz: there is no pipeline "zzz"; SHOW PIPELINES shows what there is'],
      ['STOP PIPELINE taken', '404 not_found at taken: there is no pipeline "taken"; did you mean "taken_p"?'],
      ['ALTER TABLE zzz SET (a = 1)', '404 not_found at zzz: there is no table "zzz"; SHOW TABLES shows what there is'],
      [
        'DESCRIBE zzz',
        '404 not_found at zzz: there is no connection, table, pipeline or function "zzz"; SHOW CONNECTIONS, SHOW TABLES, SHOW PIPELINES, SHOW FUNCTIONS show what there is',
      ],
      [
        "SELECT test_connection('zzz')",
        `404 not_found at 'zzz'): there is no connection "zzz"; SHOW CONNECTIONS shows what there is`,
      ],
      [
        'DROP CONNECTION taken',
        '409 in_use at taken: the connection "taken" is in use by pipeline "taken_p", table "taken_t"; drop them first, or cascade',
      ],
      [
        'SELECT a FROM takn',
        '422 unknown_table at takn: there is no connection or table "takn"; did you mean "taken"?; rows are read from a connection of type source or a table, and go into a connection of type sink',
      ],
      [
        'SELECT takn_f(a) AS x FROM taken',
        '422 unknown_function at takn_f: there is no function "takn_f"; did you mean "taken_f"?; see the functions in docs/reference/sql.md, or write CREATE FUNCTION',
      ],
      [
        table('twins', 'a INT, b INT, A TEXT'),
        '422 invalid_definition at A: there are two columns "A"; names match in any case, so leave one of them out',
      ],
      [
        "CREATE FUNCTION twins (a INT, a INT) RETURNS INT LANGUAGE sql AS 'a'",
        '422 invalid_definition at a: there are two arguments "a"; names match in any case, so rename one of them',
      ],
    ] as const)
      expect(await told(`SHOW TABLES; ${text}`), text).toBe(expected);
  });

  it('refuses what is not there yet, with a word of what to do', async () => {
    await sql(connection('live'));
    for (const [text, hint] of [
      ['SELECT a FROM live OFFSET 3', 'OFFSET'],
      ['SELECT a FROM lve', 'did you mean "live"?'],
      ["SELECT test_connection('lve')", 'did you mean "live"?'],
      ["SELECT test_connection('live'), 1", 'stands alone'],
      ['CREATE TABLE t (a TEXT) WITH (include_metadata = true)', 'connector'],
      ["CREATE CONNECTION k TO kafka (servers = 'x')", 'there is "nats"'],
      ['DESCRIBE lve', 'did you mean "live"?'],
    ] as const) {
      const { status, body } = await sql(text);
      expect(status, text).toBeGreaterThanOrEqual(404);
      expect(status, text).toBeLessThan(500);
      expect(body.detail, text).toContain(hint);
    }
  });

  it('sets options of what there is, and the connection of a table', async () => {
    await sql(`${connection('one')}; ${connection('two')}; CREATE TABLE moves (id BIGINT) WITH (connector = 'one')`);
    const moved = await sql("ALTER TABLE moves SET (connector = 'two', description = 'Moved.')");
    expect(moved.body.results).toMatchObject([{ action: 'changed', version: 2 }]);
    expect((await replica.call('GET', 'tables/moves')).body).toMatchObject({
      connector: 'two',
      columns: [{ name: 'id' }],
      options: { description: 'Moved.' },
    });
  });

  it('explains a query: where from, where to, what, how often and why', async () => {
    const { body } = await sql(`
      CREATE CONNECTION js TO nats (servers = 'nats://a:4222', type = 'source', format = 'json', jetstream = true, stream_name = 'S', subject = 's.*');
      CREATE CONNECTION js_out TO nats (servers = 'nats://a:4222', type = 'sink', jetstream = true, subject = 'done');
      EXPLAIN INSERT INTO js_out SELECT id, 1 AS one FROM js;
      EXPLAIN INSERT INTO js_out SELECT NOW() AS at FROM js;
      EXPLAIN SELECT * FROM nothing_yet`);
    const plan = (index: number) => Object.fromEntries(body.results[index].rows);
    expect(plan(2)).toMatchObject({
      source: 'js (stream S, subject s.*)',
      sink: 'js_out (subject done)',
      column: 'one INTEGER',
      delivery: 'exactly_once',
      because: expect.stringContaining('duplicate window'),
    });
    expect(plan(3)).toMatchObject({ delivery: 'at_least_once', because: expect.stringContaining('NOW()') });
    expect(plan(4)).toEqual({ blocked: 'there is no connection or table "nothing_yet"' });
  });
});

describe('what a connection reads', () => {
  const stored = (name: string, options: string) =>
    `CREATE CONNECTION ${name} TO nats (servers = 'nats://a:4222', type = 'source', format = 'json', jetstream = true, ${options})`;

  it('is said of buckets, stores and streams alike', async () => {
    const { body } = await sql(`
      ${stored('places_kv', "kv_bucket = 'CONFIG', kv_keys = 'settings.>'")};
      ${stored('places_object', "object_bucket = 'FILES'")};
      ${stored('places_ordered', "stream_name = 'LEDGER', filter_subjects = ['a', 'b'], consumer_ordered = true")};
      EXPLAIN SELECT key FROM places_kv;
      EXPLAIN SELECT name FROM places_object;
      EXPLAIN SELECT x FROM places_ordered;
      SHOW CONNECTIONS`);
    const plan = (index: number) => Object.fromEntries(body.results[index].rows);
    expect(plan(3).source).toBe('places_kv (KV bucket CONFIG, keys settings.>)');
    expect(plan(4).source).toBe('places_object (object store FILES)');
    expect(plan(5).source).toBe('places_ordered (stream LEDGER, subjects a, b)');
    for (const index of [3, 4, 5])
      expect(plan(index)).toMatchObject({
        delivery: 'at_least_once',
        because: expect.stringMatching(/^the position of the reader moves on/),
      });
    const { columns, rows } = body.results[6];
    const shown = rows.map((row: unknown[]) =>
      Object.fromEntries(columns.map(({ name }: { name: string }, i: number) => [name, row[i]])),
    );
    expect(shown.filter(({ name }: { name: string }) => name.startsWith('places_'))).toMatchObject([
      { name: 'places_kv', subject: null, kept_in: 'KV bucket CONFIG, keys settings.>' },
      { name: 'places_object', subject: null, kept_in: 'object store FILES' },
      { name: 'places_ordered', subject: 'a, b', kept_in: 'stream LEDGER' },
    ]);
  });

  it('is not altered by nothing', async () => {
    expect(await sql(`${connection('altered')}; ALTER CONNECTION altered SET ()`)).toMatchObject({
      status: 422,
      body: { code: 'syntax_error', detail: expect.stringContaining('write SET (option = value)'), statement_index: 1 },
    });
  });
});

describe('a rehearsal', () => {
  it('decides later statements against earlier ones and writes nothing', async () => {
    const before = (await replica.call('GET', 'events?limit=1000')).body.items.length;
    const script = `${connection('maybe')}; CREATE TABLE mt (a BIGINT) WITH (connector = 'maybe');
      CREATE PIPELINE mp AS SELECT a FROM mt; SHOW PIPELINES; DROP CONNECTION maybe CASCADE`;
    const { status, body } = await sql(script, { dry_run: true });
    expect(status).toBe(200);
    expect(body.results).toMatchObject([
      { action: 'created', revision: null, status: null },
      { action: 'created', warnings: [] },
      { action: 'created', name: 'mp', warnings: [] },
      { rows: expect.arrayContaining([expect.arrayContaining(['mp'])]) },
      { action: 'dropped' },
    ]);
    const wrong = await validate(`${script}; CREATE PIPELINE x AS SELECT a FROM mt`);
    expect(wrong.body.results.at(-1).warnings).toMatchObject([{ code: 'missing_relation' }]);
    expect((await replica.call('GET', 'events?limit=1000')).body.items.length).toBe(before);
    expect((await replica.call('GET', 'connections/maybe')).status).toBe(404);
  });

  it('binds a live query and reads nothing', async () => {
    const script = `${connection('peek')}; SELECT a, _nats_subject FROM peek LIMIT 5; SELECT test_connection('peek')`;
    for (const answer of [await sql(script, { dry_run: true }), await validate(script)]) {
      expect(answer.status, JSON.stringify(answer.body)).toBe(200);
      expect(answer.body.results.slice(1)).toMatchObject([
        {
          columns: [
            { name: 'a', type: 'JSON' },
            { name: '_nats_subject', type: 'TEXT' },
          ],
          rows: [],
          complete: false,
          warnings: [{ code: 'not_run' }],
        },
        { columns: [{ name: 'check' }, {}, {}, {}], rows: [], complete: false },
      ]);
    }
  });

  it('takes the examples of the reference as one script, and as it is run', async () => {
    const examples = Object.entries(statementForms).map(([type, { example }]) => [type, `${example};`] as const);
    const rehearsed = await validate(examples.map(([, example]) => example).join('\n'));
    expect(rehearsed.status, JSON.stringify(rehearsed.body)).toBe(200);
    expect(rehearsed.body.results).toHaveLength(examples.length);
    // Without an ingestion service there is nobody to read rows.
    const written = examples.filter(([type]) => type !== 'select' && type !== 'test_connection');
    const { status, body } = await sql(written.map(([, example]) => example).join('\n'));
    expect(status, JSON.stringify(body)).toBe(200);
    await sql('DROP FUNCTION gross');
  });

  it('explains each pipeline, or says why the script does not hold', async () => {
    const { body } = await validate(`${connection('src')}; CREATE PIPELINE v AS SELECT a AS b FROM src`);
    expect(body.results[1].plan).toEqual(
      expect.arrayContaining([
        ['source', 'src (subject in.src)'],
        ['sink', "subject laminar.output.v of the mesh's bus"],
        ['delivery', 'at_most_once'],
      ]),
    );
    const refused = await validate(
      `${connection('src')}; CREATE TABLE vt (a BIGINT) WITH (connector = 'src'); CREATE PIPELINE v AS SELECT b FROM vt`,
    );
    expect(refused).toMatchObject({ status: 422, body: { code: 'unknown_column', statement_index: 2 } });
  });
});
