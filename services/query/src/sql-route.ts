import { systemQueryTimeoutMsMax } from '@laminar/protocol';
import type { FastifyInstance } from 'fastify';
import { HttpFailure, sendProblem, statementProblems } from './problem.js';
import { StatementFailed } from './sql-runner/failure.js';
import type { SqlRunner } from './sql-runner/sql-runner.js';

/** How long a statement may take where nothing is said. */
const timeoutMsDefault = 2000;
/** Of the answer's rows. */
const answerBytesMax = 8 * 1024 * 1024;

interface SqlBody {
  readonly sql: string;
  readonly timeout_ms: number;
}

const bodySchema = {
  type: 'object',
  required: ['sql'],
  additionalProperties: false,
  properties: {
    sql: { type: 'string', minLength: 1 },
    timeout_ms: { type: 'integer', minimum: 1, maximum: systemQueryTimeoutMsMax, default: timeoutMsDefault },
  },
} as const;

/** `POST /api/v1/sql`: one statement for SQLite over `system.*`, answered in the form of the control plane's `/sql`. */
export function sqlRoute(app: FastifyInstance, runner: SqlRunner, isCaughtUp: () => boolean): void {
  const preValidation = async ({ body }: { body: unknown }) => {
    if (body === undefined) {
      throw new HttpFailure({ status: 400, code: 'missing_body', detail: 'the request needs a body of JSON' });
    }
  };
  app.post<{ Body: SqlBody }>(
    '/api/v1/sql',
    { schema: { body: bodySchema }, preValidation },
    async (request, reply) => {
      if (!isCaughtUp()) {
        const detail = 'the system tables are being filled from the bus; GET /readyz says what is waited for';
        return sendProblem(reply, { status: 503, code: 'not_ready', detail });
      }
      const { sql, timeout_ms: timeoutMs } = request.body;
      try {
        const { columns, rows, complete } = await runner.run(sql, { timeoutMs, bytesMax: answerBytesMax });
        const head = `"statement":${JSON.stringify(sql)},"columns":${JSON.stringify(columns)}`;
        return reply.type('application/json').send(`{"results":[{${head},"rows":${rows},"complete":${complete}}]}`);
      } catch (error) {
        if (!(error instanceof StatementFailed)) throw error;
        return sendProblem(reply, { ...statementProblems[error.code], detail: error.message });
      }
    },
  );
}
