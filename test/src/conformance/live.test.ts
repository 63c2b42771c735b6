import { type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, type Api, apiOf } from '../api.js';
import { eventually } from '../eventually.js';
import { createObjectStore } from '../object-store.js';
import { startMesh, type TestMesh } from '../servers/mesh.js';
import { type MonitoredNats, startMonitoredNats } from './monitoring.js';
import { specIt, specSql } from './spec.js';

// A SELECT over a connection or a table as a statement of its own: rows as they come, no pipeline disturbed, and nothing left behind.

let mesh: TestMesh;
let outside: MonitoredNats;
let nc: NatsConnection;
let bus: NatsConnection;
let jsm: JetStreamManager;
let api: Api;

beforeAll(async () => {
  [mesh, outside] = await Promise.all([startMesh({ controlPlanes: 2 }), startMonitoredNats()]);
  nc = await connect({ servers: outside.nats.url });
  bus = await connect({ servers: mesh.nats.url });
  jsm = await jetstreamManager(nc);
  api = apiOf(mesh);
});
afterAll(async () => {
  await nc?.close();
  await bus?.close();
  await mesh?.stop();
  await outside?.nats.stop();
});

const ask = (sql: string, timeout_ms = 20_000): Promise<Answer> => api.post('/sql', { sql, timeout_ms });

async function run(sql: string): Promise<void> {
  const { status, body } = await api.post('/sql?wait=applied', { sql });
  expect(status, JSON.stringify(body)).toBe(200);
}

/** The only result, or the last one. */
function resultOf({ status, body }: Answer) {
  expect(status, JSON.stringify(body)).toBe(200);
  return body.results.at(-1);
}

const source = (name: string, options: string) =>
  `CREATE CONNECTION ${name} TO nats (servers = '${outside.nats.url}', type = 'source', format = 'json', ${options})`;

const liveClients = () => outside.clients(/ live$/);
const reading = () => eventually(async () => (await liveClients()).length > 0, { what: 'a live query that reads' });
const nothingLeft = () =>
  eventually(async () => (await liveClients()).length === 0, { what: 'the live query to be gone' });

/** A stream with messages `{"n": 1}`, ... on `<name>.made`. */
async function stream(name: string, count: number): Promise<void> {
  await jsm.streams.add({ name, subjects: [`${name}.>`] });
  const js = jetstream(nc);
  await Promise.all(Array.from({ length: count }, (_, i) => js.publish(`${name}.made`, JSON.stringify({ n: i + 1 }))));
}

const here = () => ({ 'nats://localhost:4222': outside.nats.url });

describe('core messages', () => {
  specIt(
    'Message Metadata',
    'over nats_source it has its columns, and no row, for nothing is redelivered',
    async () => {
      await run(specSql('nats_source', here()));
      await run(specSql('nats_with_metadata'));
      const asked = ask(specSql('Message Metadata'), 4000);
      await reading();
      nc.publish('events.a', '{"id":1}');
      expect(resultOf(await asked)).toMatchObject({
        columns: [
          { name: 'payload', type: 'JSON' },
          { name: '_nats_subject', type: 'TEXT' },
          { name: '_nats_sequence', type: 'BIGINT' },
          { name: '_nats_delivered', type: 'BIGINT' },
        ],
        rows: [],
        complete: false,
        warnings: [],
      });
    },
  );

  it('come as rows until LIMIT, with all digits and from when the query reads', async () => {
    const asked = fetch(`${mesh.controlPlanes[0]?.url}/api/v1/sql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        sql: 'SELECT payload, _nats_subject FROM nats_with_metadata LIMIT 2',
        timeout_ms: 20_000,
      }),
    });
    await eventually(async () => (await liveClients())[0]?.subscriptions_list?.includes('events.>'), {
      what: 'the subscription',
    });
    for (const n of ['9007199254740993', '2', '3']) nc.publish('events.b', `{"id":${n}}`);
    const text = await (await asked).text();
    expect(text).toContain('"rows":[[{"id":9007199254740993},"events.b"],[{"id":2},"events.b"]],"complete":true');
    await nothingLeft();
  });

  it('are missed by no pipeline, whatever queue group it reads in', async () => {
    await run(`${source('shared', `subject = 'shared.in', queue_group = 'workers'`)}; ${source('sole', `subject = 'shared.in'`)};
      CREATE PIPELINE from_shared AS SELECT n FROM shared; CREATE PIPELINE from_sole AS SELECT n FROM sole`);
    const out = { from_shared: 0, from_sole: 0 };
    for (const name of ['from_shared', 'from_sole'] as const)
      bus.subscribe(`laminar.output.${name}`, { callback: () => void out[name]++ });
    await bus.flush();
    const asked = ['shared', 'sole'].map((name) => ask(`SELECT n FROM ${name} LIMIT 50`));
    await eventually(
      async () =>
        (await liveClients()).filter((client) => client.subscriptions_list?.includes('shared.in')).length === 2,
      { what: 'both subscriptions' },
    );
    for (let n = 1; n <= 50; n++) nc.publish('shared.in', JSON.stringify({ n }));
    for (const answer of await Promise.all(asked))
      expect(resultOf(answer)).toMatchObject({ complete: true, rows: Array.from({ length: 50 }, (_, i) => [i + 1]) });
    await eventually(() => out.from_shared === 50 && out.from_sole === 50, { what: 'every row of both pipelines' });
    await run('DROP CONNECTION shared CASCADE; DROP CONNECTION sole CASCADE');
  });

  it('that cannot be read are said to be there', async () => {
    await run(source('mixed', `subject = 'mixed'`));
    const asked = ask('SELECT * FROM mixed LIMIT 1');
    await eventually(async () => (await liveClients())[0]?.subscriptions_list?.includes('mixed'), {
      what: 'the query',
    });
    for (const text of ['{', 'no json', '{"ok":true}']) nc.publish('mixed', text);
    const { columns, rows, warnings } = resultOf(await asked);
    expect([columns, rows]).toEqual([[{ name: 'payload', type: 'JSON' }], [[{ ok: true }]]]);
    expect(warnings).toMatchObject([{ code: 'failed_messages', message: expect.stringMatching(/^2 messages.*mixed/) }]);
  });
});

describe('a stream', () => {
  it('is read from its beginning by a consumer of its own, which is gone afterwards', async () => {
    await stream('ledger', 5);
    await run(`${source('ledger', `jetstream = true, stream_name = 'ledger', subject = 'ledger.>', consumer_name = 'own'`)};
      CREATE TABLE entries (n BIGINT, _nats_sequence BIGINT, _nats_stream TEXT, _nats_delivered BIGINT)
        WITH (connector = 'ledger', include_metadata = true)`);
    await eventually(async () => (await outside.consumers()).includes('ledger own'), { what: 'the durable' });
    const before = await jsm.consumers.info('ledger', 'own');
    const query =
      'SELECT n, _nats_sequence, _nats_stream, _nats_delivered FROM entries WHERE _nats_delivered = 1 LIMIT 3';
    expect(resultOf(await ask(query))).toMatchObject({
      rows: [
        [1, 1, 'ledger', 1],
        [2, 2, 'ledger', 1],
        [3, 3, 'ledger', 1],
      ],
      complete: true,
      warnings: [{ code: 'own_consumer' }],
    });
    await nothingLeft();
    expect((await outside.consumers()).filter((name) => name.startsWith('ledger '))).toEqual(['ledger own']);
    const after = await jsm.consumers.info('ledger', 'own');
    expect([after.num_pending, after.num_ack_pending, after.delivered]).toEqual([5, 0, before.delivered]);
    const counted =
      "SELECT messages_received, subscriptions_count FROM system.nats_connections WHERE connection_name = 'ledger'";
    const [row] = await eventually(
      async () => {
        const rows = await api.rows(counted);
        return rows.length > 0 && rows;
      },
      { what: 'the row of the connection' },
    );
    expect(row).toEqual({ messages_received: 0, subscriptions_count: 0 });
  });

  it('is read until the time is up where there is no LIMIT', async () => {
    const { rows, complete } = resultOf(await ask('SELECT n FROM entries', 4000));
    expect([rows, complete]).toEqual([[[1], [2], [3], [4], [5]], false]);
    expect(resultOf(await ask('SELECT n FROM entries LIMIT 0'))).toMatchObject({ rows: [], complete: true });
    await nothingLeft();
  });

  it('is read from where start says, ordered too', async () => {
    const options = `jetstream = true, stream_name = 'ledger', subject = 'ledger.>', consumer_ordered = true`;
    const script = `${source('tail', `${options}, start = 'last'`)}; SELECT n FROM tail LIMIT 1`;
    expect(resultOf(await ask(script)).rows).toEqual([[5]]);
    expect(
      resultOf(await ask(`${source('middle', `${options}, start = 4`)}; SELECT n FROM middle LIMIT 2`)).rows,
    ).toEqual([[4], [5]]);
  });

  it('is cut where it does not fit into one answer, and says so', async () => {
    await stream('large', 10_050);
    await run(source('large', `jetstream = true, stream_name = 'large', subject = 'large.>'`));
    const { rows, complete, warnings } = resultOf(await ask('SELECT n FROM large'));
    expect([rows.length, rows.at(-1), complete]).toEqual([10_000, [10_000], false]);
    expect(warnings).toMatchObject([{ code: 'cut', message: expect.stringContaining('LIMIT') }]);
  });
});

describe('whoever asks for what cannot be', () => {
  it('hears at once what is wrong with the query, and where', async () => {
    for (const [sql, code, column, word] of [
      ['SELECT n FROM entris', 'unknown_table', 15, 'did you mean "entries"?'],
      ['SELECT m FROM entries', 'unknown_column', 8, 'm'],
      ['SELECT n FROM entries ORDER BY n', 'unsupported', 23, 'ORDER BY'],
      ['SELECT n FROM entries LIMIT 1.5', 'unsupported', 29, 'whole number'],
      ['WITH e AS (SELECT n FROM entries) INSERT INTO ledger SELECT n FROM e', 'unsupported', 35, 'CREATE PIPELINE'],
      ['SELECT n FROM entries, system.workers', 'unsupported', 15, 'mixed'],
      ['CREATE PIPELINE p AS SELECT n FROM entries LIMIT 1', 'unsupported', 44, 'LIMIT'],
    ] as const) {
      const { status, body } = await ask(sql);
      expect({ status, body }, sql).toMatchObject({ status: 422, body: { code, position: { line: 1, column } } });
      expect(body.detail, sql).toContain(word);
    }
  });

  it('hears what keeps the connection from being read', async () => {
    const unreachable = `CREATE CONNECTION nowhere TO nats (servers = 'nats://127.0.0.1:1', type = 'source', format = 'json', subject = 'a')`;
    for (const [script, status, code, word] of [
      [`${unreachable}; SELECT * FROM nowhere`, 503, 'connection_unavailable', '127.0.0.1:1'],
      [
        `${source('ghost', `jetstream = true, stream_name = 'GHOST', subject = 'g'`)}; SELECT * FROM ghost`,
        503,
        'connection_unavailable',
        'GHOST',
      ],
      [
        `${source('locked', `subject = 'a', token = '\${secret:nobody_knows}'`)}; SELECT * FROM locked`,
        503,
        'connection_unavailable',
        'nobody_knows',
      ],
      [
        `${source('config', `jetstream = true, kv_bucket = 'NOWHERE', kv_watch = true`)}; SELECT * FROM config`,
        503,
        'connection_unavailable',
        'NOWHERE',
      ],
    ] as const) {
      const answer = await ask(script);
      expect(answer, script).toMatchObject({ status, body: { code, statement_index: 1 } });
      expect(answer.body.detail, script).toContain(word);
    }
    await nothingLeft();
  });
});

describe('a store', () => {
  it('is read from its present entries on', async () => {
    const bucket = await new Kvm(nc).create('LIVE', { history: 5 });
    await bucket.put('settings.a', '{"v":1}');
    await bucket.put('settings.a', '{"v":2}');
    await bucket.put('other.b', '3');
    await run(source('live_kv', "jetstream = true, kv_bucket = 'LIVE', kv_keys = 'settings.>', kv_watch = true"));
    const asked = ask('SELECT key, value, revision, operation FROM live_kv LIMIT 3');
    await eventually(async () => (await outside.consumers()).some((name) => name.startsWith('KV_LIVE laminar-live-')), {
      what: 'its consumer',
    });
    await bucket.put('settings.c', '4');
    await bucket.delete('settings.a');
    expect(resultOf(await asked)).toMatchObject({
      rows: [
        ['settings.a', { v: 2 }, 2, 'PUT'],
        ['settings.c', 4, 4, 'PUT'],
        ['settings.a', null, 5, 'DELETE'],
      ],
      complete: true,
    });
    expect(resultOf(await ask('SELECT key, revision FROM live_kv WHERE revision <= 4'))).toMatchObject({
      rows: [['settings.c', 4]],
      complete: true,
    });
    const objects = await createObjectStore(nc, 'LIVE');
    await objects.put('report.pdf', 'content');
    await run(source('live_files', "jetstream = true, object_bucket = 'LIVE', object_watch = true"));
    expect(resultOf(await ask('SELECT name, size, operation FROM live_files LIMIT 1'))).toMatchObject({
      rows: [['report.pdf', 7, 'PUT']],
    });
    await nothingLeft();
  });
});

describe('nothing is read any more', () => {
  const askAndLeave = async (url: string | undefined, leave: (abort: AbortController) => void) => {
    const abort = new AbortController();
    const asked = fetch(`${url}/api/v1/sql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ sql: 'SELECT * FROM large WHERE n < 0', timeout_ms: 60_000 }),
      signal: abort.signal,
    }).catch(() => undefined);
    await reading();
    leave(abort);
    await asked;
    await nothingLeft();
    await eventually(async () => !(await outside.consumers()).some((name) => /^large (?!laminar-large)/.test(name)), {
      what: 'its consumer to be gone',
    });
  };

  it('when the client leaves', () => askAndLeave(mesh.controlPlanes[0]?.url, (abort) => abort.abort()));

  it('when the control plane dies', () =>
    askAndLeave(mesh.controlPlanes[1]?.url, () => mesh.controlPlanes[1]?.kill('SIGKILL')));

  it('when the connection is lost, which the answer says', async () => {
    const asked = ask('SELECT n FROM large WHERE n > 10048', 60_000);
    await reading();
    await eventually(async () => (await outside.consumers()).some((name) => /^large (?!laminar-large)/.test(name)), {
      what: 'its consumer',
    });
    await outside.nats.restart();
    const { status, body } = await asked;
    if (status === 200) expect(body.results[0].warnings).toMatchObject([{ code: 'interrupted' }]);
    else expect([status, body.code]).toEqual([503, 'connection_unavailable']);
  });
});

describe('the mesh', () => {
  it('shows where live queries and tests are answered', async () => {
    const info = await bus.request('$SRV.INFO.laminar-ingestion');
    const endpoints = info.json<{ endpoints: { name: string; subject: string }[] }>().endpoints;
    expect(endpoints.map(({ name, subject }) => [name, subject])).toEqual([
      ['live', 'laminar.ingestion.live'],
      ['test', 'laminar.ingestion.test'],
      ['versions', 'laminar.ingestion.versions'],
    ]);
  });

  it('refuses requests on the bus that are none', async () => {
    for (const subject of ['laminar.ingestion.live', 'laminar.ingestion.test']) {
      for (const request of ['', 'no protobuf']) {
        const { headers } = await bus.request(subject, request, { timeout: 5000 });
        expect(headers?.get('Nats-Service-Error-Code'), subject).toBe('400');
      }
    }
  });

  it('says that it is busy beyond its limit, and that nobody is there to answer', async () => {
    const abort = new AbortController();
    const many = Array.from({ length: 65 }, () =>
      fetch(`${mesh.controlPlanes[0]?.url}/api/v1/sql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ sql: `SELECT * FROM mixed`, timeout_ms: 60_000 }),
        signal: abort.signal,
      }),
    );
    const first = await Promise.race(many);
    expect(first.status).toBe(429);
    expect(await first.json()).toMatchObject({ code: 'too_many_queries' });
    abort.abort();
    await Promise.allSettled(many);
    await nothingLeft();

    const asked = ask('SELECT * FROM mixed', 60_000);
    await reading();
    await mesh.ingestion[0]?.stop();
    const interrupted = await asked;
    expect(interrupted).toMatchObject({ status: 503, body: { code: 'ingestion_unavailable' } });
    expect(interrupted.body.detail).toContain('is stopping');
    for (const answer of [
      await ask('SELECT n FROM entries LIMIT 1'),
      await ask("SELECT test_connection('ledger')"),
      await api.post('/connections/ledger/test', undefined),
    ])
      expect(answer).toMatchObject({ status: 503, body: { code: 'ingestion_unavailable' } });
  });
});
