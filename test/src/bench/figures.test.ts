import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { comparedFigure, figure, percentile, showSpread, showTarget, spread } from './figures.js';
import { inTurn } from './in-turn.js';
import type { Machine } from './machine.js';
import { withFigures } from './readme.js';
import type { Report } from './report.js';
import { RowCheck } from './row-check.js';

const someValues = fc.array(fc.double({ min: 0.001, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 30 });

describe('statistics', () => {
  it('the median has as many values below as above it', () => {
    fc.assert(
      fc.property(someValues, (values) => {
        const { median, min, max } = spread(values);
        expect(values.filter((value) => value < median).length).toBeLessThanOrEqual(values.length / 2);
        expect(values.filter((value) => value > median).length).toBeLessThanOrEqual(values.length / 2);
        expect([min, max]).toEqual([Math.min(...values), Math.max(...values)]);
      }),
    );
  });

  it('a percentile is one of the values, and that share of them is not above it', () => {
    fc.assert(
      fc.property(someValues, fc.double({ min: 0.01, max: 1, noNaN: true }), (values, share) => {
        const value = percentile(values, share);
        expect(values).toContain(value);
        expect(values.filter((other) => other <= value).length).toBeGreaterThanOrEqual(values.length * share - 1e-9);
        expect(values.filter((other) => other < value).length).toBeLessThan(values.length * share + 1e-9);
      }),
    );
  });

  it('a ratio is taken run by run, not of the medians', () => {
    const { baseline } = comparedFigure('x', 'us', [1, 10, 100], { name: 'hand', values: [2, 5, 100] });
    expect(baseline).toEqual({ name: 'hand', median: 5, min: 2, max: 100, ratio: { median: 1, min: 0.5, max: 2 } });
  });

  it('a target is met by the median, of our own figure or of the ratio', () => {
    const hand = { name: 'hand', values: [10, 10, 10] };
    const atMost = { of: 'ratio', bound: 'at most', value: 0.9 } as const;
    expect(showTarget(comparedFigure('x', 'us', [8, 9, 99], hand, atMost))).toBe('at most 0.9: met');
    expect(showTarget(comparedFigure('x', 'us', [8, 9.1, 9.1], hand, atMost))).toBe('at most 0.9: missed');
    const atLeast = { of: 'ours', bound: 'at least', value: 200 } as const;
    expect(showTarget(figure('x', 'MiB', [199], atLeast))).toBe('at least 200 MiB: missed');
    expect(showTarget(figure('x', 'MiB', [200], atLeast))).toBe('at least 200 MiB: met');
    expect(showTarget(figure('x', 'MiB', [1]))).toBeUndefined();
  });

  it('figures are shown as exactly as they are worth', () => {
    expect(showSpread({ median: 188_123.4, min: 5, max: 1e6 }, '/s')).toBe('188,123/s (5 to 1,000,000)');
    expect(showSpread({ median: 3.754, min: 3.5, max: 123.4 }, 'us')).toBe('3.75 us (3.50 to 123)');
    expect(showSpread({ median: 4, min: 4, max: 4 }, 'MiB')).toBe('4 MiB');
  });
});

describe('sides in turn', () => {
  it('run in either order, after a round that does not count', async () => {
    const order: string[] = [];
    let n = 0;
    const side = (name: string) => async () => {
      order.push(name);
      return `${name}${n++}`;
    };
    const measured = await inTurn(2, { a: side('a'), b: side('b') });
    expect(order.join('')).toBe('abbaab');
    expect(measured).toEqual({ a: ['a3', 'a4'], b: ['b2', 'b5'] });
  });
});

describe('rows', () => {
  const cycle = ['x', 'y'].map((text) => Buffer.from(text));
  const checked = (rows: string[]) => {
    const check = new RowCheck('out', cycle);
    for (const row of rows) check.take(Buffer.from(row));
    return () => check.expectCycles(2);
  };

  it('are each of the cycle, as often as it comes', () => {
    expect(checked(['x', 'y', 'x', 'y'])).not.toThrow();
  });

  it.each([
    ['missing', ['x', 'y', 'x'], 'out: 3 rows instead of 4'],
    ['doubled', ['x', 'y', 'x', 'y', 'x'], 'out: 5 rows instead of 4'],
    ['in another order', ['x', 'y', 'y', 'x'], 'out: row 2 is y instead of x'],
    ['of other bytes', ['x', 'y', 'x', 'Y'], 'out: row 3 is Y instead of y'],
  ])('%s are no run', (_, rows, error) => {
    expect(checked(rows)).toThrow(error);
  });
});

describe('the figures in the README', () => {
  const machine: Machine = {
    cpu: 'A CPU',
    cores: 2,
    memoryGiB: 8,
    system: 'Linux 6',
    node: '20.20.2',
    natsServer: '2.9.10',
    date: '2026-11-29T12:00:00.000Z',
  };
  const hand = { name: 'by hand', values: [2, 2] };
  const target = { of: 'ratio', bound: 'at most', value: 2 } as const;
  const report = (ours: number[]): Report => ({
    machine,
    runs: 2,
    scenarios: [
      { name: 'one', title: 'a job', figures: [comparedFigure('CPU | x', 'us', ours, hand, target)], notes: ['so'] },
    ],
  });
  const begin =
    '<!-- Figures: `npm run bench`, then `npm run bench -- --readme` writes what stands up to the end mark. -->';
  const text = `before\n\n${begin}\n\nold\n\n<!-- End of figures. -->\n\nafter\n`;

  it('stand between the marks, and nothing else changes', () => {
    expect(withFigures(text, report([3, 3]))).toBe(`before

${begin}

2 cores (A CPU), 8 GiB, Linux 6, Node 20.20.2, nats-server 2.9.10, 2026-11-29; medians of 2 runs in turn (least to most).

**\`one\`**: a job.

|          | Laminar | beside           | ratio | target         |
| -------- | ------- | ---------------- | ----- | -------------- |
| CPU \\| x | 3.00 us | by hand: 2.00 us | 1.50  | at most 2: met |

(so)

<!-- End of figures. -->

after
`);
  });

  it('are replaced by later ones', () => {
    expect(withFigures(withFigures(text, report([9, 9])), report([3, 3]))).toBe(withFigures(text, report([3, 3])));
  });

  it('are whole', () => {
    const broken = { name: 'two', title: 'a job', figures: [], error: 'no rows' };
    expect(() => withFigures(text, { ...report([1, 1]), scenarios: [broken] })).toThrow('"two" failed');
  });

  it('need the marks', () => {
    expect(() => withFigures('no marks', report([1, 1]))).toThrow('has no lines');
  });
});
