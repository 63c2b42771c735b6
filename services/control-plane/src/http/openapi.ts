import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { components } from '../definitions/schemas.js';
import { problemCodes } from './problem-codes.js';

const introduction = `Definitions of connections, tables and pipelines, kept as events.

Every write is an event with a revision, its position in the event log. \`ETag\` is the revision of a definition (not of its
status); \`If-Match\` guards writes. Errors are problems (RFC 9457) with one of these codes:

${Object.entries(problemCodes)
  .map(([code, { status, meaning }]) => `- \`${code}\` (${status}): ${meaning}`)
  .join('\n')}`;

/** The page runs its own scripts alone, and styles that it makes on the way. */
const pagePolicy =
  "default-src 'self'; base-uri 'self'; img-src 'self' data:; object-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'";

/** The bar above is for choosing among documents, of which there is one. */
const pageStyle = '.swagger-ui .topbar { display: none }';

/** Makes the OpenAPI document, and its page `/documentation`, out of the routes that are added from now on. */
export async function addDocumentation(app: FastifyInstance, { secured }: { secured: boolean }): Promise<void> {
  for (const component of components) app.addSchema(component);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Laminar Mesh control plane',
        version: '0.1.0',
        description: introduction,
        license: { name: 'Proprietary', identifier: 'LicenseRef-Proprietary' },
      },
      servers: [{ url: '/', description: 'This service.' }],
      tags: [
        { name: 'connections', description: 'How to reach a NATS system and what to read or write there.' },
        { name: 'tables', description: 'Typed columns over a connection.' },
        { name: 'pipelines', description: 'Continuous queries.' },
        { name: 'dead_letters', description: 'Messages that could not be processed, until they are.' },
        { name: 'secrets', description: 'Values that connections refer to; they go in, never out.' },
        { name: 'events', description: 'The audit log.' },
        { name: 'sql', description: 'Scripts of statements.' },
        { name: 'health', description: 'For those who run the service.' },
      ],
      components: {
        securitySchemes: {
          bearer: {
            type: 'http',
            scheme: 'bearer',
            description: 'One of the keys in LAMINAR_API_KEYS; without any the service is open.',
          },
        },
      },
      security: secured ? [{ bearer: [] }] : [{ bearer: [] }, {}],
    },
    refResolver: {
      buildLocalReference: (json, _base, _fragment, i) => (typeof json.$id === 'string' ? json.$id : `schema-${i}`),
    },
  });
  await app.register(swaggerUi, {
    routePrefix: '/documentation',
    staticCSP: pagePolicy,
    // Else the page would show the document to a validator out in the world.
    uiConfig: { docExpansion: 'list', displayRequestDuration: true, validatorUrl: null },
    theme: { title: 'Laminar Mesh API', css: [{ filename: 'page.css', content: pageStyle }] },
  });
}

/** The document itself, for programs. */
export function documentRoute(app: FastifyInstance): void {
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
}

const problemContent = { 'application/problem+json': { schema: { $ref: 'Problem#' } } };

/** The answers of an operation that are problems, by status; those that every operation may give are among them. */
export function problemResponses(...statuses: readonly number[]): { readonly [status: number]: object } {
  return Object.fromEntries(
    [...statuses, 400, 401, 500, 503].map((status) => [status, problemResponse(status)] as const),
  );
}

export function problemResponse(status: number): object {
  const codes = Object.entries(problemCodes).filter(([, code]) => code.status === status);
  return {
    description: `With the code ${codes.map(([code]) => `\`${code}\``).join(' or ')}.`,
    content: problemContent,
  };
}

/** Only for the document: `readPreconditions` reads the headers. */
const entityTags = (description: string) =>
  Type.Optional(
    Type.String({ description, pattern: '^(?:\\*|(?:W/)?"[!#-~]*"(?:, (?:W/)?"[!#-~]*")*)$', examples: ['"12"'] }),
  );

/** Headers of a request that say which revision it means. */
export const readHeaders = Type.Object({
  'if-none-match': entityTags('Answer 304 if it is at this revision.'),
});
export const writeHeaders = Type.Object({
  'if-match': entityTags('Only if it is at this revision, as in ETag; * if it is there.'),
  'if-none-match': entityTags('* only if it is not there.'),
});

const etagHeader = { etag: { type: 'string', description: 'The revision in double quotes.' } };
const locationHeader = { location: { type: 'string', description: 'Where the definition is.' } };

/** An answer with one component. */
export function answer(component: string, description: string, { location = false } = {}): object {
  return {
    description,
    headers: { ...etagHeader, ...(location ? locationHeader : {}) },
    content: { 'application/json': { schema: { $ref: `${component}#` } } },
  };
}
