/**
 * TIMESTAMP is microseconds since 1970 in UTC, DATE days since 1970. Microseconds beyond 2^53, which is after the year 2255, are bigints.
 */
import { RowError } from '../errors.js';
import { civilOfDays, daysInMonth, daysOfCivil } from './civil.js';
import { roundHalfEven } from './double.js';
import { addIntegers, floorDivide, type Integer, multiplyIntegers } from './integer.js';

export const microsPerSecond = 1_000_000;
export const microsPerDay = 86_400_000_000;
const microsPerMilli = 1000;
const zoneHoursMax = 15;

/** PostgreSQL's limits: from 4713 BC to AD 294276 and AD 5874897 (https://www.postgresql.org/docs/18/datatype-datetime.html). */
const timestampMin = -210_866_803_200_000_000n;
const timestampEnd = 9_224_318_016_000_000_000n;
const dateMin = -2_440_588;
const dateEnd = 2_145_042_906;

const space = String.raw`[ \t-\r]`;
const timestampPattern = (date: string, time: string, zone: string): RegExp =>
  new RegExp(
    `^${space}*${date}(?:(?:${space}*T${space}*|${space}+)${time}(?:${space}*(Z|UTC|${zone}))?)?(${space}+BC)?${space}*$`,
    'i',
  );
const extendedPattern = timestampPattern(
  String.raw`(\d{4,7})-(\d{1,2})-(\d{1,2})`,
  String.raw`(\d{1,2}):(\d{2})(?::(\d{2})(\.\d*)?)?`,
  String.raw`[+-]\d{1,2}(?::?\d{2})?`,
);
/** Without dashes and colons, also in the zone. */
const basicPattern = timestampPattern(
  String.raw`(\d{4})(\d{2})(\d{2})`,
  String.raw`(\d{2})(\d{2})(\d{2})(\.\d+)?`,
  String.raw`[+-]\d{2}(?:\d{2})?`,
);

/**
 * The instant that a text writes in ISO 8601 (`2026-03-29T01:30:00Z`, `20260329T013000Z`), or undefined. Without a zone it is UTC. Throws `RowError` where it is
 * out of range.
 */
export function parseTimestamp(text: string): Integer | undefined {
  const match = extendedPattern.exec(text) ?? basicPattern.exec(text);
  if (!match) return undefined;
  const part = (i: number) => Number(match[i] ?? 0);
  const days = daysOfDate(match[9] === undefined ? part(1) : 1 - part(1), part(2), part(3));
  const [hour, minute, second] = [part(4), part(5), part(6)];
  const zone = zoneMicros(match[8]);
  if (days === undefined || part(1) === 0 || minute > 59 || second > 60 || zone === undefined) return undefined;
  const fraction = roundHalfEven(Number(`0${match[7] === '.' ? '' : (match[7] ?? '')}`) * microsPerSecond);
  const time = (hour * 3600 + minute * 60 + second) * microsPerSecond + fraction;
  // 24:00 and a leap second are the next day's midnight, beyond which no time of a day lies.
  if (time > microsPerDay) return undefined;
  return checkedTimestamp(addIntegers(timestampOfDays(days), time - zone));
}

/** Days since 1970 of a day of the calendar, or undefined where there is no such day. */
export const daysOfDate = (year: number, month: number, day: number): number | undefined =>
  month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month) ? daysOfCivil(year, month, day) : undefined;

/** Throws `RowError` for an instant that a TIMESTAMP does not hold. */
export function checkedTimestamp(micros: Integer): Integer {
  if (micros < timestampMin || micros >= timestampEnd)
    throw new RowError('out_of_range', 'a value is out of range for TIMESTAMP');
  return micros;
}

export function checkedDate(days: number): number {
  if (!(days >= dateMin && days < dateEnd)) throw new RowError('out_of_range', 'a value is out of range for DATE');
  return days;
}

/** As a message has it: `2026-03-29T01:30:00Z`, with a fraction where there is one. */
export const isoTimestamp = (micros: Integer): string => {
  const [text, era] = timestampParts(micros, 'T');
  return `${text}Z${era}`;
};

/** As a cast to TEXT gives it: `2026-03-29 01:30:00`. */
export const timestampText = (micros: Integer): string => timestampParts(micros, ' ').join('');

export function dateText(days: number): string {
  const [text, era] = dateParts(days);
  return text + era;
}

function timestampParts(micros: Integer, separator: string): readonly [text: string, era: string] {
  const [days, rest] = floorDivide(micros, microsPerDay);
  const [date, era] = dateParts(days);
  return [`${date}${separator}${timeText(rest)}`, era];
}

function dateParts(days: number): readonly [text: string, era: string] {
  const { year, month, day } = civilOfDays(days);
  const shown = year > 0 ? year : 1 - year;
  return [`${String(shown).padStart(4, '0')}-${two(month)}-${two(day)}`, year > 0 ? '' : ' BC'];
}

/** `04:05:06.789` of microseconds since midnight; hours may pass 24. */
export function timeText(micros: number): string {
  const fraction = micros % microsPerSecond;
  const seconds = Math.floor(micros / microsPerSecond);
  const text = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return fraction === 0 ? text : `${text}.${String(fraction).padStart(6, '0').replace(/0+$/, '')}`;
}

const two = (value: number): string => (value < 10 ? `0${value}` : String(value));

export const timestampOfMillis = (millis: number): Integer => {
  const micros = Math.round(millis * microsPerMilli);
  return Number.isSafeInteger(micros) ? micros : BigInt(micros);
};
export const timestampOfDays = (days: number): Integer => multiplyIntegers(days, microsPerDay);
export const timestampOfDate = (days: number): Integer => checkedTimestamp(timestampOfDays(days));
export const dateOfTimestamp = (micros: Integer): number => floorDivide(micros, microsPerDay)[0];

/** How far a zone is ahead of UTC, or undefined where PostgreSQL has none that is so far away. */
function zoneMicros(zone: string | undefined): number | undefined {
  if (zone === undefined || /^(z|utc)$/i.test(zone)) return 0;
  const match = /^([+-])(\d{1,2}):?(\d{2})?$/.exec(zone);
  const [hours, minutes] = [Number(match?.[2] ?? 0), Number(match?.[3] ?? 0)];
  if (hours > zoneHoursMax || minutes > 59) return undefined;
  const total = (hours * 60 + minutes) * 60 * microsPerSecond;
  return match?.[1] === '-' ? -total : total;
}
