import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadSql, SqlError } from './index.js';
import { cases, evaluate } from './testing.js';
import { intervalText } from './values/interval.js';
import { parseInterval } from './values/interval-reading.js';

beforeAll(() => loadSql());

/** What PostgreSQL 18 gives, as the JSON text of a column, or undefined where it refuses. */
type Case = readonly [expression: string, gives: string | undefined];

function agrees(expression: string, gives: string | undefined): void {
  if (gives === undefined) expect(() => evaluate(expression)).toThrow(SqlError);
  else expect(evaluate(expression)).toBe(gives);
}

describe('the text of an interval', () => {
  it.each<Case>([
    ["INTERVAL '- 1 day'", '"-1 days"'],
    ["INTERVAL '1 day + 02:03'", '"1 day 02:03:00"'],
    ["INTERVAL '1 day -02:03'", '"1 day -02:03:00"'],
    ["INTERVAL '1 @ day, 2 hours'", '"1 day 02:00:00"'],
    ["INTERVAL '@ 1 minute ago'", '"-00:01:00"'],
    ["INTERVAL '1h30m'", '"01:30:00"'],
    ["INTERVAL '1d2h'", '"1 day 02:00:00"'],
    ["INTERVAL '1 2 hours'", '"1 day 02:00:00"'],
    ["INTERVAL '1 day at 2:03'", '"1 day 02:03:00"'],
    ["INTERVAL '1-2 days'", '"1 year 2 mons"'],
    ["INTERVAL '.5 day'", '"12:00:00"'],
    ["INTERVAL '1:00 1.5 days'", '"1 day 01:00:00"'],
    ["INTERVAL '300000000 years -30000000 decades'", '"00:00:00"'],
    ["INTERVAL '1-'", '"1 year"'],
    ["INTERVAL '1: ago'", '"-01:00:00"'],
    ["INTERVAL '1 mm'", '"00:01:00"'],
    ["INTERVAL '1 milliseconds'", '"00:00:00.001"'],
    ["INTERVAL '1day2h'", undefined],
    ["INTERVAL '1 day-2'", undefined],
    ["INTERVAL '1 day 2'", '"1 day 00:00:02"'],
    ["INTERVAL '1. day'", '"1 day"'],
    ["INTERVAL '1.day'", undefined],
    ["INTERVAL '1/2 day'", undefined],
    ["INTERVAL '--1 day'", undefined],
    ["INTERVAL '-.5 day'", undefined],
    ["INTERVAL '1 day ago 2 hours'", undefined],
    ["INTERVAL '1 day hour'", undefined],
    ["INTERVAL 'day'", undefined],
    ["INTERVAL '1e3 days'", undefined],
    ["INTERVAL '1-12'", undefined],
    ["INTERVAL '1 +'", undefined],
    ["INTERVAL ''", undefined],
    ["INTERVAL '306783379 weeks'", undefined],
    ["INTERVAL '178956971 years'", undefined],
  ])('in fields: %s', agrees);

  it.each<Case>([
    ["INTERVAL 'P0001-02-03'", '"1 year 2 mons 3 days"'],
    ["INTERVAL 'P0001-02-03T04:05:06'", '"1 year 2 mons 3 days 04:05:06"'],
    ["INTERVAL 'P00010203T040506'", '"1 year 2 mons 3 days 04:05:06"'],
    ["INTERVAL 'P-00010203.5'", '"-1 years -2 mons -3 days -12:00:00"'],
    ["INTERVAL 'P1.5-1.5-1.5T1.5:1.5'", '"1 year 7 mons 16 days 13:31:30"'],
    ["INTERVAL 'P1-2'", '"1 year 2 mons"'],
    ["INTERVAL 'P5T1H'", '"5 years 01:00:00"'],
    ["INTERVAL 'P1DT04:05'", '"1 day 04:05:00"'],
    ["INTERVAL 'PT1HT2M'", '"01:02:00"'],
    ["INTERVAL 'P1e2DT.5H'", '"100 days 00:30:00"'],
    ["INTERVAL 'P-1Y-2M3DT-4H5M-6.789S'", '"-1 years -2 mons +3 days -03:55:06.789"'],
    ["INTERVAL 'P1Y2'", undefined],
    ["INTERVAL 'PT04:05T6S'", undefined],
    ["INTERVAL 'P1H'", undefined],
    ["INTERVAL 'PT1D'", undefined],
    ["INTERVAL 'P'", undefined],
    ["INTERVAL 'p1d'", undefined],
    ["INTERVAL ' P1D'", undefined],
    ["INTERVAL 'P1 D'", undefined],
    ["INTERVAL 'P1e16D'", undefined],
    ["INTERVAL 'P1e-400D'", undefined],
    // PostgreSQL reads these fractions as microseconds, and hexadecimal digits.
    ["INTERVAL 'PT040506.7'", undefined],
    ["INTERVAL 'P0x10D'", undefined],
  ])('in ISO 8601: %s', agrees);

  it('has as many tokens and characters as PostgreSQL takes', () => {
    const padded = (length: number) => `${'1'.padStart(length, '0')} d`;
    expect(parseInterval(padded(253))).toEqual({ months: 0, days: 1, micros: 0 });
    expect(parseInterval(padded(254))).toBeUndefined();
    expect(parseInterval(`1 day${' at'.repeat(23)}`)).toEqual({ months: 0, days: 1, micros: 0 });
    expect(parseInterval(`1 day${' at'.repeat(24)}`)).toBeUndefined();
  });

  it('is read as what was written', () => {
    const int32 = fc.integer({ min: -2_147_483_647 });
    const interval = fc.record({ months: int32, days: int32, micros: fc.maxSafeInteger() });
    fc.assert(
      fc.property(interval, (written) => {
        expect(parseInterval(intervalText(written))).toEqual(written);
      }),
      { numRuns: cases(2000) },
    );
  });
});

describe('an INTERVAL within bounds', () => {
  it.each<Case>([
    ["INTERVAL '1.5' YEAR", '"1 year"'],
    ["INTERVAL '1.5' MONTH", '"1 mon"'],
    ["INTERVAL '1.5' DAY", '"1 day"'],
    ["INTERVAL '1.5' HOUR", '"01:00:00"'],
    ["INTERVAL '1.5' MINUTE", '"00:01:00"'],
    ["INTERVAL '1.5' SECOND", '"00:00:01.5"'],
    ["INTERVAL '02:03' MINUTE", '"02:03:00"'],
    ["INTERVAL '1-2' YEAR", '"1 year"'],
    ["INTERVAL '1-2' MONTH", '"1 year 2 mons"'],
    ["INTERVAL '1-2' YEAR TO MONTH", '"1 year 2 mons"'],
    ["INTERVAL '7' YEAR TO MONTH", '"7 mons"'],
    ["INTERVAL '1 2' DAY TO HOUR", '"1 day 02:00:00"'],
    ["INTERVAL '1 02:03' DAY TO MINUTE", '"1 day 02:03:00"'],
    ["INTERVAL '1 02:03:04.567' DAY TO SECOND(2)", '"1 day 02:03:04.57"'],
    ["INTERVAL '1:2' HOUR TO MINUTE", '"01:02:00"'],
    ["INTERVAL '1:2' HOUR TO SECOND", '"01:02:00"'],
    ["INTERVAL '1:2' MINUTE TO SECOND", '"00:01:02"'],
    ["INTERVAL '90:2' MINUTE TO SECOND", undefined],
    ["INTERVAL '1 year 2 months 3 days 04:05:06.789' MINUTE TO SECOND(0)", '"1 year 2 mons 3 days 04:05:07"'],
    ["INTERVAL '1 year 2 months 3 days 04:05:06.789' HOUR", '"1 year 2 mons 3 days 04:00:00"'],
    ["INTERVAL '1 year 2 months 3 days 04:05:06.789' DAY", '"1 year 2 mons 3 days"'],
    ["INTERVAL '-1 year -2 months -3 days -04:05:06.789' YEAR", '"-1 years"'],
    ["INTERVAL '-04:05:06.789' HOUR TO MINUTE", '"-04:05:00"'],
    ["INTERVAL '1 day' HOUR", '"1 day"'],
    ["INTERVAL '1 ago' DAY", undefined],
    ["INTERVAL '3 days at 4' HOUR", '"3 days 04:00:00"'],
    ["INTERVAL 'P1DT2H3M' HOUR", '"1 day 02:00:00"'],
    ["INTERVAL '1 fortnight' DAY", undefined],
  ])('reads a literal by its fields: %s', agrees);

  it.each<Case>([
    ["INTERVAL(3) '1.2345'", '"00:00:01.235"'],
    ["INTERVAL(3) '-1.2345'", '"-00:00:01.235"'],
    ["INTERVAL(0) '0.5 seconds'", '"00:00:01"'],
    ["INTERVAL(0) '-1.499999'", '"-00:00:01"'],
    ["'90'::interval minute", '"01:30:00"'],
    ["CAST('90' AS INTERVAL SECOND(1))", '"00:01:30"'],
    ["'90'::text::interval minute", '"00:01:00"'],
    ["'1:02:03.456'::text::interval minute", '"01:02:00"'],
    ["'1:02:03.456'::text::interval second(1)", '"01:02:03.5"'],
    ["(INTERVAL '1 day 1:02:03.456' * 1)::interval day", '"1 day"'],
    ["(INTERVAL '1:02:03.456' - INTERVAL '2 hours')::interval(1)", '"-00:57:56.5"'],
    ['NULL::interval hour to minute', 'null'],
    ['NULL::text::interval(2)', 'null'],
  ])('keeps what lies within them: %s', agrees);

  it('is computed of fields too', () => {
    expect(evaluate('x::interval(1)', '{"x":"1:02:03.456"}')).toBe('"01:02:03.5"');
    expect(evaluate('(x::text)::interval day to hour', '{"x":"1 day 1:02:03"}')).toBe('"1 day 01:00:00"');
  });

  it('has at most six digits of a second', () => {
    expect(() => evaluate("INTERVAL(7) '1 second'")).toThrow('the precision of an INTERVAL lies between 0 and 6');
  });
});
