import type { MeshService } from './services.js';

const readyTimeoutMs = 60_000;
const pollMs = 25;
const requestTimeoutMs = 2000;
/** A wait that takes longer is explained that often. */
const explainEveryMs = 5000;
/** A service that died that often before it was ready is not going to be. */
const deathsMax = 5;

export interface ReadinessOptions {
  readonly services: readonly MeshService[];
  /** Gives the wait up; it then rejects. */
  readonly signal: AbortSignal;
  say(line: string): void;
}

/** Waits until every service is ready. Throws with the reason of the first that does not get there. */
export async function waitUntilReady({ services, signal, say }: ReadinessOptions): Promise<void> {
  await Promise.all(services.map((service) => waitFor(service, signal, say)));
}

async function waitFor(service: MeshService, signal: AbortSignal, say: (line: string) => void): Promise<void> {
  const { instance, process, logPath } = service;
  const startedMs = performance.now();
  let explainedMs = startedMs;
  for (;;) {
    const reason = await notReadyReason(service, signal);
    signal.throwIfAborted();
    if (reason === undefined) return;
    const { lastEnd } = process;
    if (lastEnd && (lastEnd.hopeless || process.deaths >= deathsMax))
      throw new Error(`${instance} ${lastEnd.how}; its log is ${logPath}`);
    const nowMs = performance.now();
    if (nowMs - startedMs > readyTimeoutMs)
      throw new Error(`${instance} is not ready after ${readyTimeoutMs / 1000} s: ${reason}; its log is ${logPath}`);
    if (nowMs - explainedMs > explainEveryMs) {
      explainedMs = nowMs;
      say(`waiting for ${instance}: ${reason}`);
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

/** What a service says of its readiness; undefined where it is ready. */
async function notReadyReason({ url }: MeshService, signal: AbortSignal): Promise<string | undefined> {
  try {
    const response = await fetch(`${url}/readyz`, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]),
    });
    if (response.ok) {
      await response.body?.cancel();
      return undefined;
    }
    const body: unknown = await response.json();
    const reason = typeof body === 'object' && body !== null && 'reason' in body ? body.reason : undefined;
    return typeof reason === 'string' ? reason : `its /readyz answers ${response.status}`;
  } catch {
    // Not listening yet, or too busy to answer.
    return 'it does not answer yet';
  }
}
