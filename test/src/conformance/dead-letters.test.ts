import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { type MsgHdrs, headers as natsHeaders } from '@nats-io/nats-core';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, apiOf } from '../api.js';
import { eventually } from '../eventually.js';
import { startMesh, type TestMesh } from '../servers/mesh.js';
import { specIt, specSql } from './spec.js';

// The specification's "Dead Letter Queue", and what becomes of dead letters.

let mesh: TestMesh;
let nc: NatsConnection;
let js: JetStreamClient;
let jsm: JetStreamManager;
let api: Api;
beforeAll(async () => {
  mesh = await startMesh();
  nc = await connect({ servers: mesh.nats.url });
  js = jetstream(nc);
  jsm = await jetstreamManager(nc);
  api = apiOf(mesh);
});
afterAll(async () => {
  await nc?.close();
  await mesh?.stop();
});

async function run(sql: string): Promise<{ readonly [member: string]: unknown }[]> {
  const { status, body } = await api.post('/sql?wait=applied&timeout_ms=10000', { sql });
  expect(status, JSON.stringify(body)).toBe(200);
  return body.results;
}

interface Row {
  readonly text: string;
  readonly atMs: number;
  readonly headers: MsgHdrs | undefined;
}

/** What arrives on a subject from now on, and when. */
async function collect(subject: string): Promise<Row[]> {
  const rows: Row[] = [];
  nc.subscribe(subject, {
    callback: (_, message) =>
      void rows.push({ text: message.string(), atMs: performance.now(), headers: message.headers }),
  });
  await nc.flush();
  return rows;
}

const textsOf = (rows: readonly Row[]) => rows.map(({ text }) => text);

const lettersOf = (connection: string) =>
  api.rows(`SELECT * FROM system.dead_letters WHERE connection = '${connection}' ORDER BY rowid`);

const letters = (connection: string, count: number, timeoutMs = 40_000) =>
  eventually(
    async () => {
      const rows = await lettersOf(connection);
      return rows.length === count && rows;
    },
    { what: `${count} dead letters of ${connection}`, timeoutMs },
  );

/** A connection over a stream of its own, which reads `<name>.>`. */
const sourceSql = (name: string, options: string) => `
  CREATE CONNECTION ${name} TO nats (
    servers = '${mesh.nats.url}', type = 'source', format = 'json', jetstream = true, subject = '${name}.>',
    stream_name = '${name.toUpperCase()}', stream_subjects = '${name}.>'${options === '' ? '' : `, ${options}`});`;

describe('Dead Letter Queue', () => {
  let strict: { readonly [member: string]: unknown };
  let handled: Row[];

  beforeAll(async () => {
    await jsm.streams.add({ name: 'ORDERS', subjects: ['orders.>'] });
    await run(specSql('nats_dlq', { 'nats://localhost:4222': mesh.nats.url }));
    await run(specSql('dlq_handler'));
    const [created] = await run(`CREATE PIPELINE strict AS SELECT id, 10 / n AS share FROM nats_dlq;
      CREATE PIPELINE deliveries AS SELECT _nats_delivered AS delivered FROM nats_dlq;`);
    strict = created ?? {};
    handled = await collect('laminar.output.dlq_handler');
  });

  specIt(
    'nats_dlq',
    'a message that fails is delivered three times, a second and five seconds apart, and is a dead letter then',
    async () => {
      const deliveries = await collect('laminar.output.deliveries');
      const shares = await collect('laminar.output.strict');
      const own = natsHeaders();
      own.append('X-Shop', 'a');
      own.append('X-Shop', 'b');
      await js.publish('orders.new', ' {"id": 1, "n": 0} ', { headers: own });
      await js.publish('orders.new', '{"id":2,"n":5}');
      await eventually(() => deliveries.length === 4, { what: 'all deliveries', timeoutMs: 15_000 });
      const [row] = await letters('nats_dlq', 1);
      expect(textsOf(deliveries).sort()).toEqual([
        '{"delivered":1}',
        '{"delivered":1}',
        '{"delivered":2}',
        '{"delivered":3}',
      ]);
      const at = (delivery: number) =>
        deliveries.find(({ text }) => text === `{"delivered":${delivery}}`)?.atMs ?? Number.NaN;
      expect(at(2) - at(1)).toBeGreaterThanOrEqual(950);
      expect(at(3) - at(2)).toBeGreaterThanOrEqual(4950);
      expect(textsOf(shares)).toEqual(['{"id":2,"share":2}']);
      expect(row).toMatchObject({
        id: expect.stringMatching(/^nats_dlq\../),
        connection: 'nats_dlq',
        pipeline: 'strict',
        subject: 'orders.new',
        sequence: 1,
        error: expect.stringContaining('division by zero'),
        payload: ' {"id": 1, "n": 0} ',
        headers: '{"X-Shop":["a","b"]}',
        definition_revision: strict.revision,
      });
      const consumer = await jsm.consumers.info('ORDERS', 'laminar-nats_dlq');
      expect(consumer).toMatchObject({ num_ack_pending: 0, config: { max_deliver: 3 } });
    },
    30_000,
  );

  specIt('dlq_handler', 'gets the third delivery of what a sibling fails at, once, as it came', async () => {
    await eventually(() => handled.length > 0, { what: 'the last delivery', timeoutMs: 15_000 });
    expect(textsOf(handled)).toEqual([' {"id": 1, "n": 0} ']);
  });

  it('a dead letter is read over REST, alone and in the list', async () => {
    const [row] = await letters('nats_dlq', 1);
    const letter = {
      ...row,
      headers: { 'X-Shop': ['a', 'b'] },
      payload_encoding: 'utf-8',
    };
    expect((await api.get(`/dead_letters/${row?.id}`)).body).toEqual(letter);
    const { status, body } = await api.get('/dead_letters?limit=1');
    expect(status).toBe(200);
    expect(body).toEqual({ items: [letter], next_cursor: null });
    expect((await api.get('/dead_letters/nats_dlq.nothing')).status).toBe(404);
    expect((await api.get('/dead_letters/nonsense')).status).toBe(404);
  });

  it('is tried again by the pipeline that failed, and by it alone', async () => {
    const [row] = await letters('nats_dlq', 1);
    const retry = () => api.post(`/dead_letters/${row?.id}/retry`, undefined);
    const shares = await collect('laminar.output.strict');
    const deliveries = await collect('laminar.output.deliveries');
    expect(await retry()).toMatchObject({
      status: 200,
      body: { id: row?.id, outcome: 'failed', error: expect.stringContaining('division by zero') },
    });
    await run('STOP PIPELINE strict');
    expect(await retry()).toMatchObject({ status: 409, body: { code: 'not_retryable' } });
    await run(`CREATE OR REPLACE PIPELINE strict AS SELECT id, 10 / NULLIF(n, 0) AS share, _nats_delivered AS d FROM nats_dlq;
      START PIPELINE strict;`);
    const answers = await Promise.all([retry(), retry(), retry()]);
    // Who comes when it is done finds nothing; who comes meanwhile gets the same answer.
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(0);
    for (const { status, body } of answers)
      if (status === 200) expect(body).toEqual({ id: row?.id, outcome: 'processed', rows: 1, error: null });
      else expect(status).toBe(404);
    await letters('nats_dlq', 0);
    expect((await retry()).status).toBe(404);
    await nc.flush();
    expect(textsOf(shares)).toEqual(['{"id":1,"share":null,"d":3}']);
    expect(deliveries).toEqual([]);
  });
});

describe('a message that runs out of deliveries without an outcome', () => {
  it('is a dead letter, once, also where a stranger let it and nobody of the mesh read', async () => {
    await run(`${sourceSql('spent', "consumer_max_deliver = 2, consumer_ack_wait_s = 1, dead_letter_subject = 'dead.spent'")}
      CREATE PIPELINE spent_rows AS SELECT n FROM spent;
      STOP PIPELINE spent_rows;`);
    const rows = await collect('laminar.output.spent_rows');
    const copies = await collect('dead.spent');
    await js.publish('spent.a', '{"n":1}');
    const stranger = await js.consumers.get('SPENT', 'laminar-spent');
    // A stranger takes it twice and never says what became of it; its third pull makes the server give up. Heartbeats of a short pull are missed on a busy machine.
    for (let taken = 0; taken < 2; ) {
      for await (const _ of await stranger.fetch({ max_messages: 1, expires: 20_000 })) taken++;
    }
    await eventually(
      async () => {
        await stranger.next({ expires: 1000 });
        const { num_ack_pending, num_pending } = await jsm.consumers.info('SPENT', 'laminar-spent');
        return num_ack_pending === 0 && num_pending === 0;
      },
      { what: 'the server to give up', timeoutMs: 15_000 },
    );
    await run('START PIPELINE spent_rows');
    const [row] = await letters('spent', 1);
    expect(row).toMatchObject({
      pipeline: null,
      subject: 'spent.a',
      sequence: 1,
      payload: '{"n":1}',
      error: expect.stringContaining('2 deliveries'),
    });
    await js.publish('spent.a', '{"n":2}');
    await eventually(() => rows.length === 1, { what: 'the next message' });
    expect(textsOf(rows)).toEqual(['{"n":2}']);
    await eventually(() => copies.length === 1, { what: 'the copy' });
    const consumer = await eventually(
      async () => {
        const [seen] = await api.rows(
          "SELECT exhausted, lag FROM system.nats_jetstream_consumers WHERE connection_name = 'spent'",
        );
        return seen?.exhausted === 1 && seen.lag === 0 && seen;
      },
      { what: 'the count', timeoutMs: 5000 },
    );
    expect(consumer).toEqual({ exhausted: 1, lag: 0 });

    // A new reader finds nothing that it did not know.
    await run('STOP PIPELINE spent_rows; START PIPELINE spent_rows;');
    expect(await api.post(`/dead_letters/${row?.id}/retry`, undefined)).toMatchObject({
      status: 200,
      body: { outcome: 'processed', rows: 1 },
    });
    await eventually(() => rows.length === 2, { what: 'its row' });
    await letters('spent', 0);
    expect(copies.length).toBe(1);

    expect((await jsm.streams.info('laminar_exhausted_SPENT_laminar-spent')).state.messages).toBe(0);
    await run('DROP CONNECTION spent CASCADE');
    await eventually(
      () =>
        jsm.streams.info('laminar_exhausted_SPENT_laminar-spent').then(
          () => false,
          () => true,
        ),
      { what: 'the capture stream to be gone' },
    );
  });
});

describe('dead_letter_subject', () => {
  it('gets the message as it came, and why it failed', async () => {
    await run(`${sourceSql('copied', "dead_letter_subject = 'dead.copied'")}
      CREATE PIPELINE copied_rows AS SELECT 1 / n AS x FROM copied;`);
    const copies = await collect('dead.copied');
    const own = natsHeaders();
    own.append('X-A', '1');
    own.append('Nats-Msg-Id', 'mine');
    await js.publish('copied.b', '{"n":0}', { headers: own });
    await eventually(() => copies.length === 1, { what: 'the copy' });
    const [copy] = copies;
    const [row] = await letters('copied', 1);
    expect(copy?.text).toBe('{"n":0}');
    expect(copy?.headers?.keys().sort()).toEqual([
      'Laminar-Dead-Letter',
      'Laminar-Error',
      'Laminar-Pipeline',
      'Laminar-Revision',
      'Laminar-Source',
      'Laminar-Subject',
      'X-A',
    ]);
    for (const [name, value] of [
      ['Laminar-Dead-Letter', row?.id],
      ['Laminar-Error', row?.error],
      ['Laminar-Pipeline', 'copied_rows'],
      ['Laminar-Source', 'COPIED:1'],
      ['Laminar-Subject', 'copied.b'],
      ['X-A', '1'],
    ])
      expect(copy?.headers?.get(String(name))).toBe(value);
  });

  it('is none that the connection reads itself', async () => {
    const { status, body } = await api.post('/sql', {
      sql: sourceSql('eater', "dead_letter_subject = 'eater.dead'"),
    });
    expect(status).toBe(422);
    expect(body.errors?.[0]?.detail).toContain('dead_letter_subject');
  });
});

describe('a payload that cannot be decoded', () => {
  const bytes = new Uint8Array([0x7b, 0xff, 0x00]);

  it('is a dead letter of the connection, in base64 where it is no text', async () => {
    await run(`${sourceSql('broken', '')}
      CREATE PIPELINE broken_rows AS SELECT n FROM broken; CREATE PIPELINE broken_more AS SELECT n FROM broken;`);
    await js.publish('broken.a', bytes);
    const [row] = await letters('broken', 1);
    expect(row).toMatchObject({ pipeline: null, payload: Buffer.from(bytes).toString('base64'), headers: null });
    expect((await api.get(`/dead_letters/${row?.id}`)).body).toMatchObject({ payload_encoding: 'base64' });
    expect(await api.post(`/dead_letters/${row?.id}/retry`, undefined)).toMatchObject({ body: { outcome: 'failed' } });
    await run('DROP CONNECTION broken CASCADE');
    expect(await api.post(`/dead_letters/${row?.id}/retry`, undefined)).toMatchObject({
      status: 409,
      body: { code: 'not_retryable', detail: expect.stringContaining('"broken" was dropped') },
    });
  });

  it('is delivered as often as there are deliveries where those are retried', async () => {
    await run(`${sourceSql('retried', "consumer_max_deliver = 2, consumer_backoff = '100ms'")}
      CREATE PIPELINE retried_rows AS SELECT n FROM retried;`);
    await js.publish('retried.a', 'no json');
    await js.publish('retried.a', '{"n":1}');
    expect(await letters('retried', 1)).toMatchObject([{ pipeline: null, payload: 'no json', sequence: 1 }]);
    const pipeline = await eventually(
      async () => {
        const [row] = await api.rows(
          "SELECT errors, dead_letters, messages_out FROM system.pipelines WHERE name = 'retried_rows'",
        );
        return row?.errors === 2 && Number(row.dead_letters) > 0 && row;
      },
      { what: 'both failures, and the letter', timeoutMs: 5000 },
    );
    expect(pipeline).toEqual({ errors: 2, dead_letters: 1, messages_out: 1 });
    expect((await jsm.consumers.info('RETRIED', 'laminar-retried')).num_ack_pending).toBe(0);
  });

  it('is passed over where errors are skipped', async () => {
    await run(`${sourceSql('skipped', "on_error = 'skip'")} CREATE PIPELINE skipped_rows AS SELECT n FROM skipped;`);
    const rows = await collect('laminar.output.skipped_rows');
    await js.publish('skipped.a', 'no json');
    await js.publish('skipped.a', '{"n":1}');
    await eventually(() => rows.length === 1, { what: 'the good row' });
    await eventually(async () => (await jsm.consumers.info('SKIPPED', 'laminar-skipped')).ack_floor.stream_seq === 2, {
      what: 'both to be acknowledged',
    });
    expect(await lettersOf('skipped')).toEqual([]);
  });

  it('stops the reader where that is asked for, with the reason', async () => {
    await run(`${sourceSql('halted', "on_error = 'stop'")} CREATE PIPELINE halted_rows AS SELECT n FROM halted;`);
    await js.publish('halted.a', 'no json');
    const row = await eventually(
      async () => {
        const [seen] = await api.rows(
          "SELECT state, last_error FROM system.nats_connections WHERE connection_name = 'halted'",
        );
        return seen?.state === 'failed' && seen;
      },
      { what: 'the connection to be failed', timeoutMs: 5000 },
    );
    expect(row.last_error).toContain('JSON');
    expect(await lettersOf('halted')).toEqual([]);
  });
});
