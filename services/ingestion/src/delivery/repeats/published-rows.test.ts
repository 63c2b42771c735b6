import fc from 'fast-check';
import { expect, it } from 'vitest';
import { originOf, rowId } from '../row-id.js';
import { PublishedRows } from './published-rows.js';

const rows = fc.array(fc.record({ sequence: fc.integer({ min: 1, max: 40 }), row: fc.nat(5) }), { maxLength: 200 });

it('knows all or nothing of a message, whatever it has to let go of, and always the first', () => {
  fc.assert(
    fc.property(rows, fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 50 }), (added, lowest, rowsMax) => {
      const published = new PublishedRows(lowest, rowsMax);
      for (const { sequence, row } of added) published.add(sequence, row, 7);
      for (let sequence = 1; sequence <= 40; sequence++) {
        if (!published.knows(sequence)) continue;
        expect(sequence).toBeGreaterThanOrEqual(lowest);
        const own = added.filter((other) => other.sequence === sequence).map(({ row }) => row);
        expect(new Set(published.of(sequence).keys())).toEqual(new Set(own));
      }
      expect(published.knows(lowest)).toBe(true);
      // One message is kept however many rows it has.
      expect(published.size).toBeLessThanOrEqual(Math.max(rowsMax, 6));
    }),
  );
});

it('reads from an id where its row came from', () => {
  const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_-]{0,62}$/);
  fc.assert(
    fc.property(name, fc.nat(), fc.nat(), fc.nat(), (pipeline, incarnation, sequence, row) => {
      const origin = { family: `${pipeline}.${incarnation}.mf0x2`, sequence, row };
      expect(originOf(rowId(origin))).toEqual(origin);
    }),
  );
});

it('takes no other id for one of its own', () => {
  for (const id of ['', 'a', '1.2', 'a.b.c', 'p.7.session.x1', 'p.7.s.1.2x', '..', 'a..1'])
    expect(originOf(id)).toBeUndefined();
});
