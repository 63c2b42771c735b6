import { BusUnavailable } from '@laminar/event-store';
import { type SystemQuery, type SystemRows, subjects, systemQueryErrors } from '@laminar/protocol';
import { type Msg, type NatsConnection, NoRespondersError, RequestError, TimeoutError } from '@nats-io/nats-core';
import { parse } from 'lossless-json';
import { Refusal } from '../refusal.js';
import type { Rows } from './rows.js';

/** How much longer than the statement itself its answer may take. */
const answerMarginMs = 1000;

/** Headers of the service protocol (NATS ADR-32). */
const errorHeader = 'Nats-Service-Error';
const errorCodeHeader = 'Nats-Service-Error-Code';

/**
 * Asks the query service for rows of `system.*`. Integers beyond 2^53 come as bigints, with all digits. Throws a `Refusal`, and
 * `BusUnavailable`.
 */
export async function querySystem(nc: NatsConnection, query: SystemQuery): Promise<Rows> {
  const answer = await request(nc, query);
  const code = answer.headers?.get(errorCodeHeader) ?? '';
  if (code !== '') throw refused(Number(code), answer.headers?.get(errorHeader) ?? '', query.timeout_ms);
  const { columns, rows, complete } = parse(answer.string(), undefined, { parseNumber }) as SystemRows;
  return { columns, rows, complete };
}

async function request(nc: NatsConnection, query: SystemQuery): Promise<Msg> {
  try {
    return await nc.request(subjects.querySql, JSON.stringify(query), { timeout: query.timeout_ms + answerMarginMs });
  } catch (error) {
    if (isNobodyThere(error)) {
      const message = 'no query service is there to answer; it must run for queries over system tables';
      throw new Refusal('query_unavailable', message, { headers: { 'retry-after': '1' }, cause: error });
    }
    if (error instanceof TimeoutError) throw timedOut(query.timeout_ms);
    throw new BusUnavailable(`the bus does not answer: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

function isNobodyThere(error: unknown): boolean {
  return error instanceof NoRespondersError || (error instanceof RequestError && error.isNoResponders());
}

function refused(code: number, description: string, timeoutMs: number): Refusal | Error {
  if (code === systemQueryErrors.invalid) return new Refusal('invalid_query', description);
  if (code === systemQueryErrors.timeout) return timedOut(timeoutMs);
  if (code === systemQueryErrors.notReady)
    return new Refusal('query_unavailable', description, { headers: { 'retry-after': '1' } });
  return new Error(`the query service answered with error ${code}: ${description}`);
}

const timedOut = (timeoutMs: number): Refusal =>
  new Refusal(
    'query_timeout',
    `the query took longer than ${timeoutMs} ms; narrow it down, or give a larger timeout_ms`,
  );

function parseNumber(digits: string): number | bigint {
  const number = Number(digits);
  return Number.isSafeInteger(number) || !/^-?\d+$/.test(digits) ? number : BigInt(digits);
}
