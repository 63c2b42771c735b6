/** The same, or the reason of the signal, whichever is first. */
export function unlessAborted<T>(signal: AbortSignal, playing: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    playing.then(resolve, reject);
  });
}
