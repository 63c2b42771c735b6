import { RowError } from '../errors.js';
import { months, weekdays } from './calendar-names.js';
import { daysInMonth, daysOfCivil } from './civil.js';
import { addIntegers, type Integer } from './integer.js';
import { checkedDate, checkedTimestamp, daysOfDate, microsPerSecond, timestampOfDays } from './time.js';
import { type PatternName, partsOfTemplate } from './time-template.js';

/** Times of texts, by a template: to_timestamp and to_date. They throw `RowError`. */

/** What a text says, by a template. */
class Reading {
  year: number | undefined;
  month = 1;
  day = 1;
  dayOfYear: number | undefined;
  hour = 0;
  minute = 0;
  second = 0;
  micros = 0;
  secondsOfDay: number | undefined;
  afternoon: boolean | undefined;
  beforeChrist = false;
}

const invalid = (why: string): RowError => new RowError('invalid_value', `the text does not fit its template: ${why}`);

/** The instant that a text writes by a template. */
export function timestampByTemplate(text: string, template: string): Integer {
  const reading = read(text, template);
  return checkedTimestamp(addIntegers(timestampOfDays(daysOf(reading)), timeOf(reading)));
}

export const dateByTemplate = (text: string, template: string): number => checkedDate(daysOf(read(text, template)));

function daysOf({ year, month, day, dayOfYear: ordinal, beforeChrist }: Reading): number {
  const shown = year ?? 1;
  const counted = beforeChrist || year === undefined ? (year === undefined && !beforeChrist ? 0 : 1 - shown) : shown;
  if (ordinal !== undefined) {
    if (ordinal < 1 || ordinal > 366) throw invalid('there is no such day of a year');
    return daysOfCivil(counted, 1, 1) + ordinal - 1;
  }
  const days =
    month >= 1 && month <= 12 && day <= daysInMonth(counted, month) ? daysOfDate(counted, month, day) : undefined;
  if (days === undefined) throw invalid('there is no such day');
  return days;
}

function timeOf({ hour, minute, second, micros, secondsOfDay, afternoon }: Reading): number {
  if (secondsOfDay !== undefined && secondsOfDay > 86_400) throw invalid('there is no such time of day');
  const hours = afternoon === undefined ? hour : (hour % 12) + (afternoon ? 12 : 0);
  if (hour > 24 || minute > 59 || second > 59 || (afternoon !== undefined && (hour < 1 || hour > 12)))
    throw invalid('there is no such time of day');
  return (secondsOfDay ?? hours * 3600 + minute * 60 + second) * microsPerSecond + micros;
}

function read(text: string, template: string): Reading {
  const reading = new Reading();
  const parts = partsOfTemplate(template);
  let at = 0;
  for (const [i, part] of parts.entries()) {
    if ('literal' in part) {
      // What separates the parts may be another separator, or more white space.
      if (/\s/.test(part.literal)) while (/\s/.test(text[at] ?? '')) at++;
      else if (at < text.length) at += 1 + (part.quoted ? part.literal.length - 1 : 0);
      continue;
    }
    while (/\s/.test(text[at] ?? '')) at++;
    const next = parts[i + 1];
    const open = !next || 'literal' in next;
    at += readPattern(part.pattern, text.slice(at), open || !part.fill, reading);
  }
  return reading;
}

/** Throws `RowError` for a template by which no text can be read. */
export function checkReading(template: string): void {
  for (const part of partsOfTemplate(template))
    if ('pattern' in part && !isWord(part.pattern) && widths[part.pattern] === undefined)
      throw unreadable(part.pattern);
}

/** Names of months and weekdays, and the halves of a day and of time. */
const isWord = (pattern: PatternName): boolean =>
  /^(?:MONTH|MON|DAY|DY|[AP]M|[AP]\.M\.|BC|AD|B\.C\.|A\.D\.)$/i.test(pattern);

const unreadable = (pattern: PatternName): RowError =>
  new RowError('invalid_argument', `${pattern} is not supported where a text is read`);

/** Reads one part and gives how many characters it took. `open`: digits go on as long as there are any. */
function readPattern(pattern: PatternName, text: string, open: boolean, reading: Reading): number {
  const upper = pattern.toUpperCase();
  if (upper === 'MONTH' || upper === 'MON') {
    const index = months.findIndex((name) =>
      text.toLowerCase().startsWith((upper === 'MON' ? name.slice(0, 3) : name).toLowerCase()),
    );
    if (index === -1) throw invalid('there is no such month');
    reading.month = index + 1;
    return upper === 'MON' ? 3 : (months[index] ?? '').length;
  }
  if (upper === 'DAY' || upper === 'DY') {
    const name = weekdays.find((day) =>
      text.toLowerCase().startsWith((upper === 'DY' ? day.slice(0, 3) : day).toLowerCase()),
    );
    if (name === undefined) throw invalid('there is no such weekday');
    return upper === 'DY' ? 3 : name.length;
  }
  const marker = /^[AP]M$|^[AP]\.M\.$/i.test(pattern)
    ? /^([ap])\.?m\.?/i
    : /^(?:BC|AD)$|^[BA]\.[CD]\.$/i.test(pattern)
      ? /^([ab])\.?[cd]\.?/i
      : undefined;
  if (marker) {
    const match = marker.exec(text);
    if (!match) throw invalid(`${pattern} is wanted`);
    if (upper.includes('M')) reading.afternoon = match[1]?.toLowerCase() === 'p';
    else reading.beforeChrist = match[1]?.toLowerCase() === 'b';
    return match[0].length;
  }
  const width = widths[pattern];
  if (width === undefined) throw unreadable(pattern);
  const digits = new RegExp(`^[+-]?\\d{1,${open && width >= 4 ? 9 : width}}`).exec(text)?.[0];
  if (digits === undefined) throw invalid('digits are wanted');
  assign(pattern, digits, reading);
  return digits.length;
}

const widths: { readonly [pattern: string]: number | undefined } = {
  YYYY: 4,
  YYY: 3,
  YY: 2,
  Y: 1,
  MM: 2,
  DDD: 3,
  DD: 2,
  HH24: 2,
  HH12: 2,
  HH: 2,
  MI: 2,
  SS: 2,
  MS: 3,
  US: 6,
  FF1: 1,
  FF2: 2,
  FF3: 3,
  FF4: 4,
  FF5: 5,
  FF6: 6,
  SSSS: 5,
  SSSSS: 5,
};

function assign(pattern: PatternName, digits: string, reading: Reading): void {
  const value = Number(digits);
  if (/^Y+$/.test(pattern))
    reading.year = pattern.length < 4 && digits.length < 4 ? nearYear(value, pattern.length) : value;
  else if (pattern === 'MM') reading.month = value;
  else if (pattern === 'DD') reading.day = value;
  else if (pattern === 'DDD') reading.dayOfYear = value;
  else if (pattern === 'MI') reading.minute = value;
  else if (pattern === 'SS') reading.second = value;
  else if (pattern === 'MS' || pattern === 'US' || pattern.startsWith('FF'))
    reading.micros = Number(digits.padEnd(6, '0').slice(0, 6));
  else if (pattern.startsWith('SSSS')) reading.secondsOfDay = value;
  else {
    reading.hour = value;
    if (pattern !== 'HH24') {
      if (value < 1 || value > 12) throw invalid('the hour of a 12-hour clock lies between 1 and 12');
      reading.afternoon ??= false;
    }
  }
}

/** Years of less than four digits are those nearest to 2020. */
function nearYear(value: number, digits: number): number {
  if (digits === 2) return value < 70 ? value + 2000 : value + 1900;
  if (digits === 3) return value < 520 ? value + 2000 : value + 1000;
  return value + 2000;
}
