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

export const int32Max = 2_147_483_647;
export const monthsPerYear = 12;
/** As INTERVAL counts them where it has to. */
export const daysPerMonth = 30;
const secondsPerDay = 86_400;

export function makeInterval(months: number, days: number, micros: number): Interval {
  if (Math.abs(months) > int32Max || Math.abs(days) > int32Max || !Number.isSafeInteger(micros)) throw beyondInterval();
  return { months: months + 0, days: days + 0, micros: micros + 0 };
}

export const beyondInterval = (): RowError => new RowError('out_of_range', 'a value is out of range for INTERVAL');

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
  add(Math.trunc(months / monthsPerYear), 'year');
  add(months % monthsPerYear, 'mon');
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
  const total = civil.year * monthsPerYear + civil.month - 1 + months;
  const year = Math.floor(total / monthsPerYear);
  const month = total - year * monthsPerYear + 1;
  return daysOfCivil(year, month, Math.min(civil.day, daysInMonth(year, month)));
}

/** The time between, in days and what is left. */
export function timestampDifference(a: Integer, b: Integer): Interval {
  const micros = addIntegers(a, negateInteger(b));
  const [days, rest] = floorDivide(micros < 0 ? negateInteger(micros) : micros, microsPerDay);
  return micros < 0 ? makeInterval(0, -days, -rest) : makeInterval(0, days, rest);
}
