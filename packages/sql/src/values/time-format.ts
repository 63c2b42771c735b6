import { RowError } from '../errors.js';
import { months, weekdays } from './calendar-names.js';
import { civilOfDays, dayOfWeek, dayOfYear, isoWeek } from './civil.js';
import { floorDivide, type Integer } from './integer.js';
import { microsPerDay, microsPerSecond } from './time.js';
import { type PatternName, partsOfTemplate } from './time-template.js';

/** Times as texts, by a template: to_char. Throws `RowError`. */

export const romanMonths = 'I II III IV V VI VII VIII IX X XI XII'.split(' ');

/** Throws `RowError` for a template by which no time can be written. */
export const checkFormat = (template: string): void => void formatTimestamp(0, template);

/** The text of an instant. */
export function formatTimestamp(timestamp: Integer, template: string): string | null {
  const [days, time] = floorDivide(timestamp, microsPerDay);
  return formatTemplate(template, (pattern, fill) => formatPattern(pattern, fill, days, time));
}

/** A template with what `write` gives for its patterns; `fill` says whether that has its full width. An empty one gives NULL. */
export function formatTemplate(
  template: string,
  write: (pattern: PatternName, fill: boolean) => string,
): string | null {
  if (template === '') return null;
  let text = '';
  for (const part of partsOfTemplate(template)) {
    if ('literal' in part) text += part.literal;
    else {
      const written = write(part.pattern, part.fill);
      text += part.ordinal ? written + ordinalOf(written, part.ordinal) : written;
    }
  }
  return text;
}

function ordinalOf(text: string, suffix: 'TH' | 'th'): string {
  const last = /\d{1,2}$/.exec(text)?.[0];
  if (last === undefined) return '';
  const number = Number(last);
  const teens = number % 100 >= 11 && number % 100 <= 13;
  const found = teens ? 'th' : ({ 1: 'st', 2: 'nd', 3: 'rd' }[number % 10] ?? 'th');
  return suffix === 'TH' ? found.toUpperCase() : found;
}

function formatPattern(pattern: PatternName, fill: boolean, days: number, time: number): string {
  const { year, month, day } = civilOfDays(days);
  const shownYear = year > 0 ? year : 1 - year;
  const seconds = Math.floor(time / microsPerSecond);
  const hour = Math.floor(seconds / 3600);
  const number = (value: number, width: number) => (fill ? String(value).padStart(width, '0') : String(value));
  const fraction = (digits: number) =>
    String(time % microsPerSecond)
      .padStart(6, '0')
      .slice(0, digits);
  const word = (text: string, width = 0) => (fill ? text.padEnd(width) : text);
  const isoYear = isoWeek(days).year > 0 ? isoWeek(days).year : 1 - isoWeek(days).year;
  switch (pattern) {
    case 'YYYY':
      return number(shownYear, 4);
    case 'Y,YYY':
      return `${Math.floor(shownYear / 1000)},${String(shownYear % 1000).padStart(3, '0')}`;
    case 'YYY':
      return number(shownYear % 1000, 3);
    case 'YY':
      return number(shownYear % 100, 2);
    case 'Y':
      return number(shownYear % 10, 1);
    case 'IYYY':
      return number(isoYear, 4);
    case 'IYY':
      return number(isoYear % 1000, 3);
    case 'IY':
      return number(isoYear % 100, 2);
    case 'I':
      return number(isoYear % 10, 1);
    case 'MONTH':
    case 'Month':
    case 'month':
      return word(inCaseOf(pattern, months[month - 1] ?? ''), 9);
    case 'MON':
    case 'Mon':
    case 'mon':
      return inCaseOf(pattern, (months[month - 1] ?? '').slice(0, 3));
    case 'MM':
      return number(month, 2);
    case 'DAY':
    case 'Day':
    case 'day':
      return word(inCaseOf(pattern, weekdays[dayOfWeek(days)] ?? ''), 9);
    case 'DY':
    case 'Dy':
    case 'dy':
      return inCaseOf(pattern, (weekdays[dayOfWeek(days)] ?? '').slice(0, 3));
    case 'DDD':
      return number(dayOfYear(days), 3);
    case 'IDDD':
      return number(isoDayOfYear(days), 3);
    case 'DD':
      return number(day, 2);
    case 'D':
      return String(dayOfWeek(days) + 1);
    case 'ID':
      return String(dayOfWeek(days) || 7);
    case 'W':
      return String(Math.floor((day - 1) / 7) + 1);
    case 'WW':
      return number(Math.floor((dayOfYear(days) - 1) / 7) + 1, 2);
    case 'IW':
      return number(isoWeek(days).week, 2);
    case 'CC':
      return (year > 0 ? '' : '-') + number(Math.ceil(shownYear / 100), 2);
    case 'J':
      return String(days + 2_440_588);
    case 'Q':
      return String(Math.ceil(month / 3));
    case 'RM':
    case 'rm': {
      const roman = word(romanMonths[month - 1] ?? '', 4);
      return pattern === 'RM' ? roman : roman.toLowerCase();
    }
    case 'HH24':
      return number(hour, 2);
    case 'HH':
    case 'HH12':
      return number(hour % 12 === 0 ? 12 : hour % 12, 2);
    case 'MI':
      return number(Math.floor(seconds / 60) % 60, 2);
    case 'SS':
      return number(seconds % 60, 2);
    case 'SSSS':
    case 'SSSSS':
      return String(seconds);
    case 'MS':
    case 'FF3':
      return fraction(3);
    case 'US':
    case 'FF6':
      return fraction(6);
    case 'FF1':
    case 'FF2':
    case 'FF4':
    case 'FF5':
      return fraction(Number(pattern[2]));
    case 'AM':
    case 'PM':
    case 'am':
    case 'pm':
    case 'A.M.':
    case 'P.M.':
    case 'a.m.':
    case 'p.m.':
      return halfOfDay(pattern, hour < 12);
    case 'BC':
    case 'AD':
      return year > 0 ? 'AD' : 'BC';
    case 'bc':
    case 'ad':
      return year > 0 ? 'ad' : 'bc';
    case 'B.C.':
    case 'A.D.':
      return year > 0 ? 'A.D.' : 'B.C.';
    case 'b.c.':
    case 'a.d.':
      return year > 0 ? 'a.d.' : 'b.c.';
    default:
      throw new RowError('invalid_argument', `a TIMESTAMP, which is in UTC, has no ${pattern}`);
  }
}

/** AM or PM, as the pattern writes either. */
export const halfOfDay = (pattern: string, isMorning: boolean): string =>
  pattern.replace(/[AP]/, isMorning ? 'A' : 'P').replace(/[ap]/, isMorning ? 'a' : 'p');

const isoDayOfYear = (days: number): number => (isoWeek(days).week - 1) * 7 + (dayOfWeek(days) || 7);

/** MONTH, Month and month. */
function inCaseOf(pattern: string, text: string): string {
  if (pattern === pattern.toUpperCase()) return text.toUpperCase();
  return pattern === pattern.toLowerCase() ? text.toLowerCase() : text;
}
