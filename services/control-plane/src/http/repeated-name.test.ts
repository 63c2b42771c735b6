import { describe, expect, it } from 'vitest';
import { repeatedName } from './repeated-name.js';

describe('a name that stands twice', () => {
  it.each([
    ['{"a":1,"a":1}', 'a', 7],
    ['{"a":1, "b":[{"c":{}, "c" :2}]}', 'c', 22],
    [String.raw`{"a":1,"\u0061":2}`, 'a', 7],
    [String.raw`{"\"":1,"\"":2}`, '"', 8],
    ['{"":1,"":2}', '', 6],
    ['{"__proto__":1,"__proto__":2}', '__proto__', 15],
  ])('is found in %s', (text, name, index) => {
    expect(repeatedName(text)).toEqual({ name, index });
  });

  it.each([
    '1',
    '"a"',
    '["a","a"]',
    '{"a":"a","b":"a"}',
    '{"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]}',
    '{"a":["x","a",{"x":1},"x"]}',
    String.raw`{"a":"\\","b":"\",\"a\":"}`,
  ])('is not found in %s', (text) => {
    expect(repeatedName(text)).toBeUndefined();
  });
});
