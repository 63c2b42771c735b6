import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Health } from '@laminar/runtime';
import Type from 'typebox';
import { problemResponse, problemResponses } from '../http/openapi.js';
import type { App } from './context.js';

export interface HealthContext {
  readonly health: Health;
  /** Answers with Prometheus' text format. */
  metricsHandler(request: IncomingMessage, response: ServerResponse): void;
}

const state = Type.Object({
  status: Type.String(),
  reason: Type.Optional(Type.String()),
  warnings: Type.Optional(
    Type.Array(Type.String(), { description: 'What keeps the service from nothing and should be known all the same.' }),
  ),
});
const answer = (description: string) => ({ description, content: { 'application/json': { schema: state } } });

/** What runs and watches the service asks. */
export function healthRoutes(app: App, { health, metricsHandler }: HealthContext): void {
  const open = { tags: ['health'], security: [] };

  app.get(
    '/livez',
    {
      schema: {
        ...open,
        operationId: 'getLiveness',
        summary: 'Whether the process is alive',
        response: { 200: answer('It is.'), 400: problemResponse(400) },
      },
    },
    async () => ({ status: 'alive' }),
  );

  app.get(
    '/readyz',
    {
      schema: {
        ...open,
        operationId: 'getReadiness',
        summary: 'Whether the service has caught up and the bus is there',
        response: {
          200: answer('It is ready.'),
          400: problemResponse(400),
          503: answer('It is not; the reason says why.'),
        },
      },
    },
    async (_request, reply) => {
      const { code, body } = health.readiness;
      return reply.code(code).send(body);
    },
  );

  app.get(
    '/metrics',
    {
      schema: {
        tags: ['health'],
        operationId: 'getMetrics',
        summary: "Metrics in Prometheus' text format",
        response: {
          200: { description: 'The metrics.', content: { 'text/plain': { schema: Type.String() } } },
          ...problemResponses(),
        },
      },
    },
    async (request, reply) => {
      // The exporter writes the answer itself, under the headers that every answer has.
      for (const [name, value] of Object.entries(reply.getHeaders()))
        if (value !== undefined) reply.raw.setHeader(name, value);
      reply.hijack();
      metricsHandler(request.raw, reply.raw);
    },
  );
}
