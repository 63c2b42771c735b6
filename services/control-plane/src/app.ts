import { type IncomingMessage, maxHeaderSize, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { definedKinds } from '@laminar/protocol';
import type { Health, Logger } from '@laminar/runtime';
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import { stringify } from 'lossless-json';
import type { TSchema } from 'typebox';
import { requireBearer } from './http/authentication.js';
import { parseConfidentialBody, parseJsonBody } from './http/body-parser.js';
import { Cancellation } from './http/cancellation.js';
import { watchMethods } from './http/methods.js';
import { addDocumentation, documentRoute } from './http/openapi.js';
import { countRequests } from './http/request-counter.js';
import { addSecurityHeaders } from './http/security-headers.js';
import { traceRequests } from './http/tracing.js';
import { readBody, readQuery } from './http/validation.js';
import { type Problem, toProblem } from './problem.js';
import { Refusal } from './refusal.js';
import { connectionTestRoutes } from './routes/connection-tests.js';
import type { App } from './routes/context.js';
import { deadLetterRoutes } from './routes/dead-letters.js';
import { definitionRoutes } from './routes/definitions.js';
import { eventRoutes } from './routes/events.js';
import { healthRoutes } from './routes/health.js';
import { historyRoutes } from './routes/history.js';
import { pipelineRoutes } from './routes/pipelines.js';
import { secretRoutes } from './routes/secrets.js';
import { sqlRoutes } from './routes/sql.js';
import type { Mesh } from './state/mesh.js';

const bodyBytesMax = 1024 * 1024;

export interface AppDependencies {
  readonly mesh: Mesh;
  readonly health: Health;
  readonly logger: Logger;
  /** Bearer keys; none leaves the service open. */
  readonly apiKeys: readonly string[];
  /** Encrypts stored secrets, 32 bytes; undefined where there is none. */
  readonly secretsKey: Uint8Array | undefined;
  metricsHandler(request: IncomingMessage, response: ServerResponse): void;
}

/** The whole HTTP service but for listening. */
export async function buildApp(dependencies: AppDependencies): Promise<App> {
  const { mesh, logger, apiKeys } = dependencies;
  const answerProblem = (error: unknown, reply: FastifyReply) => {
    const problem = toProblem(error);
    if (problem.unexpected) logger.error({ err: error, url: reply.request.url }, 'a request failed');
    return sendProblem(problem, reply);
  };
  const app = Fastify({
    bodyLimit: bodyBytesMax,
    // Any name reaches its route, which says what is wrong with it.
    routerOptions: { maxParamLength: maxHeaderSize },
    frameworkErrors: (error, _request, reply) => void answerProblem(error, reply),
    clientErrorHandler: answerBrokenRequest,
  }).withTypeProvider<TypeBoxTypeProvider>();

  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    ['application/json'],
    { parseAs: 'buffer' },
    async ({ routeOptions }: FastifyRequest, body: Buffer) =>
      routeOptions.config.confidential === true ? parseConfidentialBody(body) : parseJsonBody(body),
  );
  app.addContentTypeParser(
    ['application/merge-patch+json'],
    { parseAs: 'buffer' },
    async (request: FastifyRequest, body: Buffer) => {
      if (request.method !== 'PATCH') {
        throw new Refusal('unsupported_media_type', 'a merge patch goes with PATCH; send application/json');
      }
      return parseJsonBody(body);
    },
  );
  app.setValidatorCompiler<TSchema>(({ schema, httpPart }) => validatorOf(schema, httpPart));
  // Answers are made of what their schemas describe; nothing has to be left out of them.
  app.setSerializerCompiler(() => (value) => JSON.stringify(value));
  app.setErrorHandler((error, _request, reply) => answerProblem(error, reply));

  addSecurityHeaders(app);
  traceRequests(app);
  countRequests(app);
  requireBearer(app, apiKeys);
  checkPresence(app);
  app.setNotFoundHandler(async ({ method, url }) => {
    throw new Refusal(
      'route_not_found',
      `there is no ${method} ${url.split('?')[0]}; /documentation lists what there is`,
    );
  });

  const context = { mesh, cancellation: new Cancellation(app) };
  await addDocumentation(app, { secured: apiKeys.length > 0 });
  const methods = watchMethods(app);
  documentRoute(app);
  healthRoutes(app, dependencies);
  for (const kind of definedKinds) {
    definitionRoutes(app, kind, context);
    historyRoutes(app, kind, context);
  }
  connectionTestRoutes(app, context);
  pipelineRoutes(app, context);
  secretRoutes(app, context, dependencies.secretsKey);
  deadLetterRoutes(app, context);
  eventRoutes(app, context);
  sqlRoutes(app, context);
  methods.refuseOthers(app);
  return app;
}

function validatorOf(schema: TSchema, httpPart: string | undefined) {
  if (httpPart === 'body') return checked((value) => readBody(schema, value));
  if (httpPart === 'querystring') return checked((value) => readQuery(schema, value));
  // Path and headers are read, and judged, by their routes.
  return (value: unknown) => ({ value });
}

function checked(read: (value: unknown) => unknown) {
  return (value: unknown) => {
    try {
      return { value: read(value) };
    } catch (error) {
      if (error instanceof Refusal) return { error };
      throw error;
    }
  };
}

/** A body is there where one is declared; a route that declares no query parameters or no body takes none, so that nothing is ignored. */
function checkPresence(app: App): void {
  app.addHook('preValidation', async ({ query, body, routeOptions, is404 }) => {
    const { schema } = routeOptions;
    if (is404 || schema?.hide === true) return;
    const [parameter] = schema?.querystring === undefined ? Object.keys(query as object) : [];
    if (parameter !== undefined)
      throw new Refusal('unknown_parameter', `there is no query parameter "${parameter}"; this address takes none`);
    if (schema?.body !== undefined && body === undefined)
      throw new Refusal('missing_body', 'the request needs a body of JSON');
    const isEmpty = body === undefined || (typeof body === 'object' && body !== null && Object.keys(body).length === 0);
    if (schema?.body === undefined && !isEmpty) throw new Refusal('unexpected_body', 'the request takes no body');
  });
}

function sendProblem({ status, headers, body }: Problem, reply: FastifyReply): FastifyReply {
  return reply
    .code(status)
    .headers(headers)
    .type('application/problem+json')
    .serializer((value: unknown) => stringify(value) ?? '')
    .send(body);
}

/** What is not HTTP has no request to answer, but a socket that hears why it is closed. */
function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (socket.destroyed || error.code === 'ECONNRESET') return;
  const { status, body } = toProblem(
    new Refusal('malformed_request', `the request cannot be read: ${error.code ?? error.message}`),
  );
  const text = JSON.stringify(body);
  const head = `HTTP/1.1 ${status} ${body.title}\r\nContent-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n`;
  if (socket.writable) socket.end(head + text);
}
