import { AckPolicy, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, apiOf } from '../api.js';
import { type MonitoredNats, startMonitoredNats } from '../conformance/monitoring.js';
import { eventually } from '../eventually.js';
import { startMesh, type TestMesh } from '../servers/mesh.js';
import { type RowStream, streamRows } from './row-stream.js';

// Live queries as streams: rows as they come, what ends them, and what is left of them.

let mesh: TestMesh;
let outside: MonitoredNats;
let nc: NatsConnection;
let jsm: JetStreamManager;
let api: Api;

beforeAll(async () => {
  [mesh, outside] = await Promise.all([startMesh({ controlPlanes: 2, ingestion: 2 }), startMonitoredNats()]);
  nc = await connect({ servers: outside.nats.url });
  jsm = await jetstreamManager(nc);
  api = apiOf(mesh);
});
afterAll(async () => {
  await nc?.close();
  await mesh?.stop();
  await outside?.nats.stop();
});

const open = (sql: string, more: object = {}, options: Parameters<typeof streamRows>[2] = {}): Promise<RowStream> =>
  streamRows(mesh.controlPlanes[0]?.url, { sql, ...more }, options);

async function run(sql: string): Promise<void> {
  const { status, body } = await api.post('/sql?wait=applied', { sql });
  expect(status, JSON.stringify(body)).toBe(200);
}

const source = (name: string, options: string) =>
  `CREATE CONNECTION ${name} TO nats (servers = '${outside.nats.url}', type = 'source', format = 'json', ${options})`;

/** A connection over a stream with messages `{"n": 1}`, ... on `<name>.made`. */
async function stream(name: string, count: number, more: object = {}, options = ''): Promise<void> {
  await jsm.streams.add({ name, subjects: [`${name}.>`], ...more });
  await publish(name, 1, count);
  await run(source(name, `jetstream = true, stream_name = '${name}', subject = '${name}.>'${options}`));
}

/** A thousand at a time, of which the last tells that all are stored: an answer for each takes ten times as long. */
async function publish(name: string, from: number, to: number): Promise<void> {
  const subject = `${name}.made`;
  for (let first = from; first <= to; first += 1000) {
    const last = Math.min(first + 999, to);
    for (let n = first; n < last; n++) nc.publish(subject, JSON.stringify({ n }));
    const { seq } = await jetstream(nc).publish(subject, JSON.stringify({ n: last }));
    expect(seq).toBe(last);
  }
}

const liveClients = () => outside.clients(/ live$/);
const isLiveConsumer = (name: string) => / laminar-live-/.test(name);

async function nothingLeft(): Promise<void> {
  await eventually(
    async () => (await liveClients()).length === 0 && !(await outside.consumers()).some(isLiveConsumer),
    { what: 'every live query to be gone' },
  );
}

/** The rest of a stream: its rows, and how it ended. */
async function rest(rows: RowStream) {
  const events = await rows.rest();
  const of = (name: string) => events.filter(({ event }) => event === name).map(({ data }) => data);
  return { rows: of('row'), errors: of('error'), end: of('end')[0], last: events.at(-1)?.event };
}

const columns = (name: string, type: string) => ({ event: 'columns', data: { columns: [{ name, type }] } });

describe('rows as they come', () => {
  it('begin with their columns, before which nothing is missed, and end with LIMIT', async () => {
    await run(source('calls', `subject = 'calls.>'`));
    const rows = await open('SELECT n, _nats_subject AS s FROM calls LIMIT 3');
    expect([rows.status, rows.headers.get('content-type'), rows.headers.get('vary')]).toEqual([
      200,
      'text/event-stream; charset=utf-8',
      'accept',
    ]);
    expect(await rows.next()).toEqual({
      event: 'columns',
      data: {
        statement: 'SELECT n, _nats_subject AS s FROM calls LIMIT 3',
        columns: [
          { name: 'n', type: 'JSON' },
          { name: 's', type: 'TEXT' },
        ],
        warnings: [],
      },
    });
    nc.publish('calls.a', '{"n":9007199254740993}');
    expect(await rows.next()).toMatchObject({ event: 'row', data: [expect.any(Number), 'calls.a'] });
    expect(rows.text()).toContain('event: row\ndata: [9007199254740993,"calls.a"]\n\n');
    for (const text of ['{"n":', '{"n":2}', '{"n":3}', '{"n":4}']) nc.publish('calls.b', text);
    expect(await rest(rows)).toMatchObject({
      rows: [
        [2, 'calls.b'],
        [3, 'calls.b'],
      ],
      errors: [{ code: 'failed_message', subject: 'calls.b', detail: expect.stringContaining('JSON') }],
      end: { reason: 'limit', complete: true, rows: 3, failed_messages: 1 },
      last: 'end',
    });
    await nothingLeft();
  });

  it('may be lines of JSON', async () => {
    await stream('lines', 3);
    const rows = await open(
      'SELECT n, _nats_sequence FROM lines LIMIT 2',
      {},
      { accept: 'application/x-ndjson, application/json;q=0.5' },
    );
    expect(rows.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8');
    expect(await rows.rest()).toMatchObject([
      { event: 'columns', data: { columns: [{ name: 'n' }, { name: '_nats_sequence' }] } },
      { event: 'row', data: [1, 1] },
      { event: 'row', data: [2, 2] },
      { event: 'end', data: { reason: 'limit', complete: true, rows: 2 } },
    ]);
    expect(rows.text()).toContain('{"event":"row","row":[1,1]}\n');
  });

  it('are what the answer without a stream holds', async () => {
    const query =
      "SELECT n, n::numeric / 3 AS third, 'NaN'::float8 AS nan, _nats_timestamp AS t FROM lines WHERE _nats_sequence <= 3";
    const { body } = await api.post('/sql', { sql: query });
    const rows = await open(query);
    const [first, ...others] = await rows.rest();
    const [result] = body.results;
    expect(first?.data.columns).toEqual(result.columns);
    expect(others.slice(0, -1).map(({ data }) => data)).toEqual(result.rows);
    expect(result.rows).toHaveLength(3);
    expect(result.rows[0][2]).toBe('NaN');
    expect(others.at(-1)).toMatchObject({ data: { reason: 'range', complete: true } });
    expect(result.complete).toBe(true);
  });

  it('hold whatever a message holds', async () => {
    await run(source('odd', `subject = 'odd'`));
    const rows = await open('SELECT * , text AS "__proto__", big FROM odd LIMIT 4');
    await rows.next();
    const large = 'x'.repeat(1_000_000);
    const texts = ['a\n\ndata: [1]\r\nevent: end\u2028\u2029', '": \\', ''];
    for (const text of texts) nc.publish('odd', JSON.stringify({ text }, undefined, 2));
    nc.publish('odd', JSON.stringify({ big: large }));
    const { rows: read, end } = await rest(rows);
    expect(read.map((row) => row[1])).toEqual([...texts, null]);
    expect(read[3][2] === large && read[3][0].big === large).toBe(true);
    expect(end).toMatchObject({ reason: 'limit', rows: 4 });
  });

  it('end when the time is up', async () => {
    const rows = await open('SELECT n FROM calls', { timeout_ms: 700 });
    expect(await rows.next()).toMatchObject({ event: 'columns' });
    expect(await rest(rows)).toMatchObject({ rows: [], end: { reason: 'timeout', complete: false, rows: 0 } });
    await nothingLeft();
  });
});

describe('a script', () => {
  it('tells what its statements came to before the rows of the last one', async () => {
    const rows = await open(`${source('late', `subject = 'late'`)}; SHOW TABLES; SELECT n FROM late LIMIT 1`);
    expect(await rows.next()).toMatchObject({
      event: 'results',
      data: { results: [{ kind: 'connection', name: 'late', action: 'created' }, { rows: [] }] },
    });
    expect(await rows.next()).toMatchObject(columns('n', 'JSON'));
    nc.publish('late', '{"n":1}');
    expect(await rest(rows)).toMatchObject({ rows: [[1]], end: { reason: 'limit' } });
  });

  it('streams any rows, and says so where there are none', async () => {
    const query = "SELECT name, version FROM system.definitions WHERE name = 'late'";
    await eventually(async () => (await api.rows(query)).length === 1, { what: 'the row of the connection' });
    const tables = await open(query);
    expect(await tables.rest()).toMatchObject([
      { event: 'columns', data: { columns: [{ name: 'name' }, { name: 'version' }] } },
      { event: 'row', data: ['late', 1] },
      { event: 'end', data: { reason: 'complete', complete: true, rows: 1 } },
    ]);
    const drop = await open('DROP CONNECTION late');
    expect(await drop.rest()).toMatchObject([
      { event: 'results', data: { results: [{ action: 'dropped' }] } },
      { event: 'end', data: { reason: 'complete', rows: 0 } },
    ]);
    const rehearsed = await open('SELECT n FROM calls', { dry_run: true });
    expect(await rehearsed.rest()).toMatchObject([
      { event: 'columns', data: { warnings: [{ code: 'not_run' }] } },
      { event: 'end', data: { reason: 'cut', complete: false } },
    ]);
  });

  it('that cannot begin is a problem, as without a stream', async () => {
    for (const [sql, status, code, position] of [
      ['SELECT m FROM nothing', 422, 'unknown_table', 15],
      ['SHOW TABLES; SELECT uper(n) AS u FROM calls', 422, 'unknown_function', 21],
      [
        `${source('shut', `subject = 'shut.in', permissions = MAP {'subscribe': ['other']}`)}; SELECT * FROM shut`,
        409,
        'not_permitted',
        undefined,
      ],
      ['SELECT * FROM shut', 409, 'not_permitted', 15],
      [
        `${source('gone', `jetstream = true, stream_name = 'GONE', subject = 'g'`)}; SELECT * FROM gone`,
        503,
        'connection_unavailable',
        undefined,
      ],
    ] as const) {
      const { status: got, problem } = await open(sql);
      expect([got, problem.code], sql).toEqual([status, code]);
      if (position !== undefined) expect(problem.position.column, sql).toBe(position);
    }
    const none = await open('SELECT * FROM calls', {}, { accept: 'text/html, image/*' });
    expect([none.status, none.problem.code]).toEqual([406, 'not_acceptable']);
    const long = await api.post('/sql', { sql: 'SELECT n FROM calls', timeout_ms: 60_001 });
    expect([long.status, long.body.errors[0].pointer]).toEqual([422, '/timeout_ms']);
  });
});

describe('the past of a stream', () => {
  it('is read from where WHERE says to where it ends', async () => {
    await stream('past', 10, {}, `, start = 'new'`);
    const third = await jsm.streams.getMessage('past', { seq: 3 });
    const at = third?.timestamp.replace(/(\.\d{6})\d*Z/, '$1Z');
    for (const [where, expected] of [
      ['_nats_sequence > 8', [9, 10]],
      ['_nats_sequence BETWEEN 4 AND 6 AND n <> 5', [4, 6]],
      ['_nats_sequence = 7', [7]],
      ['_nats_sequence < 3', [1, 2]],
      ['_nats_sequence > 3 AND _nats_sequence < 3', []],
      [`_nats_timestamp > '${at}' AND _nats_sequence <= 5 AND n > 3`, [4, 5]],
      ["_nats_timestamp > now() - interval '1 hour' AND _nats_timestamp < now() AND n >= 9", [9, 10]],
    ] as const) {
      const more = where === '_nats_sequence > 8' ? ' LIMIT 2' : '';
      const sql = `WITH p AS (SELECT * FROM past WHERE ${where}) SELECT n FROM p${more}`;
      const rows = await open(sql);
      expect((await rows.next())?.event).toBe('columns');
      const { rows: read, end } = await rest(rows);
      expect(read.flat(), where).toEqual(expected);
      expect(end, where).toMatchObject({ reason: more === '' ? 'range' : 'limit', complete: true });
      const answer = await api.post('/sql', { sql, timeout_ms: 20_000 });
      expect(answer.body.results[0], where).toMatchObject({ rows: expected.map((n) => [n]), complete: true });
    }
    await nothingLeft();
  });

  it('goes on with what comes, by a table too, and ends with the last that is wanted', async () => {
    await run(
      `CREATE TABLE past_rows (n BIGINT, _nats_sequence BIGINT) WITH (connector = 'past', include_metadata = true)`,
    );
    const rows = await open('SELECT n FROM past_rows WHERE _nats_sequence >= 10 AND _nats_sequence <= 12');
    await rows.next();
    expect(await rows.next()).toMatchObject({ event: 'row', data: [10] });
    await publish('past', 11, 13);
    expect(await rest(rows)).toMatchObject({ rows: [[11], [12]], end: { reason: 'range' } });
  });

  it('is told by EXPLAIN', async () => {
    for (const [query, place] of [
      ['SELECT n FROM past WHERE _nats_sequence > 5 LIMIT 3', 'from sequence 6 on'],
      ['SELECT n FROM past', 'from the next message (start) on'],
      [
        'SELECT n FROM past WHERE _nats_sequence <= 5',
        'from the beginning of the stream, to sequence 5, which ends it',
      ],
      ["SELECT n FROM past WHERE _nats_timestamp >= '2026-01-01'", 'from 2026-01-01T00:00:00.000Z on'],
      ['SELECT n FROM calls', 'messages from now on'],
    ] as const) {
      const { body } = await api.post('/sql', { sql: `EXPLAIN ${query}` });
      expect(Object.fromEntries(body.results[0].rows).live, query).toBe(place);
    }
  });

  it('of a work queue is looked at and left where it is', async () => {
    await stream('jobs', 4, { retention: 'workqueue' }, `, consumer_durable = true`);
    await jsm.streams.deleteMessage('jobs', 2);
    const rows = await open(
      "SELECT n FROM jobs WHERE _nats_timestamp > now() - interval '1 hour' AND _nats_sequence <= 4",
    );
    expect(await rows.next()).toMatchObject({ event: 'columns' });
    expect(await rest(rows)).toMatchObject({ rows: [[1], [3], [4]], end: { reason: 'range' } });
    expect((await jsm.streams.info('jobs')).state.messages).toBe(3);
    await nothingLeft();
  });

  it('comes fast where most of it is filtered out', async () => {
    await stream('ledger', 0);
    await publish('ledger', 1, 100_000);
    const durable = await jsm.consumers.add('ledger', { durable_name: 'audit', ack_policy: AckPolicy.Explicit });
    const startedAt = performance.now();
    const rows = await open('SELECT n FROM ledger WHERE n % 1000 = 0 AND _nats_sequence <= 100000');
    const { rows: read, end } = await rest(rows);
    const ms = Math.round(performance.now() - startedAt);
    console.log(`a live query over 100,000 stored messages, of which 100 pass its filter: ${ms} ms`);
    expect([read.length, read.at(-1), end.reason]).toEqual([100, [100_000], 'range']);
    const after = await jsm.consumers.info('ledger', 'audit');
    expect([after.num_pending, after.delivered]).toEqual([100_000, durable.delivered]);
  });
});

describe('what ends a stream', () => {
  it('a client that leaves', async () => {
    for (const name of ['calls', 'ledger']) {
      const rows = await open(`SELECT n FROM ${name} WHERE n < 0`);
      await rows.next();
      expect(await liveClients()).toHaveLength(1);
      if (name === 'ledger') expect((await outside.consumers()).filter(isLiveConsumer)).toHaveLength(1);
      rows.leave();
      await nothingLeft();
    }
  });

  it('fifty clients that leave, of which nothing stays', async () => {
    const names = Array.from({ length: 50 }, (_, i) => (i % 2 === 0 ? 'calls' : 'ledger'));
    const all = await Promise.all(names.map((name) => open(`SELECT n FROM ${name} WHERE n < 0`)));
    await Promise.all(all.map((rows) => rows.next()));
    expect(await liveClients()).toHaveLength(50);
    expect((await outside.consumers()).filter(isLiveConsumer)).toHaveLength(25);
    for (const rows of all) rows.leave();
    await nothingLeft();
    const { body } = await api.post('/sql', { sql: 'SELECT n FROM ledger LIMIT 1' });
    expect(body.results[0].rows).toEqual([[1]]);
  });

  it('a definition that changes or goes', async () => {
    await run(`${source('moving', `subject = 'moving'`)}; CREATE TABLE moved (n BIGINT) WITH (connector = 'moving')`);
    const altered = await open('SELECT n FROM moved');
    const untouched = await open('SELECT n FROM calls LIMIT 1');
    await Promise.all([altered.next(), untouched.next()]);
    await run(`ALTER CONNECTION moving SET (description = 'another')`);
    expect(await rest(altered)).toMatchObject({
      errors: [{ code: 'definition_changed', detail: expect.stringContaining('the connection "moving" was changed') }],
      end: { reason: 'changed', complete: false },
    });
    const dropped = await open('SELECT n FROM moved');
    await dropped.next();
    await run('DROP TABLE moved');
    expect(await rest(dropped)).toMatchObject({
      errors: [{ detail: expect.stringContaining('the table "moved" was dropped') }],
      end: { reason: 'changed' },
    });
    nc.publish('calls.x', '{"n":1}');
    expect(await rest(untouched)).toMatchObject({ rows: [[1]] });
  });

  it('messages that come faster than a client without a past takes them', async () => {
    await run(source('flood', `subject = 'flood', pending_limits = 20`));
    const rows = await open('SELECT * FROM flood');
    await rows.next();
    const message = JSON.stringify({ text: 'x'.repeat(500_000) });
    const flood = async () => {
      for (let n = 0; n < 400; n++) {
        nc.publish('flood', message);
        if (n % 20 === 0) await nc.flush();
      }
    };
    await flood();
    const { errors, end } = await rest(rows);
    expect([errors.at(-1)?.code, end.reason]).toEqual(['messages_too_fast', 'interrupted']);
    await nothingLeft();
  });

  it('a client that takes nothing, until when the stream is held', async () => {
    await jsm.streams.add({ name: 'wide', subjects: ['wide.>'] });
    const message = JSON.stringify({ text: 'x'.repeat(500_000) });
    for (let n = 0; n < 60; n++) await jetstream(nc).publish('wide.a', message);
    await run(source('wide', `jetstream = true, stream_name = 'wide', subject = 'wide.>'`));
    const rows = await open('SELECT * FROM wide');
    await rows.next();
    await eventually(async () => (await outside.consumers()).every((name) => !isLiveConsumer(name)), {
      what: 'its consumer to be gone',
      timeoutMs: 60_000,
    });
    const { rows: read, errors, end } = await rest(rows);
    expect(read.length).toBeLessThan(60);
    expect([errors.at(-1)?.code, end.reason]).toEqual(['slow_client', 'slow_client']);
    await nothingLeft();
  }, 90_000);

  it("the mesh's bus, when it is lost", async () => {
    const rows = await open('SELECT n FROM calls');
    await rows.next();
    await mesh.nats.restart();
    expect(await rest(rows)).toMatchObject({
      errors: [{ code: 'ingestion_unavailable' }],
      end: { reason: 'interrupted', complete: false },
    });
    await nothingLeft();
  });

  it('the connection that it reads', async () => {
    const rows = await open('SELECT n FROM calls');
    await rows.next();
    await outside.nats.restart();
    expect(await rest(rows)).toMatchObject({
      errors: [{ code: 'connection_unavailable' }],
      end: { reason: 'interrupted', complete: false },
    });
  });
});

describe('the services', () => {
  it('trace it as a part of the request', async () => {
    const traceId = 'abcdef0123456789abcdef0123456789';
    const headers = { traceparent: `00-${traceId}-0123456789abcdef-01` };
    const rows = await open('SELECT n FROM lines LIMIT 1', {}, { headers });
    await rows.rest();
    const spans = await eventually(
      async () => {
        const found = await api.rows(
          `SELECT name, span_id, parent_span_id FROM system.spans WHERE trace_id = '${traceId}'`,
        );
        return found.length >= 3 && found;
      },
      { what: 'the spans' },
    );
    const idOf = (name: string) => spans.find((span) => span.name === name)?.span_id;
    const parentOf = (name: string) => spans.find((span) => span.name === name)?.parent_span_id;
    expect(parentOf('live query')).toBe(idOf('POST /api/v1/sql'));
    expect(parentOf('start reader')).toBe(idOf('live query'));
  });

  it('that die, or stop, do not leave it hanging', async () => {
    const query = { sql: 'SELECT n FROM lines WHERE n < 0' };
    const asked = await Promise.all(Array.from({ length: 8 }, () => streamRows(mesh.controlPlanes[0]?.url, query)));
    const elsewhere = await streamRows(mesh.controlPlanes[1]?.url, query);
    await Promise.all([elsewhere, ...asked].map((rows) => rows.next()));
    await mesh.controlPlanes[1]?.stop();
    expect(await rest(elsewhere)).toMatchObject({ errors: [{ code: 'shutdown' }], end: { reason: 'shutdown' } });
    mesh.ingestion[0]?.kill('SIGKILL');
    await mesh.ingestion[1]?.stop();
    for (const rows of asked)
      expect(await rest(rows)).toMatchObject({
        errors: [{ code: 'ingestion_unavailable' }],
        end: { reason: 'interrupted' },
      });
    // The consumers of the one that was killed are for the server to forget.
    await eventually(async () => (await liveClients()).length === 0, { what: 'every socket to be closed' });
    const nobody = await open('SELECT n FROM lines');
    expect([nobody.status, nobody.problem.code]).toEqual([503, 'ingestion_unavailable']);
  });
});
