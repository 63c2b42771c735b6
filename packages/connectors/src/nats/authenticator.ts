import type { Credentials, SecretOrText } from '@laminar/definitions';
import {
  type Authenticator,
  jwtAuthenticator,
  nkeyAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from '@nats-io/nats-core';
import { type SecretSource, Unprepared } from '../contract.js';

/**
 * Proves to a server who connects. Secrets are looked up each time that it is called, which is at every connect and reconnect, so that a new value
 * counts from then on. Throws `Unprepared` where one is missing or is not what it should be.
 */
export function authenticatorOf(credentials: Credentials, secrets: SecretSource): Authenticator | undefined {
  const secret = (name: string) => {
    const found = secrets.find(name);
    if ('problem' in found) throw new Unprepared(found.problem);
    return found.value;
  };
  const textOf = (value: SecretOrText) => ('secret' in value ? secret(value.secret) : value.text);
  switch (credentials.type) {
    case 'none':
      return undefined;
    case 'token':
      return tokenAuthenticator(() => secret(credentials.tokenSecret));
    case 'user':
      return usernamePasswordAuthenticator(
        () => textOf(credentials.user),
        () => secret(credentials.passwordSecret),
      );
    case 'nkey':
      return signing(
        credentials.seedSecret,
        nkeyAuthenticator(() => seedOf(secret(credentials.seedSecret))),
      );
    case 'jwt':
      return signing(
        credentials.seedSecret,
        jwtAuthenticator(
          () => secret(credentials.jwtSecret).trim(),
          () => seedOf(secret(credentials.seedSecret)),
        ),
      );
  }
}

const seedOf = (text: string): Uint8Array => new TextEncoder().encode(text.trim());

/** An error of the signature must not leave with what it was made from. */
function signing(seedSecret: string, authenticator: Authenticator): Authenticator {
  return (nonce) => {
    try {
      return authenticator(nonce);
    } catch (error) {
      if (error instanceof Unprepared) throw error;
      throw new Unprepared(`the secret "${seedSecret}" is no NKey seed, which is 58 characters and begins with SU`);
    }
  };
}
