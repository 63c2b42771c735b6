import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeaderBlock } from '../index.js';
import { InFlight } from './in-flight.js';
import type { Pending } from './lane.js';

const subjects = ['a', 'b', 'c'] as const;
const messagesMax = 4096;
const bytesMax = 16 * 1024 * 1024;
const step = fc.oneof(
  fc.record({ add: fc.constantFrom(...subjects) }),
  fc.record({ remove: fc.nat() }),
  fc.constant({ wait: true }),
);

/** What a promise that may be resolved did by now. */
async function isResolved(promise: Promise<void>): Promise<boolean> {
  let resolved = false;
  void promise.then(() => {
    resolved = true;
  });
  await new Promise(setImmediate);
  return resolved;
}

const published = (number: number, subject: string, bytes = 1) => ({
  number,
  message: { subject, data: new Uint8Array(bytes), headers: new HeaderBlock('') },
  settled: undefined,
  publisher: undefined,
});

describe('what is in flight', () => {
  it('is in order, all of it and that of each subject, and who waits for some of it goes on when just that is settled', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const inFlight = new InFlight();
        let left: Pending[] = [];
        const waits: { readonly for: readonly Pending[]; readonly promise: Promise<void> }[] = [];
        for (const [number, next] of steps.entries()) {
          if ('add' in next) left = [...left, inFlight.add(published(number, next.add))];
          else if ('wait' in next) waits.push({ for: left, promise: inFlight.confirmed() });
          else if (left.length > 0) {
            const pending = left[next.remove % left.length] as Pending;
            expect(inFlight.remove(pending)).toBe(true);
            expect(inFlight.remove(pending)).toBe(false);
            left = left.filter((other) => other !== pending);
          }
          expect(inFlight.inOrder()).toEqual(left);
          for (const subject of subjects) {
            const ofSubject = left.filter(({ message }) => message.subject === subject);
            expect(inFlight.lane(subject)?.all() ?? []).toEqual(ofSubject);
          }
        }
        for (const wait of waits)
          expect(await isResolved(wait.promise)).toBe(!wait.for.some((pending) => inFlight.has(pending)));
        expect(inFlight.clear()).toEqual(left);
        for (const { promise } of waits) expect(await isResolved(promise)).toBe(true);
      }),
    );
  });

  it.each([
    ['messages', messagesMax, 1],
    ['bytes', 16, bytesMax / 16],
  ])('has room again when half of the %s that may be here are settled', async (_, count, bytes) => {
    const inFlight = new InFlight();
    const all: Pending[] = [];
    for (let number = 0; number < count; number++) {
      expect(inFlight.ready()).toBeUndefined();
      all.push(inFlight.add(published(number, 'a', bytes)));
    }
    const ready = inFlight.ready() as Promise<void>;
    // The header counts, too: what is left has to be below the half.
    for (const pending of all.slice(0, count / 2)) inFlight.remove(pending);
    expect(await isResolved(ready)).toBe(false);
    inFlight.remove(all.at(-1) as Pending);
    expect(await isResolved(ready)).toBe(true);
    expect(inFlight.ready()).toBeUndefined();
  });
});
