import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DecodeError } from './decode-error.js';
import { jsonDepthMax, parseJson, stringifyJson } from './json.js';

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

  it('keeps them wherever they stand, and every string and fraction beside them', () => {
    const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: 40 });
    const integer = fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n });
    const scalar = fc.oneof(integer, digits, fc.string(), fc.constantFrom(null, true, 0.5, -1e-7));
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 5 },
        scalar,
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(digits, tie('value'), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(value, fc.constantFrom('', ' ', '\t', '\r\n'), (whole, space) => {
        const read = parseJson(bytes(write(whole, space)));
        expect(read).toEqual(asRead(whole));
        expect(parseJson(bytes(stringifyJson(read)))).toEqual(read);
      }),
    );
  });

  it('writes a number that no double holds as a text, never as null', () => {
    const read = (text: string) => stringifyJson(parseJson(bytes(text)));
    expect(read('{"in":{"list":[-1e400,null]},"__proto__":1e400}')).toBe(
      '{"in":{"list":["-Infinity",null]},"__proto__":"Infinity"}',
    );
    expect(read('[1e400,12345678901234567890]')).toBe('["Infinity",12345678901234567890]');
  });

  it('reads a fraction of any length and a number without end as the nearest double', () => {
    expect(parseJson(bytes('[0.12345678901234567890,1234567890123456789.5,1e400,-1E400]'))).toEqual([
      Number('0.12345678901234567890'),
      Number('1234567890123456789.5'),
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
    ]);
  });

  it('reads a string of many digits in time linear to it', () => {
    // Time quadratic to it would be minutes, beyond the limit of any test.
    const digits = '1'.repeat(1_000_000);
    expect(parseJson(bytes(`{"a":"${digits}"}`))).toEqual({ a: digits });
  });

  it('takes the last of duplicate keys, beside long integers too', () => {
    expect(parseJson(bytes('{"a":1,"a":"b"}'))).toEqual({ a: 'b' });
    expect(parseJson(bytes('{"a":1,"a":12345678901234567890,"b":{"a":1,"a":null}}'))).toEqual({
      a: 12345678901234567890n,
      b: { a: null },
    });
  });

  it('reads a view into a larger buffer', () => {
    const whole = bytes('99999999999999999{"n":12345678901234567}9999999999999999999');
    expect(stringifyJson(parseJson(whole.subarray(17, 40)))).toBe('{"n":12345678901234567}');
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
    for (const number of ['1', '12345678901234567890']) {
      const text = `{"__proto__":{"polluted":${number}}}`;
      const value = parseJson(bytes(text));
      expect(Object.hasOwn(value as object, '__proto__')).toBe(true);
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
      expect(stringifyJson(value)).toBe(text);
      expect(({} as { polluted?: number }).polluted).toBeUndefined();
    }
  });
});

/** JSON text of a value with bigints, with `space` wherever JSON allows it. */
function write(value: unknown, space: string): string {
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return `[${value.map((item) => space + write(item, space) + space)}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}${space}:${write(item, space)}`);
  return `{${members.map((member) => space + member + space)}}`;
}

/** The value that is to be read: bigints where a double does not hold the integer. */
function asRead(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (Array.isArray(value)) return value.map(asRead);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, asRead(item)]));
}
