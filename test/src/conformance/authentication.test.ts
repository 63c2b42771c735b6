import { nkeys } from '@nats-io/nats-core';
import {
  type ConnectionOptions,
  connect,
  credsAuthenticator,
  nkeyAuthenticator,
  tokenAuthenticator,
} from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { startMesh, type TestMesh } from '../servers/mesh.js';
import { startNats, type TestNats } from '../servers/nats.js';
import { TestOperator } from '../servers/operator.js';
import { MeshClient, textsOf } from './client.js';
import { specIt, specSql } from './spec.js';

// The specification's "Authentication": each way in, with its secrets stored by REST.

const canary = 'canary-4be1';
const operator = new TestOperator();
const user = operator.user();
const stranger = new TestOperator().user();
const encoder = new TextEncoder();
const publicKey = (seed: string) => nkeys.fromSeed(encoder.encode(seed)).getPublicKey();

interface Way {
  readonly id: string;
  readonly subject: string;
  readonly config: string;
  /** What lets it in, and what does not, by the names of the secrets. */
  readonly right: { readonly [secret: string]: string };
  readonly wrong: { readonly [secret: string]: string };
  readonly refusal: RegExp;
  /** How the test itself gets in. */
  readonly login: Partial<ConnectionOptions>;
}

const password = `authorization { user: laminar, password: "right-${canary}" }\n`;
const byPassword = {
  subject: 'private.events',
  config: password,
  right: { nats_password: `right-${canary}` },
  wrong: { nats_password: `wrong-${canary}` },
  refusal: /refuses the user and password/,
  login: { user: 'laminar', pass: `right-${canary}` },
};
const ways: readonly Way[] = [
  {
    id: 'nats_token',
    subject: 'secure.events',
    config: `authorization { token: "right-${canary}" }\n`,
    right: { nats_token: `right-${canary}` },
    wrong: { nats_token: `wrong-${canary}` },
    refusal: /refuses the token/,
    login: { authenticator: tokenAuthenticator(`right-${canary}`) },
  },
  { id: 'nats_userpass', ...byPassword },
  {
    id: 'nats_nkey',
    subject: 'secure.data',
    config: `authorization { users = [ { nkey: ${publicKey(user.seed)} } ] }\n`,
    right: { nkey_seed: user.seed },
    wrong: { nkey_seed: stranger.seed },
    refusal: /refuses the NKey/,
    login: { authenticator: nkeyAuthenticator(encoder.encode(user.seed)) },
  },
  {
    id: 'nats_jwt',
    subject: 'protected.stream',
    config: operator.config,
    right: { nats_jwt: user.jwt, nkey_seed: user.seed },
    wrong: { nats_jwt: stranger.jwt, nkey_seed: stranger.seed },
    refusal: /refuses the JWT/,
    login: { authenticator: credsAuthenticator(encoder.encode(credentials(user))) },
  },
];

/** A credentials file (NATS documentation, "Creds files"). */
function credentials({ jwt, seed }: { jwt: string; seed: string }): string {
  return `-----BEGIN NATS USER JWT-----\n${jwt}\n------END NATS USER JWT------\n-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`;
}

let mesh: TestMesh;
let client: MeshClient;
beforeAll(async () => {
  mesh = await startMesh({ env: { LAMINAR_SECRETS_KEY: Buffer.alloc(32, 7).toString('base64') } });
  client = await MeshClient.connect(mesh);
});
afterAll(async () => {
  await MeshClient.close(client);
  await mesh?.stop();
});

async function store(secrets: { readonly [name: string]: string }): Promise<void> {
  for (const [name, value] of Object.entries(secrets)) {
    const { status, body } = await client.api.put(`/secrets/${name}`, { value });
    expect([200, 201, 204], JSON.stringify(body)).toContain(status);
    expect(JSON.stringify(body ?? null)).not.toContain(value);
  }
}

async function forget(names: Iterable<string>): Promise<void> {
  for (const name of names) await client.api.delete(`/secrets/${name}`);
}

/** A message to where the connection reads comes out of its pipeline. */
async function flows(
  pipeline: string,
  server: TestNats,
  subject: string,
  login: Partial<ConnectionOptions>,
): Promise<void> {
  const rows = await client.collect(`laminar.output.${pipeline}`);
  const sender = await connect({ servers: server.url, ...login });
  sender.publish(subject, '{"n":1}');
  await sender.drain();
  await client.arrived(rows, 1);
  expect(textsOf(rows)).toEqual(['{"n":1}']);
}

describe('No Authentication', () => {
  specIt('nats_public', 'a server that wants nobody to be named is read, and one that does is not', async () => {
    const open = await startNats({ jetstream: false });
    const closed = await startNats({ jetstream: false, config: password });
    try {
      await client.run(`${specSql('nats_public', { 'nats://localhost:4222': open.url })}
        CREATE PIPELINE of_public AS SELECT n FROM nats_public`);
      await flows('of_public', open, 'public.events', {});
      await client.run(`ALTER CONNECTION nats_public SET (servers = '${closed.url}')`);
      await client.stands('connections', 'nats_public', 'blocked', /wants credentials/);
    } finally {
      await client.run('DROP CONNECTION nats_public CASCADE');
      await Promise.all([open.stop(), closed.stop()]);
    }
  });
});

/** Without its secret, with a wrong one, with the right one, and after the server knows another. */
async function lifeOf(
  { id, subject, config, right, wrong, refusal, login }: Way,
  sql: (url: string) => string,
): Promise<void> {
  const server = await startNats({ jetstream: false, config });
  try {
    await forget(Object.keys(right));
    const [created] = await client.run(`${sql(server.url)} CREATE PIPELINE of_${id} AS SELECT n FROM ${id}`);
    const missing = Object.keys(right).map((name) => ({
      code: 'missing_secret',
      message: expect.stringContaining(name),
    }));
    expect(created?.warnings).toEqual(
      expect.arrayContaining(missing.map((warning) => expect.objectContaining(warning))),
    );
    await client.stands('connections', id, 'blocked', /secret/);
    await client.stands('pipelines', `of_${id}`, 'blocked', /secret/);

    await store(wrong);
    await client.stands('connections', id, 'blocked', refusal);
    await store(right);
    await client.stands('pipelines', `of_${id}`, 'running');
    await flows(`of_${id}`, server, subject, login);

    // Rotation: what was right is not any more, and is again.
    await store(wrong);
    await server.restart();
    await client.stands('connections', id, 'reconnecting', refusal);
    await store(right);
    await client.stands('connections', id, 'connected');
    await flows(`of_${id}`, server, subject, login);
    await holdsNoSecret(id, [...Object.values(right), ...Object.values(wrong)]);
  } finally {
    await client.api.delete(`/connections/${id}?cascade=true`);
    await server.stop();
  }
}

/** Nothing that can be asked for has a value of a secret. */
async function holdsNoSecret(name: string, values: readonly string[]): Promise<void> {
  const said = JSON.stringify([
    (await client.api.get(`/connections/${name}`)).body,
    (await client.api.get(`/connections/${name}/history`)).body,
    (await client.api.get('/secrets')).body,
    await client.api.rows('SELECT * FROM system.nats_connections'),
    await client.api.rows('SELECT * FROM system.definition_events'),
    mesh.ingestion.map((service) => service.output()),
  ]);
  for (const value of values) expect(said).not.toContain(value);
}

for (const way of ways) {
  const what =
    'it waits for its secret, is refused with a wrong one, let in with the right one, and follows a rotation';
  specIt(way.id, what, () => lifeOf(way, (url) => specSql(way.id, { 'nats://localhost:4222': url })), 120_000);
}

describe('User/Password Authentication', () => {
  specIt(
    'nats_userpass',
    '"user" says the same as "username"',
    () =>
      lifeOf({ ...byPassword, id: 'nats_user' }, (url) =>
        specSql('nats_userpass', { 'nats://localhost:4222': url, nats_userpass: 'nats_user', 'username =': 'user =' }),
      ),
    120_000,
  );

  specIt('nats_userpass', 'a password that is written out, and a secret elsewhere, are refused', async () => {
    for (const [sql, detail] of [
      [specSql('nats_userpass', { '${secret:nats_password}': 'in-the-open' }), 'password'],
      [specSql('nats_token', { '${secret:nats_token}': 'in-the-open' }), 'token'],
      [specSql('nats_userpass', { 'private.events': `\${secret:subject}` }), 'subject'],
      [specSql('nats_public', { 'nats://localhost': 'nats://ann:in-the-open@localhost' }), 'servers'],
    ] as const) {
      const { status, body } = await client.api.post('/sql', { sql });
      expect(status, sql).toBe(422);
      expect(body.errors[0].detail).toContain(detail);
      expect(body.errors[0].detail).not.toContain('in-the-open');
    }
  });
});
