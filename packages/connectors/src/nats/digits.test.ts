import fc from 'fast-check';
import { expect, it } from 'vitest';
import { digitsOf, writeDigits } from './digits.js';

it('reads a number of digits alone, wherever they stand', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(), fc.string(), (front, number, back) => {
      const [before, digits, after] = [front, String(number), back].map((text) => Buffer.from(text));
      if (!before || !digits || !after) throw new Error('there are three');
      const bytes = Buffer.concat([before, digits, after]);
      const start = before.length;
      const end = start + digits.length;
      expect(digitsOf(bytes, start, end)).toBe(number);
      expect(digitsOf(bytes, start, start)).toBeNaN();
      expect(digitsOf(bytes, end, start)).toBeNaN();
      expect(digitsOf(Buffer.from(`${number}x`), 0, digits.length + 1)).toBeNaN();
      expect(digitsOf(Buffer.from(`-${number}`), 0, digits.length + 1)).toBeNaN();
      expect(digitsOf(digits, 0, digits.length + 1)).toBeNaN();
    }),
  );
});

it('writes the digits that it reads', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.nat({ max: 8 }), (number, start) => {
      const bytes = Buffer.alloc(32, 'x');
      const end = writeDigits(number, bytes, start);
      expect(bytes.toString()).toBe(`${'x'.repeat(start)}${number}`.padEnd(32, 'x'));
      expect(end).toBe(start + String(number).length);
    }),
  );
});
