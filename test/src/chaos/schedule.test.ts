import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FaultKind, scheduleOf } from './schedule.js';

const name = fc.string({ minLength: 1, maxLength: 5 });
const kind: fc.Arbitrary<FaultKind> = fc
  .record({
    name,
    weight: fc.double({ min: 0.1, max: 10, noNaN: true }),
    targets: fc.array(name, { minLength: 1, maxLength: 4 }),
    min: fc.nat(5000),
    more: fc.nat(5000),
  })
  .map(({ min, more, ...rest }) => ({ ...rest, durationMs: [min, min + more] }));
const options = fc.record({
  seed: fc.nat(2 ** 31),
  messages: fc.integer({ min: 1000, max: 1_000_000 }),
  faults: fc.nat(150),
  kinds: fc.uniqueArray(kind, { minLength: 1, maxLength: 20, selector: (one) => one.name }),
});

describe('a schedule of faults', () => {
  it('is the same for the same seed', () => {
    fc.assert(
      fc.property(options, (given) => {
        expect(scheduleOf(given)).toEqual(scheduleOf(given));
      }),
    );
  });

  it('is another one for another seed', () => {
    const kinds = ['a', 'b', 'c'].map((name) => ({
      name,
      weight: 1,
      targets: ['x', 'y'],
      durationMs: [0, 1000] as const,
    }));
    const of = (seed: number) => scheduleOf({ seed, messages: 10_000, faults: 20, kinds });
    expect(of(1)).not.toEqual(of(2));
  });

  it('has as many faults as were asked for, in the order of their positions, among the messages', () => {
    fc.assert(
      fc.property(options, (given) => {
        const plan = scheduleOf(given);
        expect(plan.map(({ index }) => index)).toEqual(Array.from({ length: given.faults }, (_, i) => i + 1));
        const positions = plan.map(({ at }) => at);
        expect(positions).toEqual([...positions].sort((a, b) => a - b));
        for (const at of positions) expect(at > 0 && at < given.messages).toBe(true);
      }),
    );
  });

  it('does to each target what its kind allows', () => {
    fc.assert(
      fc.property(options, (given) => {
        for (const fault of scheduleOf(given)) {
          const of = given.kinds.find((one) => one.name === fault.kind);
          expect(of?.targets).toContain(fault.target);
          expect(fault.durationMs >= (of?.durationMs[0] ?? 0) && fault.durationMs <= (of?.durationMs[1] ?? 0)).toBe(
            true,
          );
        }
      }),
    );
  });

  it('has each kind at least once where there are faults enough', () => {
    fc.assert(
      fc.property(options, (given) => {
        const kinds = new Set(scheduleOf(given).map((fault) => fault.kind));
        expect(kinds.size).toBeGreaterThanOrEqual(Math.min(given.kinds.length, given.faults));
      }),
    );
  });
});
