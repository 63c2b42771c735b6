import type { App } from '../routes/context.js';

/** Requests that have not ended by then are cut off. */
const drainTimeoutMs = 3000;

/** Ends streams and waits, takes no new requests, and finishes those under way. */
export async function drain(app: Pick<App, 'close' | 'server'>): Promise<void> {
  const timer = setTimeout(() => app.server.closeAllConnections(), drainTimeoutMs);
  try {
    await app.close();
  } finally {
    clearTimeout(timer);
  }
}
