import type { FastifyInstance, HTTPMethods } from 'fastify';
import { Refusal } from '../refusal.js';

const all: readonly HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'QUERY'];

/** Notes the routes that are added from now on; what it gives adds a 405 with `Allow` for every method that they lack. */
export function watchMethods(app: FastifyInstance): { refuseOthers(app: FastifyInstance): void } {
  const methods = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    const known = methods.get(url) ?? new Set();
    for (const name of Array.isArray(method) ? method : [method]) known.add(name.toUpperCase());
    methods.set(url, known);
  });
  return {
    refuseOthers(app) {
      for (const [url, known] of [...methods]) {
        // A definition may be named like the last part of a route, and must be reached by the other methods.
        const ofNames = url.replace(/\/[^/:]+$/, '/:name');
        if (ofNames !== url && methods.has(ofNames)) continue;
        const allow = [...known].sort().join(', ');
        const refuse = async ({ method }: { readonly method: string }): Promise<never> => {
          throw new Refusal('method_not_allowed', `${url} takes ${allow}, not ${method}`, { headers: { allow } });
        };
        app.route({
          method: all.filter((method) => !known.has(method)),
          url,
          schema: { hide: true },
          // Before a body is read, or missed.
          onRequest: refuse,
          handler: refuse,
        });
      }
    },
  };
}
