import { describe, expect, it } from 'vitest';
import { bearerIdentity } from './bearer.js';

const keys = ['first-key-0123456789', 'second-key-0123456789'];

describe('a bearer key', () => {
  it('stands for a fingerprint of its own, whichever key it is', () => {
    const [first, second] = keys.map((key) => bearerIdentity(`Bearer ${key}`, keys));
    expect(first).toMatch(/^key:[0-9a-f]{8}$/);
    expect(second).toMatch(/^key:[0-9a-f]{8}$/);
    expect(first).not.toBe(second);
    expect(bearerIdentity(`bearer  ${keys[0]}`, [...keys].reverse())).toBe(first);
    expect(keys.some((key) => first?.includes(key.slice(0, 8)))).toBe(false);
  });

  it.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    keys[0],
    `Basic ${keys[0]}`,
    `Bearer ${keys[0]}x`,
    `Bearer ${keys[0]?.slice(1)}`,
    `Bearer ${keys[0]} ${keys[1]}`,
    `Bearer ${keys[0]}\n`,
  ])('%j stands for nobody', (header) => {
    expect(bearerIdentity(header, keys)).toBeUndefined();
  });

  it('stands for nobody where there are no keys, the empty one neither', () => {
    expect(bearerIdentity('Bearer x', [])).toBeUndefined();
    expect(bearerIdentity(undefined, [])).toBeUndefined();
    expect(bearerIdentity('Bearer ', [''])).toBeUndefined();
  });
});
