import type { DefinedKind } from '@laminar/protocol';
import Type from 'typebox';
import { create, drop, nothingNamed, patch, put } from '../definitions/intent.js';
import { definitionKinds } from '../definitions/kinds.js';
import {
  componentName,
  pageOf,
  patchSchema,
  replacementSchema,
  requestSchema,
  withoutEcho,
} from '../definitions/schemas.js';
import { detailView, listView, pastView } from '../definitions/view.js';
import { decodeCursor, encodeCursor, pageParameters, pageSizeDefault } from '../http/cursor.js';
import { etagOf, matches, readPreconditions } from '../http/etag.js';
import { answer, problemResponses, readHeaders, writeHeaders } from '../http/openapi.js';
import { waitApplied, waitParameters } from '../wait/wait-applied.js';
import { type App, originOf, type RouteContext } from './context.js';
import { checkName, checkPathName, collectionPath, nameParameter, pathOf } from './names.js';
import { pastDefinition, pastParameters } from './time-travel.js';
import { answerWrite, bodyWithoutName, waitForWrite, waitQuery } from './write.js';

/** The routes of one kind of definition: list, create, get, put, patch, delete. */
export function definitionRoutes<K extends DefinedKind>(app: App, kind: K, context: RouteContext): void {
  const { mesh } = context;
  const { read } = definitionKinds[kind];
  const component = componentName(kind);
  const collection = collectionPath(kind);
  const one = `${collection}/:name`;
  const tags = [`${kind}s`];

  app.get(
    collection,
    {
      schema: {
        operationId: `list${component}s`,
        summary: `The ${kind}s, by name`,
        tags,
        querystring: Type.Object(pageParameters, { additionalProperties: false }),
        response: {
          200: { description: 'A page.', content: { 'application/json': { schema: pageOf(component) } } },
          ...problemResponses(),
        },
      },
    },
    async ({ query: { limit = pageSizeDefault, cursor } }) => {
      mesh.checkCaughtUp();
      const after = cursor === undefined ? '' : decodeCursor(collection, cursor);
      const all = mesh.catalog.list(kind);
      const start = all.findIndex(({ name }) => name > after);
      const page = start === -1 ? [] : all.slice(start, start + limit);
      const last = page.at(-1);
      const hasMore = last !== undefined && last !== all.at(-1);
      return {
        items: page.map((record) => listView(record, mesh.catalog, mesh.board)),
        next_cursor: hasMore ? encodeCursor(collection, last.name) : null,
      };
    },
  );

  app.post(
    collection,
    {
      schema: {
        operationId: `create${component}`,
        summary: `Create a ${kind}`,
        tags,
        querystring: waitQuery,
        headers: writeHeaders,
        body: requestSchema(kind),
        response: {
          201: answer(component, 'It is created.', { location: true }),
          ...problemResponses(409, 412, 413, 415, 422, 504),
        },
      },
    },
    async (request, reply) => {
      const { name, ...body } = request.body;
      checkName(name);
      const preconditions = readPreconditions(request.headers);
      const outcome = await mesh.execute(create(kind, name, read(body), { preconditions }), originOf(request));
      reply.header('location', pathOf(kind, name)).code(201);
      return answerWrite(context, outcome, request.query, reply);
    },
  );

  app.get(
    one,
    {
      schema: {
        operationId: `get${component}`,
        summary: `One ${kind}, as it is or as it was`,
        description:
          'At most one of `version`, `revision` and `at` asks for the past; a name that is dropped now has one too.',
        tags,
        params: nameParameter,
        querystring: Type.Object({ ...waitParameters, ...pastParameters }, { additionalProperties: false }),
        headers: readHeaders,
        response: {
          200: answer(component, 'It is there.'),
          304: { description: 'It is at the revision that If-None-Match names.', type: 'null' },
          ...problemResponses(404, 504),
        },
      },
    },
    async (request, reply) => {
      const { params, query } = request;
      mesh.checkCaughtUp();
      checkPathName(kind, params.name, mesh.catalog);
      const { ifNoneMatch } = readPreconditions(request.headers);
      const past = await pastDefinition(mesh, kind, params.name, query);
      const record = past ?? mesh.catalog.get(kind, params.name);
      if (!record) throw nothingNamed(kind, params.name, mesh.catalog);
      if (!past) {
        await waitApplied(mesh, [record], {
          query,
          signal: () => context.cancellation.signal(reply),
          headers: {},
          stored: `the ${kind} "${params.name}" is at revision ${record.revision}`,
        });
      }
      reply.header('etag', etagOf(record.revision));
      if (ifNoneMatch !== undefined && matches(ifNoneMatch, record.revision)) return reply.code(304).send(null);
      return past ? pastView(past) : detailView(record, mesh.catalog, mesh.board);
    },
  );

  app.put(
    one,
    {
      schema: {
        operationId: `put${component}`,
        summary: `Create or replace a ${kind}`,
        tags,
        params: nameParameter,
        querystring: waitQuery,
        headers: writeHeaders,
        body: replacementSchema(kind),
        response: {
          200: answer(component, 'It is replaced, or was the same already.'),
          201: answer(component, 'It is created.', { location: true }),
          ...problemResponses(409, 412, 413, 415, 422, 504),
        },
      },
    },
    async (request, reply) => {
      const { name } = request.params;
      checkName(name);
      const body = withoutEcho(bodyWithoutName(request.body, name));
      const intent = put(kind, name, read(body), readPreconditions(request.headers));
      const outcome = await mesh.execute(intent, originOf(request));
      if (!outcome.before) reply.header('location', pathOf(kind, name)).code(201);
      return answerWrite(context, outcome, request.query, reply);
    },
  );

  app.patch(
    one,
    {
      schema: {
        operationId: `patch${component}`,
        summary: `Change parts of a ${kind}`,
        description: 'The body is a JSON merge patch (RFC 7396) of the definition: null removes a member.',
        tags,
        params: nameParameter,
        querystring: waitQuery,
        headers: writeHeaders,
        consumes: ['application/merge-patch+json', 'application/json'],
        body: patchSchema(kind),
        response: {
          200: answer(component, 'It is changed, or was the same already.'),
          ...problemResponses(404, 409, 412, 413, 415, 422, 504),
        },
      },
    },
    async (request, reply) => {
      const { name } = request.params;
      checkPathName(kind, name, mesh.catalog);
      const change = bodyWithoutName(request.body, name);
      const intent = patch(kind, name, change, readPreconditions(request.headers));
      return answerWrite(context, await mesh.execute(intent, originOf(request)), request.query, reply);
    },
  );

  app.delete(
    one,
    {
      schema: {
        operationId: `drop${component}`,
        summary: `Drop a ${kind}`,
        tags,
        params: nameParameter,
        querystring: Type.Object(
          {
            ...waitParameters,
            cascade: Type.Optional(Type.Boolean({ description: 'Drop what names it, too.' })),
          },
          { additionalProperties: false },
        ),
        headers: writeHeaders,
        response: {
          204: { description: 'It is dropped.', type: 'null' },
          ...problemResponses(404, 409, 412, 504),
        },
      },
    },
    async (request, reply) => {
      const { name } = request.params;
      checkPathName(kind, name, mesh.catalog);
      const { cascade = false } = request.query;
      const intent = drop(kind, name, { preconditions: readPreconditions(request.headers), cascade });
      const outcome = await mesh.execute(intent, originOf(request));
      await waitForWrite(context, outcome, request.query, reply);
      return reply.code(204).send(null);
    },
  );
}
