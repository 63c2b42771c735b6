import { eventually, startNats, type TestNats } from '@laminar/test';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Replica, startReplica } from '../testing.js';

let nats: TestNats;
let replica: Replica;
const call: Replica['call'] = (...args) => replica.call(...args);

beforeAll(async () => {
  nats = await startNats();
  replica = await startReplica(nats.url);
  await eventually(() => replica.health.reason === undefined, { what: 'the control plane to be ready' });
});
afterAll(async () => {
  await replica.stop();
  await nats.stop();
});

const source = (subject = 'orders.*', more: object = {}) => ({
  connector: 'nats',
  options: { servers: 'nats://127.0.0.1:4222', type: 'source', format: 'json', subject, ...more },
});
const sink = (subject: string) => ({
  connector: 'nats',
  options: { servers: 'nats://127.0.0.1:4222', type: 'sink', subject },
});
const columns = [
  { name: 'id', type: 'int8' },
  { name: 'customerId', type: 'TEXT' },
];

describe('connections', () => {
  it('are created, read, listed, replaced, patched and dropped', async () => {
    const created = await call('POST', 'connections', { name: 'c1', ...source() });
    expect(created.status).toBe(201);
    expect(created.headers.get('location')).toBe('/api/v1/connections/c1');
    expect(created.headers.get('etag')).toBe(`"${created.body.revision}"`);
    expect(created.body).toMatchObject({
      name: 'c1',
      ...source(),
      version: 1,
      warnings: [],
      status: { state: 'idle' },
    });
    expect(new Date(created.body.created_at).toISOString()).toBe(created.body.created_at);

    expect((await call('GET', 'connections/c1')).body).toEqual(created.body);

    const same = await call('PUT', 'connections/c1', source());
    expect([same.status, same.body.version]).toEqual([200, 1]);
    const replaced = await call('PUT', 'connections/c1', { name: 'c1', ...source('orders.>') });
    expect([replaced.status, replaced.body.version, replaced.body.options.subject]).toEqual([200, 2, 'orders.>']);

    const patched = await call('PATCH', 'connections/c1', { options: { description: 'All of them.', subject: 'o.*' } });
    expect(patched.body.options).toEqual({ ...source('o.*').options, description: 'All of them.' });
    const removed = await call(
      'PATCH',
      'connections/c1',
      { options: { description: null } },
      {
        'content-type': 'application/json',
      },
    );
    expect(removed.body.options).toEqual(source('o.*').options);

    expect((await call('DELETE', 'connections/c1')).status).toBe(204);
    expect((await call('GET', 'connections/c1')).status).toBe(404);
    const again = await call('PUT', 'connections/c1', source());
    expect([again.status, again.body.version, again.headers.get('location')]).toEqual([
      201,
      6,
      '/api/v1/connections/c1',
    ]);
  });

  it('are listed by name, a page at a time', async () => {
    for (const name of ['l3', 'l1', 'L2', 'l4']) await call('POST', 'connections', { name, ...source() });
    const names: string[] = [];
    let cursor: string | null = null;
    do {
      const page = await call('GET', `connections?limit=2${cursor === null ? '' : `&cursor=${cursor}`}`);
      expect(page.body.items.length).toBeLessThanOrEqual(2);
      names.push(...page.body.items.map(({ name }: { name: string }) => name));
      cursor = page.body.next_cursor;
    } while (cursor !== null);
    expect(names).toEqual([...names].sort());
    expect(names).toEqual(expect.arrayContaining(['L2', 'l1', 'l3', 'l4']));
    expect((await call('GET', `tables?cursor=${await firstCursor()}`)).body.code).toBe('invalid_parameter');
  });

  async function firstCursor(): Promise<string> {
    return (await call('GET', 'connections?limit=1')).body.next_cursor;
  }

  it('cannot be dropped while something names them, unless it goes too', async () => {
    await call('POST', 'connections', { name: 'used', ...source('used.*') });
    await call('POST', 'tables', { name: 'used_table', connector: 'used', columns });
    await call('POST', 'pipelines', { name: 'used_pipeline', query: 'SELECT id FROM used_table' });
    const refused = await call('DELETE', 'connections/used');
    expect(refused).toMatchObject({ status: 409, body: { code: 'in_use' } });
    expect(refused.body.detail).toContain('used_table');
    expect((await call('DELETE', 'connections/used?cascade=true')).status).toBe(204);
    for (const path of ['connections/used', 'tables/used_table', 'pipelines/used_pipeline'])
      expect((await call('GET', path)).status).toBe(404);
  });

  it('share their names with tables', async () => {
    await call('POST', 'connections', { name: 'shared', ...source() });
    const refused = await call('POST', 'tables', { name: 'shared', connector: 'shared', columns });
    expect(refused).toMatchObject({ status: 409, body: { code: 'already_exists' } });
  });

  it('cannot take turns in changing one durable', async () => {
    const durable = (more: object) => ({
      connector: 'nats',
      options: { ...source('d.*').options, jetstream: true, stream_name: 'D', consumer_name: 'd', ...more },
    });
    await call('POST', 'connections', { name: 'd1', ...durable({}) });
    const refused = await call('POST', 'connections', { name: 'd2', ...durable({ consumer_ack_wait_s: 9 }) });
    expect(refused).toMatchObject({ status: 409, body: { code: 'conflict' } });
  });
});

describe('preconditions', () => {
  it('guard writes by revision', async () => {
    const { body } = await call('POST', 'connections', { name: 'guarded', ...source() });
    const etag = `"${body.revision}"`;
    const stale = { 'if-match': `"${body.revision - 1}"` };
    for (const refused of [
      await call('PUT', 'connections/guarded', source('x'), stale),
      await call('PATCH', 'connections/guarded', { options: { subject: 'x' } }, stale),
      await call('DELETE', 'connections/guarded', undefined, stale),
      await call('PUT', 'connections/guarded', source('x'), { 'if-none-match': '*' }),
      await call('PUT', 'connections/not_there', source('x'), { 'if-match': '*' }),
      await call('PUT', 'connections/guarded', source('x'), { 'if-match': `W/${etag}` }),
      await call('PUT', 'connections/guarded', source('x'), { 'if-match': '"", "a,1", "1,"' }),
    ])
      expect(refused).toMatchObject({ status: 412, body: { code: 'precondition_failed' } });
    expect((await call('DELETE', 'connections/not_there', undefined, { 'if-match': '*' })).status).toBe(404);

    const changed = await call('PUT', 'connections/guarded', source('x'), { 'if-match': `"1", ${etag}` });
    expect(changed.status).toBe(200);
    expect((await call('PATCH', 'connections/guarded', {}, { 'if-match': '*' })).status).toBe(200);
    expect((await call('PUT', 'connections/fresh', source(), { 'if-none-match': '*' })).status).toBe(201);
  });

  it('answer 304 to who has the revision already', async () => {
    const { body } = await call('POST', 'connections', { name: 'cached', ...source() });
    const etag = `"${body.revision}"`;
    const known = await call('GET', 'connections/cached', undefined, { 'if-none-match': `W/"1", ${etag}` });
    expect([known.status, known.headers.get('etag'), known.body]).toEqual([304, etag, undefined]);
    expect((await call('GET', 'connections/cached', undefined, { 'if-none-match': '"1"' })).status).toBe(200);
  });

  it('must be well formed', async () => {
    for (const value of ['12', '"12', '"1" "2"', ''])
      expect(await call('DELETE', 'connections/cached', undefined, { 'if-match': value })).toMatchObject({
        status: 400,
        body: { code: 'invalid_header' },
      });
  });
});

describe('tables', () => {
  it('keep columns as they are written, with types by their names', async () => {
    await call('POST', 'connections', { name: 'for_table', ...source() });
    const { status, body } = await call('POST', 'tables', { name: 't1', connector: 'for_table', columns });
    expect(status).toBe(201);
    expect(body.columns).toEqual([
      { name: 'id', type: 'BIGINT' },
      { name: 'customerId', type: 'TEXT' },
    ]);
    expect(body.options).toEqual({});
    expect(body.status).toMatchObject({ state: 'defined' });
  });

  it('may come before their connection, but not over what can never be read', async () => {
    const early = await call('POST', 'tables', { name: 'early', connector: 'for_tabel', columns });
    expect(early.body.warnings).toEqual([
      { code: 'missing_relation', message: 'there is no connection "for_tabel"; did you mean "for_table"?' },
    ]);
    expect(early.body.status).toMatchObject({ state: 'blocked' });
    await call('POST', 'connections', { name: 'a_sink', ...sink('out.a') });
    for (const connector of ['a_sink', 't1']) {
      const refused = await call('POST', 'tables', { name: 'never', connector, columns });
      expect(refused).toMatchObject({
        status: 422,
        body: { errors: [{ code: 'not_a_source', pointer: '/connector' }] },
      });
    }
  });

  it('warn when a change breaks running pipelines', async () => {
    await call('POST', 'tables', { name: 'breaking', connector: 'for_table', columns });
    await call('POST', 'pipelines', { name: 'broken', query: 'SELECT id FROM breaking' });
    await call('POST', 'pipelines', { name: 'resting', query: 'SELECT id FROM breaking', desired: 'stopped' });
    const changed = await call('PATCH', 'tables/breaking', { columns: columns.slice(1) });
    expect(changed.status).toBe(200);
    expect(changed.body.warnings).toHaveLength(1);
    expect(changed.body.warnings[0]).toMatchObject({ code: 'pipeline_broken' });
    expect(changed.body.warnings[0].message).toContain('"broken"');
    expect((await call('GET', 'pipelines/broken')).body.warnings[0].code).toBe('query_broken');
  });
});

describe('pipelines', () => {
  beforeAll(async () => {
    await call('POST', 'connections', { name: 'events', ...source('events.>', { jetstream: true, stream_name: 'E' }) });
    await call('POST', 'tables', { name: 'typed', connector: 'events', columns });
    await call('POST', 'connections', { name: 'out', ...sink('out.events') });
  });

  it('run unless they are told not to, and keep it through a PUT', async () => {
    const query = 'SELECT id FROM events';
    expect((await call('PUT', 'pipelines/keeps', { query })).body.desired).toBe('running');
    expect((await call('POST', 'pipelines/keeps/stop')).body).toMatchObject({ desired: 'stopped', version: 2 });
    const again = await call('POST', 'pipelines/keeps/stop');
    expect([again.status, again.body.version]).toEqual([200, 3]);
    expect((await call('PUT', 'pipelines/keeps', { query: `${query} WHERE id > 1` })).body).toMatchObject({
      desired: 'stopped',
      version: 4,
    });
    expect((await call('POST', 'pipelines/keeps/start')).body).toMatchObject({ desired: 'running', version: 5 });
    expect((await call('POST', 'pipelines/keps/start')).body.detail).toContain('did you mean "keeps"?');
  });

  it('say how they deliver', async () => {
    const { body } = await call('POST', 'pipelines', {
      name: 'delivers',
      query: 'INSERT INTO out SELECT id FROM events',
    });
    expect(body.delivery).toMatchObject({ guarantee: 'at_least_once' });
  });

  it('are refused with a place where the query is wrong', async () => {
    const syntax = await call('POST', 'pipelines', { name: 'bad', query: 'SELECT id,\n  FROM events' });
    expect(syntax).toMatchObject({
      status: 422,
      body: { code: 'syntax_error', position: { line: 2, column: 3, offset: 13 }, errors: [{ pointer: '/query' }] },
    });
    expect(syntax.body.excerpt).toBe('  FROM events\n  ^');
    const column = await call('POST', 'pipelines', { name: 'bad', query: 'SELECT custmerId FROM typed' });
    expect(column).toMatchObject({ status: 422, body: { code: 'unknown_column', position: { offset: 7 } } });
    expect(column.body.detail).toContain('did you mean "customerId"?');
    expect((await call('POST', 'pipelines', { name: 'bad', query: "SELECT id + 'x' AS y FROM typed" })).status).toBe(
      422,
    );
    expect((await call('GET', 'pipelines/bad')).status).toBe(404);
  });

  it('may come before what they name', async () => {
    const { status, body } = await call('POST', 'pipelines', {
      name: 'waits',
      query: 'INSERT INTO outt SELECT id FROM evnts',
    });
    expect(status).toBe(201);
    expect(body.delivery).toBeNull();
    expect(body.warnings.map(({ message }: { message: string }) => message)).toEqual([
      'there is no connection or table "evnts"; did you mean "events"?',
      'there is no sink "outt"; did you mean "out"?',
    ]);
  });

  it('cannot try again what can never be delivered again', async () => {
    await call('POST', 'connections', { name: 'plain', ...source('plain.>') });
    const body = { query: 'SELECT id FROM plain', options: { on_error: 'retry' } };
    const refused = await call('POST', 'pipelines', { name: 'again', ...body });
    expect(refused).toMatchObject({
      status: 422,
      body: { errors: [{ code: 'invalid_option', pointer: '/options/on_error' }] },
    });
    expect(refused.body.detail).toContain("'dead_letter'");
    const early = await call('POST', 'pipelines', { name: 'again', ...body, query: 'SELECT id FROM plain_later' });
    expect(early.status).toBe(201);
    const late = await call('POST', 'connections', { name: 'plain_later', ...source('later.>') });
    expect(late).toMatchObject({ status: 201, body: { warnings: [{ code: 'pipeline_broken' }] } });
    expect(late.body.warnings[0].message).toContain("on_error = 'retry'");
    expect((await call('GET', 'pipelines/again')).body.warnings).toMatchObject([{ code: 'never_redelivered' }]);
    expect((await call('PATCH', 'pipelines/again', { options: { on_error: 'dead_letter' } })).status).toBe(200);
    expect((await call('PATCH', 'pipelines/again', { options: { on_error: 'retry' } })).status).toBe(422);
  });

  it('cannot feed themselves', async () => {
    await call('POST', 'connections', { name: 'back', ...sink('events.back') });
    const refused = await call('POST', 'pipelines', { name: 'loop', query: 'INSERT INTO back SELECT id FROM events' });
    expect(refused).toMatchObject({ status: 422, body: { errors: [{ code: 'feedback_loop' }] } });
  });

  it('cannot feed themselves over the bus either, where rows without a sink go', async () => {
    const everything = source('>');
    const servers = nats.url.replace('127.0.0.1', 'localhost');
    const onBus = { ...everything, options: { ...everything.options, servers } };
    expect((await call('POST', 'connections', { name: 'all_of_bus', ...onBus })).status).toBe(201);
    const query = 'SELECT * FROM all_of_bus';
    const refused = await call('POST', 'pipelines', { name: 'whirl', query });
    expect(refused).toMatchObject({ status: 422, body: { errors: [{ code: 'feedback_loop' }] } });
    expect(refused.body.detail).toContain('publishes to laminar.output.whirl, which "all_of_bus" reads');
    const validated = await call('POST', 'validate', { sql: `CREATE PIPELINE whirl AS ${query}` });
    expect(validated).toMatchObject({ status: 422, body: { errors: [{ code: 'feedback_loop' }] } });
  });

  it('go back to an earlier version, which is a new one', async () => {
    const query = (n: number) => ({ query: `SELECT ${n} AS n FROM events` });
    for (const n of [1, 2]) await call('PUT', 'pipelines/rolls', query(n));
    await call('POST', 'pipelines/rolls/stop');
    const back = await call('POST', 'pipelines/rolls/rollback', { version: 1 });
    expect(back).toMatchObject({ status: 200, body: { ...query(1), desired: 'stopped', version: 4 } });
    const toStop = await call('POST', 'pipelines/rolls/rollback', { version: 3 });
    expect(toStop.body).toMatchObject({ ...query(2), version: 5 });
    expect(await call('POST', 'pipelines/rolls/rollback', { version: 9 })).toMatchObject({
      status: 404,
      body: { code: 'version_not_found' },
    });
    expect((await call('POST', 'pipelines/rolls/rollback', { version: '1' })).status).toBe(422);
    await call('DELETE', 'pipelines/rolls');
    expect((await call('POST', 'pipelines/rolls/rollback', { version: 1 })).body.code).toBe('not_found');
    await call('PUT', 'pipelines/rolls', query(3));
    expect((await call('POST', 'pipelines/rolls/rollback', { version: 6 })).body.detail).toContain('was dropped');
  });

  it('do not go back to a query that no longer holds', async () => {
    await call('POST', 'tables', { name: 'shrinks', connector: 'events', columns });
    await call('PUT', 'pipelines/old', { query: 'SELECT id FROM shrinks' });
    await call('PUT', 'pipelines/old', { query: 'SELECT customerId FROM shrinks' });
    await call('PATCH', 'tables/shrinks', { columns: columns.slice(1) });
    const refused = await call('POST', 'pipelines/old/rollback', { version: 1 });
    expect(refused).toMatchObject({ status: 422, body: { code: 'unknown_column' } });
  });
});

describe('what a definition rests on', () => {
  it('is not itself', async () => {
    expect(await call('POST', 'tables', { name: 'itself', connector: 'itself', columns })).toMatchObject({
      status: 422,
      body: { errors: [{ code: 'not_a_source', pointer: '/connector' }] },
    });
    expect((await call('POST', 'tables', { name: 'itself', connector: 'later', columns })).status).toBe(201);
    expect((await call('PUT', 'tables/itself', { connector: 'itself', columns })).status).toBe(422);
    const script = "CREATE TABLE itself2 (id BIGINT) WITH (connector = 'itself2')";
    expect(await call('POST', 'sql', { sql: script })).toMatchObject({ status: 422, body: { statement_index: 0 } });
  });
});

describe('a definition that was read', () => {
  it('can be edited and put back as it is, and what the service says of it changes nothing', async () => {
    await call('POST', 'connections', { name: 'echo', ...source('a') });
    const { body, headers } = await call('GET', 'connections/echo');
    const etag = headers.get('etag') ?? '';
    expect(await call('PUT', 'connections/echo', body, { 'if-match': etag })).toMatchObject({
      status: 200,
      body: { version: 1, revision: body.revision },
    });
    const edited = { ...body, version: 7, created_at: 'x', options: { ...body.options, subject: 'b' } };
    expect(await call('PUT', 'connections/echo', edited, { 'if-match': etag })).toMatchObject({
      status: 200,
      body: { version: 2, created_at: body.created_at, options: { subject: 'b' } },
    });
    const pipeline = await call('PUT', 'pipelines/echo', { query: 'SELECT a FROM echo' });
    expect((await call('PUT', 'pipelines/echo', pipeline.body)).body.version).toBe(1);
    expect((await call('PATCH', 'connections/echo', { version: 7 })).status).toBe(422);
  });
});

describe('the past', () => {
  it('is there by version, revision and time, also of what is dropped', async () => {
    const events: { version: number; revision: number; at: string; subject: string | undefined }[] = [];
    const note = async () => {
      const { body } = await call('GET', 'connections/past/history');
      const { version, revision, at, definition } = body.items.at(-1);
      events.push({ version, revision, at, subject: definition?.options.subject });
      // The next event must have a later millisecond to be told apart by time.
      await eventually(() => Date.now() > Date.parse(at), { what: 'the clock to go on' });
    };
    await call('POST', 'connections', { name: 'past', ...source('a') });
    await note();
    await call('PUT', 'connections/past', source('b'));
    await note();
    await call('DELETE', 'connections/past');
    await note();
    await call('PUT', 'connections/past', source('c'));
    await note();
    await call('DELETE', 'connections/past');

    for (const { version, revision, at, subject } of events) {
      for (const query of [
        `version=${version}`,
        `revision=${revision}`,
        `at=${at}`,
        `at=${at.replace('Z', '+00:00')}`,
      ]) {
        const then = await call('GET', `connections/past?${query}`);
        if (subject === undefined) {
          expect(then, query).toMatchObject({ status: 404, body: { code: 'version_not_found' } });
          expect(then.body.detail).toContain('dropped');
        } else {
          expect(then, query).toMatchObject({
            status: 200,
            body: { version, revision, options: { subject }, status: null },
          });
          expect(then.headers.get('etag')).toBe(`"${revision}"`);
        }
      }
    }
    expect(events.map(({ subject }) => subject)).toEqual(['a', 'b', undefined, 'c']);
    const first = events[0]?.revision ?? 0;
    expect((await call('GET', `connections/past?revision=${first - 1}`)).body.detail).toContain('did not exist yet');
    expect((await call('GET', 'connections/past?at=2001-01-01')).status).toBe(404);
    expect((await call('GET', 'connections/past?version=6')).body.detail).toContain('it has 5 versions');
    expect((await call('GET', 'connections/never?version=1')).body.code).toBe('not_found');
  });

  it('says of every version when its own life began', async () => {
    const born = await call('POST', 'pipelines', { name: 'aged', query: 'SELECT a FROM somewhere' });
    await call('PUT', 'pipelines/aged', { query: 'SELECT b FROM somewhere' });
    await call('POST', 'pipelines/aged/stop');
    await call('POST', 'pipelines/aged/rollback', { version: 1 });
    const createdAt = async (version: number) =>
      (await call('GET', `pipelines/aged?version=${version}`)).body.created_at;
    const first = born.body.created_at;
    for (const version of [1, 2, 3, 4]) expect(await createdAt(version), `${version}`).toBe(first);
    await call('DELETE', 'pipelines/aged');
    await eventually(() => Date.now() > Date.parse(first), { what: 'the clock to go on' });
    const again = await call('PUT', 'pipelines/aged', { query: 'SELECT c FROM somewhere' });
    await call('PUT', 'pipelines/aged', { query: 'SELECT d FROM somewhere' });
    for (const version of [1, 2, 3, 4]) expect(await createdAt(version), `${version}`).toBe(first);
    for (const version of [6, 7]) expect(await createdAt(version), `${version}`).toBe(again.body.created_at);
    expect(again.body.created_at).not.toBe(first);
  });

  it('refuses what cannot be asked', async () => {
    for (const query of ['version=0', 'version=x', 'at=yesterday', 'version=1&revision=2', 'version=1&wait=applied'])
      expect(await call('GET', `connections/past?${query}`), query).toMatchObject({
        status: 400,
        body: { code: 'invalid_parameter' },
      });
  });

  it('is listed as history, oldest first, starts and stops included', async () => {
    await call('PUT', 'pipelines/lived', { query: 'SELECT a FROM nowhere' });
    await call('POST', 'pipelines/lived/stop');
    await call('POST', 'pipelines/lived/start');
    await call('PATCH', 'pipelines/lived', { query: 'SELECT b FROM nowhere' });
    await call('DELETE', 'pipelines/lived');
    const items: { version: number; type: string; definition: unknown }[] = [];
    let cursor: string | null = null;
    do {
      const page = await call('GET', `pipelines/lived/history?limit=2${cursor === null ? '' : `&cursor=${cursor}`}`);
      items.push(...page.body.items);
      cursor = page.body.next_cursor;
    } while (cursor !== null);
    const running = { query: 'SELECT a FROM nowhere', desired: 'running', options: {} };
    expect(items).toMatchObject([
      { version: 1, type: 'PipelineCreated', actor: 'anonymous', definition: running },
      { version: 2, type: 'PipelineStopped', definition: { ...running, desired: 'stopped' } },
      { version: 3, type: 'PipelineStarted', definition: running },
      { version: 4, type: 'PipelineChanged', definition: { ...running, query: 'SELECT b FROM nowhere' } },
      { version: 5, type: 'PipelineDropped', definition: null },
    ]);
    expect((await call('GET', 'pipelines/never/history')).status).toBe(404);
  });
});
