import fc from 'fast-check';
import { expect, it } from 'vitest';
import { NumberMap } from './number-map.js';

/** Some of them have the same place, since only their lowest 32 bits count for it, and stand in each other's way. */
const key = fc.oneof(
  fc.nat(200),
  fc.nat(40).map((n) => n * 2 ** 32),
  fc.nat(40).map((n) => Number.MAX_SAFE_INTEGER - n * 2 ** 32),
);
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ op: fc.constant('set' as const), key }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('delete' as const), key }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('clear' as const), key }) },
);

it('holds what a Map holds', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 500, size: 'max' }), (steps) => {
      const ours = new NumberMap<number>();
      const theirs = new Map<number, number>();
      steps.forEach(({ op, key }, i) => {
        if (op === 'set') {
          ours.set(key, i);
          theirs.set(key, i);
        } else if (op === 'delete') expect(ours.delete(key)).toBe(theirs.delete(key));
        else if (i % 10 === 0) {
          ours.clear();
          theirs.clear();
        }
        expect(ours.size).toBe(theirs.size);
        expect(ours.get(key)).toBe(theirs.get(key));
        expect(ours.has(key)).toBe(theirs.has(key));
      });
      expect(ours.entries()).toEqual([...theirs].sort(([a], [b]) => a - b));
      expect(ours.values().sort((a, b) => a - b)).toEqual([...theirs.values()].sort((a, b) => a - b));
    }),
  );
});

it('holds what comes and goes one after the other, however many are there at once', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), fc.nat(2 ** 31), (atOnce, first) => {
      const map = new NumberMap<number>();
      for (let i = first; i < first + 2000; i++) {
        map.set(i, -i);
        if (i - first >= atOnce) expect(map.delete(i - atOnce)).toBe(true);
      }
      expect(map.entries()).toEqual(
        Array.from({ length: atOnce }, (_, i) => [first + 2000 - atOnce + i, -(first + 2000 - atOnce + i)]),
      );
    }),
  );
});
