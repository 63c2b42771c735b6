import { namePattern, type Recorded } from '@laminar/definitions';
import Type from 'typebox';
import { nothingNamed } from '../definitions/intent.js';
import { pageOf } from '../definitions/schemas.js';
import { connectionsNaming } from '../definitions/secret-use.js';
import { decodeCursor, encodeCursor, pageParameters, pageSizeDefault } from '../http/cursor.js';
import { answer, problemResponses } from '../http/openapi.js';
import { Refusal } from '../refusal.js';
import { SecretStore } from '../state/secret-store.js';
import { type App, originOf, type RouteContext } from './context.js';
import { apiPrefix, checkName } from './names.js';
import { waitForWrite, waitQuery } from './write.js';

const list = `${apiPrefix}/secrets`;
const one = `${list}/:name`;
const valueBytesMax = 64 * 1024;
const tags = ['secrets'];

const nameParameter = Type.Object({
  name: Type.String({ description: 'Name of the secret.', pattern: namePattern.source }),
});

/** Secrets: values go in, never out. */
export function secretRoutes(app: App, context: RouteContext, secretsKey: Uint8Array | undefined): void {
  const { mesh } = context;
  const store = new SecretStore(mesh, secretsKey);

  const view = ({ name, version, revision, createdAt, updatedAt }: Recorded) => ({
    name,
    version,
    revision,
    created_at: new Date(createdAt).toISOString(),
    updated_at: new Date(updatedAt).toISOString(),
    used_by: connectionsNaming(name, mesh.catalog),
  });

  app.get(
    list,
    {
      schema: {
        operationId: 'listSecrets',
        summary: 'The names of the stored secrets',
        tags,
        querystring: Type.Object(pageParameters, { additionalProperties: false }),
        response: {
          200: { description: 'A page.', content: { 'application/json': { schema: pageOf('Secret') } } },
          ...problemResponses(),
        },
      },
    },
    async ({ query: { limit = pageSizeDefault, cursor } }) => {
      mesh.checkCaughtUp();
      const after = cursor === undefined ? '' : decodeCursor(list, cursor);
      const rest = mesh.catalog.list('secret').filter(({ name }) => name > after);
      const page = rest.slice(0, limit);
      const last = page.at(-1);
      return {
        items: page.map(view),
        next_cursor: last !== undefined && rest.length > page.length ? encodeCursor(list, last.name) : null,
      };
    },
  );

  app.put(
    one,
    {
      config: { confidential: true },
      schema: {
        operationId: 'putSecret',
        summary: 'Store a secret, or another value for it',
        description:
          'The value is kept encrypted and is never shown again. Connections that name the secret use it the next time that they connect; those that wait for it connect at once. With `wait=applied` it answers when every instance knows the value, and no connection is still trying it; whether it was right stands in the status of those in `used_by`.',
        tags,
        params: nameParameter,
        querystring: waitQuery,
        body: Type.Object(
          { value: Type.String({ minLength: 1, description: 'The secret itself, 64 KiB at most.', writeOnly: true }) },
          { additionalProperties: false, examples: [{ value: 'correct horse battery staple' }] },
        ),
        response: {
          200: answer('Secret', 'It has the new value.'),
          201: answer('Secret', 'It is stored.'),
          ...problemResponses(413, 415, 422, 504),
        },
      },
    },
    async (request, reply) => {
      const { name } = request.params;
      checkName(name);
      const { value } = request.body;
      checkValue(value);
      const outcome = await store.put(name, value, originOf(request));
      const { before, after } = outcome;
      if (!after) throw new Error(`the secret "${name}" is gone after it was stored`);
      await waitForWrite(context, outcome, request.query, reply);
      return reply.code(before ? 200 : 201).send(view(after));
    },
  );

  app.delete(
    one,
    {
      schema: {
        operationId: 'dropSecret',
        summary: 'Delete a secret',
        description:
          'Also one that connections name: they stay connected, are blocked the next time that they connect, and warn of it.',
        tags,
        params: nameParameter,
        querystring: waitQuery,
        response: { 204: { description: 'It is deleted.', type: 'null' }, ...problemResponses(404, 504) },
      },
    },
    async (request, reply) => {
      const { name } = request.params;
      mesh.checkCaughtUp();
      if (!namePattern.test(name)) throw nothingNamed('secret', name, mesh.catalog);
      const outcome = await store.drop(name, originOf(request));
      const users = connectionsNaming(name, mesh.catalog);
      if (users.length > 0)
        mesh.options.logger.warn({ secret: name, connections: users }, 'a secret that is in use was deleted');
      await waitForWrite(context, outcome, request.query, reply);
      return reply.code(204).send(null);
    },
  );
}

function checkValue(value: string): void {
  const bytes = Buffer.byteLength(value);
  if (bytes <= valueBytesMax) return;
  const message = `"value" has ${bytes} bytes; at most ${valueBytesMax} are taken`;
  throw new Refusal('invalid_body', message, { issues: [{ code: 'invalid_value', message, pointer: '/value' }] });
}
