import type { FastifyInstance } from 'fastify';

/** For answers that nobody's browser has a reason to run, frame or sniff; the documentation page replaces the policy by its own. */
const headers = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  // Revalidated by its entity tag, and kept by nobody in between.
  'cache-control': 'private, no-cache',
} as const;

export function addSecurityHeaders(app: FastifyInstance): void {
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers(headers);
  });
}
