import { beforeAll, describe, expect, it } from 'vitest';
import { loadSql, SqlError } from './index.js';
import { evaluate } from './testing.js';

beforeAll(() => loadSql());

describe('the text of a time', () => {
  it.each<readonly [text: string, gives: string | undefined]>([
    ['2026-03-29T01:30:00Z', '"2026-03-29T01:30:00Z"'],
    ['2026-03-29 24:00', '"2026-03-30T00:00:00Z"'],
    ['2026-03-29 23:59:60', '"2026-03-30T00:00:00Z"'],
    ['2026-03-29 23:59:60.5', undefined],
    ['2026-03-29 24:00:00.5', undefined],
    ['2026-03-29 01:30-15:59', '"2026-03-29T17:29:00Z"'],
    ['2026-03-29 01:30+16', undefined],
    ['2026-03-29 01:30+02:60', undefined],
    ['2026-03-29 01:30-99:99', undefined],
    ['\t2026-03-29\n', '"2026-03-29T00:00:00Z"'],
    ['2026-03-29\u00a0', undefined],
    ['20260329', '"2026-03-29T00:00:00Z"'],
    ['20260329T013000Z', '"2026-03-29T01:30:00Z"'],
    ['20260329T013000.25+0200', '"2026-03-28T23:30:00.25Z"'],
    ['20260329T013000-02', '"2026-03-29T03:30:00Z"'],
    ['20260329 013000.', undefined],
    ['20260329T013000-02:00', undefined],
    ['20260229', undefined],
    ['2026-03-29 \tT 01:30', '"2026-03-29T01:30:00Z"'],
    ['2026-03-29TT01:30', undefined],
    ['2026032', undefined],
  ])('%j, as PostgreSQL reads it with a time zone', (text, gives) => {
    const expression = `'${text}'::timestamp`;
    if (gives === undefined) expect(() => evaluate(expression)).toThrow(SqlError);
    else expect(evaluate(expression)).toBe(gives);
  });
});
