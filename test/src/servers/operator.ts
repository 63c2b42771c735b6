import { createHash } from 'node:crypto';
import { nkeys } from '@nats-io/nats-core';

type KeyPair = ReturnType<typeof nkeys.createUser>;

const dayS = 86_400;

/** An operator with one account, as a nats-server trusts it, and the users that it lets in (NATS documentation, "JWTs and NKeys"). */
export class TestOperator {
  readonly #operator = nkeys.createOperator();
  readonly #account = nkeys.createAccount();

  /** Configuration of a server that trusts this operator. */
  get config(): string {
    const operator = this.#operator.getPublicKey();
    const account = this.#account.getPublicKey();
    const operatorJwt = jwt(this.#operator, {
      sub: operator,
      name: 'operator',
      nats: { type: 'operator', version: 2 },
    });
    const limits = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 };
    const accountJwt = jwt(this.#operator, {
      sub: account,
      name: 'account',
      nats: { limits, default_permissions: { pub: {}, sub: {} }, type: 'account', version: 2 },
    });
    return `operator: ${operatorJwt}\nresolver: MEMORY\nresolver_preload: { ${account}: ${accountJwt} }\n`;
  }

  /** A user of the account: its JWT and the seed of its key. */
  user({ expiresInS = dayS }: { expiresInS?: number } = {}): { readonly jwt: string; readonly seed: string } {
    const user = nkeys.createUser();
    const claims = {
      sub: user.getPublicKey(),
      name: 'user',
      exp: Math.floor(Date.now() / 1000) + expiresInS,
      nats: { pub: {}, sub: {}, subs: -1, data: -1, payload: -1, type: 'user', version: 2 },
    };
    return { jwt: jwt(this.#account, claims), seed: seedOf(user) };
  }
}

export const seedOf = (pair: KeyPair): string => new TextDecoder().decode(pair.getSeed());

/** A NATS JWT, version 2: its id is the hash of its claims, in base 32. */
function jwt(issuer: KeyPair, claims: object): string {
  const body = { ...claims, iss: issuer.getPublicKey(), iat: Math.floor(Date.now() / 1000), jti: '' };
  body.jti = base32(createHash('sha512-256').update(JSON.stringify(body)).digest());
  const signed = `${encode({ typ: 'JWT', alg: 'ed25519-nkey' })}.${encode(body)}`;
  return `${signed}.${Buffer.from(issuer.sign(new TextEncoder().encode(signed))).toString('base64url')}`;
}

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function base32(bytes: Uint8Array): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{1,5}/g) ?? []).map((five) => alphabet[Number.parseInt(five.padEnd(5, '0'), 2)]).join('');
}
