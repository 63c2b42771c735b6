import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeaderBlock } from './index.js';

const text = (block: HeaderBlock) => new TextDecoder().decode(block.encode());

describe('a header block', () => {
  it('is the text that travels', () => {
    const block = new HeaderBlock('').with('A', '1').with('A', '2').with('B', 'é');
    expect(text(block)).toBe('NATS/1.0\r\nA: 1\r\nA: 2\r\nB: é\r\n\r\n');
    expect(text(new HeaderBlock(''))).toBe('NATS/1.0\r\n\r\n');
    expect(block.encode()).toBe(block.encode());
  });

  it('leaves the block that it extends as it is', () => {
    const base = new HeaderBlock('').with('A', '1');
    base.encode();
    base.with('B', '2');
    expect(text(base)).toBe('NATS/1.0\r\nA: 1\r\n\r\n');
  });

  it('has as many lines as headers, whatever they hold', () => {
    const hostile = fc.string({ unit: fc.constantFrom('a', ':', ' ', '\r', '\n', '\r\n', '\u2028', '😀') });
    fc.assert(
      fc.property(fc.array(fc.tuple(hostile, hostile)), (headers) => {
        const block = headers.reduce((before, [name, value]) => before.with(name, value), new HeaderBlock(''));
        const lines = text(block).split(/\r\n|\r|\n/);
        expect(lines).toHaveLength(headers.length + 3);
        expect(lines.slice(-2)).toEqual(['', '']);
      }),
    );
  });
});
