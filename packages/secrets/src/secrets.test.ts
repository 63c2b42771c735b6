import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, startNats, type TemporaryDirectory, type TestNats, temporaryDirectory } from '@laminar/test';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  environmentName,
  findSecret,
  openSecret,
  openSecretBucket,
  SealBroken,
  type SecretBucket,
  StoredSecrets,
  sealSecret,
} from './index.js';

const key = randomBytes(32);
const of = { name: 'orders', valueId: 'a1' };

describe('a sealed value', () => {
  it.each(['x', 'pässwörd\n', 'x'.repeat(65_536)])('opens with its key', (value) => {
    const sealed = sealSecret(key, of, value);
    expect(openSecret(key, of, sealed)).toBe(value);
  });

  it('is another one each time, and holds nothing of the value', () => {
    expect(Buffer.from(sealSecret(key, of, 'a long secret')).includes('secret')).toBe(false);
    expect(sealSecret(key, of, 'x')).not.toEqual(sealSecret(key, of, 'x'));
  });

  it('opens with no other key, for no other secret, as no other value', () => {
    const sealed = sealSecret(key, of, 'x');
    expect(() => openSecret(randomBytes(32), of, sealed)).toThrow(SealBroken);
    expect(() => openSecret(key, { ...of, name: 'other' }, sealed)).toThrow(SealBroken);
    expect(() => openSecret(key, { ...of, valueId: 'a2' }, sealed)).toThrow(SealBroken);
  });

  it('does not open where any of its bytes is changed or missing', () => {
    const sealed = sealSecret(key, of, 'value');
    for (let i = 0; i < sealed.length; i++) {
      const changed = Uint8Array.from(sealed);
      changed[i] = (changed[i] ?? 0) ^ 1;
      expect(() => openSecret(key, of, changed)).toThrow(SealBroken);
      expect(() => openSecret(key, of, sealed.subarray(0, i))).toThrow(SealBroken);
    }
  });
});

describe('a secret', () => {
  let directory: TemporaryDirectory;
  beforeAll(async () => {
    directory = await temporaryDirectory('secrets');
    const files = { both: 'of the folder\n', lines: 'a\n\n', windows: 'a\r\n', bare: 'a', empty: '\n' };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory.path, name), text);
    mkdirSync(join(directory.path, 'folder'));
  });
  afterAll(() => directory.remove());

  const find = (name: string, env: NodeJS.ProcessEnv = {}, stored: { [name: string]: string } = {}) =>
    findSecret(
      name,
      (wanted) => {
        const value = stored[wanted];
        return value === undefined ? undefined : { value };
      },
      { env, directory: directory.path },
    );

  it('is looked for among the stored ones, then in the environment, then in the folder', () => {
    const env = { LAMINAR_SECRET_BOTH: 'of the environment' };
    expect(find('both', env, { both: 'stored' })).toEqual({ value: 'stored' });
    expect(find('both', env)).toEqual({ value: 'of the environment' });
    expect(find('both', { LAMINAR_SECRET_BOTH: '' })).toEqual({ value: 'of the folder' });
  });

  it('has a variable of its name in capital letters, with _ for -', () => {
    expect(environmentName('nats-token_2')).toBe('LAMINAR_SECRET_NATS_TOKEN_2');
    expect(find('nats-token', { LAMINAR_SECRET_NATS_TOKEN: 'x' })).toEqual({ value: 'x' });
  });

  it('is its file without the newline at the end, of which one is cut', () => {
    expect(find('lines')).toEqual({ value: 'a\n' });
    expect(find('windows')).toEqual({ value: 'a' });
    expect(find('bare')).toEqual({ value: 'a' });
  });

  it('is missing with the places where it was looked for', () => {
    const places = { env: {}, directory: undefined };
    expect(find('nowhere')).toMatchObject({ problem: expect.stringContaining('LAMINAR_SECRET_NOWHERE is not set') });
    expect(findSecret('nowhere', () => undefined, places)).toMatchObject({
      problem: expect.stringContaining('LAMINAR_SECRETS_DIR is not set'),
    });
    expect(find('folder')).toMatchObject({ problem: expect.stringContaining('EISDIR') });
    expect(find('empty')).toMatchObject({ problem: expect.stringContaining('empty') });
  });
});

describe('stored secrets', () => {
  let server: TestNats;
  let nc: NatsConnection;
  let bucket: SecretBucket;
  beforeAll(async () => {
    server = await startNats();
    nc = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
    bucket = await openSecretBucket(nc, { replicas: 1 });
  });
  afterAll(async () => {
    await nc.close();
    await server.stop();
  });

  it('are there at the start, and follow what is stored and removed', async () => {
    const current = new Map<string, string>();
    const changes: string[] = [];
    const follow = async (given: Uint8Array | undefined) => {
      const secrets = new StoredSecrets({
        nc,
        replicas: 1,
        key: given,
        valueIdOf: (name) => current.get(name),
        onChange: (name) => changes.push(name),
      });
      await secrets.start();
      return secrets;
    };
    const early = await follow(key);
    expect(early.find('orders')).toBeUndefined();
    await bucket.put(of, sealSecret(key, of, 'first'));
    current.set('orders', of.valueId);
    await eventually(() => changes.includes('orders'), { what: 'the change' });
    expect(early.find('orders')).toEqual({ value: 'first' });

    const next = { ...of, valueId: 'a2' };
    await bucket.put(next, sealSecret(key, next, 'second'));
    const late = await follow(key);
    expect(late.find('orders')).toEqual({ value: 'first' });
    current.set('orders', 'a2');
    expect(late.find('orders')).toEqual({ value: 'second' });
    await bucket.remove(of);
    expect(late.find('orders')).toEqual({ value: 'second' });

    await server.restart();
    await eventually(() => bucket.remove(next).then(() => true), { what: 'the bus to be back' });
    await eventually(() => 'problem' in (late.find('orders') ?? {}), { what: 'the removal' });
    expect(late.find('orders')).toMatchObject({ problem: expect.stringContaining('has not arrived') });

    const third = { ...of, valueId: 'a3' };
    current.set('orders', 'a3');
    await bucket.put(third, sealSecret(randomBytes(32), third, 'third'));
    await eventually(() => JSON.stringify(late.find('orders')).includes('another key'), { what: 'a value of others' });
    const keyless = await follow(undefined);
    expect(keyless.find('orders')).toMatchObject({
      problem: expect.stringContaining('LAMINAR_SECRETS_KEY is not set'),
    });
    for (const secrets of [early, late, keyless]) secrets.stop();
  });

  it('are waited for where the event that makes one count is there first', async () => {
    const value = { name: 'late', valueId: 'b1' };
    const secrets = new StoredSecrets({
      nc,
      replicas: 1,
      key,
      valueIdOf: (name) => (name === 'late' ? value.valueId : undefined),
      onChange: () => undefined,
    });
    await secrets.start();
    expect(secrets.arrival('unknown')).toBeUndefined();
    let found: unknown;
    const arrival = secrets.arrival('late')?.then(() => {
      found = secrets.find('late');
    });
    expect(arrival).toBeDefined();
    await bucket.put(value, sealSecret(key, value, 'here'));
    await arrival;
    expect(found).toEqual({ value: 'here' });
    expect(secrets.arrival('late')).toBeUndefined();
    secrets.stop();
  });
});
