import { expect, it } from 'vitest';
import { covers, overlaps } from './subject-match.js';

it('tells what a pattern matches of another', () => {
  const covered = [
    ['a.b', 'a.b'],
    ['a.*', 'a.b'],
    ['a.*', 'a.*'],
    ['a.>', 'a.*.c'],
    ['a.>', 'a.>'],
    ['>', 'a'],
  ] as const;
  for (const [pattern, subject] of covered) expect(covers(pattern, subject), `${pattern} ${subject}`).toBe(true);
  const uncovered = [
    ['a.b', 'a.*'],
    ['a.*', 'a.>'],
    ['a.>', 'a'],
    ['a.*', 'a.b.c'],
    ['a.b.c', 'a.b'],
    ['*', '>'],
  ] as const;
  for (const [pattern, subject] of uncovered) expect(covers(pattern, subject), `${pattern} ${subject}`).toBe(false);
});

it('tells whether two patterns have a subject in common', () => {
  const common = [
    ['a.*', '*.b'],
    ['a.>', 'a.b.c'],
    ['>', 'a'],
    ['a.b', 'a.>'],
    ['*.b.>', 'a.*.c'],
  ] as const;
  for (const [a, b] of common) expect([overlaps(a, b), overlaps(b, a)], `${a} ${b}`).toEqual([true, true]);
  const apart = [
    ['a.b', 'a.c'],
    ['a.>', 'a'],
    ['a.*', 'a.b.c'],
    ['a', 'b'],
  ] as const;
  for (const [a, b] of apart) expect([overlaps(a, b), overlaps(b, a)], `${a} ${b}`).toEqual([false, false]);
});
