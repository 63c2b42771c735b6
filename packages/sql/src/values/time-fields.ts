import { RowError } from '../errors.js';
import { civilOfDays, dayOfWeek, dayOfYear, daysInMonth, daysOfCivil, isoWeek } from './civil.js';
import type { Decimal } from './decimal.js';
import { roundHalfEven } from './double.js';
import { addIntegers, floorDivide, type Integer, normalInteger } from './integer.js';
import { type Interval, makeInterval, negateInterval } from './interval.js';
import { checkedDate, checkedTimestamp, daysOfDate, microsPerDay, microsPerSecond, timestampOfDays } from './time.js';

/** extract, date_trunc and what else takes instants apart (https://www.postgresql.org/docs/18/functions-datetime.html). They throw `RowError`. */

const fieldNames: readonly (readonly [field: string, names: string])[] = [
  ['microseconds', 'microseconds microsecond usec usecs us usecond useconds'],
  ['milliseconds', 'milliseconds millisecond msec msecs ms msecond mseconds'],
  ['second', 'second seconds sec secs s'],
  ['minute', 'minute minutes min mins m'],
  ['hour', 'hour hours hr hrs h'],
  ['day', 'day days d'],
  ['week', 'week weeks w'],
  ['month', 'month months mon mons'],
  ['quarter', 'quarter qtr'],
  ['year', 'year years yr yrs y'],
  ['decade', 'decade decades dec decs'],
  ['century', 'century centuries cent c'],
  ['millennium', 'millennium millennia mil mils'],
  ['dow', 'dow'],
  ['isodow', 'isodow'],
  ['doy', 'doy'],
  ['isoyear', 'isoyear'],
  ['epoch', 'epoch'],
  ['julian', 'julian'],
];
const fields = new Map(fieldNames.flatMap(([field, names]) => names.split(' ').map((name) => [name, field] as const)));

/** The field that a text names. Throws `RowError`. */
export function fieldOf(text: string): string {
  const field = fields.get(text.toLowerCase());
  if (field === undefined)
    throw new RowError(
      'invalid_argument',
      `"${text.slice(0, 40)}" is no field of a time: there are year, month, day, hour, minute, second and others`,
    );
  return field;
}

const decimal = (value: Integer, scale = 0): Decimal => ({ coefficient: BigInt(value), scale });
const noField = (field: string, type: string): RowError =>
  new RowError('invalid_argument', `a ${type} has no field ${field}`);

const centuryOf = (year: number): number => (year > 0 ? Math.ceil(year / 100) : -Math.ceil((1 - year) / 100));
const millenniumOf = (year: number): number => (year > 0 ? Math.ceil(year / 1000) : -Math.ceil((1 - year) / 1000));
/** PostgreSQL shows the year before 1 as -1. */
const shownYear = (year: number): number => (year > 0 ? year : year - 1);

function dayField(field: string, days: number): number | undefined {
  const { year, month, day } = civilOfDays(days);
  switch (field) {
    case 'day':
      return day;
    case 'week':
      return isoWeek(days).week;
    case 'month':
      return month;
    case 'quarter':
      return Math.ceil(month / 3);
    case 'year':
      return shownYear(year);
    case 'decade':
      return Math.floor(year / 10);
    case 'century':
      return centuryOf(year);
    case 'millennium':
      return millenniumOf(year);
    case 'dow':
      return dayOfWeek(days);
    case 'isodow':
      return dayOfWeek(days) || 7;
    case 'doy':
      return dayOfYear(days);
    case 'isoyear':
      return shownYear(isoWeek(days).year);
    default:
      return undefined;
  }
}

function timeField(field: string, micros: number): Decimal | undefined {
  switch (field) {
    case 'microseconds':
      return decimal(micros % (60 * microsPerSecond));
    case 'milliseconds':
      return decimal(micros % (60 * microsPerSecond), 3);
    case 'second':
      return decimal(micros % (60 * microsPerSecond), 6);
    case 'minute':
      return decimal(Math.trunc(micros / (60 * microsPerSecond)) % 60);
    case 'hour':
      return decimal(Math.trunc(micros / (3600 * microsPerSecond)));
    default:
      return undefined;
  }
}

const julianEpoch = 2_440_588;

export function extractFromTimestamp(name: string, timestamp: Integer): Decimal {
  const field = fieldOf(name);
  if (field === 'epoch') return decimal(timestamp, 6);
  const [days, time] = floorDivide(timestamp, microsPerDay);
  const known = dayField(field, days);
  if (known !== undefined) return decimal(known);
  const known2 = timeField(field, time);
  if (known2) return known2;
  if (field !== 'julian') throw noField(field, 'TIMESTAMP');
  return julianDay(days, time);
}

/** The day of Julius Scaliger's count, with as many digits as PostgreSQL's division gives. */
function julianDay(days: number, time: number): Decimal {
  const scale = 20;
  const fraction = (BigInt(time) * 10n ** BigInt(scale)) / BigInt(microsPerDay);
  return { coefficient: BigInt(days + julianEpoch) * 10n ** BigInt(scale) + fraction, scale };
}

export function extractFromDate(name: string, days: number): Decimal {
  const field = fieldOf(name);
  if (field === 'epoch') return decimal(days * 86_400);
  if (field === 'julian') return decimal(days + julianEpoch);
  const known = dayField(field, days);
  if (known === undefined) throw noField(field, 'DATE');
  return decimal(known);
}

export function extractFromInterval(name: string, { months, days, micros }: Interval): Decimal {
  const field = fieldOf(name);
  const years = Math.trunc(months / 12);
  switch (field) {
    case 'day':
      return decimal(days);
    case 'week':
      return decimal(Math.trunc(days / 7));
    case 'month':
      return decimal(months % 12);
    case 'quarter':
      return decimal(Math.trunc((months % 12) / 3) + (months < 0 ? -1 : 1));
    case 'year':
      return decimal(years);
    case 'decade':
      return decimal(Math.trunc(years / 10));
    case 'century':
      return decimal(Math.trunc(years / 100));
    case 'millennium':
      return decimal(Math.trunc(years / 1000));
    case 'epoch': {
      // A year has 365.25 days here, a month 30.
      const seconds = BigInt(years) * 31_557_600n + BigInt(months % 12) * 2_592_000n + BigInt(days) * 86_400n;
      return { coefficient: seconds * BigInt(microsPerSecond) + BigInt(micros), scale: 6 };
    }
    default: {
      const known = timeField(field, micros);
      if (!known) throw noField(field, 'INTERVAL');
      return known;
    }
  }
}

const truncatedTimes: { readonly [field: string]: number | undefined } = {
  microseconds: 1,
  milliseconds: 1000,
  second: microsPerSecond,
  minute: 60 * microsPerSecond,
  hour: 3600 * microsPerSecond,
  day: microsPerDay,
};

export function truncateTimestamp(name: string, timestamp: Integer): Integer {
  const field = fieldOf(name);
  const unit = truncatedTimes[field];
  if (unit !== undefined) {
    const [, rest] = floorDivide(timestamp, unit);
    return checkedTimestamp(addIntegers(timestamp, -rest));
  }
  const [days] = floorDivide(timestamp, microsPerDay);
  return checkedTimestamp(timestampOfDays(truncateDay(field, days)));
}

function truncateDay(field: string, days: number): number {
  const { year, month } = civilOfDays(days);
  switch (field) {
    case 'week':
      return days - ((dayOfWeek(days) + 6) % 7);
    case 'month':
      return daysOfCivil(year, month, 1);
    case 'quarter':
      return daysOfCivil(year, Math.floor((month - 1) / 3) * 3 + 1, 1);
    case 'year':
      return daysOfCivil(year, 1, 1);
    case 'decade':
      return daysOfCivil(Math.floor(year / 10) * 10, 1, 1);
    case 'century':
      return daysOfCivil(Math.floor((year - 1) / 100) * 100 + 1, 1, 1);
    case 'millennium':
      return daysOfCivil(Math.floor((year - 1) / 1000) * 1000 + 1, 1, 1);
    default:
      throw new RowError('invalid_argument', `nothing is cut to ${field}`);
  }
}

export function truncateInterval(name: string, { months, days, micros }: Interval): Interval {
  const field = fieldOf(name);
  const unit = truncatedTimes[field];
  if (field === 'day') return makeInterval(months, days, 0);
  if (unit !== undefined) return makeInterval(months, days, Math.trunc(micros / unit) * unit);
  const size = truncatedMonths[field];
  if (size === undefined) throw new RowError('invalid_argument', `nothing is cut to ${field}`);
  return makeInterval(Math.trunc(months / size) * size, 0, 0);
}

const truncatedMonths: { readonly [field: string]: number | undefined } = {
  month: 1,
  quarter: 3,
  year: 12,
  decade: 120,
  century: 1200,
  millennium: 12_000,
};

/** The time between by the calendar: years, months and days as people count them. */
export function age(a: Integer, b: Integer): Interval {
  if (a < b) return negateInterval(age(b, a));
  const [daysA, timeA] = floorDivide(a, microsPerDay);
  const [daysB, timeB] = floorDivide(b, microsPerDay);
  const [from, to] = [civilOfDays(daysB), civilOfDays(daysA)];
  let micros = timeA - timeB;
  let days = to.day - from.day;
  let months = (to.year - from.year) * 12 + to.month - from.month;
  if (micros < 0) {
    micros += microsPerDay;
    days--;
  }
  if (days < 0) {
    days += daysInMonth(from.year, from.month);
    months--;
  }
  return makeInterval(months, days, micros);
}

export function makeDate(year: number, month: number, day: number): number {
  const days = year === 0 ? undefined : daysOfDate(year < 0 ? year + 1 : year, month, day);
  if (days === undefined) throw new RowError('out_of_range', 'there is no such day');
  return checkedDate(days);
}

export function makeTimestamp(
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
): Integer {
  const days = timestampOfDays(makeDate(year, month, day));
  const micros = roundHalfEven(second * microsPerSecond);
  const time = (hour * 3600 + minute * 60) * microsPerSecond + micros;
  // PostgreSQL rounds first: a second that is hardly negative, or hardly beyond 60, is none.
  if (hour < 0 || minute < 0 || minute > 59 || !(micros >= 0 && micros <= 60 * microsPerSecond) || time > microsPerDay)
    throw new RowError('out_of_range', 'there is no such time of day');
  return checkedTimestamp(normalInteger(BigInt(days) + BigInt(time)));
}

export const makeIntervalOf = (
  years = 0,
  months = 0,
  weeks = 0,
  days = 0,
  hours = 0,
  minutes = 0,
  seconds = 0,
): Interval =>
  makeInterval(
    years * 12 + months,
    weeks * 7 + days,
    (hours * 3600 + minutes * 60) * microsPerSecond + roundHalfEven(seconds * microsPerSecond),
  );

const secondsTo2000 = 946_684_800;

/** The instant so many seconds after 1970. */
export function timestampOfSeconds(seconds: number): Integer {
  // PostgreSQL counts from 2000, which is where its doubles have the most digits.
  const micros = roundHalfEven((seconds - secondsTo2000) * microsPerSecond);
  if (!Number.isFinite(micros)) throw new RowError('out_of_range', 'a value is out of range for TIMESTAMP');
  return checkedTimestamp(normalInteger(BigInt(micros) + BigInt(secondsTo2000 * microsPerSecond)));
}

const daysPerMonth = 30;

/** Whole days out of the time. */
export function justifyHours({ months, days, micros }: Interval): Interval {
  const whole = Math.trunc(micros / microsPerDay);
  return sameSign(months, days + whole, micros - whole * microsPerDay, false);
}

/** Whole months out of the days. */
export function justifyDays({ months, days, micros }: Interval): Interval {
  const whole = Math.trunc(days / daysPerMonth);
  return alignMonths(months + whole, days - whole * daysPerMonth, micros);
}

export function justifyInterval({ months, days, micros }: Interval): Interval {
  const wholeDays = Math.trunc(micros / microsPerDay);
  const wholeMonths = Math.trunc((days + wholeDays) / daysPerMonth);
  return sameSign(
    months + wholeMonths,
    days + wholeDays - wholeMonths * daysPerMonth,
    micros - wholeDays * microsPerDay,
    true,
  );
}

function sameSign(months: number, days: number, micros: number, withMonths: boolean): Interval {
  const aligned = withMonths ? alignAll(months, days, micros) : makeInterval(months, days, micros);
  if (aligned.days > 0 && aligned.micros < 0)
    return makeInterval(aligned.months, aligned.days - 1, aligned.micros + microsPerDay);
  if (aligned.days < 0 && aligned.micros > 0)
    return makeInterval(aligned.months, aligned.days + 1, aligned.micros - microsPerDay);
  return aligned;
}

function alignAll(months: number, days: number, micros: number): Interval {
  if (months > 0 && (days < 0 || (days === 0 && micros < 0)))
    return makeInterval(months - 1, days + daysPerMonth, micros);
  if (months < 0 && (days > 0 || (days === 0 && micros > 0)))
    return makeInterval(months + 1, days - daysPerMonth, micros);
  return makeInterval(months, days, micros);
}

function alignMonths(months: number, days: number, micros: number): Interval {
  if (months > 0 && days < 0) return makeInterval(months - 1, days + daysPerMonth, micros);
  if (months < 0 && days > 0) return makeInterval(months + 1, days - daysPerMonth, micros);
  return makeInterval(months, days, micros);
}

/** The beginning of the bin, counted from `origin`, in which an instant lies. */
export function binTimestamp(stride: Interval, timestamp: Integer, origin: Integer): Integer {
  if (stride.months !== 0) throw new RowError('invalid_argument', 'the stride of date_bin has no months or years');
  const size = BigInt(stride.days) * BigInt(microsPerDay) + BigInt(stride.micros);
  if (size <= 0n) throw new RowError('invalid_argument', 'the stride of date_bin is above zero');
  const distance = BigInt(timestamp) - BigInt(origin);
  const rest = ((distance % size) + size) % size;
  return checkedTimestamp(normalInteger(BigInt(timestamp) - rest));
}
