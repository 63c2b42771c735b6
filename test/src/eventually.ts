/** Of the time waited so far, within these bounds: a long wait takes little of the machine from what it waits for, and ends hardly later. */
const pauseShare = 0.05;
const pauseMsMin = 10;
const pauseMsMax = 50;

export interface EventuallyOptions {
  /** What is waited for, for the message of a failure. */
  readonly what: string;
  readonly timeoutMs?: number;
}

/**
 * Waits until `check` gives something other than undefined or false, and gives that; throws at the time limit (40 s unless said
 * otherwise) with the last error that `check` threw, if any.
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { what, timeoutMs = 40_000 }: EventuallyOptions,
): Promise<Exclude<T, undefined | false>> {
  const begin = Date.now();
  const deadline = begin + timeoutMs;
  let last: unknown;
  while (Date.now() < deadline) {
    try {
      const result = await check();
      if (result !== undefined && result !== false) return result as Exclude<T, undefined | false>;
      last = undefined;
    } catch (error) {
      last = error;
    }
    const pauseMs = Math.min(pauseMsMax, Math.max(pauseMsMin, (Date.now() - begin) * pauseShare));
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  throw new Error(`waited ${timeoutMs} ms in vain for ${what}`, { cause: last });
}
