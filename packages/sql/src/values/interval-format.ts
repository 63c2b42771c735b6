import { RowError } from '../errors.js';
import type { Interval } from './interval.js';
import { dayNumber, isoDate } from './iso-date.js';
import { microsPerSecond } from './time.js';
import { formatTemplate, halfOfDay, romanMonths } from './time-format.js';
import type { PatternName } from './time-template.js';

/** Intervals as texts, by a template: to_char. Throws `RowError`. */

/** Throws `RowError` for a template by which no interval can be written. */
export const checkIntervalFormat = (template: string): void =>
  void formatInterval({ months: 0, days: 0, micros: 0 }, template);

/** The text of an interval; each of its parts has its own sign. */
export function formatInterval({ months, days, micros }: Interval, template: string): string | null {
  const seconds = Math.trunc(micros / microsPerSecond);
  const parts: Parts = {
    year: Math.trunc(months / 12),
    month: months % 12,
    day: days,
    // A span is taken for months of 30 days, in 32 bits.
    dayOfYear: (months * 30 + days) | 0,
    hour: Math.trunc(seconds / 3600),
    minute: Math.trunc(seconds / 60) % 60,
    seconds,
    micros: micros % microsPerSecond,
  };
  return formatTemplate(template, (pattern, fill) => formatPattern(pattern, fill, parts));
}

interface Parts {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly dayOfYear: number;
  readonly hour: number;
  readonly minute: number;
  /** All seconds of the time. */
  readonly seconds: number;
  /** Microseconds of the second. */
  readonly micros: number;
}

function formatPattern(pattern: PatternName, fill: boolean, parts: Parts): string {
  const { year, month, day, dayOfYear, hour, minute, seconds, micros } = parts;
  /** A minus stands beside the digits, or takes the place of one. */
  const number = (value: number, width: number, sign: 'beside' | 'within' = 'beside') =>
    filled(value, fill ? width + (sign === 'beside' && value < 0 ? 1 : 0) : 0);
  /** The last digits of a year have the width that its own sign asks for. */
  const yearDigits = (value: number, width: number) => filled(value, fill ? width + (year < 0 ? 1 : 0) : 0);
  switch (pattern) {
    case 'YYYY':
      return yearDigits(year, 4);
    case 'Y,YYY':
      return `${Math.trunc(year / 1000)},${filled(year % 1000, 3)}`;
    case 'YYY':
      return yearDigits(year % 1000, 3);
    case 'YY':
      return yearDigits(year % 100, 2);
    case 'Y':
      return String((year % 10) | 0);
    case 'IYYY':
      return yearDigits(isoDate(year, month, day).year, 4);
    case 'IYY':
      return yearDigits(isoDate(year, month, day).year % 1000, 3);
    case 'IY':
      return yearDigits(isoDate(year, month, day).year % 100, 2);
    case 'I':
      return String((isoDate(year, month, day).year % 10) | 0);
    case 'CC':
      return number(Math.trunc(year / 100), 2);
    case 'MM':
      return number(month, 2);
    case 'RM':
    case 'rm': {
      if (month === 0 && year === 0) return '';
      // Whole years are December, and so is -1; those below 0 are January.
      const at = month > 0 ? month - 1 : month < 0 ? 12 + month : year > 0 ? 11 : 0;
      const roman = (romanMonths[at] ?? '').padEnd(fill ? 4 : 0);
      return pattern === 'RM' ? roman : roman.toLowerCase();
    }
    case 'Q':
      return month === 0 ? '' : String(Math.trunc((month - 1) / 3) + 1);
    case 'DDD':
      return number(dayOfYear, 3, 'within');
    case 'IDDD':
      return number(isoDate(year, month, day).dayOfYear, 3, 'within');
    case 'DD':
      return number(day, 2, 'within');
    case 'W':
      return String(Math.trunc((day - 1) / 7) + 1);
    case 'WW':
      return number(Math.trunc((dayOfYear - 1) / 7) + 1, 2, 'within');
    case 'IW':
      return number(isoDate(year, month, day).week, 2, 'within');
    case 'J':
      return String(dayNumber(year, month, day));
    case 'HH24':
      return filled(hour, fill ? (hour < 0 ? 3 : 2) : 0);
    case 'HH':
    case 'HH12':
      return filled(hour % 12 || 12, fill ? (hour < 0 ? 3 : 2) : 0);
    case 'MI':
      return number(minute, 2);
    case 'SS':
      return number(seconds % 60, 2);
    case 'SSSS':
    case 'SSSSS':
      return String(seconds);
    case 'MS':
      return fraction(micros, 3);
    case 'US':
      return fraction(micros, 6);
    case 'FF1':
    case 'FF2':
    case 'FF3':
    case 'FF4':
    case 'FF5':
    case 'FF6':
      return fraction(micros, Number(pattern[2]));
    case 'AM':
    case 'PM':
    case 'am':
    case 'pm':
    case 'A.M.':
    case 'P.M.':
    case 'a.m.':
    case 'p.m.':
      return halfOfDay(pattern, hour % 24 < 12);
    default:
      throw new RowError('invalid_argument', `an INTERVAL, which is of no date, has no ${pattern}`);
  }
}

const fraction = (micros: number, digits: number): string => filled(Math.trunc(micros / 10 ** (6 - digits)), digits);

/** As C writes a number of a width that counts its minus. */
function filled(value: number, width: number): string {
  return value < 0 ? `-${String(-value).padStart(width - 1, '0')}` : String(value + 0).padStart(width, '0');
}
