import Type from 'typebox';
import { nothingNamed } from '../definitions/intent.js';
import { definitionKinds } from '../definitions/kinds.js';
import { connectionExample } from '../definitions/schemas.js';
import { problemResponses } from '../http/openapi.js';
import { type ConnectionTest, testConnection } from '../live/connection-test.js';
import type { App, RouteContext } from './context.js';
import { checkName, checkPathName, collectionPath, nameParameter } from './names.js';

const timeoutMsDefault = 10_000;
const timeoutMsMax = 60_000;

const query = Type.Object(
  {
    timeout_ms: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: timeoutMsMax,
        description: `Milliseconds that all checks together may take (${timeoutMsDefault}).`,
      }),
    ),
  },
  { additionalProperties: false },
);

/** What is tested without a name has a consumer of this name in what the checks say. */
const unnamed = 'unnamed';

/** The instance that tests says which; what it says is passed on. */
const oneOf = (...values: string[]) => Type.Unsafe<string>(Type.Enum(values));

const answerSchema = Type.Object(
  {
    ok: Type.Boolean({ description: 'No check failed.' }),
    checks: Type.Array(
      Type.Object({
        check: oneOf('reach', 'tls', 'authentication', 'server', 'permissions', 'stream', 'consumer', 'sample'),
        status: oneOf('ok', 'warning', 'failed', 'skipped'),
        message: Type.String({ description: 'What was found, and what to do where it is not well.' }),
        duration_ms: Type.Number(),
      }),
      { description: 'In this order; what stands on a check that failed is skipped.' },
    ),
  },
  { description: 'What was found.' },
);

const description =
  'An ingestion instance looks at everything that the connection stands on, with its secrets and files, and changes nothing: nothing is made, published, acknowledged or taken from anybody.';

/** Tests of connections, stored or not. A check that fails is an answer like any other. */
export function connectionTestRoutes(app: App, { mesh }: RouteContext): void {
  const shared = {
    description,
    tags: ['connections'],
    querystring: query,
  };
  const answer200 = { description: 'It was tested.', content: { 'application/json': { schema: answerSchema } } };
  const answer = async (test: ConnectionTest) => {
    const checks = await testConnection(mesh.connection, test);
    return { ok: checks.every(({ status }) => status !== 'failed'), checks };
  };

  app.post(
    `${collectionPath('connection')}/:name/test`,
    {
      schema: {
        ...shared,
        operationId: 'testConnection',
        summary: 'Test a connection',
        params: nameParameter,
        response: { 200: answer200, ...problemResponses(404) },
      },
    },
    async ({ params: { name }, query: { timeout_ms = timeoutMsDefault } }) => {
      mesh.checkCaughtUp();
      const { catalog } = mesh;
      checkPathName('connection', name, catalog);
      const record = catalog.get('connection', name);
      if (!record) throw nothingNamed('connection', name, catalog);
      return answer({ name, definition: record.definition, revision: catalog.revision, timeoutMs: timeout_ms });
    },
  );

  const { bodySchema, read, settle } = definitionKinds.connection;
  app.post(
    `${collectionPath('connection')}/test`,
    {
      schema: {
        ...shared,
        operationId: 'testConnectionDefinition',
        summary: 'Test a connection that need not be stored',
        body: Type.Object(
          {
            name: Type.Optional(Type.String({ description: `What its consumer is named after (\`${unnamed}\`).` })),
            ...bodySchema.properties,
          },
          { additionalProperties: false, examples: [connectionExample] },
        ),
        response: { 200: answer200, ...problemResponses(413, 415, 422) },
      },
    },
    async ({ body: { name = unnamed, ...body }, query: { timeout_ms = timeoutMsDefault } }) => {
      mesh.checkCaughtUp();
      checkName(name);
      const { catalog } = mesh;
      const { options } = settle(read(body), catalog, name);
      const definition = { connector: 'nats', options } as const;
      return answer({ name, definition, revision: catalog.revision, timeoutMs: timeout_ms });
    },
  );
}
