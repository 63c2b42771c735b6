import { beforeAll, describe, expect, it } from 'vitest';
import { loadSql, RowError, SqlError } from './index.js';
import { evaluate } from './testing.js';

beforeAll(() => loadSql());

describe('to_char of an untyped field', () => {
  it.each([
    ["to_char(a, 'FM9,990.00')", '{"a":1234.5}', '1,234.50'],
    ["to_char(a * 2, 'FM9,990.00')", '{"a":1234.5}', '2,469.00'],
    ["to_char(a, 'FM99999999999999999999')", '{"a":12345678901234567890}', '12345678901234567890'],
    ["to_char(a, 'FMSG999MI')", '{"a":-12}', '-12-'],
    ["to_char(a, 'FMRN')", '{"a":12}', 'XII'],
    [`to_char(a, '90 "DD MM"')`, '{"a":12}', ' 12 DD MM'],
    ["to_char(a, 'YYYY-MM-01')", '{"a":"2026-03-29T01:30:00Z"}', '2026-03-01'],
    ["to_char(a, 'HH24:00')", '{"a":1774747800000}', '01:00'],
    ["to_char(a, 'D')", '{"a":"2026-03-29"}', '1'],
    ['to_char(a, b)', '{"a":12,"b":"000"}', ' 012'],
    ['to_char(a, b)', '{"a":"2026-03-29","b":"YYYY"}', '2026'],
  ])('%s of %s is what its template says', (expression, payload, text) => {
    expect(JSON.parse(evaluate(expression, payload))).toBe(text);
  });

  it('is NULL of NULL, and an error where the value is of another kind', () => {
    expect(evaluate("to_char(a, '999')", '{"a":null}')).toBe('null');
    expect(() => evaluate("to_char(a, '999')", '{"a":"12"}')).toThrow(RowError);
    expect(() => evaluate("to_char(a, 'YYYY')", '{"a":true}')).toThrow(RowError);
  });
});

describe('a template of a number', () => {
  it('is refused where the query is bound if it is a literal, else for the row', () => {
    expect(() => evaluate("to_char(1.5, '9.9.9')")).toThrow(SqlError);
    expect(() => evaluate('to_char(1.5, t)', '{"t":"9.9.9"}')).toThrow(
      expect.objectContaining({ code: 'invalid_argument', message: expect.stringContaining('"." at character 4') }),
    );
  });

  it('has 300 characters at most', () => {
    expect(JSON.parse(evaluate('to_char(5, t)', `{"t":"${'9'.repeat(300)}"}`))).toHaveLength(301);
    expect(() => evaluate('to_char(5, t)', `{"t":"${'9'.repeat(301)}"}`)).toThrow(
      expect.objectContaining({ code: 'too_large' }),
    );
  });
});
