import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ReplyNumbers } from './reply-numbers.js';

it('has no number in use twice, and lets a number rest while 256 others are given back', () => {
  const steps = fc.array(fc.tuple(fc.boolean(), fc.nat(700)), { maxLength: 400 });
  fc.assert(
    fc.property(steps, (script) => {
      const numbers = new ReplyNumbers();
      const used = new Set<number>();
      const givenBackAt = new Map<number, number>();
      let givenBack = 0;
      for (const [takes, count] of script) {
        for (let i = 0; i < count; i++) {
          if (takes) {
            const number = numbers.take();
            expect(used.has(number)).toBe(false);
            const at = givenBackAt.get(number);
            if (at !== undefined) expect(givenBack - at).toBeGreaterThanOrEqual(256);
            used.add(number);
          } else {
            const [number] = used;
            if (number === undefined) break;
            used.delete(number);
            givenBackAt.set(number, givenBack++);
            numbers.giveBack(number);
          }
        }
      }
    }),
    { numRuns: 50 },
  );
});

it('needs no more numbers than are in use at once, and those that rest', () => {
  const numbers = new ReplyNumbers();
  const seen = new Set<number>();
  for (let round = 0; round < 100; round++) {
    const batch = Array.from({ length: 500 }, () => numbers.take());
    for (const number of batch) {
      seen.add(number);
      numbers.giveBack(number);
    }
  }
  expect(seen.size).toBe(500 + 256);
});

it('uses no number again once one that was given back is answered again', () => {
  const numbers = new ReplyNumbers();
  const taken = Array.from({ length: 600 }, () => numbers.take());
  for (const number of taken.slice(0, 599)) numbers.giveBack(number);
  // Nothing of that number was given back: it may be answered late.
  numbers.noteStray(599);
  expect(numbers.take()).toBe(0);
  numbers.noteStray(5);
  const later = Array.from({ length: 600 }, () => numbers.take());
  for (const number of later) numbers.giveBack(number);
  expect(later).toEqual(Array.from({ length: 600 }, (_, i) => 600 + i));
  expect(numbers.take()).toBe(1200);
});
