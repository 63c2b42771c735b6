import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FieldName, JsonElements, type JsonStep, JsonText, rawTextOf } from './index.js';

const text = (json: string) => new JsonText(new TextEncoder().encode(json));
const member = (name: string): JsonStep => ({ member: new FieldName(name), element: undefined, keepsScalar: false });
const element = (place: number, keepsScalar: boolean): JsonStep => ({ member: undefined, element: place, keepsScalar });

describe('a path within JSON', () => {
  const key = fc.constantFrom(...Array.from({ length: 90 }, (_, i) => `k${i}`));
  /** How a key may be written. */
  const written = fc.tuple(key, fc.boolean()).map(([name, escaped]) => ({
    name,
    json: escaped ? `"\\u006b${name.slice(1)}"` : `"${name}"`,
  }));
  const members = fc.array(fc.tuple(written, fc.constantFrom('1.0', '[ 1.0]', '{"a" :"\\u0061"}', '"\\""')), {
    maxLength: 120,
    size: 'max',
  });

  it('leads to the last of duplicate keys, however many members an object has, and whatever was looked for before', () => {
    fc.assert(
      fc.property(
        fc.tuple(members, members),
        fc.array(fc.tuple(fc.nat(1), key), { maxLength: 40, size: 'max' }),
        (objects, looks) => {
          const list = text(
            `[${objects.map((object) => `{${object.map(([{ json }, value]) => `${json}: ${value}`).join(' ,')}}`).join(',')}]`,
          );
          const elements = JsonElements.of(list, []);
          for (const [i, name] of looks) {
            const expected = objects[i]?.findLast(([own]) => own.name === name)?.[1] ?? 'null';
            expect(elements?.rawText(i, [member(name)])).toBe(expected);
            expect(rawTextOf(list, [element(i, false), member(name)])).toBe(expected);
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  it.each([' 1.0 ', '"[\\u0061"', 'true', 'null'])('stays at a scalar by a step that keeps it: %s', (scalar) => {
    const [kept, member0] = [element(0, true), member('0')];
    expect(rawTextOf(text(scalar), [kept, kept])).toBe(scalar.trim());
    expect(rawTextOf(text(`{"0":[${scalar}]}`), [member0, kept, kept])).toBe(scalar.trim());
    for (const leaves of [element(0, false), member0, element(-1, false)])
      expect(rawTextOf(text(scalar), [kept, leaves, kept])).toBe('null');
    for (const none of ['[]', '{"0":1}']) expect(rawTextOf(text(none), [kept])).toBe('null');
  });
});

describe('the elements of an array', () => {
  it('are told apart, and lead nowhere beyond its ends', () => {
    const elements = JsonElements.of(text(' [ [ 1.0 , [2]], {"a":[ "]", 3e0 ]} , "é" ] '), []);
    expect([-1, 0, 1, 2, 3].map((i) => elements?.rawText(i, []))).toEqual([
      ...['null', '[ 1.0 , [2]]', '{"a":[ "]", 3e0 ]}', '"é"', 'null'],
    ]);
    expect(elements?.within(1, [member('a')])?.rawText(1, [])).toBe('3e0');
    expect(elements?.within(0, [])?.within(1, [])?.rawText(0, [])).toBe('2');
    for (const none of [elements?.within(1, []), elements?.within(2, []), elements?.within(3, [])])
      expect(none).toBeUndefined();
  });

  it.each(['{}', '"[1]"', '1', 'null', '{"a":[1]}'])('are none where there is no array: %s', (json) => {
    expect(JsonElements.of(text(json), [])).toBeUndefined();
  });

  it('may be none', () => {
    expect(JsonElements.of(text('{"a":[ ]}'), [member('a')])?.rawText(0, [])).toBe('null');
  });
});
