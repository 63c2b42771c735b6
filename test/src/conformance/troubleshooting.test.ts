import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, apiOf } from '../api.js';
import { eventually } from '../eventually.js';
import { startMesh, type TestMesh } from '../servers/mesh.js';
import { temporaryDirectory } from '../temporary-directory.js';
import { type MonitoredNats, startMonitoredNats } from './monitoring.js';
import { specIt, specSql } from './spec.js';

// The specification's "Troubleshooting": what a connection stands on is tested, and a test changes nothing.

let mesh: TestMesh;
let outside: MonitoredNats;
/** Lets in the user that it knows, who may do little. */
let guarded: MonitoredNats;
let nc: NatsConnection;
let api: Api;

beforeAll(async () => {
  [mesh, outside, guarded] = await Promise.all([
    startMesh({
      env: {
        LAMINAR_SECRET_RIGHT: 'pa55word-right',
        LAMINAR_SECRET_WRONG: 'pa55word-wrong',
        LAMINAR_SECRETS_KEY: Buffer.alloc(32).toString('base64'),
      },
    }),
    startMonitoredNats('server_name: outside\n'),
    startMonitoredNats(
      `authorization { users: [{ user: reader, password: "pa55word-right", permissions: { publish: "open.>", subscribe: ["open.>", "_INBOX.>"] } }] }\n`,
    ),
  ]);
  nc = await connect({ servers: outside.nats.url });
  api = apiOf(mesh);
});
afterAll(async () => {
  await nc?.close();
  await mesh?.stop();
  await outside?.nats.stop();
  await guarded?.nats.stop();
});

interface Check {
  readonly check: string;
  readonly status: string;
  readonly message: string;
  readonly duration_ms: number;
}

const secret = (name: string) => `\${secret:${name}}`;

const names = ['reach', 'tls', 'authentication', 'server', 'permissions', 'stream', 'consumer', 'sample'];

/** Tests a definition that is not stored; the checks by name. */
async function test(options: object): Promise<{ ok: boolean; checks: { [name: string]: Check } }> {
  const body = { connector: 'nats', options: { type: 'source', format: 'json', ...options } };
  const answer = await api.post('/connections/test', body);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  expect(answer.body.checks.map(({ check }: Check) => check)).toEqual(names);
  expect(JSON.stringify(answer.body)).not.toContain('pa55word');
  return {
    ok: answer.body.ok,
    checks: Object.fromEntries(answer.body.checks.map((check: Check) => [check.check, check])),
  };
}

/** That this check failed with such words, and that everything behind it was skipped for its sake. */
function expectFailure({ ok, checks }: Awaited<ReturnType<typeof test>>, failing: string, ...words: string[]): void {
  expect(ok).toBe(false);
  const { status, message } = checks[failing] as Check;
  expect([failing, status], message).toEqual([failing, 'failed']);
  for (const word of words) expect(message).toContain(word);
  for (const behind of names.slice(names.indexOf(failing) + 1))
    expect(checks[behind]).toMatchObject({ status: 'skipped', message: expect.stringContaining(`"${failing}"`) });
}

const here = () => ({ 'nats://localhost:4222': outside.nats.url });

specIt('Connection Test 1', 'a row for each check, with evidence', async () => {
  const created = await api.post('/sql', { sql: specSql('nats_source', here()) });
  expect(created.status).toBe(200);
  const feed = setInterval(() => nc.publish('events.a', '{"id":1}'), 20);
  const { status, body } = await api.post('/sql', { sql: specSql('Connection Test 1'), timeout_ms: 10_000 });
  clearInterval(feed);
  expect(status, JSON.stringify(body)).toBe(200);
  const [{ columns, rows, complete }] = body.results;
  expect([columns.map(({ name }: { name: string }) => name), complete]).toEqual([
    ['check', 'status', 'message', 'duration_ms'],
    true,
  ]);
  const { version } = await outside.monitor('/varz');
  const { host } = new URL(outside.nats.url);
  const expected: { [check: string]: [status: string, evidence: string] } = {
    reach: ['ok', host],
    tls: ['skipped', 'no TLS'],
    authentication: ['ok', 'without credentials'],
    server: ['ok', `nats-server ${version} "outside"`],
    permissions: ['ok', 'may subscribe to events.>'],
    stream: ['skipped', 'no stream'],
    consumer: ['skipped', 'no consumer'],
    sample: ['ok', 'events.a, 8 bytes, reads as json: {"id":1}'],
  };
  expect(rows).toEqual(
    Object.entries(expected).map(([check, [state, evidence]]) => [
      check,
      state,
      expect.stringContaining(evidence),
      expect.any(Number),
    ]),
  );
});

specIt('Connection Test 2', 'what the server says of itself, column by column', async () => {
  const query = specSql('Connection Test 2');
  await api.post('/sql?wait=applied', { sql: 'CREATE PIPELINE reading AS SELECT * FROM nats_source' });
  const row = await eventually(async () => (await api.rows(query))[0], { what: 'the server of nats_source' });
  const varz = await outside.monitor('/varz');
  const [client] = await outside.clients(/nats_source/);
  expect(row).toEqual({
    connection: 'nats_source',
    server_id: varz.server_id,
    server_name: varz.server_name,
    version: varz.version,
    host: varz.host,
    port: varz.port,
    cluster: varz.cluster?.name ?? '',
    jetstream: 1,
    tls_required: 0,
    auth_required: 0,
    max_payload: varz.max_payload,
    client_id: (client as unknown as { cid: number }).cid,
    updated_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
  });
});

describe('a test', () => {
  it('of what is stored and of what is not is the same, by SQL and by REST', async () => {
    const stored = await api.post('/connections/nats_source/test?timeout_ms=5000', undefined);
    expect(stored).toMatchObject({ status: 200, body: { ok: true, checks: names.map((check) => ({ check })) } });
    const { checks } = await test({ servers: outside.nats.url, subject: 'quiet' });
    expect(checks.sample).toMatchObject({ status: 'skipped', message: expect.stringContaining('none came on quiet') });
  });

  it('of a name that there is not says which one may be meant', async () => {
    const sql = await api.post('/sql', { sql: "SHOW TABLES;\nSELECT test_connection('nats_sorce')" });
    expect(sql).toMatchObject({
      status: 404,
      body: { code: 'not_found', statement_index: 1, position: { line: 2, column: 24 } },
    });
    expect(sql.body.detail).toContain('did you mean "nats_source"?');
    expect(await api.post('/connections/nats_sorce/test', undefined)).toMatchObject({ status: 404 });
    const wrong = await api.post('/connections/test', { connector: 'nats', options: { servers: outside.nats.url } });
    expect(wrong).toMatchObject({ status: 422, body: { code: 'invalid_definition' } });
  });

  it('finds a port where nobody listens, or something else does', async () => {
    expectFailure(await test({ servers: 'nats://127.0.0.1:1', subject: 'a' }), 'reach', '127.0.0.1:1', 'ECONNREFUSED');
    const other = new URL(mesh.controlPlanes[0]?.url ?? '').port;
    expectFailure(await test({ servers: `nats://127.0.0.1:${other}`, subject: 'a' }), 'reach', 'no nats-server');
    const { ok, checks } = await test({ servers: `nats://127.0.0.1:1,${outside.nats.url}`, subject: 'a' });
    expect([ok, checks.reach?.status]).toEqual([true, 'warning']);
  });

  it('finds a password that is wrong, and one that is nowhere', async () => {
    const user = { servers: guarded.nats.url, subject: 'open.a', username: 'reader' };
    const right = await test({ ...user, password: secret('right') });
    expect([right.ok, right.checks.authentication?.message]).toEqual([
      true,
      expect.stringContaining('as the user "reader"'),
    ]);
    expectFailure(
      await test({ ...user, password: secret('wrong') }),
      'authentication',
      'refuses the user and password',
    );
    expectFailure(await test({ ...user, password: secret('nowhere') }), 'authentication', '"nowhere"');
    expectFailure(await test({ servers: guarded.nats.url, subject: 'open.a' }), 'authentication', 'gives none');
  });

  it('finds a certificate that is for another host', async () => {
    const directory = await temporaryDirectory('tls');
    const [certificate, key] = [join(directory.path, 'cert.pem'), join(directory.path, 'key.pem')];
    const request = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '90'];
    const names = ['-subj', '/CN=elsewhere', '-addext', 'subjectAltName=DNS:nats.example.com'];
    execFileSync('openssl', ['req', ...request, ...names, '-keyout', key, '-out', certificate], { stdio: 'pipe' });
    const secured = await startMonitoredNats(`tls { cert_file: "${certificate}", key_file: "${key}" }\n`);
    try {
      const options = { servers: secured.nats.url, subject: 'a', tls_required: true };
      expectFailure(
        await test({ ...options, tls_ca_file: certificate }),
        'tls',
        'nats.example.com',
        'issued by elsewhere',
      );
      expectFailure(await test(options), 'tls', 'tls_ca_file');
      const { ok, checks } = await test({ ...options, tls_verify: false });
      expect([ok, checks.tls?.status]).toEqual([true, 'warning']);
    } finally {
      await secured.nats.stop();
      await directory.remove();
    }
  });

  it('finds what may not be done, here and at the server', async () => {
    const user = { servers: guarded.nats.url, username: 'reader', password: secret('right') };
    expectFailure(await test({ ...user, subject: 'closed.a' }), 'permissions', 'closed.a', 'Permissions Violation');
    const own = { servers: outside.nats.url, subject: 'a', permissions: { subscribe: ['b.>'] } };
    expectFailure(await test(own), 'permissions', 'option permissions', 'subscribing to "a"');
    expectFailure(
      await test({
        servers: guarded.nats.url,
        username: 'reader',
        password: secret('right'),
        subject: 'a',
        jetstream: true,
        stream_name: 'A',
      }),
      'stream',
      '$JS.API.STREAM.INFO.A',
    );
  });

  it('looks at streams and consumers, and makes none', async () => {
    const jsm = await jetstreamManager(nc);
    const orders = { servers: outside.nats.url, jetstream: true, stream_name: 'ORDERS', subject: 'orders.*' };
    expectFailure(await test(orders), 'stream', 'no stream "ORDERS"', 'stream_subjects');
    const made = await test({ ...orders, subject: undefined, stream_subjects: 'orders.>' });
    expect([made.ok, made.checks.stream?.status]).toEqual([true, 'skipped']);

    await jsm.streams.add({ name: 'ORDERS', subjects: ['orders.new', 'orders.paid'], max_msgs: 10 });
    await jetstream(nc).publish('orders.new', '{"n":1}');
    const partly = await test(orders);
    expect(partly.checks.stream).toMatchObject({ status: 'warning', message: expect.stringContaining('not all of') });
    expectFailure(await test({ ...orders, subject: 'bills.*' }), 'stream', 'nothing of bills.*');
    const drifted = await test({ ...orders, subject: undefined, stream_subjects: ['orders.new', 'orders.paid'] });
    expect(drifted.checks.stream).toMatchObject({ status: 'warning', message: expect.stringContaining('max_msgs') });

    const paid = { ...orders, subject: 'orders.new', consumer_name: 'desk' };
    const before = await test(paid);
    expect(before.checks).toMatchObject({
      consumer: { status: 'skipped' },
      sample: { status: 'ok', message: expect.stringContaining('sequence 1 on orders.new') },
    });
    await jsm.consumers.add('ORDERS', { durable_name: 'desk', ack_policy: 'explicit', filter_subject: 'orders.paid' });
    const after = await test(paid);
    expect(after.checks.consumer).toMatchObject({
      status: 'warning',
      message: expect.stringMatching(/another .*filter_subject than the definition/),
    });
    await jsm.consumers.add('ORDERS', { durable_name: 'pushed', ack_policy: 'explicit', deliver_subject: 'to.here' });
    expectFailure(await test({ ...paid, consumer_name: 'pushed' }), 'consumer', 'push consumer');

    await jetstream(nc).publish('orders.new', 'no json');
    expectFailure(await test(paid), 'sample', 'sequence 2', 'not valid JSON');
    expect(await outside.consumers()).toEqual(expect.arrayContaining(['ORDERS desk', 'ORDERS pushed']));
    expect((await outside.consumers()).filter((name) => name.startsWith('ORDERS'))).toHaveLength(2);
  });

  it('of a sink looks at where it writes, and writes nothing', async () => {
    const jsm = await jetstreamManager(nc);
    const sink = { type: 'sink', servers: outside.nats.url, jetstream: true };
    const { ok, checks } = await test({ ...sink, subject: 'orders.paid' });
    expect([ok, checks.stream?.message]).toEqual([true, expect.stringContaining('stream "ORDERS"')]);
    expectFailure(await test({ ...sink, subject: 'nobody.takes.it' }), 'stream', 'no stream takes nobody.takes.it');
    expect((await jsm.streams.info('ORDERS')).state.messages).toBe(2);
  });

  it('leaves no client behind', async () => {
    await eventually(async () => (await outside.clients(/ test$/)).length === 0, { what: 'tests to have hung up' });
    await eventually(async () => (await guarded.clients(/ test$/)).length === 0, { what: 'tests to have hung up' });
  });
});

describe('what a server may lack', () => {
  it('is known when a definition is stored, of the server as it is', async () => {
    const options = {
      servers: outside.nats.url,
      type: 'source',
      format: 'json',
      jetstream: true,
      stream_name: 'GATED',
    };
    const body = { connector: 'nats', options: { ...options, filter_subjects: ['gated.a', 'gated.b'] } };
    const [major = 0, minor = 0] = (nc.info?.version ?? '').split('.').map(Number);
    const stored = await api.put('/connections/gated', body);
    if (major > 2 || minor >= 10)
      expect(stored).toMatchObject({ status: 201, body: { warnings: [{ code: 'missing_stream' }] } });
    else
      expect(stored).toMatchObject({
        status: 422,
        body: {
          detail: expect.stringContaining(`${outside.nats.url} is ${nc.info?.version}`),
          errors: [{ code: 'server_too_old', pointer: '/options/filter_subjects' }],
        },
      });
    const away = { ...body, options: { ...body.options, servers: 'nats://127.0.0.1:1' } };
    expect(await api.put('/connections/gated_away', away)).toMatchObject({
      status: 201,
      body: { warnings: [{ code: 'server_unchecked', message: expect.stringContaining('ECONNREFUSED') }] },
    });
  });
});

describe('a stream that is not there', () => {
  const options = (stream: string, more: object = {}) => ({
    connector: 'nats',
    options: {
      ...{ servers: outside.nats.url, type: 'source', format: 'json', jetstream: true },
      ...{ stream_name: stream, subject: '>', ...more },
    },
  });
  const missing = (...words: string[]) => [
    { code: 'missing_stream', message: expect.stringMatching(new RegExp(words.join('.*'))) },
  ];

  it('is said where a connection is defined, with the one that may be meant, and the connection heals', async () => {
    const jsm = await jetstreamManager(nc);
    await jsm.streams.add({ name: 'PARCELS', subjects: ['parcels.*'] });
    const misspelt = await api.post('/connections', { name: 'parcels', ...options('PARCLES') });
    expect(misspelt).toMatchObject({ status: 201, body: { warnings: missing('"PARCLES"', '"PARCELS"') } });
    expect(await api.put('/connections/parcels', options('PARCELS'))).toMatchObject({ body: { warnings: [] } });

    const sql = `CREATE CONNECTION letters TO nats (servers = '${outside.nats.url}', type = 'source', format = 'json', jetstream = true, stream_name = 'LETTERS', subject = 'letters')`;
    for (const path of ['/validate', '/sql'])
      expect((await api.post(path, { sql })).body).toMatchObject({ results: [{ warnings: missing('"LETTERS"') }] });
    await jsm.streams.add({ name: 'LETTERS', subjects: ['letters'] });
    await eventually(async () => (await api.get('/connections/letters')).body.status.state !== 'blocked', {
      what: 'the connection to be let go on',
    });
  });

  it.each([
    [
      'a bucket',
      { connector: 'nats', options: { type: 'source', format: 'json', jetstream: true, kv_bucket: 'nowhere' } },
      'KV_nowhere',
    ],
    [
      'the output of a sink',
      { connector: 'nats', options: { type: 'sink', subject: 'nowhere.x', jetstream: true } },
      'nowhere.x',
    ],
  ])('is said of %s, too', async (_, definition, name) => {
    const body = { ...definition, options: { servers: outside.nats.url, ...definition.options } };
    expect((await api.put('/connections/nowhere', body)).body).toMatchObject({ warnings: missing(name) });
    await api.delete('/connections/nowhere');
  });

  it('is no matter where the connection makes it, or the server is away', async () => {
    const made = await api.put('/connections/made', options('MADE', { subject: 'made', stream_subjects: 'made' }));
    expect(made.body.warnings).toEqual([]);
    const away = await api.put('/connections/away', options('AWAY', { servers: 'nats://127.0.0.1:1' }));
    expect(away.body.warnings).toEqual([]);
  });
});

describe('a secret that is waited for', () => {
  it('lets in the connections that were blocked for want of it before it answers', async () => {
    const options = {
      servers: guarded.nats.url,
      type: 'source',
      format: 'json',
      subject: 'open.waited',
      username: 'reader',
      password: secret('waited_for'),
    };
    expect((await api.put('/connections/waits', { connector: 'nats', options })).status).toBe(201);
    const pipeline = await api.put('/pipelines/waits?wait=applied', { query: 'SELECT * FROM waits' });
    expect(pipeline.body.status).toMatchObject({ state: 'blocked' });
    expect((await api.put('/secrets/waited_for?wait=applied', { value: 'pa55word-right' })).status).toBe(201);
    expect((await api.get('/connections/waits')).body.status).toMatchObject({ state: 'connected' });
    await api.delete('/pipelines/waits?wait=applied');
  });
});
