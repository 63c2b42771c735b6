import type { ServiceContext } from '@laminar/runtime';

const retryIntervalMs = 500;

/** Tries for as long as it takes: a cluster that starts has no leader yet, and its servers are not all there. Readiness says what is waited for. */
export async function retried<T>(
  { health, logger }: Pick<ServiceContext, 'health' | 'logger'>,
  what: string,
  work: () => Promise<T>,
): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const reason = `${what}: ${error instanceof Error ? error.message : String(error)}`;
      health.set('start', reason);
      logger.warn(reason);
      await new Promise((resolve) => setTimeout(resolve, retryIntervalMs));
    }
  }
}
