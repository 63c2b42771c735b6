import { jetstreamManager } from '@nats-io/jetstream';
import { headers as natsHeaders, type Subscription } from '@nats-io/nats-core';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Api, apiOf } from '../api.js';
import { eventually } from '../eventually.js';
import { startMesh, type TestMesh } from '../servers/mesh.js';
import { specIt, specSql } from './spec.js';

// The specification's "Request-Reply Pattern": its statements as they are written there, but for servers. `get_data`, which it leaves open, is a user's
// function in each language that it may be written in.

let mesh: TestMesh;
let nc: NatsConnection;
let api: Api;
beforeAll(async () => {
  mesh = await startMesh({ ingestion: 2 });
  nc = await connect({ servers: mesh.nats.url });
  api = apiOf(mesh);
});
afterAll(async () => {
  await nc?.close();
  await mesh?.stop();
});

const connection = () => specSql('nats_reply', { 'nats://localhost:4222': mesh.nats.url });

/** Runs a script until it is in effect; its results. */
async function run(sql: string) {
  const { status, body } = await api.post('/sql?wait=applied&timeout_ms=15000', { sql });
  expect(status, JSON.stringify(body)).toBe(200);
  return body.results;
}

/** What is wrong with a script. */
async function refusal(sql: string) {
  const { status, body } = await api.post('/sql', { sql });
  expect(status, JSON.stringify(body)).toBeGreaterThanOrEqual(400);
  return body;
}

/** Starts anew with the specification's statements, over a function of this language. */
const handler = (getData: string) => run(`${getData};\n${connection()}\n${specSql('request_handler')}`);

const askNats = "CREATE FUNCTION get_data (id JSON) RETURNS JSON LANGUAGE nats AS 'data.get'";
const inJavaScript =
  "CREATE FUNCTION get_data (id JSON) RETURNS JSON LANGUAGE javascript AS $$ return { id, name: 'item ' + id }; $$";

/** Answers what is asked for data, until the test is over. */
const responders: Subscription[] = [];
function respond(subject: string, answer: (args: unknown[]) => string | undefined): void {
  const subscription = nc.subscribe(subject, {
    callback: (_, message) => {
      const text = answer(message.json<unknown[]>());
      if (text !== undefined) message.respond(text);
    },
  });
  responders.push(subscription);
}

afterEach(async () => {
  for (const subscription of responders.splice(0)) subscription.unsubscribe();
  await nc.flush();
  const all = ['pipeline', 'connection', 'function'] as const;
  for (const kind of all) {
    const { body } = await api.get(`/${kind}s`);
    for (const { name } of body.items) await api.delete(`/${kind}s/${name}?cascade=true&wait=applied`);
  }
});

const ask = async (payload: unknown, subject = 'requests.data') =>
  (
    await nc.request(subject, typeof payload === 'string' ? payload : JSON.stringify(payload), { timeout: 10_000 })
  ).json();

const pipeline = (name: string) =>
  eventually(
    async () => {
      const [row] = await api.rows(`SELECT * FROM system.pipelines WHERE name = '${name}'`);
      return row;
    },
    { what: `${name} in system.pipelines` },
  );

describe('a handler of requests', () => {
  specIt('request_handler', 'answers by a function that is asked over the bus', async () => {
    respond('data.get', ([id]) => JSON.stringify({ id, name: 'ångström' }));
    await handler(askNats);
    expect(await ask({ action: 'get', id: 7 })).toEqual({ id: 7, name: 'ångström' });
    expect(await ask({ action: 'get', id: 'seven' })).toEqual({ id: 'seven', name: 'ångström' });
    const { body } = await api.get('/pipelines/request_handler');
    expect(body.delivery.guarantee).toBe('at_most_once');
  });

  specIt('request_handler', 'answers by a function in JavaScript', async () => {
    await handler(inJavaScript);
    expect(await ask({ action: 'get', id: 7 })).toEqual({ id: 7, name: 'item 7' });
  });

  specIt('request_handler', 'answers by a function in SQL', async () => {
    await handler(
      "CREATE FUNCTION get_data (id JSON) RETURNS JSON LANGUAGE sql AS 'JSON_OBJECT(''id'', id, ''by'', ''SQL'')'",
    );
    expect(await ask({ action: 'get', id: [1] })).toEqual({ id: [1], by: 'SQL' });
    const shown = async () => {
      const rows = await api.rows("SELECT definition FROM system.definitions WHERE kind = 'function'");
      const [only] = rows.map(({ definition }) => JSON.parse(String(definition)));
      return rows.length === 1 && only.language === 'sql' && only.returns === 'JSON';
    };
    await eventually(shown, { what: 'the function in system.definitions' });
    const events = await api.rows(
      "SELECT type FROM system.definition_events WHERE kind = 'function' ORDER BY revision DESC",
    );
    expect(events[0]).toEqual({ type: 'FunctionCreated' });
  });

  specIt('request_handler', 'answers an unknown action with the error, and asks no function then', async () => {
    let asked = 0;
    respond('data.get', () => `${++asked}`);
    await handler(askNats);
    expect(await ask({ action: 'delete', id: 7 })).toEqual({ error: 'Unknown action' });
    expect(await ask({})).toEqual({ error: 'Unknown action' });
    expect(asked).toBe(0);
    expect(await ask({ action: 'get' })).toBe(1);
  });

  specIt('nats_reply', 'answers each request once, with two ingestion processes', async () => {
    await handler(inJavaScript);
    const inbox = 'test.answers';
    const answers: string[] = [];
    nc.subscribe(inbox, { callback: (_, message) => void answers.push(message.string()) });
    for (let id = 0; id < 200; id++)
      nc.publish('requests.many', JSON.stringify({ action: 'get', id }), { reply: inbox });
    await eventually(() => answers.length >= 200, { what: 'every answer' });
    // What was answered twice would have come before the answer to this one.
    await ask({ action: 'get', id: 'last' });
    expect(answers.map((text) => JSON.parse(text).id)).toEqual(Array.from({ length: 200 }, (_, id) => id));
  });

  specIt('request_handler', 'says with each answer which definition made it', async () => {
    await handler(inJavaScript);
    const reply = await nc.request('requests.x', '{}');
    expect(reply.headers?.get('Laminar-Pipeline')).toBe('request_handler');
    expect(Number(reply.headers?.get('Laminar-Revision'))).toBeGreaterThan(0);
  });

  specIt('request_handler', 'waits for a function that is missing, and heals', async () => {
    const [, created] = await run(`${connection()}\n${specSql('request_handler')}`);
    expect(created.warnings).toEqual([{ code: 'missing_function', message: 'there is no function "get_data"' }]);
    expect(created.status).toMatchObject({ state: 'blocked', message: 'there is no function "get_data"' });
    await expect(nc.request('requests.x', '{}', { timeout: 500 })).rejects.toThrow();
    await run(inJavaScript);
    expect(await ask({ action: 'get', id: 1 })).toEqual({ id: 1, name: 'item 1' });
    const { body } = await api.get('/pipelines/request_handler');
    expect(body).toMatchObject({ warnings: [], status: { state: 'running' } });
  });

  it('says which function may have been meant', async () => {
    await run("CREATE FUNCTION get_date (id JSON) RETURNS JSON LANGUAGE nats AS 'data.get'");
    const [, created] = await run(`${connection()}\n${specSql('request_handler')}`);
    expect(created.status.message).toBe('there is no function "get_data"; did you mean "get_date"?');
    expect(created.warnings).toHaveLength(1);
  });

  it('goes on with the function as it is changed, and loses no request on the way', async () => {
    await handler(inJavaScript);
    let changed = false;
    const versions = new Set<unknown>();
    const asking = (async () => {
      while (!changed || !versions.has('new'))
        versions.add(((await ask({ action: 'get', id: 1 })) as { by?: string }).by);
    })();
    const [result] = await run(
      inJavaScript.replace('CREATE', 'CREATE OR REPLACE').replace('{ id,', "{ by: 'new', id,"),
    );
    expect(result).toMatchObject({ kind: 'function', action: 'changed' });
    const { body } = await api.get('/pipelines/request_handler');
    expect(body.status.applied_revision).toBe(result.revision);
    changed = true;
    await asking;
    expect([...versions]).toContain('new');
  });

  it.each([
    [
      'it changed',
      specSql('request_handler').replace('CREATE', 'CREATE OR REPLACE').replace('Unknown action', 'Unknown'),
    ],
    ['it was stopped', 'STOP PIPELINE request_handler'],
  ])('answers what was asked before %s', async (_, change) => {
    const open: (() => void)[] = [];
    const subscription = nc.subscribe('data.get', {
      callback: (_, message) => void open.push(() => message.respond('"slow"')),
    });
    responders.push(subscription);
    await handler(askNats);
    const { body: before } = await api.get('/pipelines/request_handler');
    const early = ask({ action: 'get', id: 1 });
    await eventually(() => open.length === 1, { what: 'the question' });
    const changed = run(change);
    const isStored = async () => (await api.get('/pipelines/request_handler')).body.revision > before.revision;
    await eventually(isStored, { what: 'the change to be stored' });
    open[0]?.();
    expect(await early).toBe('slow');
    await changed;
  });
});

describe('nothing is replied', () => {
  it('on a plain subscription', async () => {
    const plain = connection().replace(/,\s*enable_reply = true/, '');
    await run(`${inJavaScript}; ${plain}`);
    const problem = await refusal(specSql('request_handler'));
    expect(problem).toMatchObject({
      status: 422,
      detail: expect.stringContaining('it lacks enable_reply = true'),
      position: { line: 15 },
    });
    await run('CREATE PIPELINE reads AS SELECT * FROM nats_reply');
    await expect(nc.request('requests.x', '{}', { timeout: 500 })).rejects.toThrow();
  });

  it('to a message that is no request, which is a row error', async () => {
    await handler(inJavaScript);
    const before = Number((await pipeline('request_handler')).errors);
    nc.publish('requests.x', '{"action":"other"}');
    await eventually(async () => Number((await pipeline('request_handler')).errors) === before + 1, {
      what: 'the error',
    });
    expect((await pipeline('request_handler')).last_error).toContain('without a reply subject');
    expect(await ask({})).toEqual({ error: 'Unknown action' });
  });

  it('but to the one who asked: neither a row nor a requester sends it elsewhere', async () => {
    await run(`${connection()}
      CREATE PIPELINE elsewhere AS INSERT INTO nats_responder SELECT payload->>'to' AS subject, 1 AS payload FROM nats_reply`);
    const stolen: string[] = [];
    nc.subscribe('victim.>', { callback: (_, { subject }) => void stolen.push(subject) });
    nc.publish('requests.x', '{"to":"victim.a"}', { reply: 'test.mine' });
    nc.publish('requests.x', '{"to":"laminar.status_request"}', { reply: 'laminar.status_request' });
    nc.publish('requests.x', '{"to":"$JS.API.STREAM.DELETE.KV_laminar_definitions"}', {
      reply: '$JS.API.STREAM.DELETE.KV_laminar_definitions',
    });
    await eventually(async () => Number((await pipeline('elsewhere')).errors) === 3, { what: 'three row errors' });
    expect(stolen).toEqual([]);
    const jsm = await jetstreamManager(nc);
    expect((await jsm.streams.info('KV_laminar_definitions')).state.messages).toBeGreaterThan(0);
    // The subject may be left out, and is the right one then.
    await run(`CREATE OR REPLACE PIPELINE elsewhere AS INSERT INTO nats_responder SELECT payload FROM nats_reply`);
    expect(await ask({ same: true })).toEqual({ same: true });
  });

  it('by a connection with JetStream', async () => {
    await run(`CREATE CONNECTION stored TO nats (servers = '${mesh.nats.url}', type = 'source', format = 'json', jetstream = true,
      stream_name = 'STORED', stream_subjects = 'stored.>')`);
    const problem = await refusal('CREATE PIPELINE p AS INSERT INTO nats_responder SELECT payload FROM stored');
    expect(problem.detail).toContain('it reads with JetStream, where nobody waits for a reply');
    await (await jetstreamManager(nc)).streams.delete('STORED');
  });
});

describe('a function that fails', () => {
  const failing = async (definition: string, expected: string, payload: unknown = { action: 'get', id: 1 }) => {
    await run(definition.replace('CREATE FUNCTION', 'CREATE OR REPLACE FUNCTION'));
    const before = Number((await pipeline('request_handler')).errors);
    nc.publish('requests.x', JSON.stringify(payload), { reply: 'test.nobody' });
    await eventually(async () => Number((await pipeline('request_handler')).errors) > before, { what: 'the error' });
    expect((await pipeline('request_handler')).last_error).toContain(expected);
  };

  it('is an error of the row, with its name and its reason', async () => {
    await handler(inJavaScript);
    const js = (body: string, returns = 'JSON') =>
      `CREATE FUNCTION get_data (id JSON) RETURNS ${returns} LANGUAGE javascript AS $$${body}$$`;
    await failing(js('throw new Error("no " + id);'), 'the function "get_data" failed: Error: no 1');
    await failing(js('for (;;);'), 'the function "get_data" failed: it ran longer than 100 ms');
    await failing(js('const f = () => f() + 1; return f();'), 'stack overflow');
    await failing(js('return "text";', 'BIGINT'), 'its result does not fit: a text of 4 characters is no BIGINT');
    await failing(js('return 2n ** 70n;', 'BIGINT'), 'out of range for BIGINT');

    await failing(askNats, "nobody answers on data.get of the mesh's bus");
    respond('data.get', () => undefined);
    await failing(askNats, 'data.get gave no answer within 2000 ms');
    respond('data.bad', () => 'not JSON');
    await failing(askNats.replace('data.get', 'data.bad'), 'its result is not valid JSON');
    responders.push(
      nc.subscribe('data.service', {
        callback: (_, message) => {
          const failed = natsHeaders();
          failed.set('Nats-Service-Error-Code', '404');
          failed.set('Nats-Service-Error', 'no such item');
          message.respond('', { headers: failed });
        },
      }),
    );
    await failing(askNats.replace('data.get', 'data.service'), 'answered with the error 404: no such item');
    // All the while whatever needs no function was answered, and is now.
    expect(await ask({})).toEqual({ error: 'Unknown action' });
  });
});

describe('with JetStream', () => {
  it('a message whose function takes longer than the time for acknowledgements is not delivered again', async () => {
    const jsm = await jetstreamManager(nc);
    await jsm.streams.add({ name: 'SLOW', subjects: ['slow.>'] });
    let asked = 0;
    const answerAfterMs = 1600;
    responders.push(
      nc.subscribe('data.slow', {
        callback: (_, message) => {
          asked++;
          setTimeout(() => message.respond('1'), answerAfterMs);
        },
      }),
    );
    const rows: string[] = [];
    nc.subscribe('laminar.output.slowly', { callback: (_, message) => void rows.push(message.string()) });
    await run(`
      CREATE FUNCTION slow (n BIGINT) RETURNS BIGINT LANGUAGE nats AS 'data.slow';
      CREATE CONNECTION slow TO nats (servers = '${mesh.nats.url}', type = 'source', format = 'json', jetstream = true,
        stream_name = 'SLOW', subject = 'slow.>', consumer_ack_wait_s = 1);
      CREATE PIPELINE slowly AS SELECT slow(n) AS x FROM slow`);
    nc.publish('slow.n', '{"n":1}');
    const consumer = () => jsm.consumers.info('SLOW', 'laminar-slow');
    await eventually(async () => (await consumer()).ack_floor.stream_seq === 1, { what: 'the acknowledgement' });
    expect(await consumer()).toMatchObject({ num_redelivered: 0, delivered: { consumer_seq: 1 } });
    expect(rows).toEqual(['{"x":1}']);
    expect(asked).toBe(1);
    await api.delete('/connections/slow?cascade=true&wait=applied');
    await jsm.streams.delete('SLOW');
  });

  it('nothing is acknowledged before its function has answered, and rows keep the order of their messages', async () => {
    const jsm = await jetstreamManager(nc);
    await jsm.streams.add({ name: 'ASKED', subjects: ['asked.>'] });
    const open: (() => void)[] = [];
    responders.push(
      nc.subscribe('data.double', {
        callback: (_, message) => {
          const [n] = message.json<number[]>();
          open.push(() => message.respond(`${Number(n) * 2}`));
        },
      }),
    );
    const rows: { n: number; twice: number }[] = [];
    nc.subscribe('laminar.output.doubled', { callback: (_, message) => void rows.push(message.json()) });
    await run(`
      CREATE FUNCTION double (n BIGINT) RETURNS BIGINT LANGUAGE nats AS 'data.double';
      CREATE CONNECTION asked TO nats (servers = '${mesh.nats.url}', type = 'source', format = 'json', jetstream = true,
        stream_name = 'ASKED', subject = 'asked.>', consumer_ack_wait_s = 2);
      CREATE PIPELINE doubled AS SELECT n, double(n) AS twice FROM asked WHERE double(n) > 2`);
    for (let n = 1; n <= 100; n++) nc.publish('asked.n', JSON.stringify({ n }));
    await eventually(() => open.length === 100, { what: 'all questions at once' });
    const consumer = () => jsm.consumers.info('ASKED', 'laminar-asked');
    expect(await consumer()).toMatchObject({ num_ack_pending: 100, num_pending: 0 });
    for (const answer of open.reverse()) answer();
    await eventually(() => rows.length === 99, { what: 'all rows' });
    expect(rows).toEqual(Array.from({ length: 99 }, (_, i) => ({ n: i + 2, twice: (i + 2) * 2 })));
    await eventually(async () => (await consumer()).num_ack_pending === 0, { what: 'all acknowledgements' });
    // The same call is made once for a message, wherever it stands in the query.
    expect(open).toHaveLength(100);
    const { body } = await api.get('/pipelines/doubled');
    expect(body.delivery.guarantee).toBe('at_least_once');
    open.splice(0);
    const listed: { twice: number }[] = [];
    nc.subscribe('laminar.output.listed', { callback: (_, message) => void listed.push(message.json()) });
    await run('CREATE PIPELINE listed AS SELECT double(i) AS twice FROM asked, unnest("list") AS i');
    const list = Array.from({ length: 100 }, (_, i) => i);
    nc.publish('asked.n', JSON.stringify({ n: 0, list }));
    // Those of the elements, and the other pipeline's.
    await eventually(() => open.length === 101, { what: 'the questions of all elements at once' });
    for (const answer of open) answer();
    await eventually(() => listed.length === 100, { what: 'a row for each element' });
    expect(listed).toEqual(list.map((i) => ({ twice: i * 2 })));
    expect(open).toHaveLength(101);
    await api.delete('/connections/asked?cascade=true&wait=applied');
    await jsm.streams.delete('ASKED');
  });
});
