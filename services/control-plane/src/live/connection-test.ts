import { type ConnectionDefinition, encodeConnection } from '@laminar/definitions';
import { BusUnavailable } from '@laminar/event-store';
import { laminar, subjects } from '@laminar/protocol';
import { type Msg, type NatsConnection, NoRespondersError, RequestError, TimeoutError } from '@nats-io/nats-core';
import { Refusal } from '../refusal.js';
import type { Rows } from '../script/rows.js';
import { noIngestion } from './no-ingestion.js';

const { ConnectionTestAnswer, ConnectionTestRequest } = laminar.v1;

/** How much longer than the test itself its answer may take. */
const answerMarginMs = 1500;

/** Headers of the service protocol (NATS ADR-32). */
const errorHeader = 'Nats-Service-Error';
const errorCodeHeader = 'Nats-Service-Error-Code';

export interface ConnectionTest {
  /** What its consumer is named after. */
  readonly name: string;
  readonly definition: ConnectionDefinition;
  /** Of the catalog that it was read from. */
  readonly revision: number;
  readonly timeoutMs: number;
  /** The last check that is made; all unless given. */
  readonly through?: 'stream';
}

/** One check, as answers show it. */
export interface Check {
  readonly check: string;
  readonly status: string;
  readonly message: string;
  readonly duration_ms: number;
}

/** Has an ingestion instance test a connection; a check that fails is an answer. Throws a `Refusal` and `BusUnavailable`. */
export async function testConnection(nc: NatsConnection, test: ConnectionTest): Promise<Check[]> {
  const { name, definition, revision, timeoutMs, through = '' } = test;
  const request = { name, definition: encodeConnection(definition), revision, timeoutMs, through };
  const answer = await ask(nc, ConnectionTestRequest.encode(request).finish(), timeoutMs);
  if ((answer.headers?.get(errorCodeHeader) ?? '') !== '')
    throw new Refusal('ingestion_unavailable', answer.headers?.get(errorHeader) ?? '', later);
  const { checks = [] } = ConnectionTestAnswer.decode(answer.data);
  return checks.map(({ check, status, message, durationMs }) => ({
    check: check ?? '',
    status: status ?? '',
    message: message ?? '',
    duration_ms: Math.round((durationMs ?? 0) * 10) / 10,
  }));
}

/** The checks as rows of `SELECT test_connection('name')`. */
export const checkRows = (checks: readonly Check[]): Rows => ({
  columns: [
    { name: 'check', type: 'TEXT' },
    { name: 'status', type: 'TEXT' },
    { name: 'message', type: 'TEXT' },
    { name: 'duration_ms', type: 'DOUBLE PRECISION' },
  ],
  rows: checks.map(({ check, status, message, duration_ms }) => [check, status, message, duration_ms]),
  complete: true,
});

const later = { headers: { 'retry-after': '1' } };

async function ask(nc: NatsConnection, request: Uint8Array, timeoutMs: number): Promise<Msg> {
  try {
    return await nc.request(subjects.connectionTest, request, { timeout: timeoutMs + answerMarginMs });
  } catch (error) {
    if (error instanceof NoRespondersError || (error instanceof RequestError && error.isNoResponders()))
      throw noIngestion();
    if (error instanceof TimeoutError)
      throw new Refusal('ingestion_unavailable', 'the ingestion instance that answers was silent', later);
    throw new BusUnavailable(`the bus does not answer: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
