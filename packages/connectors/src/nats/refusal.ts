import type { ResolvedConnection } from '@laminar/definitions';
import { AuthorizationError, UserAuthenticationExpiredError } from '@nats-io/nats-core';

/** What a server does not take, by the way in which the connection proves who it is. */
const refused: { readonly [type in ResolvedConnection['credentials']['type']]: string } = {
  none: 'the server wants credentials, and the connection gives none',
  token: 'the server refuses the token',
  user: 'the server refuses the user and password',
  nkey: 'the server refuses the NKey',
  jwt: 'the server refuses the JWT and its NKey',
};

/** That a server does not let the connection in; undefined for any other error. What was sent to it is not in the words of the server. */
export function refusalOf({ credentials }: ResolvedConnection, error: unknown): string | undefined {
  const isRefusal = error instanceof AuthorizationError || error instanceof UserAuthenticationExpiredError;
  return isRefusal ? `${refused[credentials.type]} (${error.message})` : undefined;
}
