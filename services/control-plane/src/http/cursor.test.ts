import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Refusal } from '../refusal.js';
import { decodeCursor, decodeNumericCursor, encodeCursor } from './cursor.js';

it('gives back every position, to the list that it belongs to alone', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), (list, other, position) => {
      const cursor = encodeCursor(list, position);
      expect(cursor).toMatch(/^[A-Za-z0-9_-]*$/);
      expect(decodeCursor(list, cursor)).toBe(position);
      if (other !== list) expect(() => decodeCursor(other, cursor)).toThrow(Refusal);
    }),
  );
});

it('refuses every other text', () => {
  fc.assert(fc.property(fc.string(), (text) => void expect(() => decodeCursor('list', text)).toThrow(Refusal)));
});

it('takes only positions that a number can be', () => {
  expect(decodeNumericCursor('list', encodeCursor('list', '12'))).toBe(12);
  for (const position of ['0', '-1', '1.5', 'x', '', '9'.repeat(16)])
    expect(() => decodeNumericCursor('list', encodeCursor('list', position))).toThrow(Refusal);
});
