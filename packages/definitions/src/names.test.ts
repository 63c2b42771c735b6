import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { namePattern, nearestName } from './index.js';

describe('names', () => {
  it.each(['a', '_', 'A-1', 'a_b-c', 'x'.repeat(63)])('%s is one', (name) => expect(namePattern.test(name)).toBe(true));
  it.each(['', '1', '-a', 'a.b', 'a b', 'é', 'x'.repeat(64), 'a\n', '*', 'a>'])('%j is none', (name) =>
    expect(namePattern.test(name)).toBe(false),
  );
});

describe('the nearest name', () => {
  const known = ['servers', 'subject', 'stream_name', 'max_reconnects', 'type'];
  it.each([
    ['server', 'servers'],
    ['sbuject', 'subject'],
    ['SUBJECT', 'subject'],
    ['streamname', 'stream_name'],
    ['max_reconect', 'max_reconnects'],
    ['tpye', 'type'],
  ])('of %s is %s', (slip, meant) => expect(nearestName(slip, known)).toBe(meant));

  it.each(['', 'x', 'colour', 'xxxxxxx'])('of %j is none', (name) => expect(nearestName(name, known)).toBeUndefined());

  it('is the name itself where it is known, and one slip away where it is near', () => {
    const name = fc.string({ unit: fc.constantFrom(...'abcdefgh'), minLength: 4, maxLength: 12 });
    fc.assert(
      fc.property(name, fc.nat(), fc.constantFrom('drop', 'double', 'swap'), (meant, at, slip) => {
        const i = at % (meant.length - 1);
        const [a = '', b = ''] = [meant[i], meant[i + 1]];
        const replaced = { drop: b, double: a + a + b, swap: b + a }[slip as 'drop'];
        const written = meant.slice(0, i) + replaced + meant.slice(i + 2);
        expect(nearestName(meant, ['zzzzzzzzzzzz', meant])).toBe(meant);
        expect(nearestName(written, ['zzzzzzzzzzzz', meant])).toBe(meant);
      }),
    );
  });
});
