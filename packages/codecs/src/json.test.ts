import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DecodeError, jsonDepthMax, parseJson, stringifyJson } from './json.js';

const bytes = (text: string) => new TextEncoder().encode(text);

describe('JSON', () => {
  it('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(stringifyJson(parseJson(bytes(text)))).toEqual(JSON.stringify(JSON.parse(text)));
      }),
    );
  });

  it('keeps every digit of an integer', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }), (n) => {
        expect(stringifyJson(parseJson(bytes(`{"n":${n}}`)))).toBe(`{"n":${n}}`);
      }),
    );
  });

  it.each(['', '{', '{"a":1,}', 'nul', '[1 2]', '\u00a01'])('refuses %j', (text) => {
    expect(() => parseJson(bytes(text))).toThrow(DecodeError);
  });

  it('refuses bytes that are not UTF-8, and takes a replacement character that was written', () => {
    expect(() => parseJson(Uint8Array.from([0x22, 0xff, 0x22]))).toThrow(/UTF-8/);
    expect(parseJson(bytes('"\ufffd"'))).toBe('\ufffd');
  });

  it('bounds nesting, but not brackets in strings or side by side', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(() => parseJson(bytes(nested(jsonDepthMax + 1)))).toThrow(/nested deeper/);
    expect(() => parseJson(bytes(nested(200_000)))).toThrow(DecodeError);
    expect(parseJson(bytes(nested(jsonDepthMax)))).toBeInstanceOf(Array);
    expect(parseJson(bytes(`["${'['.repeat(1000)}"]`))).toEqual(['['.repeat(1000)]);
    expect(parseJson(bytes(`[${'[],'.repeat(1000)}1]`))).toHaveLength(1001);
  });

  it('never quotes the message in an error', () => {
    expect(() => parseJson(bytes('{"password": secret}'))).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('secret') }),
    );
  });

  it('leaves prototypes alone', () => {
    const value = parseJson(bytes('{"__proto__":{"polluted":1}}'));
    expect(Object.hasOwn(value as object, '__proto__')).toBe(true);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
    expect(() => parseJson(bytes('{"__proto__":{"polluted":12345678901234567890}}'))).toThrow(DecodeError);
  });
});
