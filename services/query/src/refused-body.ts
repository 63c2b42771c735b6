import { finished } from 'node:stream/promises';
import type { FastifyRequest } from 'fastify';

/** A client that sends for longer may lose the answer. */
const drainTimeoutMs = 2000;

/**
 * Reads away what is left of a body that is too large. A server that answers and closes while the client still writes leaves most clients with
 * a broken pipe instead of the answer.
 */
export async function drainRefusedBody(request: FastifyRequest): Promise<void> {
  request.raw.resume();
  try {
    await finished(request.raw, { writable: false, signal: AbortSignal.timeout(drainTimeoutMs) });
  } catch {
    // The client has gone or goes on for too long; the answer is sent as it is.
  }
}
