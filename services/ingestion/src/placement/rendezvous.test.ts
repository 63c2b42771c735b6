import fc from 'fast-check';
import { expect, it } from 'vitest';
import { preferred } from './rendezvous.js';

const members = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 8 });

it('is a member, whatever the order in which the members are named', () => {
  fc.assert(
    fc.property(fc.string(), members, (key, names) => {
      expect(names).toContain(preferred(key, names));
      expect(preferred(key, [...names].reverse())).toBe(preferred(key, names));
    }),
  );
});

it('moves only the keys of a member that leaves', () => {
  fc.assert(
    fc.property(fc.string(), members, (key, names) => {
      const before = preferred(key, names);
      for (const leaving of names) {
        const rest = names.filter((name) => name !== leaving);
        if (before !== leaving) expect(preferred(key, rest)).toBe(before);
      }
    }),
  );
});

it('spreads keys evenly', () => {
  const names = ['one', 'two', 'three', 'four'];
  const counts = new Map<string, number>();
  for (let i = 0; i < 4000; i++) {
    const name = preferred(`slot.${i}`, names) ?? '';
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  for (const name of names) expect(counts.get(name)).toBeGreaterThan(850);
});

it('is nobody among nobody', () => {
  expect(preferred('slot.0', [])).toBeUndefined();
});
