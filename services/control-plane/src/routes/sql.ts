import { systemQueryTimeoutMsMax } from '@laminar/protocol';
import { stringify } from 'lossless-json';
import Type from 'typebox';
import { problemResponses } from '../http/openapi.js';
import { runScript } from '../script/run-script.js';
import { waitApplied, waitParameters } from '../wait/wait-applied.js';
import { type App, originOf, type RouteContext } from './context.js';
import { apiPrefix } from './names.js';

const queryTimeoutMsDefault = 2000;

const sql = Type.String({ description: 'Statements, separated by semicolons.' });

const resultSchema = Type.Object(
  { statement: Type.String({ description: 'The text of the statement.' }) },
  {
    additionalProperties: true,
    description:
      '`{statement, kind, name, action, version, revision, status, warnings}` of a statement that defines, `{statement, columns, rows, complete}` of one that asks, with `warnings` where it is a live query.',
  },
);
const results = Type.Object({ results: Type.Array(resultSchema) });

const scriptExample =
  "CREATE OR REPLACE TABLE orders (id BIGINT, total NUMERIC) WITH (connector = 'shop'); SHOW TABLES";

/** Rows may hold integers that only all of their digits say. */
const serializerCompiler = () => (value: unknown) => stringify(value) ?? '';

/** Scripts: run, or only looked at. */
export function sqlRoutes(app: App, context: RouteContext): void {
  const { mesh } = context;

  app.post(
    `${apiPrefix}/sql`,
    {
      serializerCompiler,
      schema: {
        operationId: 'runSql',
        summary: 'Run a script, statement by statement',
        description:
          'The first statement that fails stops the rest; the problem has its `statement_index`, counted from 0, and the `results` of those before it, which stay applied. A SELECT over a connection or a table is a live query: it answers with the rows that came until its LIMIT (`complete` is true) or until `timeout_ms`, at most 10,000, and disturbs no pipeline.',
        tags: ['sql'],
        querystring: Type.Object(waitParameters, { additionalProperties: false }),
        body: Type.Object(
          {
            sql,
            dry_run: Type.Optional(Type.Boolean({ description: 'Decide all of it and write nothing (false).' })),
            timeout_ms: Type.Optional(
              Type.Integer({
                minimum: 1,
                maximum: systemQueryTimeoutMsMax,
                description: `Milliseconds that a query over system tables may take, and after which a live query or a test answers with what it has (${queryTimeoutMsDefault}).`,
              }),
            ),
          },
          { additionalProperties: false, examples: [{ sql: scriptExample, dry_run: true }] },
        ),
        response: {
          200: { description: 'What each statement came to.', content: { 'application/json': { schema: results } } },
          ...problemResponses(404, 409, 413, 415, 422, 429, 504),
        },
      },
    },
    async (request, reply) => {
      const { sql, dry_run = false, timeout_ms = queryTimeoutMsDefault } = request.body;
      const mode = dry_run ? 'rehearse' : 'apply';
      const signal = () => context.cancellation.signal(reply);
      const run = await runScript(mesh, { sql, mode, timeoutMs: timeout_ms, signal, origin: originOf(request) });
      await waitApplied(mesh, run.targets, {
        query: request.query,
        signal,
        headers: {},
        stored: 'the script is applied and stored',
        members: () => ({ results: run.results() }),
      });
      return { results: run.results() };
    },
  );

  app.post(
    `${apiPrefix}/validate`,
    {
      serializerCompiler,
      schema: {
        operationId: 'validateSql',
        summary: 'Check and explain a script',
        description: 'Later statements are checked against earlier ones; nothing is changed.',
        tags: ['sql'],
        body: Type.Object({ sql }, { additionalProperties: false, examples: [{ sql: scriptExample }] }),
        response: {
          200: { description: 'It holds.', content: { 'application/json': { schema: results } } },
          ...problemResponses(404, 409, 413, 415, 422),
        },
      },
    },
    async (request, reply) => {
      const { sql } = request.body;
      const run = await runScript(mesh, {
        sql,
        mode: 'explain',
        timeoutMs: queryTimeoutMsDefault,
        signal: () => context.cancellation.signal(reply),
        origin: originOf(request),
      });
      return { results: run.results() };
    },
  );
}
