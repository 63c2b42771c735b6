import type { NatsConnection } from '@nats-io/nats-core';
import { BusPauses } from './bus-pauses.js';
import type { Health } from './health.js';
import type { Logger } from './logger.js';

const waitMsMin = 500;
/** A cluster that gets its leaders back tells no client so, and what waits for it is to go on within a few seconds. */
const waitMsMax = 5000;

export interface Retrying {
  readonly nc: NatsConnection;
  readonly health: Health;
  /** What of the readiness waits for it. */
  readonly part: string;
  readonly logger: Logger;
  /** A service that stops need not go on: nobody waits for the promise then. */
  isOver?(): boolean;
}

/**
 * Tries what the bus does not give yet for as long as it takes: a cluster that starts has no leader, and its servers are not all there. It does so ever more rarely, but at once when the
 * connection is back. Readiness says what is waited for; the log says it with the first attempt, the second, the fourth and so on.
 */
export async function retried<T>(
  { nc, health, part, logger, isOver = () => false }: Retrying,
  what: string,
  work: () => Promise<T>,
): Promise<T> {
  const pauses = new BusPauses(nc);
  try {
    let failuresInARow = 0;
    for (let attempts = 1; ; attempts++) {
      try {
        return await work();
      } catch (error) {
        if (isOver()) return await new Promise<never>(() => undefined);
        const reason = `${what}: ${error instanceof Error ? error.message : String(error)}`;
        health.set(part, reason);
        if (Number.isInteger(Math.log2(attempts))) logger.warn({ attempts }, reason);
      }
      const isBack = await pauses.wait(retryWaitMs(failuresInARow++, Math.random()));
      if (isBack) failuresInARow = 0;
    }
  } finally {
    pauses.stop();
  }
}

/** Milliseconds between two attempts, after so many failures before the last one; `chance`, from 0 to 1, is what keeps services apart that failed together. */
export const retryWaitMs = (failures: number, chance: number): number =>
  Math.min(waitMsMin * 2 ** failures, waitMsMax) * (0.5 + chance / 2);
