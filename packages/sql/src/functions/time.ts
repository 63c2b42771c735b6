import type { Type } from '../bind/expression.js';
import { type Decimal, decimalNumber } from '../values/decimal.js';
import type { Interval } from '../values/interval.js';
import { checkIntervalFormat, formatInterval } from '../values/interval-format.js';
import { checkJsonFormat, formatJson } from '../values/json-format.js';
import {
  checkNumberFormat,
  formatDecimal,
  formatDouble,
  formatInteger,
  formatJsonNumber,
  formatReal,
} from '../values/number-format.js';
import { dateOfTimestamp } from '../values/time.js';
import * as fields from '../values/time-fields.js';
import { checkFormat, formatTimestamp } from '../values/time-format.js';
import { checkReading, dateByTemplate, timestampByTemplate } from '../values/time-reading.js';
import { define, type FunctionSection, takes } from './definition.js';

const checkField = (name: unknown) => void (name !== undefined && fields.fieldOf(name as string));
const checkTemplate = (check: (template: string) => void) => (_: unknown, template: unknown) =>
  void (template !== undefined && check(template as string));
const number =
  <T>(extract: (field: string, value: T) => Decimal) =>
  (field: string, value: T) =>
    decimalNumber(extract(field, value));
const now = () => Date.now() * 1000;
const today = () => dateOfTimestamp(now());
const byNumberTemplate = <T>(type: Type, evaluate: (value: T, template: string) => string) =>
  takes([type, 'TEXT'], 'TEXT', evaluate, {
    check: { literals: checkTemplate(checkNumberFormat), example: "to_char(1234.5, 'FM9,999.00')" },
  });
const timeExample = "to_char(TIMESTAMP '2026-03-29 13:30:00', 'FMDay, DD Mon YYYY, HH12:MI AM')";
const onInterval = (evaluate: (interval: Interval) => Interval) => takes(['INTERVAL'], 'INTERVAL', evaluate);

export const timeFunctions: FunctionSection = {
  title: 'Time',
  functions: [
    define(
      'now',
      'The time at which the row is made. `CURRENT_TIMESTAMP` is the same.',
      ["now() > '2026-01-01'", 'true'],
      [takes([], 'TIMESTAMP', now)],
      { volatile: true },
    ),
    define(
      'current_date',
      'The day at which the row is made, in UTC; written without brackets.',
      ["CURRENT_DATE > '2026-01-01'", 'true'],
      [takes([], 'DATE', today)],
      { volatile: true },
    ),
    define(
      'extract',
      'A field of a time, as a NUMERIC: `century`, `day`, `decade`, `dow`, `doy`, `epoch`, `hour`, `isodow`, `isoyear`, `julian`, `microseconds`, `millennium`, `milliseconds`, `minute`, `month`, `quarter`, `second`, `week`, `year`.',
      ["extract(hour FROM TIMESTAMP '2026-03-29 01:30:00')", '1'],
      [
        takes(['TEXT', 'TIMESTAMP'], 'NUMERIC', fields.extractFromTimestamp),
        takes(['TEXT', 'DATE'], 'NUMERIC', fields.extractFromDate),
        takes(['TEXT', 'INTERVAL'], 'NUMERIC', fields.extractFromInterval),
      ],
      { check: checkField },
    ),
    define(
      'date_part',
      'The same as a double.',
      ["date_part('dow', DATE '2026-03-29')", '0'],
      [
        takes(['TEXT', 'TIMESTAMP'], 'DOUBLE PRECISION', number(fields.extractFromTimestamp)),
        takes(['TEXT', 'INTERVAL'], 'DOUBLE PRECISION', number(fields.extractFromInterval)),
      ],
      { check: checkField },
    ),
    define(
      'date_trunc',
      'Cut to a field: `microseconds` to `millennium`, `week` begins on Monday.',
      ["date_trunc('hour', TIMESTAMP '2026-03-29 01:30:00')", '"2026-03-29T01:00:00Z"'],
      [
        takes(['TEXT', 'TIMESTAMP'], 'TIMESTAMP', fields.truncateTimestamp),
        takes(['TEXT', 'INTERVAL'], 'INTERVAL', fields.truncateInterval),
      ],
      { check: checkField },
    ),
    define(
      'date_bin',
      'The beginning of the bin of a length, counted from an origin, in which a time lies.',
      ["date_bin('15 minutes', TIMESTAMP '2026-03-29 01:40:00', TIMESTAMP '2026-01-01')", '"2026-03-29T01:30:00Z"'],
      [takes(['INTERVAL', 'TIMESTAMP', 'TIMESTAMP'], 'TIMESTAMP', fields.binTimestamp)],
    ),
    define(
      'age',
      'The time between two, by the calendar; from the second argument, or to today.',
      ["age(TIMESTAMP '2026-03-29', TIMESTAMP '2025-01-31')", '"1 year 1 mon 29 days"'],
      [takes(['TIMESTAMP', 'TIMESTAMP'], 'INTERVAL', fields.age)],
    ),
    define(
      'make_date',
      'A day of year, month and day.',
      ['make_date(2026, 3, 29)', '"2026-03-29"'],
      [takes(['INTEGER', 'INTEGER', 'INTEGER'], 'DATE', fields.makeDate)],
    ),
    define(
      'make_timestamp',
      'A time of year, month, day, hour, minute and second.',
      ['make_timestamp(2026, 3, 29, 1, 30, 0.5)', '"2026-03-29T01:30:00.5Z"'],
      [
        takes(
          ['INTEGER', 'INTEGER', 'INTEGER', 'INTEGER', 'INTEGER', 'DOUBLE PRECISION'],
          'TIMESTAMP',
          fields.makeTimestamp,
        ),
      ],
    ),
    define(
      'make_interval',
      'An interval of years, months, weeks, days, hours, minutes and seconds.',
      ['make_interval(0, 0, 0, 10)', '"10 days"'],
      [
        takes(
          ['INTEGER', 'INTEGER', 'INTEGER', 'INTEGER', 'INTEGER', 'INTEGER', 'DOUBLE PRECISION'],
          'INTERVAL',
          fields.makeIntervalOf,
          { optional: 7 },
        ),
      ],
    ),
    define(
      'to_timestamp',
      'The time so many seconds after 1970, or what a text says by a template.',
      ["to_timestamp('05 Dec 2026', 'DD Mon YYYY')", '"2026-12-05T00:00:00Z"'],
      [
        takes(['DOUBLE PRECISION'], 'TIMESTAMP', fields.timestampOfSeconds),
        takes(['TEXT', 'TEXT'], 'TIMESTAMP', timestampByTemplate),
      ],
      { check: checkTemplate(checkReading) },
    ),
    define(
      'to_date',
      'The day that a text says by a template.',
      ["to_date('05 Dec 2026', 'DD Mon YYYY')", '"2026-12-05"'],
      [takes(['TEXT', 'TEXT'], 'DATE', dateByTemplate)],
      { check: checkTemplate(checkReading) },
    ),
    define(
      'to_char',
      'A time, an interval or a number as a text, by a template. An interval has no names of months and days, and no era. For an untyped field it is one of a number where it has a 9, a 0 or RN and no pattern of a time but D and MI; a cast leaves no doubt.',
      [timeExample, '"Sunday, 29 Mar 2026, 01:30 PM"'],
      [
        takes(['TIMESTAMP', 'TEXT'], 'TEXT', formatTimestamp),
        takes(['INTERVAL', 'TEXT'], 'TEXT', formatInterval, {
          check: { literals: checkTemplate(checkIntervalFormat), example: "to_char(INTERVAL '90 minutes', 'HH24:MI')" },
        }),
        byNumberTemplate('INTEGER', formatInteger('INTEGER')),
        byNumberTemplate('BIGINT', formatInteger('BIGINT')),
        byNumberTemplate('NUMERIC', formatDecimal),
        byNumberTemplate('REAL', formatReal),
        byNumberTemplate('DOUBLE PRECISION', formatDouble),
        byNumberTemplate('NUMBER', formatJsonNumber),
        takes(['JSON', 'TEXT'], 'TEXT', formatJson, {
          check: { literals: checkTemplate(checkJsonFormat), example: "to_char(total, 'FM9,999.00')" },
        }),
      ],
      { check: checkTemplate(checkFormat) },
    ),
    define(
      'justify_hours',
      '24 hours become a day.',
      ["justify_hours(INTERVAL '50 hours')", '"2 days 02:00:00"'],
      [onInterval(fields.justifyHours)],
    ),
    define(
      'justify_days',
      '30 days become a month.',
      ["justify_days(INTERVAL '65 days')", '"2 mons 5 days"'],
      [onInterval(fields.justifyDays)],
    ),
    define(
      'justify_interval',
      'Both, with all signs alike.',
      ["justify_interval(INTERVAL '1 mon -1 hour')", '"29 days 23:00:00"'],
      [onInterval(fields.justifyInterval)],
    ),
  ],
};
