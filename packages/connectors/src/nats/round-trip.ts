import type { NatsConnection } from '@nats-io/nats-core';

/** How long the server takes to answer a ping, in milliseconds with their fractions: the client's own figure has whole ones, which is 0 for a server nearby. Rejects while the connection is away. */
export async function roundTripMs(nc: NatsConnection): Promise<number> {
  const startedMs = performance.now();
  await nc.rtt();
  return performance.now() - startedMs;
}
