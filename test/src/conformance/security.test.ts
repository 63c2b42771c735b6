import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Api, apiOf } from '../api.js';
import { eventually } from '../eventually.js';
import { startMesh, type TestMesh } from '../servers/mesh.js';
import { type MonitoredNats, startMonitoredNats } from '../servers/monitored-nats.js';
import { specIt, specSql } from './spec.js';

// The specification's "Permissions": what a connection allows itself, before the server is asked, and what the server allows it.

const password = 'limited-password-2b61';

let mesh: TestMesh;
let server: MonitoredNats;
let nc: NatsConnection;
let api: Api;
beforeAll(async () => {
  server = await startMonitoredNats({
    config: `
      authorization {
        users = [
          { user: limited_user, password: "${password}"
            permissions: { publish: { deny: "responses.forbidden" }, subscribe: { deny: "events.forbidden" } } }
          { user: everybody, password: everybody }
        ]
      }
      no_auth_user: everybody`,
  });
  mesh = await startMesh({ env: { LAMINAR_SECRET_USER_PASSWORD: password } });
  nc = await connect({ servers: server.url });
  api = apiOf(mesh);
});
afterAll(async () => {
  await nc?.close();
  await mesh?.stop();
  await server?.stop();
});

async function define(sql: string): Promise<{ warnings: { code: string; message: string }[]; name: string }[]> {
  const { status, body } = await api.post('/sql', { sql: sql.replaceAll('nats://localhost:4222', server.url) });
  expect(status, JSON.stringify(body)).toBe(200);
  return body.results;
}

const connection = async (name: string) =>
  (await api.rows(`SELECT * FROM system.nats_connections WHERE connection_name = '${name}'`))[0];
const pipeline = async (name: string) => (await api.rows(`SELECT * FROM system.pipelines WHERE name = '${name}'`))[0];

const stateOf = (row: () => Promise<Record<string, unknown> | undefined>, state: string) =>
  eventually(
    async () => {
      const found = await row();
      if (found?.state !== state) throw new Error(`it is ${JSON.stringify(found)}`);
      return found;
    },
    { what: `the state ${state}`, timeoutMs: 15_000 },
  );

/** The subjects and texts of all messages that the server hands out from now on. */
async function overhear(subject: string): Promise<string[]> {
  const heard: string[] = [];
  nc.subscribe(subject, { callback: (_, message) => void heard.push(`${message.subject} ${message.string()}`) });
  await nc.flush();
  return heard;
}

specIt(
  'nats_perms',
  'is stored as it is written, with a warning, and never asks the server for what it may not do',
  async () => {
    const [perms] = await define(specSql('nats_perms'));
    expect(perms?.warnings).toEqual([
      {
        code: 'not_permitted',
        message: expect.stringMatching(/"restricted\.>".*they allow requests\.>, events\.>/),
      },
    ]);
    expect((await api.get('/connections/nats_perms')).body.warnings).toMatchObject([{ code: 'not_permitted' }]);
    const before = await server.connectionsEver();
    await define('CREATE PIPELINE perms_p AS SELECT * FROM nats_perms;');
    const failed = await stateOf(() => connection('nats_perms'), 'failed');
    expect(failed.last_error).toContain('its own permissions do not allow subscribing to "restricted.>"');
    expect((await stateOf(() => pipeline('perms_p'), 'failed')).last_error).toContain('"restricted.>"');
    expect(await server.connectionsEver()).toBe(before);
    const log = await eventually(
      async () => {
        const lines = await api.rows("SELECT level, message FROM system.nats_logs WHERE connection = 'nats_perms'");
        return lines.length > 0 && lines;
      },
      { what: 'its line in the log', timeoutMs: 4000 },
    );
    expect(log).toEqual([{ level: 'error', message: expect.stringContaining('failed: its own permissions') }]);
  },
);

specIt('nats_perms', 'reads what it allows itself once its subject is among that', async () => {
  await define("ALTER CONNECTION nats_perms SET (subject = 'requests.>');");
  await stateOf(() => connection('nats_perms'), 'connected');
  expect((await api.get('/connections/nats_perms')).body.warnings).toEqual([]);
  const rows: string[] = [];
  const bus = await connect({ servers: mesh.nats.url });
  bus.subscribe('laminar.output.perms_p', { callback: (_, message) => void rows.push(message.string()) });
  await bus.flush();
  nc.publish('requests.a', '{"n":1}');
  await eventually(() => rows.length === 1, { what: 'the row' });
  expect(rows).toEqual(['{"n":1}']);
  await bus.close();
});

it('keeps rows from subjects of their own choice that the connection does not allow', async () => {
  await define(`
    CREATE CONNECTION chosen TO nats (servers = '${server.url}', subject = 'chosen', type = 'source', format = 'json');
    CREATE CONNECTION guarded TO nats (servers = '${server.url}', subject = 'responses.default', type = 'sink', format = 'json',
      permissions = MAP { 'publish': ['responses.>'] });
    CREATE PIPELINE chosen_p AS INSERT INTO guarded SELECT "to" AS subject, n AS payload FROM chosen;`);
  await stateOf(() => pipeline('chosen_p'), 'running');
  const heard = await overhear('*.x');
  nc.publish('chosen', '{"to":"elsewhere.x","n":1}');
  nc.publish('chosen', '{"to":"responses.x","n":2}');
  await eventually(
    async () => {
      expect(await pipeline('chosen_p')).toMatchObject({ messages_out: 1, dead_letters: 1 });
      return true;
    },
    { what: 'one row out and one dead letter' },
  );
  expect((await pipeline('chosen_p'))?.last_error).toContain('do not allow publishing to "elsewhere.x"');
  expect(heard).toEqual(['responses.x 2']);
});

it('holds for sinks and streams: what cannot work is never tried', async () => {
  const before = await server.connectionsEver();
  const results = await define(`
    CREATE CONNECTION mute TO nats (servers = '${server.url}', subject = 'out', type = 'sink', format = 'json', permissions = MAP { 'publish': [] });
    CREATE CONNECTION deaf TO nats (servers = '${server.url}', subject = 'deaf.>', type = 'source', format = 'json', jetstream = true,
      stream_name = 'DEAF', stream_subjects = 'deaf.>', permissions = MAP { 'subscribe': ['deaf.a'] });`);
  expect(results.map(({ warnings }) => warnings.map(({ code }) => code))).toEqual([
    ['not_permitted'],
    ['not_permitted'],
  ]);
  expect((await stateOf(() => connection('deaf'), 'failed')).last_error).toContain('"deaf.>"');
  await define('CREATE PIPELINE mute_p AS INSERT INTO mute SELECT * FROM nats_perms;');
  expect((await stateOf(() => connection('mute'), 'failed')).last_error).toContain('they allow none');
  expect((await stateOf(() => pipeline('mute_p'), 'blocked')).last_error).toContain('publishing to "out"');
  expect(await server.connectionsEver()).toBe(before);
  const { streams } = await jetstreamManager(nc);
  expect(await streams.names().next()).toEqual([]);
});

it('shows what the server itself does not permit', async () => {
  const user = `user = 'limited_user', password = '\${secret:user_password}'`;
  await define(`
    CREATE CONNECTION refused TO nats (servers = '${server.url}', subject = 'events.forbidden', type = 'source', format = 'json', ${user});
    CREATE PIPELINE refused_p AS SELECT * FROM refused;
    CREATE CONNECTION refused_sink TO nats (servers = '${server.url}', subject = 'responses.forbidden', type = 'sink', format = 'json', ${user});
    CREATE PIPELINE refused_sink_p AS INSERT INTO refused_sink SELECT * FROM nats_perms;`);
  const failed = await stateOf(() => connection('refused'), 'failed');
  expect(String(failed.last_error)).toMatch(/Permissions Violation for Subscription to "events\.forbidden"/i);
  await stateOf(() => pipeline('refused_sink_p'), 'running');
  nc.publish('requests.b', '{}');
  await eventually(
    async () =>
      /Permissions Violation for Publish to "responses\.forbidden"/i.test(
        String((await connection('refused_sink'))?.last_error),
      ),
    { what: 'the refusal in last_error of the sink' },
  );
  expect((await stateOf(() => pipeline('refused_sink_p'), 'blocked')).last_error).toContain('is not permitted');
  const violations = await api.rows(
    "SELECT connection, attributes FROM system.nats_logs WHERE message LIKE 'the server does not permit%' ORDER BY connection",
  );
  expect(violations.map((line) => [line.connection, JSON.parse(String(line.attributes)).subject])).toEqual(
    expect.arrayContaining([
      ['refused', 'events.forbidden'],
      ['refused_sink', 'responses.forbidden'],
    ]),
  );
  expect(JSON.stringify(await api.rows('SELECT * FROM system.nats_logs'))).not.toContain(password);
});
