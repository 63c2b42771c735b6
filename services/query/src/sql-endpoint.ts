import { type SystemQuery, subjects, systemQueryErrors, systemQueryTimeoutMsMax } from '@laminar/protocol';
import { announceService } from '@laminar/runtime';
import type { NatsConnection } from '@nats-io/nats-core';
import type { ServiceMsg } from '@nats-io/services';
import { type FailureCode, StatementFailed } from './sql-runner/failure.js';
import type { SqlRunner } from './sql-runner/sql-runner.js';

/** Kept free of what a message may hold, for columns, headers and the frame around the rows. */
const frameBytesMax = 16 * 1024;

const errorCodes: { readonly [code in FailureCode]: number } = {
  invalid: systemQueryErrors.invalid,
  timeout: systemQueryErrors.timeout,
  busy: systemQueryErrors.notReady,
};

export interface SqlEndpointOptions {
  readonly instance: string;
  readonly runner: SqlRunner;
  isCaughtUp(): boolean;
}

/** Announces the service on the bus, and answers SQL there; of all query services, one answers each request. */
export async function answerSqlOnBus(nc: NatsConnection, options: SqlEndpointOptions): Promise<void> {
  const service = await announceService(nc, {
    name: 'laminar-query',
    description: 'The state of the mesh as SQL tables',
    instance: options.instance,
  });
  service.addEndpoint('sql', {
    subject: subjects.querySql,
    queue: 'laminar-query',
    metadata: { request: 'JSON {"sql", "timeout_ms"}', response: 'JSON {"columns", "rows", "complete"}' },
    handler: (error, message) => {
      if (!error) void answer(message, nc, options);
    },
  });
}

async function answer(message: ServiceMsg, nc: NatsConnection, { runner, isCaughtUp }: SqlEndpointOptions) {
  const query = readQuery(message.data);
  if (typeof query === 'string') return message.respondError(systemQueryErrors.malformed, query);
  if (!isCaughtUp()) return message.respondError(systemQueryErrors.notReady, 'the system tables are being filled');
  try {
    const bytesMax = (nc.info?.max_payload ?? 0) - frameBytesMax;
    const { columns, rows, complete } = await runner.run(query.sql, { timeoutMs: query.timeout_ms, bytesMax });
    return message.respond(`{"columns":${JSON.stringify(columns)},"rows":${rows},"complete":${complete}}`);
  } catch (error) {
    if (!(error instanceof StatementFailed)) throw error;
    return message.respondError(errorCodes[error.code], headerText(error.message));
  }
}

/** The query, or what is wrong with it. */
function readQuery(data: Uint8Array): SystemQuery | string {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(data));
  } catch (error) {
    return headerText(`the request is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const { sql, timeout_ms } = (typeof value === 'object' && value !== null ? value : {}) as { [name: string]: unknown };
  if (typeof sql !== 'string') return 'the request needs a text "sql"';
  if (!Number.isInteger(timeout_ms) || Number(timeout_ms) < 1 || Number(timeout_ms) > systemQueryTimeoutMsMax) {
    return `the request needs "timeout_ms", a whole number from 1 to ${systemQueryTimeoutMsMax}`;
  }
  return { sql, timeout_ms: Number(timeout_ms) };
}

/** A header's value is one line. */
const headerText = (message: string): string => message.replaceAll(/\s+/g, ' ');
