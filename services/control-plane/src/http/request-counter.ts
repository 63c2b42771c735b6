import { attributes, observeCounter } from '@laminar/telemetry';
import type { FastifyInstance } from 'fastify';

/** Counts answers by method, route and status, all of which are few. */
export function countRequests(app: FastifyInstance): void {
  const counts = new Map<string, { value: number; attributes: { readonly [name: string]: string | number } }>();
  app.addHook('onResponse', async ({ method, routeOptions }, { statusCode }) => {
    const route = routeOptions.url ?? 'unknown';
    const key = `${method} ${route} ${statusCode}`;
    const count = counts.get(key);
    if (count) count.value++;
    else {
      const labels = {
        [attributes.httpMethod]: method,
        [attributes.httpRoute]: route,
        [attributes.httpStatus]: statusCode,
      };
      counts.set(key, { value: 1, attributes: labels });
    }
  });
  observeCounter('laminar_http_requests', 'HTTP requests that were answered', () => counts.values());
}
