import { RowError } from '../errors.js';
import { civilOfDays, dayOfWeek, dayOfYear, daysInMonth, daysOfCivil, isoWeek } from './civil.js';
import { addIntegers, floorDivide, type Integer } from './integer.js';
import { checkedDate, checkedTimestamp, daysOfDate, microsPerDay, microsPerSecond, timestampOfDays } from './time.js';

/** Templates of to_char, to_timestamp and to_date (https://www.postgresql.org/docs/18/functions-formatting.html). They throw `RowError`. */

const months = 'January February March April May June July August September October November December'.split(' ');
const weekdays = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');
const romanMonths = 'I II III IV V VI VII VIII IX X XI XII'.split(' ');

/** The longest first, so that HH24 is not read as HH. */
const patternNames = [
  'YYYY',
  'IYYY',
  'Y,YYY',
  'MONTH',
  'Month',
  'month',
  'SSSSS',
  'SSSS',
  'HH24',
  'HH12',
  'A.M.',
  'P.M.',
  'a.m.',
  'p.m.',
  'B.C.',
  'A.D.',
  'b.c.',
  'a.d.',
  'YYY',
  'IYY',
  'IDDD',
  'DDD',
  'DAY',
  'Day',
  'day',
  'MON',
  'Mon',
  'mon',
  'FF1',
  'FF2',
  'FF3',
  'FF4',
  'FF5',
  'FF6',
  'TZH',
  'TZM',
  'YY',
  'IY',
  'HH',
  'MI',
  'SS',
  'MS',
  'US',
  'AM',
  'PM',
  'am',
  'pm',
  'BC',
  'AD',
  'bc',
  'ad',
  'MM',
  'DD',
  'ID',
  'DY',
  'Dy',
  'dy',
  'WW',
  'IW',
  'CC',
  'RM',
  'rm',
  'TZ',
  'tz',
  'OF',
  'Y',
  'I',
  'D',
  'W',
  'J',
  'Q',
] as const;
type PatternName = (typeof patternNames)[number];
const caseless = new Set<string>(
  'YYYY IYYY Y,YYY SSSSS SSSS HH24 HH12 YYY IYY IDDD DDD FF1 FF2 FF3 FF4 FF5 FF6 YY IY HH MI SS MS US MM DD ID WW IW CC Y I D W J Q TZH TZM OF'.split(
    ' ',
  ),
);

/** One piece of a template. */
type Part =
  | { readonly literal: string; readonly quoted: boolean }
  | { readonly pattern: PatternName; readonly fill: boolean; readonly ordinal: 'TH' | 'th' | undefined };

const templateLengthMax = 1000;
const cacheMax = 256;
const cache = new Map<string, readonly Part[]>();

/** The parts of a template, kept for the next row. */
export function partsOfTemplate(template: string): readonly Part[] {
  const known = cache.get(template);
  if (known) return known;
  if (template.length > templateLengthMax)
    throw new RowError('too_large', `a template has at most ${templateLengthMax} characters`);
  const parts = parseTemplate(template);
  if (cache.size >= cacheMax) cache.delete(cache.keys().next().value ?? '');
  cache.set(template, parts);
  return parts;
}

function parseTemplate(template: string): Part[] {
  const parts: Part[] = [];
  let at = 0;
  while (at < template.length) {
    if (template[at] === '"') {
      const { text, end } = quotedText(template, at + 1);
      parts.push({ literal: text, quoted: true });
      at = end;
      continue;
    }
    const fill = !/^fm/i.test(template.slice(at, at + 2));
    const start = fill ? at : at + 2;
    const pattern = patternNames.find((name) => startsWith(template, start, name));
    if (!pattern) {
      const escaped = template[at] === '\\' && at + 1 < template.length;
      const literal = String.fromCodePoint(template.codePointAt(escaped ? at + 1 : at) ?? 0);
      parts.push({ literal, quoted: false });
      at += literal.length + (escaped ? 1 : 0);
      continue;
    }
    const behind = start + pattern.length;
    const ordinal = ['TH', 'th'].find((suffix) => template.startsWith(suffix, behind)) as 'TH' | 'th' | undefined;
    parts.push({ pattern, fill, ordinal });
    at = behind + (ordinal ? 2 : 0);
  }
  return parts;
}

const startsWith = (template: string, at: number, name: string): boolean => {
  const written = template.slice(at, at + name.length);
  return written === name || (caseless.has(name) && written.toUpperCase() === name);
};

function quotedText(template: string, from: number): { text: string; end: number } {
  let text = '';
  let at = from;
  while (at < template.length && template[at] !== '"') {
    if (template[at] === '\\') at++;
    text += template[at] ?? '';
    at++;
  }
  return { text, end: at + 1 };
}

/** The text of an instant. */
export function formatTimestamp(timestamp: Integer, template: string): string {
  const [days, time] = floorDivide(timestamp, microsPerDay);
  let text = '';
  for (const part of partsOfTemplate(template)) {
    if ('literal' in part) text += part.literal;
    else {
      const written = formatPattern(part.pattern, part.fill, days, time);
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
  const morning = hour < 12;
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
      return number(Math.ceil(shownYear / 100), 2);
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
      return morning ? 'AM' : 'PM';
    case 'am':
    case 'pm':
      return morning ? 'am' : 'pm';
    case 'A.M.':
    case 'P.M.':
      return morning ? 'A.M.' : 'P.M.';
    case 'a.m.':
    case 'p.m.':
      return morning ? 'a.m.' : 'p.m.';
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

const isoDayOfYear = (days: number): number => (isoWeek(days).week - 1) * 7 + (dayOfWeek(days) || 7);

/** MONTH, Month and month. */
function inCaseOf(pattern: string, text: string): string {
  if (pattern === pattern.toUpperCase()) return text.toUpperCase();
  return pattern === pattern.toLowerCase() ? text.toLowerCase() : text;
}

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
  if (width === undefined) throw new RowError('invalid_argument', `${pattern} is not supported where a text is read`);
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
