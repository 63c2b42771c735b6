import { bearerIdentity } from '@laminar/runtime';
import type { FastifyInstance } from 'fastify';
import { Refusal } from '../refusal.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks: the fingerprint of a bearer key, or `anonymous`. */
    actor: string;
  }
}

/** What may be asked without a key, by machines that hold none. */
const openRoutes: ReadonlySet<string> = new Set(['/livez', '/readyz']);

/** Asks for one of `keys` (RFC 6750) on every other route; without keys the service is open. */
export function requireBearer(app: FastifyInstance, keys: readonly string[]): void {
  app.decorateRequest('actor', 'anonymous');
  if (keys.length === 0) return;
  app.addHook('onRequest', async (request) => {
    if (openRoutes.has(request.routeOptions.url ?? '')) return;
    const { authorization } = request.headers;
    const identity = bearerIdentity(authorization, keys);
    if (identity !== undefined) {
      request.actor = identity;
      return;
    }
    const isWrong = authorization !== undefined;
    throw new Refusal(
      'unauthorized',
      isWrong ? 'the key is not known here' : 'a key is needed: send the header "Authorization: Bearer <key>"',
      { headers: { 'www-authenticate': `Bearer realm="laminar"${isWrong ? ', error="invalid_token"' : ''}` } },
    );
  });
}
