import { describe, expect, it } from 'vitest';
import { connectionIssues, type Options, resolveConnection, resolveCredentials, secretsOf } from '../index.js';
import { referenceTo } from '../secret/reference.js';

const base = { servers: 'h', type: 'source', format: 'json', subject: 'in' };
const issuesOf = (options: Options) => connectionIssues({ connector: 'nats', options: { ...base, ...options } });
const secret = referenceTo;

describe('credentials', () => {
  it.each<[Options, object, string[]]>([
    [{}, { type: 'none' }, []],
    [{ token: secret('t') }, { type: 'token', tokenSecret: 't' }, ['t']],
    [{ username: 'ann', password: secret('p') }, { type: 'user', user: { text: 'ann' }, passwordSecret: 'p' }, ['p']],
    [
      { user: secret('u'), password: secret('p') },
      { type: 'user', user: { secret: 'u' }, passwordSecret: 'p' },
      ['u', 'p'],
    ],
    [{ nkey_seed: secret('s') }, { type: 'nkey', seedSecret: 's' }, ['s']],
    [{ jwt: secret('j'), nkey_seed: secret('s') }, { type: 'jwt', jwtSecret: 'j', seedSecret: 's' }, ['j', 's']],
  ])('%j', (options, credentials, secrets) => {
    expect(issuesOf(options)).toEqual([]);
    const { credentials: resolved } = resolveConnection('c', { connector: 'nats', options: { ...base, ...options } });
    expect(resolved).toEqual(credentials);
    expect(resolved).toEqual(resolveCredentials(options));
    expect(secretsOf(resolved)).toEqual(secrets);
  });

  it.each<[string, Options, string, RegExp]>([
    ['a JWT without its seed', { jwt: secret('j') }, 'jwt', /needs the "nkey_seed"/],
    ['a password without a user', { password: secret('p') }, 'password', /needs a "username"/],
    ['a user without a password', { username: 'ann' }, 'username', /needs a "password"/],
    ['user and username', { user: 'a', username: 'a', password: secret('p') }, 'user', /same as "username"/],
    ['a token and a seed', { token: secret('t'), nkey_seed: secret('s') }, 'nkey_seed', /several ways/],
    ['a token and a user', { token: secret('t'), user: 'a', password: secret('p') }, 'user', /several ways/],
    [
      'a reference in another option',
      { description: `by ${secret('t')}` },
      'description',
      /stands for token, username/,
    ],
    ['a reference among the servers', { servers: secret('t') }, 'servers', /stands for token, username/],
    ['a name that no secret has', { token: secret('a b') }, 'token', /name of letters/],
    ['a reference inside a text', { username: `x-${secret('u')}`, password: secret('p') }, 'username', /whole value/],
  ])('%s is refused', (_, options, name, message) => {
    const issues = issuesOf(options).filter(({ pointer }) => pointer === `/options/${name}`);
    expect(issues.map((issue) => issue.message).join()).toMatch(message);
  });

  it.each(['token', 'password', 'jwt', 'nkey_seed'])(
    '%s is no place for the secret itself, which no error repeats',
    (name) => {
      const companies: { readonly [name: string]: Options } = {
        password: { username: 'ann' },
        jwt: { nkey_seed: secret('s') },
      };
      const company = companies[name] ?? {};
      for (const value of ['s3cret-canary', ['s3cret-canary'], { a: 's3cret-canary' }, 's3cret-canary'.repeat(500)]) {
        const issues = issuesOf({ ...company, [name]: value });
        expect(issues).not.toEqual([]);
        expect(JSON.stringify(issues)).not.toContain('s3cret');
      }
    },
  );
});

describe('TLS', () => {
  const tlsOf = (options: Options) =>
    resolveConnection('c', { connector: 'nats', options: { ...base, ...options } }).tls;

  it('is left to the server, unless it is required', () => {
    expect(tlsOf({})).toBeUndefined();
    expect(tlsOf({ tls_required: false })).toBeUndefined();
    expect(tlsOf({ tls_required: true })).toMatchObject({ verify: true, handshakeFirst: false });
    expect(tlsOf({ servers: 'tls://h' })).toMatchObject({ verify: true, caFile: undefined });
  });

  it('takes all of its options', () => {
    const options = { tls_ca_file: '/ca', tls_cert_file: '/c', tls_key_file: '/k', tls_handshake_first: true };
    expect(issuesOf({ tls_required: true, ...options })).toEqual([]);
    expect(tlsOf({ tls_required: true, ...options })).toEqual({
      caFile: '/ca',
      certFile: '/c',
      keyFile: '/k',
      verify: true,
      handshakeFirst: true,
    });
    expect(tlsOf({ tls_required: true, tls_verify: false })).toMatchObject({ verify: false });
  });

  it.each<[string, Options, string, RegExp]>([
    ['a CA without TLS', { tls_ca_file: '/ca' }, 'tls_ca_file', /tls_required = true/],
    ['no check without TLS', { tls_verify: false }, 'tls_verify', /tls_required = true/],
    ['no TLS for tls://', { servers: 'tls://h', tls_required: false }, 'tls_required', /tls:\/\//],
    ['a certificate alone', { tls_required: true, tls_cert_file: '/c' }, 'tls_cert_file', /"tls_key_file"/],
    ['a key alone', { tls_required: true, tls_key_file: '/k' }, 'tls_key_file', /"tls_cert_file"/],
    ['a CA for nothing', { tls_required: true, tls_verify: false, tls_ca_file: '/ca' }, 'tls_ca_file', /leave one/],
  ])('%s is refused', (_, options, name, message) => {
    const [issue] = issuesOf(options);
    expect(issue).toMatchObject({ pointer: `/options/${name}`, message: expect.stringMatching(message) });
  });
});
