import { Readable } from 'node:stream';
import { systemQueryTimeoutMsMax } from '@laminar/protocol';
import { traceparentOf } from '@laminar/telemetry';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { stringify } from 'lossless-json';
import Type, { type Static } from 'typebox';
import { acceptedType } from '../http/media-type.js';
import { problemResponses } from '../http/openapi.js';
import { rowFormats } from '../http/row-events.js';
import { rowStream, slowClientMs } from '../http/row-stream.js';
import { Refusal } from '../refusal.js';
import { runScript } from '../script/run-script.js';
import { scriptEvents } from '../script/script-events.js';
import { type WaitQuery, waitApplied, waitParameters } from '../wait/wait-applied.js';
import { type App, originOf, type RouteContext } from './context.js';
import { apiPrefix } from './names.js';

const queryTimeoutMsDefault = 2000;
/** How long a live query streams. */
const streamTimeoutMsDefault = 60 * 60 * 1000;
const streamTimeoutMsMax = 24 * 60 * 60 * 1000;
/** Streams of rows at a time. */
const streamsMax = 200;

/** What a script is answered with, the first where nobody minds. */
const answerTypes = ['application/json', ...(Object.keys(rowFormats) as (keyof typeof rowFormats)[])] as const;

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

const streamDescription = `Rows as they come, as the events \`columns\` (\`{statement, columns, warnings}\`; from then on no message is missed), \`row\` (the values as an array), \`error\` (\`{code, detail}\`; a message that cannot be read has the code \`failed_message\`, \`subject\`, \`stream\` and \`sequence\`, and ends nothing) and \`end\` (\`{reason, complete, rows, failed_messages}\`; the reason is \`complete\`, \`limit\`, \`range\` where WHERE bounds what was read, \`timeout\`, \`cut\`, \`changed\`, \`interrupted\`, \`slow_client\` or \`shutdown\`). Statements before the last one are told as an event \`results\`.`;
const streamSchema = Type.Unsafe<Readable>({ type: 'string' });

const scriptExample =
  "CREATE OR REPLACE TABLE orders (id BIGINT, total NUMERIC) WITH (connector = 'shop'); SHOW TABLES";

/** Rows may hold integers that only all of their digits say. */
const serializerCompiler = () => (value: unknown) => stringify(value) ?? '';

const scriptBody = Type.Object(
  {
    sql,
    dry_run: Type.Optional(Type.Boolean({ description: 'Decide all of it and write nothing (false).' })),
    timeout_ms: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: streamTimeoutMsMax,
        description: `Milliseconds that a query over system tables may take, and after which a live query or a test answers with what it has (${queryTimeoutMsDefault}, at most ${systemQueryTimeoutMsMax}); of a stream, after which it ends (${streamTimeoutMsDefault}, at most ${streamTimeoutMsMax}).`,
      }),
    ),
  },
  { additionalProperties: false, examples: [{ sql: scriptExample, dry_run: true }] },
);

/** What a script's answer is made of. */
interface SqlRequest extends Pick<FastifyRequest, 'actor' | 'span'> {
  readonly body: Static<typeof scriptBody>;
  readonly query: WaitQuery;
}

/** Scripts: run, or only looked at. */
export function sqlRoutes(app: App, { mesh, cancellation }: RouteContext): void {
  let streams = 0;

  app.post(
    `${apiPrefix}/sql`,
    {
      serializerCompiler,
      schema: {
        operationId: 'runSql',
        summary: 'Run a script, statement by statement',
        description:
          'The first statement that fails stops the rest; the problem has its `statement_index`, counted from 0, and the `results` of those before it, which stay applied. A SELECT over a connection or a table is a live query: it answers with the rows that came until its LIMIT or the end of what its WHERE asks for by `_nats_sequence` and `_nats_timestamp` (`complete` is true), or until `timeout_ms`, at most 10,000, and disturbs no pipeline. With `Accept: text/event-stream` or `application/x-ndjson` the rows of the last statement come as a stream. ' +
          `${streamDescription} As server-sent events these are the names of events and their data; as NDJSON each line is an object with the name as \`event\`, beside the members of the data, a row being the member \`row\`. A stream is read no faster than it is taken; a client that takes nothing for ${slowClientMs / 1000} s is ended.`,
        tags: ['sql'],
        querystring: Type.Object(waitParameters, { additionalProperties: false }),
        body: scriptBody,
        response: {
          200: {
            description: 'What each statement came to.',
            content: {
              'application/json': { schema: results },
              'text/event-stream': { schema: streamSchema },
              'application/x-ndjson': { schema: streamSchema },
            },
          },
          ...problemResponses(404, 406, 409, 413, 415, 422, 429, 504),
        },
      },
    },
    async (request, reply) => {
      const type = acceptedType(request.headers.accept, answerTypes);
      reply.header('vary', 'accept');
      if (type === undefined)
        throw new Refusal('not_acceptable', `the answer is ${answerTypes.join(', ')}; Accept names none of them`);
      return type === 'application/json' ? answer(request, reply) : stream(request, reply, type);
    },
  );

  /** All rows at once, when there are no more or the time is up. */
  async function answer(request: SqlRequest, reply: FastifyReply) {
    const { sql, dry_run = false, timeout_ms = queryTimeoutMsDefault } = request.body;
    if (timeout_ms > systemQueryTimeoutMsMax) {
      const message = `"timeout_ms" is at most ${systemQueryTimeoutMsMax} where the answer is no stream`;
      const issues = [{ code: 'invalid_value', message, pointer: '/timeout_ms' } as const];
      throw new Refusal('invalid_body', message, { issues });
    }
    const mode = dry_run ? 'rehearse' : 'apply';
    const signal = () => cancellation.signal(reply);
    const run = await runScript(mesh, { sql, mode, timeoutMs: timeout_ms, signal, origin: originOf(request) });
    const results = () => ({ results: run.results() });
    await waitApplied(mesh, run.targets, { ...waiting(request), signal, members: results });
    return results();
  }

  /** Rows as they come. The answer begins when the live query is open; until then what is wrong is a problem. */
  async function stream(request: SqlRequest, reply: FastifyReply, type: keyof typeof rowFormats) {
    if (streams >= streamsMax)
      throw new Refusal(
        'too_many_queries',
        `${streamsMax} streams of rows run already, as many as this service serves`,
        {
          headers: { 'retry-after': '1' },
        },
      );
    const { sql, dry_run = false, timeout_ms } = request.body;
    const signal = cancellation.signal(reply);
    if (!signal.aborted) {
      streams++;
      signal.addEventListener('abort', () => streams--, { once: true });
    }
    const run = await runScript(mesh, {
      sql,
      mode: dry_run ? 'rehearse' : 'apply',
      timeoutMs: Math.min(timeout_ms ?? queryTimeoutMsDefault, systemQueryTimeoutMsMax),
      leavesLive: true,
      signal: () => signal,
      origin: originOf(request),
    });
    const results = () => ({ results: run.results() });
    await waitApplied(mesh, run.targets, { ...waiting(request), signal: () => signal, members: results });
    const slow = new AbortController();
    const events = scriptEvents(mesh.connection, run, {
      timeoutMs: timeout_ms ?? streamTimeoutMsDefault,
      traceparent: traceparentOf(request.span),
      signal,
      slow: slow.signal,
    });
    const first = await events.next();
    const cutOff = () => void reply.raw.destroy();
    const text = rowStream(first, events, { format: rowFormats[type], slow, cutOff });
    return reply
      .type(`${type}; charset=utf-8`)
      .headers({ 'x-accel-buffering': 'no', connection: 'close' })
      .serializer((payload: unknown) => payload as string)
      .send(Readable.from(text, { highWaterMark: 1 }));
  }

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
        signal: () => cancellation.signal(reply),
        origin: originOf(request),
      });
      return { results: run.results() };
    },
  );
}

const waiting = ({ query }: SqlRequest) => ({ query, headers: {}, stored: 'the script is applied and stored' });
