import { laminar, subjects } from '@laminar/protocol';
import { type NatsConnection, NoRespondersError, RequestError } from '@nats-io/nats-core';
import type { ServerVersion } from '../definitions/server-check.js';
import { noIngestion } from './no-ingestion.js';

const { ServerVersionsAnswer, ServerVersionsRequest } = laminar.v1;

/** A server that is there says so at once; whoever defines something waits for this. */
const greetingTimeoutMs = 1500;
const answerTimeoutMs = 2000;

/** Has an ingestion instance, which is where connections are opened, ask servers for their versions. Throws where none answers in time. */
export async function askServerVersions(nc: NatsConnection, servers: readonly string[]): Promise<ServerVersion[]> {
  const request = ServerVersionsRequest.encode({ servers: [...servers], timeoutMs: greetingTimeoutMs }).finish();
  const answer = await nc.request(subjects.serverVersions, request, { timeout: answerTimeoutMs }).catch((error) => {
    if (error instanceof NoRespondersError || (error instanceof RequestError && error.isNoResponders()))
      throw noIngestion();
    throw new Error(`no ingestion instance answered within ${answerTimeoutMs} ms`, { cause: error });
  });
  return (ServerVersionsAnswer.decode(answer.data).servers ?? []).map(({ server, version, reached, reason }) => ({
    server: server ?? '',
    version: version ?? '',
    reached: reached ?? false,
    reason: reason ?? '',
  }));
}
