import type { RowEvent, RowFormat } from './row-events.js';

/** How often a quiet stream says that it is there. */
const quietMs = 15_000;
/** A client that takes nothing for that long while there is something is too slow. */
export const slowClientMs = 20_000;

export interface RowStreamOptions {
  readonly format: RowFormat;
  /** Aborted where the client takes nothing for `slowClientMs`: what is read for it has to end. */
  readonly slow: AbortController;
  /** The client takes nothing for as long again. */
  cutOff(): void;
}

/** Events, of which the first are there, as the text of an answer. They are read no faster than the client takes them. */
export async function* rowStream(
  first: IteratorResult<readonly RowEvent[]>,
  events: AsyncGenerator<readonly RowEvent[]>,
  { format, slow, cutOff }: RowStreamOptions,
): AsyncGenerator<string> {
  let timer: NodeJS.Timeout | undefined;
  try {
    for (let next = Promise.resolve(first); ; next = events.next()) {
      let news = await soon(next);
      while (news === 'quiet') {
        if (format.quiet !== undefined) yield format.quiet;
        news = await soon(next);
      }
      if (news.done) return;
      timer = setTimeout(() => {
        slow.abort();
        timer = setTimeout(cutOff, slowClientMs);
      }, slowClientMs);
      yield news.value.map((event) => format.write(event)).join('');
      clearTimeout(timer);
    }
  } finally {
    clearTimeout(timer);
    await events.return(undefined);
  }
}

/** What is there within `quietMs`. */
async function soon<T>(next: Promise<T>): Promise<T | 'quiet'> {
  let timer: NodeJS.Timeout | undefined;
  const quiet = new Promise<'quiet'>((resolve) => {
    timer = setTimeout(resolve, quietMs, 'quiet');
  });
  try {
    return await Promise.race([next, quiet]);
  } finally {
    clearTimeout(timer);
  }
}
