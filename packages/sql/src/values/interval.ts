import { RowError } from '../errors.js';
import { civilOfDays, daysInMonth, daysOfCivil } from './civil.js';
import { roundHalfEven } from './double.js';
import { addIntegers, floorDivide, type Integer, negateInteger } from './integer.js';
import { checkedTimestamp, microsPerDay, microsPerSecond, timestampOfDays, timeText } from './time.js';

/** PostgreSQL's INTERVAL: months and days are counted by the calendar, so that they are kept apart from the time. */
export interface Interval {
  readonly months: number;
  readonly days: number;
  readonly micros: number;
}

const int32Max = 2_147_483_647;
const daysPerMonth = 30;
const secondsPerDay = 86_400;

export function makeInterval(months: number, days: number, micros: number): Interval {
  if (Math.abs(months) > int32Max || Math.abs(days) > int32Max || !Number.isSafeInteger(micros))
    throw new RowError('out_of_range', 'a value is out of range for INTERVAL');
  return { months: months + 0, days: days + 0, micros: micros + 0 };
}

type Unit = readonly [field: 'months' | 'days' | 'micros', size: number];
const unitNames: readonly (readonly [names: string, unit: Unit])[] = [
  ['microsecond microseconds usec usecs us', ['micros', 1]],
  ['millisecond milliseconds msec msecs ms', ['micros', 1000]],
  ['second seconds sec secs s', ['micros', microsPerSecond]],
  ['minute minutes min mins m', ['micros', 60 * microsPerSecond]],
  ['hour hours hr hrs h', ['micros', 3600 * microsPerSecond]],
  ['day days d', ['days', 1]],
  ['week weeks w', ['days', 7]],
  ['month months mon mons', ['months', 1]],
  ['year years yr yrs y', ['months', 12]],
  ['decade decades dec decs', ['months', 120]],
  ['century centuries cent c', ['months', 1200]],
  ['millennium millennia mil mils', ['months', 12_000]],
];
const units = new Map(unitNames.flatMap(([names, unit]) => names.split(' ').map((name) => [name, unit] as const)));

const token =
  /\s*(?:([+-]?)(\d+):(\d{2})(?::(\d{2}(?:\.\d*)?))?|([+-]?(?:\d+\.?\d*|\.\d+))\s*([a-z]+)?|(ago)\b|@)\s*/iy;

/** `1 day 02:30:00`, `1 year -2 mons`, `90 minutes ago`, `P1DT2H` (https://www.postgresql.org/docs/18/datatype-datetime.html#DATATYPE-INTERVAL-INPUT), or undefined. */
export function parseInterval(text: string, defaultUnit = 'second'): Interval | undefined {
  if (/^\s*p/i.test(text)) return parseIsoInterval(text.trim());
  const sum = new Sum();
  let sign = 1;
  token.lastIndex = 0;
  if (text.trim() === '') return undefined;
  while (token.lastIndex < text.length) {
    const match = token.exec(text);
    if (!match) return undefined;
    const [, timeSign, hours, minutes, seconds, count, unitName, ago] = match;
    if (hours !== undefined) {
      // PostgreSQL takes a leap second.
      if (Number(minutes) > 59 || Math.trunc(Number(seconds ?? 0)) > 60) return undefined;
      const total = (Number(hours) * 3600 + Number(minutes) * 60) * microsPerSecond + secondsMicros(seconds ?? '0');
      sum.add('micros', timeSign === '-' ? -total : total);
    } else if (count !== undefined) {
      const unit = units.get((unitName ?? defaultUnit).toLowerCase());
      if (!unit) return undefined;
      sum.addFraction(Number(count), unit);
    } else if (ago !== undefined) {
      if (token.lastIndex < text.length) return undefined;
      sign = -1;
    }
  }
  return makeInterval(sign * sum.months, sign * sum.days, sign * sum.micros);
}

const isoUnits: { readonly [designator: string]: string } = { Y: 'year', W: 'week', D: 'day', H: 'hour', S: 'second' };

function parseIsoInterval(text: string): Interval | undefined {
  const sum = new Sum();
  const [date = '', time] = text.slice(1).toUpperCase().split('T');
  const read = (part: string, month: string) => {
    if (!/^(?:[+-]?\d+(?:\.\d*)?[A-Z])*$/.test(part)) return false;
    for (const [, count, designator = ''] of part.matchAll(/([+-]?\d+(?:\.\d*)?)([A-Z])/g)) {
      const unit = units.get(designator === 'M' ? month : (isoUnits[designator] ?? ''));
      if (!unit) return false;
      sum.addFraction(Number(count), unit);
    }
    return true;
  };
  if (date + (time ?? '') === '' || time === '' || !read(date, 'month') || !read(time ?? '', 'minute'))
    return undefined;
  return makeInterval(sum.months, sum.days, sum.micros);
}

const secondsMicros = (text: string): number => Math.round(Number(text) * microsPerSecond);

/** What the parts of a text come to; a fraction of a month is days of thirty a month, one of a day is time. */
class Sum {
  months = 0;
  days = 0;
  micros = 0;

  add(field: Unit[0], value: number): void {
    this[field] += value;
  }

  addFraction(count: number, [field, size]: Unit): void {
    if (field === 'micros') {
      this.add('micros', Math.round(count * size));
      return;
    }
    const total = count * size;
    const whole = field === 'months' && size > 1 ? Math.round(total) : Math.trunc(total);
    this.add(field, whole);
    // PostgreSQL rounds years to months, and hands on the fractions of months and days alone.
    if (field === 'months' && size > 1) return;
    const rest = roundMicros(total - whole);
    if (field === 'days') {
      this.add('micros', Math.round(rest * microsPerDay));
      return;
    }
    const days = Math.trunc(rest * daysPerMonth);
    this.add('days', days);
    this.add('micros', Math.round(roundMicros(rest * daysPerMonth - days) * microsPerDay));
  }
}

/** `1 year 2 mons 3 days 04:05:06.789`, PostgreSQL's own style. */
export function intervalText({ months, days, micros }: Interval): string {
  let text = '';
  let afterNegative = false;
  const add = (value: number, unit: string) => {
    if (value === 0) return;
    const sign = afterNegative && value > 0 ? '+' : '';
    text += `${text === '' ? '' : ' '}${sign}${value} ${unit}${value === 1 ? '' : 's'}`;
    afterNegative = value < 0;
  };
  add(Math.trunc(months / 12), 'year');
  add(months % 12, 'mon');
  add(days, 'day');
  if (text !== '' && micros === 0) return text;
  const sign = micros < 0 ? '-' : afterNegative ? '+' : '';
  return `${text}${text === '' ? '' : ' '}${sign}${timeText(Math.abs(micros))}`;
}

/** A month counts 30 days, a day 24 hours. */
export const compareIntervals = (a: Interval, b: Interval): number => {
  const difference = span(a) - span(b);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
};

const span = ({ months, days, micros }: Interval): bigint =>
  (BigInt(months) * BigInt(daysPerMonth) + BigInt(days)) * BigInt(microsPerDay) + BigInt(micros);

export const addIntervals = (a: Interval, b: Interval): Interval =>
  makeInterval(a.months + b.months, a.days + b.days, a.micros + b.micros);

export const negateInterval = ({ months, days, micros }: Interval): Interval => makeInterval(-months, -days, -micros);

export const subtractIntervals = (a: Interval, b: Interval): Interval => addIntervals(a, negateInterval(b));

/** PostgreSQL's interval_mul: what does not fill a month goes on as days, what does not fill a day as time. */
export const multiplyInterval = (interval: Interval, factor: number): Interval =>
  scaled(interval, (value) => value * factor);

export function divideInterval(interval: Interval, divisor: number): Interval {
  if (divisor === 0) throw new RowError('division_by_zero', 'division by zero');
  return scaled(interval, (value) => value / divisor);
}

function scaled({ months, days, micros }: Interval, scale: (value: number) => number): Interval {
  if (!Number.isFinite(scale(1))) throw new RowError('out_of_range', 'an INTERVAL is finite');
  const wholeMonths = Math.trunc(scale(months));
  let wholeDays = Math.trunc(scale(days));
  const monthDays = roundMicros((scale(months) - wholeMonths) * daysPerMonth);
  let seconds = roundMicros((scale(days) - wholeDays + monthDays - Math.trunc(monthDays)) * secondsPerDay);
  if (Math.abs(seconds) >= secondsPerDay) {
    wholeDays += Math.trunc(seconds / secondsPerDay);
    seconds -= Math.trunc(seconds / secondsPerDay) * secondsPerDay;
  }
  wholeDays += Math.trunc(monthDays);
  return makeInterval(wholeMonths, wholeDays, roundHalfEven(scale(micros) + seconds * microsPerSecond));
}

const roundMicros = (value: number): number => roundHalfEven(value * microsPerSecond) / microsPerSecond;

/** Months first, where a day that the month has not is its last; then days; then the time. */
export function addToTimestamp(timestamp: Integer, { months, days, micros }: Interval): Integer {
  const [day, time] = floorDivide(timestamp, microsPerDay);
  const moved = (months === 0 ? day : addMonths(day, months)) + days;
  return checkedTimestamp(addIntegers(addIntegers(timestampOfDays(moved), time), micros));
}

function addMonths(day: number, months: number): number {
  const civil = civilOfDays(day);
  const total = civil.year * 12 + civil.month - 1 + months;
  const year = Math.floor(total / 12);
  const month = total - year * 12 + 1;
  return daysOfCivil(year, month, Math.min(civil.day, daysInMonth(year, month)));
}

/** The time between, in days and what is left. */
export function timestampDifference(a: Integer, b: Integer): Interval {
  const micros = addIntegers(a, negateInteger(b));
  const [days, rest] = floorDivide(micros < 0 ? negateInteger(micros) : micros, microsPerDay);
  return micros < 0 ? makeInterval(0, -days, -rest) : makeInterval(0, days, rest);
}
