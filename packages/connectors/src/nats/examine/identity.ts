import type { Credentials, SecretOrText } from '@laminar/definitions';
import { nkeys } from '@nats-io/nats-core';
import type { SecretSource } from '../../contract.js';

/** As whom a connection presents itself: what may be known of it, and nothing that proves it. */
export function identityOf(credentials: Credentials, secrets: SecretSource): string {
  switch (credentials.type) {
    case 'none':
      return 'without credentials';
    case 'token':
      return `with the token of the secret "${credentials.tokenSecret}"`;
    case 'user':
      return `as the user ${userText(credentials.user)} with the password of the secret "${credentials.passwordSecret}"`;
    case 'nkey':
      return `with the NKey ${publicKey(credentials.seedSecret, secrets)}`;
    case 'jwt':
      return `with the JWT of the secret "${credentials.jwtSecret}" and the NKey ${publicKey(credentials.seedSecret, secrets)}`;
  }
}

const userText = (user: SecretOrText): string =>
  'secret' in user ? `of the secret "${user.secret}"` : JSON.stringify(user.text);

function publicKey(secret: string, secrets: SecretSource): string {
  const found = secrets.find(secret);
  const named = `of the secret "${secret}"`;
  if ('problem' in found) return named;
  try {
    return `${nkeys.fromSeed(new TextEncoder().encode(found.value.trim())).getPublicKey()} ${named}`;
  } catch {
    return named;
  }
}
