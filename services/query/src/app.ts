import { bearerIdentity, type Health, type Logger } from '@laminar/runtime';
import type { Telemetry } from '@laminar/telemetry/node';
import Fastify, { type FastifyInstance } from 'fastify';
import { takeJsonBodies } from './json-body.js';
import { otlpReceiver } from './otlp/receiver.js';
import type { SpanStore } from './otlp/span-store.js';
import { HttpFailure, problemOfHttpError, sendProblem } from './problem.js';
import { drainRefusedBody } from './refused-body.js';
import { sqlRoute } from './sql-route.js';
import type { SqlRunner } from './sql-runner/sql-runner.js';

const bodyBytesMax = 1024 * 1024;
const requestTimeoutMs = 60_000;
const healthPaths: ReadonlySet<string> = new Set(['/livez', '/readyz']);
/** What an address takes that is there, but not for the method of the request. */
const methods = new Map([
  ['/livez', 'GET, HEAD'],
  ['/readyz', 'GET, HEAD'],
  ['/metrics', 'GET, HEAD'],
  ['/api/v1/sql', 'POST'],
  ['/v1/traces', 'POST'],
]);

export interface AppOptions {
  /** Bearer keys; without any, everybody on the machine may ask. */
  readonly apiKeys: readonly string[];
  readonly health: Health;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  readonly spans: SpanStore;
  readonly runner: SqlRunner;
  isCaughtUp(): boolean;
}

/** The HTTP side of the service, not yet listening. */
export async function buildApp(options: AppOptions): Promise<FastifyInstance> {
  const { apiKeys, health, logger, telemetry, spans, runner } = options;
  const app = Fastify({
    bodyLimit: bodyBytesMax,
    requestTimeout: requestTimeoutMs,
    forceCloseConnections: true,
    // What is not of the right form is refused, not mended.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, allErrors: true, verbose: true } },
  });
  takeJsonBodies(app);
  app.addHook('onRequest', async (request, reply) => {
    if (apiKeys.length === 0 || healthPaths.has(request.url.split('?')[0] ?? '')) return;
    if (bearerIdentity(request.headers.authorization, apiKeys) !== undefined) return;
    reply.header('www-authenticate', 'Bearer');
    return sendProblem(reply, {
      status: 401,
      code: 'unauthorized',
      detail: 'send a key as "Authorization: Bearer <key>"',
    });
  });
  app.setErrorHandler(async (error: Error, request, reply) => {
    const problem = problemOfHttpError(error);
    if (problem.status === 413) await drainRefusedBody(request);
    if (problem.status >= 500) logger.error({ err: error }, 'a request failed');
    return sendProblem(reply, problem);
  });
  app.setNotFoundHandler(async ({ method, url }, reply) => {
    const [path = ''] = url.split('?');
    const allow = methods.get(path);
    if (allow === undefined)
      throw new HttpFailure({ status: 404, code: 'route_not_found', detail: `there is no ${method} ${path}` });
    reply.header('allow', allow);
    const detail = `${path} takes ${allow}, not ${method}`;
    throw new HttpFailure({ status: 405, code: 'method_not_allowed', detail });
  });
  app.get('/livez', () => ({ status: 'alive' }));
  app.get('/readyz', (_request, reply) => {
    const { code, body } = health.readiness;
    return reply.code(code).send(body);
  });
  app.get('/metrics', (request, reply) => {
    reply.hijack();
    telemetry.metricsHandler(request.raw, reply.raw);
  });
  sqlRoute(app, runner, options.isCaughtUp);
  await app.register(otlpReceiver(spans, logger));
  return app;
}
