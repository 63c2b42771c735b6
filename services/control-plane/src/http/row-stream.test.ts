import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type RowEvent, rowFormats } from './row-events.js';
import { rowStream, slowClientMs } from './row-stream.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const row = (n: number): RowEvent[] => [{ event: 'row', text: `[${n}]` }];

/** Tells one row, and another when it is asked to. */
function telling() {
  let tell: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => {
    tell = resolve;
  });
  async function* events(): AsyncGenerator<readonly RowEvent[]> {
    yield row(1);
    await asked;
    yield row(2);
  }
  return { events: events(), tell };
}

async function open(format: keyof typeof rowFormats) {
  const { events, tell } = telling();
  const slow = new AbortController();
  let cut = false;
  const first = await events.next();
  const cutOff = () => {
    cut = true;
  };
  const texts = rowStream(first, events, { format: rowFormats[format], slow, cutOff });
  return { texts, tell, slow: slow.signal, isCut: () => cut };
}

it('says that it is still there while it is quiet, where the format can', async () => {
  for (const [format, quiet] of [
    ['text/event-stream', true],
    ['application/x-ndjson', false],
  ] as const) {
    const { texts, tell } = await open(format);
    await texts.next();
    const next = texts.next();
    await vi.advanceTimersByTimeAsync(15_000);
    if (quiet) expect((await next).value).toMatch(/^: .*\n\n$/);
    const later = quiet ? texts.next() : next;
    tell();
    expect((await later).value).toContain('[2]');
    expect(await texts.next()).toMatchObject({ done: true });
  }
});

it('ends what is read for a client that takes nothing, then cuts it off', async () => {
  const { texts, slow, isCut } = await open('text/event-stream');
  await texts.next();
  await vi.advanceTimersByTimeAsync(slowClientMs - 1);
  expect(slow.aborted).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect([slow.aborted, isCut()]).toEqual([true, false]);
  await vi.advanceTimersByTimeAsync(slowClientMs);
  expect(isCut()).toBe(true);
});

it('does not take a client for slow that waits for rows', async () => {
  const { texts, tell, slow } = await open('application/x-ndjson');
  await texts.next();
  const next = texts.next();
  await vi.advanceTimersByTimeAsync(10 * slowClientMs);
  tell();
  expect((await next).value).toBe('{"event":"row","row":[2]}\n');
  expect(slow.aborted).toBe(false);
  await texts.return(undefined);
});
