/** Tells whoever waits that something which they wait for may have happened. */
export class Changes {
  readonly #listeners = new Set<() => void>();

  notify(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  /** Gives the means to stop listening. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/**
 * Waits until `holds` does: looks now and after each change, never in between. Says how it ended: it holds, the time was up, or
 * `signal` aborted. Leaves no timer behind.
 */
export function until(
  changes: Changes,
  holds: () => boolean,
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
): Promise<'holds' | 'timeout' | 'aborted'> {
  if (holds()) return Promise.resolve('holds');
  if (signal.aborted) return Promise.resolve('aborted');
  return new Promise((resolve) => {
    const end = (how: 'holds' | 'timeout' | 'aborted') => {
      clearTimeout(timer);
      stopListening();
      signal.removeEventListener('abort', onAbort);
      resolve(how);
    };
    const onAbort = () => end('aborted');
    const timer = setTimeout(() => end('timeout'), timeoutMs);
    const stopListening = changes.listen(() => {
      if (holds()) end('holds');
    });
    signal.addEventListener('abort', onAbort);
  });
}
