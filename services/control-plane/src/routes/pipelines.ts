import Type from 'typebox';
import { pipelineAt } from '../definitions/history.js';
import { nothingNamed, rollBack, setDesired } from '../definitions/intent.js';
import { readPreconditions } from '../http/etag.js';
import { answer, problemResponses, writeHeaders } from '../http/openapi.js';
import { type App, originOf, type RouteContext } from './context.js';
import { checkPathName, collectionPath, nameParameter } from './names.js';
import { answerWrite, waitQuery } from './write.js';

/** What can be done to a pipeline beside defining it. */
export function pipelineRoutes(app: App, context: RouteContext): void {
  const { mesh } = context;
  const one = `${collectionPath('pipeline')}/:name`;
  const shared = { tags: ['pipelines'], params: nameParameter, querystring: waitQuery, headers: writeHeaders };

  for (const type of ['Start', 'Stop'] as const) {
    const state = type === 'Start' ? 'running' : 'stopped';
    app.post(
      `${one}/${type.toLowerCase()}`,
      {
        schema: {
          ...shared,
          operationId: `${type.toLowerCase()}Pipeline`,
          summary: `${type} a pipeline`,
          response: {
            200: answer('Pipeline', `It is desired ${state}; one that already was is left alone.`),
            ...problemResponses(404, 412, 504),
          },
        },
      },
      async (request, reply) => {
        const { name } = request.params;
        checkPathName('pipeline', name, mesh.catalog);
        const intent = setDesired(type, name, readPreconditions(request.headers));
        return answerWrite(context, await mesh.execute(intent, originOf(request)), request.query, reply);
      },
    );
  }

  app.post(
    `${one}/rollback`,
    {
      schema: {
        ...shared,
        operationId: 'rollBackPipeline',
        summary: 'Make a pipeline what it was at an earlier version',
        description: 'A new event; whether the pipeline is to run stays as it is.',
        body: Type.Object(
          { version: Type.Integer({ minimum: 1, description: 'The version to go back to.' }) },
          { additionalProperties: false, examples: [{ version: 1 }] },
        ),
        response: {
          200: answer('Pipeline', 'It is what it was.'),
          ...problemResponses(404, 412, 413, 415, 422, 504),
        },
      },
    },
    async (request, reply) => {
      const { name } = request.params;
      const { version } = request.body;
      mesh.checkCaughtUp();
      checkPathName('pipeline', name, mesh.catalog);
      const preconditions = readPreconditions(request.headers);
      // What there is not cannot be rolled back, whatever its past.
      if (!mesh.catalog.get('pipeline', name)) throw nothingNamed('pipeline', name, mesh.catalog);
      const past = await pipelineAt(mesh.log, mesh.catalog, name, version);
      const outcome = await mesh.execute(rollBack(name, version, past, preconditions), originOf(request));
      return answerWrite(context, outcome, request.query, reply);
    },
  );
}
