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

describe('to_char of an INTERVAL', () => {
  it.each([
    ["to_char(INTERVAL '1 year 2 mons 3 days 04:05:06.7', 'YYYY-MM-DD HH24:MI:SS.MS')", '0001-02-03 04:05:06.700'],
    ["to_char(INTERVAL '-90 minutes', 'HH24:MI')", '-01:-30'],
    ["to_char(INTERVAL '30 hours', 'FMHH24 \"hours, or\" HH12 AM')", '30 hours, or 06 AM'],
    ["to_char(INTERVAL '15 hours', 'SSSS')", '54000'],
    ["to_char(TIMESTAMP '2026-03-29 12:00' - TIMESTAMP '2026-03-27', 'DDD \\ HH24')", '002 \\ 12'],
  ])('%s is what its template says', (expression, text) => {
    expect(JSON.parse(evaluate(expression))).toBe(text);
  });

  it('has nothing of a date', () => {
    expect(() => evaluate("to_char(INTERVAL '1 day', 'Day')")).toThrow(SqlError);
    expect(() => evaluate("to_char(INTERVAL '1 day' * n, t)", '{"n":2,"t":"Mon"}')).toThrow(
      expect.objectContaining({ code: 'invalid_argument', message: expect.stringContaining('has no Mon') }),
    );
  });
});

describe('to_char of a time', () => {
  it.each([
    ["'YYYY\\MM \\x \\\\'", '2026\\03 \\x \\\\'],
    ['\'\\"YYYY\\" "\\""\'', '"2026" "'],
    ['\'FMx FM"y" TMMonth!\'', 'x y March!'],
    ["'Idy Yyyyy'", '6sun 62026'],
  ])('by %s is %s', (template, text) => {
    expect(JSON.parse(evaluate(`to_char(TIMESTAMP '2026-03-29', ${template})`))).toBe(text);
  });

  it('has centuries before the first', () => {
    expect(evaluate("to_char(DATE '0001-01-01' - INTERVAL '1 month', 'CC BC')")).toBe('"-01 BC"');
  });
});

describe('to_char by an empty template', () => {
  it('is NULL of a time, and an empty text of a number', () => {
    expect(evaluate("to_char(TIMESTAMP '2026-03-29', '')")).toBe('null');
    expect(evaluate("to_char(INTERVAL '1 day', '')")).toBe('null');
    expect(evaluate("to_char(5, '')")).toBe('""');
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
