/**
 * Waits for something that a connection which is away may never answer, `timeoutMs` at most. Whether it was answered does not matter to
 * the caller, who goes on in any case.
 */
export async function within(timeoutMs: number, answer: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([answer.then(ignore, ignore), limit]);
  clearTimeout(timer);
}

const ignore = (): void => undefined;
