const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** One Ctrl-C comes twice: from the terminal, and from npm, which hands on what it gets. */
const sameRequestMs = 1000;

export interface StopRequests {
  /** Aborted by the first request. */
  readonly first: AbortSignal;
  /** Aborted by somebody who does not want to wait. */
  readonly second: AbortSignal;
  /** Signals end this process again as they do by default. */
  dispose(): void;
}

/** Turns Ctrl-C, SIGTERM and the end of the terminal into requests to stop. */
export function stopRequests(): StopRequests {
  const first = new AbortController();
  const second = new AbortController();
  let firstMs = 0;
  const onSignal = () => {
    if (!first.signal.aborted) {
      firstMs = performance.now();
      first.abort();
    } else if (performance.now() - firstMs > sameRequestMs) second.abort();
  };
  for (const signal of signals) process.on(signal, onSignal);
  return {
    first: first.signal,
    second: second.signal,
    dispose() {
      for (const signal of signals) process.off(signal, onSignal);
    },
  };
}
