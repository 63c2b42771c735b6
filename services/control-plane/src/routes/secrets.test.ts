import { randomBytes } from 'node:crypto';
import { eventually, startNats, type TestNats } from '@laminar/test';
import { Kvm } from '@nats-io/kv';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Replica, startReplica } from '../testing.js';

const canary = 'canary-91bd';
const key = randomBytes(32);
const reference = (name: string) => `\${secret:${name}}`;

describe('secrets over REST', () => {
  let nats: TestNats;
  let replica: Replica;
  let another: Replica;

  beforeAll(async () => {
    nats = await startNats();
    replica = await startReplica(nats.url, { secretsKey: key });
    another = await startReplica(nats.url);
    for (const { health } of [replica, another])
      await eventually(() => health.reason === undefined, { what: 'a replica to be ready' });
  });
  afterAll(async () => {
    await replica.stop();
    await another.stop();
    await nats.stop();
  });

  it('go in, and their names come out', async () => {
    const made = await replica.call('PUT', 'secrets/tok', { value: canary });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ name: 'tok', version: 1, used_by: [] });
    const again = await replica.call('PUT', 'secrets/tok', { value: canary });
    expect(again.status).toBe(200);
    expect(again.body).toMatchObject({ version: 2, created_at: made.body.created_at });
    const list = await replica.call('GET', 'secrets');
    expect(list.status).toBe(200);
    expect(list.body).toMatchObject({ items: [{ name: 'tok', version: 2 }], next_cursor: null });
    const events = await replica.call('GET', 'events');
    expect(events.body.items).toMatchObject([
      { kind: 'secret', name: 'tok', type: 'SecretCreated', definition: null },
      { kind: 'secret', name: 'tok', type: 'SecretChanged', definition: null },
    ]);
    for (const { body } of [made, again, list, events]) expect(JSON.stringify(body)).not.toContain(canary);
  });

  it('are kept encrypted, one value each', async () => {
    const nc = await connect({ servers: nats.url });
    try {
      const kv = await new Kvm(nc).open('laminar_secrets');
      const keys: string[] = [];
      for await (const name of await kv.keys()) keys.push(name);
      expect(keys).toHaveLength(1);
      const entry = await kv.get(keys[0] ?? '');
      expect(Buffer.from(entry?.value ?? []).includes(canary)).toBe(false);
      expect(entry?.value.length).toBe(canary.length + 29);
    } finally {
      await nc.close();
    }
  });

  it('are deleted, and may come again', async () => {
    await replica.call('PUT', 'secrets/short', { value: 'x' });
    expect((await replica.call('DELETE', 'secrets/short')).status).toBe(204);
    expect((await replica.call('DELETE', 'secrets/short')).status).toBe(404);
    expect((await replica.call('PUT', 'secrets/short', { value: 'y' })).body).toMatchObject({ version: 3 });
    await replica.call('DELETE', 'secrets/short');
  });

  it.each<[string, unknown, number, string]>([
    ['an empty value', { value: '' }, 422, 'invalid_body'],
    ['a value of another type', { value: 5 }, 422, 'invalid_body'],
    ['no value', {}, 422, 'invalid_body'],
    ['another field', { value: canary, name: canary }, 422, 'invalid_body'],
    ['more than 64 KiB', { value: canary.repeat(10_000) }, 422, 'invalid_body'],
    ['no JSON', `{"value": "${canary}`, 400, 'malformed_json'],
    ['a member twice', `{"value": "${canary}", "value": "${canary}"}`, 400, 'malformed_json'],
  ])('%s is refused, without a word of what was sent', async (_, body, status, code) => {
    const answer = await replica.call('PUT', 'secrets/bad', body);
    expect(answer).toMatchObject({ status, body: { code } });
    expect(JSON.stringify(answer.body)).not.toContain(canary);
  });

  it('takes 64 KiB', async () => {
    expect((await replica.call('PUT', 'secrets/large', { value: 'x'.repeat(65_536) })).status).toBe(201);
    expect((await replica.call('DELETE', 'secrets/large')).status).toBe(204);
  });

  it.each(['a.b', '1a', 'x'.repeat(64), '$x', '..'.repeat(2)])('%s is the name of none', async (name) => {
    expect((await replica.call('PUT', `secrets/${encodeURIComponent(name)}`, { value: 'x' })).status).toBe(422);
    expect((await replica.call('DELETE', `secrets/${encodeURIComponent(name)}`)).status).toBe(404);
  });

  it('cannot be read one by one', async () => {
    expect((await replica.call('GET', 'secrets/tok')).status).toBe(405);
  });

  it('are paged', async () => {
    for (const name of ['p1', 'p2', 'p3']) await replica.call('PUT', `secrets/${name}`, { value: 'x' });
    const first = await replica.call('GET', 'secrets?limit=2');
    const second = await replica.call('GET', `secrets?limit=2&cursor=${first.body.next_cursor}`);
    const names = [...first.body.items, ...second.body.items].map(({ name }: { name: string }) => name);
    expect(names).toEqual(['p1', 'p2', 'p3', 'tok']);
    expect(second.body.next_cursor).toBeNull();
  });

  it('need a key, which the problem names', async () => {
    const answer = await another.call('PUT', 'secrets/tok', { value: canary });
    expect(answer).toMatchObject({ status: 503, body: { code: 'secrets_unavailable' } });
    expect(answer.body.detail).toContain('LAMINAR_SECRETS_KEY');
    expect((await another.call('GET', 'secrets')).status).toBe(200);
  });

  it('are known to the connections that name them', async () => {
    const options = { servers: 'h', type: 'source', format: 'json', subject: 'in', token: reference('late') };
    const early = await replica.call('PUT', 'connections/c', { connector: 'nats', options });
    expect(early.status).toBe(201);
    expect(early.body.options.token).toBe(reference('late'));
    expect(early.body.warnings).toMatchObject([
      { code: 'missing_secret', message: expect.stringMatching(/"late" is not stored.*LAMINAR_SECRET_LATE/) },
    ]);
    expect((await replica.call('PUT', 'secrets/late', { value: 'x' })).body.used_by).toEqual(['c']);
    expect((await replica.call('GET', 'connections/c')).body.warnings).toEqual([]);
    expect((await replica.call('DELETE', 'secrets/late')).status).toBe(204);
    expect((await replica.call('GET', 'connections/c')).body.warnings).toMatchObject([{ code: 'missing_secret' }]);
  });

  it('do not stand in a definition, whose refusal does not repeat them', async () => {
    const options = { servers: 'h', type: 'source', format: 'json', subject: 'in', token: canary };
    const answer = await replica.call('PUT', 'connections/d', { connector: 'nats', options });
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ pointer: '/options/token' }] } });
    expect(JSON.stringify(answer.body)).not.toContain(canary);
  });

  it.each([
    ['token', `token = '${reference('nats_token')}'`, ['nats_token']],
    ['user', `username = 'laminar', password = '${reference('nats_password')}'`, ['nats_password']],
    ['nkey', `nkey_seed = '${reference('nkey_seed')}'`, ['nkey_seed']],
    ['jwt', `jwt = '${reference('nats_jwt')}', nkey_seed = '${reference('nkey_seed')}'`, ['nats_jwt', 'nkey_seed']],
  ])('are named in SQL: %s', async (name, options, secrets) => {
    const sql = `CREATE CONNECTION by_${name} TO nats (servers = 'nats://localhost:4222', subject = 'secure.events', type = 'source', format = 'json', ${options});`;
    const { status, body } = await replica.call('POST', 'sql', { sql });
    expect(status).toBe(200);
    const warnings: { code: string; message: string }[] = body.results[0].warnings;
    expect(warnings.map(({ code }) => code)).toEqual(secrets.map(() => 'missing_secret'));
    for (const [i, secret] of secrets.entries()) expect(warnings[i]?.message).toContain(`"${secret}"`);
  });

  it('are not needed for TLS', async () => {
    const files =
      "tls_ca_file = '/certs/ca.pem', tls_cert_file = '/certs/client-cert.pem', tls_key_file = '/certs/client-key.pem'";
    const sql = `CREATE CONNECTION by_tls TO nats (servers = 'nats://secure.example.com:4222', subject = 'secure.>', type = 'source', format = 'json', tls_required = true, ${files}, tls_verify = true);`;
    expect(await replica.call('POST', 'sql', { sql })).toMatchObject({
      status: 200,
      body: { results: [{ warnings: Array(3).fill({ code: 'missing_file' }) }] },
    });
  });

  it('of several writers at once have a value that opens', async () => {
    const writes = Array.from({ length: 20 }, (_, i) => replica.call('PUT', 'secrets/busy', { value: `v${i}` }));
    const statuses = (await Promise.all(writes)).map(({ status }) => status).sort();
    expect(statuses).toEqual([...Array(19).fill(200), 201]);
    const nc = await connect({ servers: nats.url });
    try {
      const kv = await new Kvm(nc).open('laminar_secrets');
      const keys: string[] = [];
      for await (const name of await kv.keys('busy.*')) keys.push(name);
      const valueId = replica.mesh.catalog.get('secret', 'busy')?.definition.valueId;
      expect(keys).toEqual([`busy.${valueId}`]);
    } finally {
      await nc.close();
    }
  });
});
