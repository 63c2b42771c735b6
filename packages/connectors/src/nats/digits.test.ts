import fc from 'fast-check';
import { expect, it } from 'vitest';
import { digitsOf } from './digits.js';

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
