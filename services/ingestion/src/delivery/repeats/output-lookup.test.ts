import type { HistoryEnd, HistoryPart, StoredOutput } from '@laminar/connectors';
import { headers } from '@laminar/protocol';
import { expect, it } from 'vitest';
import { rowId } from '../row-id.js';
import { OutputLookup } from './output-lookup.js';

/** A stream that stands in memory: what is asked of it is told, and so are its reads. */
class TestStream {
  ids: string[] = [];
  incarnation = 'first';
  readonly reads: Pick<HistoryPart, 'sinceMs' | 'goOn'>[] = [];
  windowMs = 60_000;

  async read(
    { sinceMs, goOn }: HistoryPart,
    onStored: (stored: StoredOutput) => void,
    onAnew?: () => void,
  ): Promise<HistoryEnd> {
    this.reads.push({ sinceMs, goOn });
    const { incarnation, windowMs } = this;
    const isSame = goOn?.incarnation === incarnation;
    if (goOn && !isSame) onAnew?.();
    for (const id of this.ids.slice(isSame ? goOn.sequence - 1 : 0))
      onStored({ header: (name) => (name === headers.messageId ? id : name === headers.revision ? '7' : undefined) });
    return { next: { incarnation, sequence: this.ids.length + 1 }, duplicateWindowMs: windowMs };
  }
}

const family = 'p.1.i';
const ask = (sequence: number, sinceMs = 1000) => ({ family, sequence, sinceMs });

function lookupOf(...ids: string[]) {
  const stream = new TestStream();
  stream.ids.push(...ids);
  return { stream, lookup: new OutputLookup(stream, { stream: 'S', subject: undefined }) };
}

it('answers all that is asked together by one read, and what comes after from what it saw', async () => {
  const { stream, lookup } = lookupOf(
    rowId({ family, sequence: 5, row: 0 }),
    rowId({ family: 'q.1.i', sequence: 6, row: 0 }),
    'a stranger',
    rowId({ family, sequence: 5, row: 2 }),
  );
  const answers = await Promise.all([lookup.find(ask(5)), lookup.find(ask(6, 2000))]);
  expect(answers.map((rows) => [...rows])).toEqual([
    [
      [0, 7],
      [2, 7],
    ],
    [],
  ]);
  expect(lookup.hasNone(ask(7, 3000))).toBe(true);
  expect(stream.reads).toEqual([{ sinceMs: 1000, goOn: undefined }]);
});

it('reads on where it ended, and anew for what is older', async () => {
  const { stream, lookup } = lookupOf(rowId({ family, sequence: 5, row: 0 }));
  await lookup.find(ask(5));
  stream.ids.push(rowId({ family, sequence: 6, row: 1 }));
  expect([...(await lookup.find(ask(6))).keys()]).toEqual([1]);
  expect(lookup.hasNone(ask(4))).toBe(false);
  await lookup.find(ask(4));
  expect(lookup.hasNone(ask(4, 500))).toBe(false);
  await lookup.find(ask(4, 500));
  expect(stream.reads).toEqual([
    { sinceMs: 1000, goOn: undefined },
    { sinceMs: 1000, goOn: { incarnation: 'first', sequence: 2 } },
    { sinceMs: 1000, goOn: undefined },
    { sinceMs: 500, goOn: undefined },
  ]);
});

it('asks the stream each time whether what it saw is there, and believes nothing of one that is gone', async () => {
  const { stream, lookup } = lookupOf(rowId({ family, sequence: 5, row: 0 }), rowId({ family, sequence: 6, row: 0 }));
  expect((await lookup.find(ask(5))).size).toBe(1);
  expect(lookup.hasNone(ask(5))).toBe(false);
  stream.incarnation = 'second';
  stream.ids = [rowId({ family, sequence: 6, row: 1 })];
  const [five, six] = await Promise.all([lookup.find(ask(5)), lookup.find(ask(6))]);
  expect([[...five.keys()], [...six.keys()]]).toEqual([[], [1]]);
  expect(lookup.hasNone(ask(5))).toBe(true);
});

it('knows nothing by heart of a stream that forgets ids at once', async () => {
  const { stream, lookup } = lookupOf();
  stream.windowMs = 0;
  await lookup.find(ask(5));
  expect(lookup.hasNone(ask(5))).toBe(false);
});

it('rejects with the error of the stream, and asks again the next time', async () => {
  const { stream, lookup } = lookupOf(rowId({ family, sequence: 5, row: 0 }));
  const { read } = stream;
  stream.read = () => Promise.reject(new Error('away'));
  await expect(lookup.find(ask(5))).rejects.toThrow('away');
  stream.read = read;
  expect((await lookup.find(ask(5))).size).toBe(1);
});
