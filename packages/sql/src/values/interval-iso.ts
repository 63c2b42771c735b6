import { doubleOfText } from './double.js';
import type { Interval } from './interval.js';
import { IntervalSum, type UnitName, unitOf } from './interval-fields.js';

/**
 * Durations of ISO 8601 as PostgreSQL's DecodeISO8601Interval takes them: with designators (`P1Y2M3DT4H`) and in the alternative formats (`P0001-02-03T04:05:06`,
 * `P00010203T040506`). Each number may have a sign, a fraction and an exponent.
 */

/** What stands before a T, or behind one. */
interface Half {
  /** The letters behind numbers, and the units that they stand for. */
  readonly designators: { readonly [letter: string]: UnitName | undefined };
  /** What the numbers of the alternative formats are of, from the first on. */
  readonly units: readonly [UnitName, UnitName, UnitName];
  /** Numbers apart. */
  readonly extended: RegExp;
  /** All in one number, by its digits: the last two pairs of them are numbers of their own. */
  readonly basic: RegExp;
}

const number = String.raw`-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?`;
const designated = new RegExp(`(${number})([A-Z])`, 'gy');

const dateHalf: Half = {
  designators: { Y: 'year', M: 'month', W: 'week', D: 'day' },
  units: ['year', 'month', 'day'],
  extended: new RegExp(`^(${number})(?:-(${number})(?:-(${number}))?)?$`),
  basic: /^-?\d{8}(?!\d)/,
};
const timeHalf: Half = {
  designators: { H: 'hour', M: 'minute', S: 'second' },
  units: ['hour', 'minute', 'second'],
  extended: new RegExp(`^(${number})(?::(${number})(?::(${number}))?)?$`),
  basic: /^-?\d{6}(?!\d)/,
};

interface Part {
  readonly whole: number;
  readonly fraction: number;
  readonly unit: UnitName;
}

/** The interval that a text writes in ISO 8601, or undefined. Throws `RowError` where it is out of range. */
export function parseIsoInterval(text: string): Interval | undefined {
  if (!/^P./.test(text)) return undefined;
  const [date = '', ...times] = text.slice(1).split('T');
  const halves = [
    designatedParts(date, dateHalf) ?? alternativeParts(date, dateHalf),
    // Only the last may be in an alternative format.
    ...times.map(
      (time, i) =>
        designatedParts(time, timeHalf) ?? (i === times.length - 1 ? alternativeParts(time, timeHalf) : undefined),
    ),
  ];
  const sum = new IntervalSum();
  for (const parts of halves) {
    if (!parts) return undefined;
    for (const { whole, fraction, unit } of parts) sum.add(whole, fraction, unitOf(unit));
  }
  return sum.interval(1);
}

function designatedParts(text: string, { designators }: Half): readonly Part[] | undefined {
  const parts: Part[] = [];
  let read = 0;
  for (const [part, count = '', letter = ''] of text.matchAll(designated)) {
    const unit = designators[letter];
    if (!unit) return undefined;
    parts.push({ ...numberOf(count), unit });
    read += part.length;
  }
  return read === text.length ? parts : undefined;
}

function alternativeParts(text: string, { units, extended, basic }: Half): readonly Part[] | undefined {
  const counts = extended
    .exec(text)
    ?.slice(1)
    .filter((count) => count !== undefined);
  if (!counts) return undefined;
  const [first, second, third] = units;
  if (counts.length > 1 || !basic.test(text))
    return counts.map((count, i) => ({ ...numberOf(count), unit: units[i] ?? third }));
  const { whole, fraction } = numberOf(text);
  // PostgreSQL takes such a fraction of a second for one of a microsecond.
  if (third === 'second' && fraction !== 0) return undefined;
  return [
    { whole: Math.trunc(whole / 10_000), fraction: 0, unit: first },
    { whole: Math.trunc(whole / 100) % 100, fraction: 0, unit: second },
    { whole: whole % 100, fraction, unit: third },
  ];
}

function numberOf(text: string): { readonly whole: number; readonly fraction: number } {
  const value = doubleOfText(text);
  const whole = Math.trunc(value);
  return { whole, fraction: value - whole };
}
