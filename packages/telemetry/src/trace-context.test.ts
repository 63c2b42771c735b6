import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSampled, parseTraceparent } from './index.js';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const spanId = '00f067aa0ba902b7';

// After the test suite of W3C Trace Context (https://github.com/w3c/trace-context/blob/main/test/test.py).
describe('a traceparent', () => {
  it.each([
    [`00-${traceId}-${spanId}-01`, true],
    [`00-${traceId}-${spanId}-00`, false],
    [`00-${traceId}-${spanId}-ff`, true],
    [`00-${traceId}-${spanId}-02`, false],
    [`cc-${traceId}-${spanId}-01`, true],
    [`cc-${traceId}-${spanId}-01-what-the-future-will-be-like`, true],
  ])('%s is read', (header, sampled) => {
    expect(parseTraceparent(header)).toEqual({ traceId, spanId, traceFlags: Number(sampled), isRemote: true });
    expect(isSampled(header)).toBe(sampled);
  });

  it.each([
    undefined,
    '',
    traceId,
    `00-${traceId}-${spanId}`,
    `00-${traceId}-${spanId}-01-`,
    `00-${traceId}-${spanId}-01-extra`,
    `00-${traceId}-${spanId}-01.`,
    `00-${traceId}-${spanId}-1`,
    `00-${traceId}-${spanId}-0x`,
    `00-${traceId}-${spanId}-001`,
    `ff-${traceId}-${spanId}-01`,
    `cc-${traceId}-${spanId}-01.what-the-future-will-not-be-like`,
    `0-${traceId}-${spanId}-01`,
    `000-${traceId}-${spanId}-01`,
    `.0-${traceId}-${spanId}-01`,
    `00-${'0'.repeat(32)}-${spanId}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `00-${traceId.slice(1)}-${spanId}-01`,
    `00-${traceId}0-${spanId}-01`,
    `00-${traceId.replace('4', 'g')}-${spanId}-01`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    `00-${traceId}-${spanId.slice(1)}-01`,
    `00-${traceId}-${spanId}f-01`,
    `00_${traceId}_${spanId}_01`,
    ` 00-${traceId}-${spanId}-01`,
    `00-${traceId}-${spanId}-01\n`,
  ])('%j names no span', (header) => {
    expect(parseTraceparent(header)).toBeUndefined();
    expect(isSampled(header)).toBe(false);
  });

  it('is read, or not, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789abcdefg-'), maxLength: 80 }), (header) => {
        const read = parseTraceparent(header);
        if (read) expect(header).toContain(`-${read.traceId}-${read.spanId}-`);
      }),
    );
  });
});
