import type { Options } from '@laminar/definitions';
import { eventually, seedOf, startNats, type TestNats, TestOperator } from '@laminar/test';
import { nkeys } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { closeConnections, connectionOf, openConnection } from '../testing/connections.js';
import { TestSecrets } from '../testing/secrets.js';

const ref = (name: string) => `\${secret:${name}}`;
const canary = 'canary-7c1f';

const nkeyUser = nkeys.createUser();
const operator = new TestOperator();
const jwtUser = operator.user();
const anotherUser = operator.user();
const strangers = new TestOperator().user();

interface Way {
  readonly config: string;
  readonly options: Options;
  readonly secrets: { readonly [name: string]: string };
  /** Secrets that the server refuses, and what is said of it. */
  readonly wrong: { readonly [name: string]: string };
  readonly refusal: RegExp;
}

const ways: { readonly [way: string]: Way } = {
  'a token': {
    config: `authorization { token: "right-${canary}" }`,
    options: { token: ref('t') },
    secrets: { t: `right-${canary}` },
    wrong: { t: `wrong-${canary}` },
    refusal: /refuses the token \(.*Authorization Violation/,
  },
  'a user and password': {
    config: `authorization { user: ann, password: "right-${canary}" }`,
    options: { username: 'ann', password: ref('p') },
    secrets: { p: `right-${canary}` },
    wrong: { p: `wrong-${canary}` },
    refusal: /refuses the user and password/,
  },
  'a user that is a secret': {
    config: `authorization { user: "ann-${canary}", password: "right-${canary}" }`,
    options: { user: ref('u'), password: ref('p') },
    secrets: { u: `ann-${canary}`, p: `right-${canary}` },
    wrong: { u: `bob-${canary}`, p: `right-${canary}` },
    refusal: /refuses the user and password/,
  },
  'an NKey': {
    config: `authorization { users = [ { nkey: ${nkeyUser.getPublicKey()} } ] }`,
    options: { nkey_seed: ref('s') },
    secrets: { s: seedOf(nkeyUser) },
    wrong: { s: seedOf(nkeys.createUser()) },
    refusal: /refuses the NKey/,
  },
  'a JWT': {
    config: operator.config,
    options: { jwt: ref('j'), nkey_seed: ref('s') },
    secrets: { j: jwtUser.jwt, s: jwtUser.seed },
    wrong: { j: strangers.jwt, s: strangers.seed },
    refusal: /refuses the JWT/,
  },
};

describe.each(Object.entries(ways))('a connection by %s', (_, { config, options, secrets, wrong, refusal }) => {
  let server: TestNats;
  const source = () => ({ servers: server.url, type: 'source', subject: 'in', ...options });
  const values = [...Object.values(secrets), ...Object.values(wrong)];
  const holdsNoSecret = (text: string) => {
    expect(text).not.toContain(canary);
    for (const value of values) expect(text).not.toContain(value);
  };

  beforeAll(async () => {
    server = await startNats({ config, jetstream: false });
  });
  afterEach(closeConnections);
  afterAll(() => server.stop());

  it('is let in', async () => {
    const { connection } = await openConnection(source(), 'orders', { secrets: new TestSecrets(secrets) });
    expect(connection.snapshot().server).toMatchObject({ authRequired: true });
    await connection.reader().open();
  });

  it('is refused with a wrong secret, which is not in the reason', async () => {
    const { connection } = connectionOf(source(), 'orders', { secrets: new TestSecrets(wrong) });
    const error = await connection.open().catch((refused: unknown) => refused);
    expect(error).toMatchObject({ steer: 'blocked', message: expect.stringMatching(refusal) });
    expect(connection.snapshot().lastError).toMatch(refusal);
    holdsNoSecret(`${(error as Error).stack} ${(error as Error).message} ${connection.snapshot().lastError}`);
  });

  it('says which secret is missing before any server is asked', async () => {
    const { connection } = connectionOf(source(), 'orders', { secrets: new TestSecrets({}) });
    await expect(connection.open()).rejects.toMatchObject({
      steer: 'blocked',
      message: expect.stringMatching(/the secret "[a-z]" is not there/),
    });
  });

  it('is refused without credentials', async () => {
    const { connection } = connectionOf({ servers: server.url, type: 'source', subject: 'in' });
    await expect(connection.open()).rejects.toThrow(/wants credentials/);
  });

  it('looks its secrets up again when it reconnects', async () => {
    const known = new TestSecrets(secrets);
    const { connection, states } = await openConnection(source(), 'orders', { secrets: known });
    for (const [name, value] of Object.entries(wrong)) known.set(name, value);
    await server.restart();
    await eventually(() => states.some((state) => 'reason' in state && refusal.test(state.reason)), {
      what: 'the refusal',
    });
    for (const [name, value] of Object.entries(secrets)) known.set(name, value);
    await eventually(() => states.at(-1)?.state === 'connected', { what: 'the connection to be back' });
    expect(connection.snapshot().reconnects).toBe(1);
    holdsNoSecret(JSON.stringify(states));
  });

  it('ends with the reason where a secret is gone when it reconnects', async () => {
    const known = new TestSecrets(secrets);
    const { states } = await openConnection(source(), 'orders', { secrets: known });
    for (const name of Object.keys(secrets)) known.delete(name);
    await server.restart();
    await eventually(() => states.at(-1)?.state === 'closed', { what: 'the end' });
    expect(states.at(-1)).toMatchObject({
      error: { name: 'ConnectorError', message: expect.stringMatching(/is not there/) },
    });
  });
});

describe('secrets of the wrong form', () => {
  let server: TestNats;
  beforeAll(async () => {
    server = await startNats({ config: operator.config, jetstream: false });
  });
  afterEach(closeConnections);
  afterAll(() => server.stop());

  const source = () => ({ servers: server.url, type: 'source', subject: 'in' });

  it.each([`SU${canary}`, canary, anotherUser.jwt])(
    'a seed that is none is said without repeating it',
    async (seed) => {
      const secrets = new TestSecrets({ s: seed, j: jwtUser.jwt });
      const ways: Options[] = [{ nkey_seed: ref('s') }, { jwt: ref('j'), nkey_seed: ref('s') }];
      for (const options of ways) {
        const { connection } = connectionOf({ ...source(), ...options }, 'orders', { secrets });
        const error = await connection.open().catch((refused: unknown) => refused);
        expect(error).toMatchObject({ steer: 'blocked', message: expect.stringContaining('"s" is no NKey seed') });
        expect((error as Error).message).not.toContain(seed);
      }
    },
  );

  it.each([
    ['the JWT of another user', anotherUser.jwt],
    ['a JWT that has expired', operator.user({ expiresInS: -60 }).jwt],
    ['what is no JWT', canary],
  ])('%s is refused', async (_, jwt) => {
    const secrets = new TestSecrets({ j: jwt, s: jwtUser.seed });
    const { connection } = connectionOf({ ...source(), jwt: ref('j'), nkey_seed: ref('s') }, 'orders', { secrets });
    const error = await connection.open().catch((refused: unknown) => refused);
    expect(error).toMatchObject({ steer: 'blocked', message: expect.stringMatching(/refuses the JWT/) });
    expect((error as Error).message).not.toContain(jwt);
  });
});

describe('a change of the users of a server', () => {
  afterEach(closeConnections);

  it('cuts a connection off, which is back with the new secret, by the same socket object and without a restart', async () => {
    const config = (password: string) => `authorization { user: ann, password: ${password} }\n`;
    const server = await startNats({ config: config('first'), jetstream: false });
    try {
      const secrets = new TestSecrets({ p: 'first' });
      const options = { servers: server.url, type: 'source', subject: 'in', username: 'ann', password: ref('p') };
      const { connection, states } = await openConnection(options, 'orders', { secrets });
      const reader = connection.reader();
      await reader.open();
      await server.reload(config('second'));
      await eventually(() => states.some((state) => 'reason' in state && /refuses the user/.test(state.reason)), {
        what: 'the revocation',
      });
      secrets.set('p', 'second');
      await eventually(() => states.at(-1)?.state === 'connected', { what: 'the connection to be back' });
      const sender = await connect({ servers: server.url, user: 'ann', pass: 'second' });
      sender.publish('in', '{}');
      await sender.drain();
      expect((await reader.read())?.messages).toHaveLength(1);
      await reader.close();
    } finally {
      await closeConnections();
      await server.stop();
    }
  });
});
