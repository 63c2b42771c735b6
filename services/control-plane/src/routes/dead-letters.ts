import Type from 'typebox';
import { type DeadLetterView, pageOf } from '../definitions/schemas.js';
import { decodeNumericCursor, encodeCursor, pageParameters, pageSizeDefault } from '../http/cursor.js';
import { problemResponses } from '../http/openapi.js';
import { findDeadLetter, type KeptDeadLetter, listDeadLetters, retryDeadLetter } from '../state/dead-letters.js';
import type { App, RouteContext } from './context.js';
import { apiPrefix } from './names.js';

const list = `${apiPrefix}/dead_letters`;
const one = `${list}/:id`;
const tags = ['dead_letters'];
const idParameter = Type.Object({ id: Type.String({ description: 'Id of the dead letter.' }) });
const answer = (component: string, description: string) => ({
  description,
  content: { 'application/json': { schema: Type.Unsafe<object>({ $ref: `${component}#` }) } },
});

/** Messages that could not be processed: to be looked at, and tried again. */
export function deadLetterRoutes(app: App, { mesh }: RouteContext): void {
  app.get(
    list,
    {
      schema: {
        operationId: 'listDeadLetters',
        summary: 'Messages that could not be processed, oldest first',
        description:
          'They are kept for 30 days, 100,000 of them and 256 MiB at most. `system.dead_letters` has them for SQL.',
        tags,
        querystring: Type.Object(pageParameters, { additionalProperties: false }),
        response: {
          200: { description: 'A page.', content: { 'application/json': { schema: pageOf('DeadLetter') } } },
          ...problemResponses(),
        },
      },
    },
    async ({ query: { limit = pageSizeDefault, cursor } }) => {
      const from = cursor === undefined ? 1 : decodeNumericCursor(list, cursor);
      const { letters, next } = await listDeadLetters(mesh.connection, from, limit);
      return { items: letters.map(view), next_cursor: next === undefined ? null : encodeCursor(list, String(next)) };
    },
  );

  app.get(
    one,
    {
      schema: {
        operationId: 'getDeadLetter',
        summary: 'One dead letter',
        tags,
        params: idParameter,
        response: { 200: answer('DeadLetter', 'The dead letter.'), ...problemResponses(404) },
      },
    },
    async ({ params: { id } }) => view(await findDeadLetter(mesh.connection, id)),
  );

  app.post(
    `${one}/retry`,
    {
      schema: {
        operationId: 'retryDeadLetter',
        summary: 'Process a dead letter again',
        description:
          'The message goes, with all that it said of itself, to the pipeline that failed, as it is now; where no pipeline had seen it, to all that share the reader of the connection. Its siblings are not bothered, and nothing is published to the subject that it came on. Requests for the same letter at the same time are one.',
        tags,
        params: idParameter,
        response: {
          200: answer('DeadLetterRetry', 'It was tried; `outcome` says how that went.'),
          ...problemResponses(404, 409, 504),
        },
      },
    },
    async ({ params: { id } }) => {
      const retried = await retryDeadLetter(mesh.connection, mesh.catalog, id);
      return retried.outcome === 'processed'
        ? { id, outcome: retried.outcome, rows: retried.rows, error: null }
        : { id, outcome: retried.outcome, rows: 0, error: retried.error };
    },
  );
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function view({ letter, payload, keptAtMs }: KeptDeadLetter): DeadLetterView {
  const { id, connection, pipeline, error, definitionRevision, origin } = letter;
  return {
    id,
    timestamp: new Date(keptAtMs).toISOString(),
    connection,
    pipeline: pipeline ?? null,
    subject: origin.subject,
    sequence: origin.stored?.sequence ?? null,
    error,
    ...payloadText(payload),
    headers: origin.headers
      ? Object.fromEntries(Object.entries(origin.headers).map(([name, values]) => [name, [...values]]))
      : null,
    definition_revision: definitionRevision,
  };
}

function payloadText(payload: Uint8Array): Pick<DeadLetterView, 'payload' | 'payload_encoding'> {
  try {
    return { payload: utf8.decode(payload), payload_encoding: 'utf-8' };
  } catch {
    return { payload: Buffer.from(payload).toString('base64'), payload_encoding: 'base64' };
  }
}
