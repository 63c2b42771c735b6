import { roundHalfEven } from './double.js';
import { daysPerMonth, type Interval, makeInterval } from './interval.js';
import { microsPerDay, microsPerSecond } from './time.js';

const monthsPerYear = 12;

interface Unit {
  readonly name: string;
  readonly field: keyof Interval;
  /** How many of the field. */
  readonly size: number;
}

const unitNames: readonly (readonly [names: string, field: keyof Interval, size: number])[] = [
  ['microsecond microseconds usec usecs us usecond useconds', 'micros', 1],
  ['millisecond milliseconds msec msecs ms msecond mseconds', 'micros', 1000],
  ['second seconds sec secs s', 'micros', microsPerSecond],
  ['minute minutes min mins m', 'micros', 60 * microsPerSecond],
  ['hour hours hr hrs h', 'micros', 3600 * microsPerSecond],
  ['day days d', 'days', 1],
  ['week weeks w', 'days', 7],
  ['month months mon mons', 'months', 1],
  ['year years yr yrs y', 'months', monthsPerYear],
  ['decade decades dec decs', 'months', 10 * monthsPerYear],
  ['century centuries cent c', 'months', 100 * monthsPerYear],
  ['millennium millennia mil mils', 'months', 1000 * monthsPerYear],
];
const units = new Map(
  unitNames.flatMap(([names, field, size]) => {
    const all = names.split(' ');
    return all.map((name): [string, Unit] => [name, { name: all[0] as string, field, size }]);
  }),
);
const partsOfSecond = ['second', 'millisecond', 'microsecond'] as const;

/** A time, years and months as SQL writes them (`1-2`), a number with its unit or without, or a word. */
const forms: readonly RegExp[] = [
  /(?<sign>[+-]?)(?<hours>\d+):(?<minutes>\d{1,2})(?::(?<seconds>\d{1,2}(?:\.\d*)?)|(?<fraction>\.\d*))?(?![\w.:])/,
  /(?<years>[+-]?\d+)-(?<months>\d{1,2})(?![\w.:-])/,
  /(?<count>[+-]?\d+(?:\.(?![a-z])\d*)?|\.\d+)(?:\s*(?!ago\b)(?<unit>[a-z]+)(?![\w.:+-]))?/,
  /(?<ago>ago)\b/,
  /@/,
];
const token = new RegExp(`\\s*(?:${forms.map(({ source }) => source).join('|')})\\s*`, 'iy');

/**
 * `1 day 02:30:00`, `1 year -2 mons`, `90 minutes ago`, `1-2 3 04:05`, `P1DT2H`
 * (https://www.postgresql.org/docs/18/datatype-datetime.html#DATATYPE-INTERVAL-INPUT), or undefined.
 */
export function parseInterval(text: string, defaultUnit = 'second'): Interval | undefined {
  if (text.startsWith('P')) return parseIsoInterval(text);
  const fields = new Fields();
  let sign = 1;
  /** A number without a unit: days before a time, and else only at the end. */
  let bare: string | undefined;
  token.lastIndex = 0;
  while (token.lastIndex < text.length) {
    const groups = token.exec(text)?.groups;
    if (!groups || sign < 0) return undefined;
    const { hours, years, months = '', count, unit, ago } = groups;
    const pending = bare;
    bare = undefined;
    if (hours !== undefined) {
      if (!fields.addTime(groups) || (pending !== undefined && !fields.addNumber(pending, 'day'))) return undefined;
    } else if (pending !== undefined) return undefined;
    else if (years !== undefined) {
      if (!fields.addYears(years, Number(months))) return undefined;
    } else if (ago !== undefined) sign = -1;
    else if (count !== undefined && unit === undefined) bare = count;
    else if (count !== undefined && !fields.addNumber(count, unit as string)) return undefined;
  }
  if (bare !== undefined && !fields.addNumber(bare, defaultUnit)) return undefined;
  return fields.isEmpty ? undefined : fields.sum.interval(sign);
}

/** The fields of a text, each of which stands there once at most. */
class Fields {
  readonly sum = new Sum();
  readonly #taken = new Set<string>();

  get isEmpty(): boolean {
    return this.#taken.size === 0;
  }

  addNumber(count: string, unitName: string): boolean {
    const unit = units.get(unitName.toLowerCase());
    if (!unit) return false;
    const [whole, fraction] = partsOf(count);
    this.sum.add(whole, fraction, unit);
    return unit.name === 'second' && fraction !== 0 ? this.#take(...partsOfSecond) : this.#take(unit.name);
  }

  /** `1:02:03.5`, `1:02`; with a fraction and without hours minutes and seconds. */
  addTime({ sign, hours = '', minutes = '', seconds, fraction }: { readonly [group: string]: string }): boolean {
    const [h, m, s] = fraction === undefined ? [hours, minutes, seconds ?? '0'] : ['0', hours, minutes + fraction];
    const [whole, rest] = partsOf(s);
    // PostgreSQL takes a leap second.
    if (Number(m) > 59 || whole > 60) return false;
    const total = (Number(h) * 3600 + Number(m) * 60 + whole) * microsPerSecond + roundHalfEven(rest * microsPerSecond);
    this.sum.micros += sign === '-' ? -total : total;
    return this.#take('hour', 'minute', ...partsOfSecond);
  }

  addYears(years: string, months: number): boolean {
    this.sum.months += Number(years) * monthsPerYear + (years.startsWith('-') ? -months : months);
    return months < monthsPerYear && this.#take('month');
  }

  #take(...names: string[]): boolean {
    const isFree = !names.some((name) => this.#taken.has(name));
    for (const name of names) this.#taken.add(name);
    return isFree;
  }
}

const isoUnits: { readonly [designator: string]: string } = { Y: 'year', W: 'week', D: 'day', H: 'hour', S: 'second' };

function parseIsoInterval(text: string): Interval | undefined {
  const sum = new Sum();
  const [date = '', time = '', more] = text.slice(1).split('T');
  const read = (part: string, month: string) => {
    if (!/^(?:-?(?:\d+\.?\d*|\.\d+)[A-Z])*$/.test(part)) return false;
    for (const [, count, designator = ''] of part.matchAll(/(-?[\d.]+)([A-Z])/g)) {
      const unit = units.get(designator === 'M' ? month : (isoUnits[designator] ?? ''));
      if (!unit) return false;
      const whole = Math.trunc(Number(count));
      sum.add(whole, Number(count) - whole, unit);
    }
    return true;
  };
  if (text === 'P' || more !== undefined || !read(date, 'month') || !read(time, 'minute')) return undefined;
  return sum.interval(1);
}

/** A number, and the fraction behind its point with the same sign. PostgreSQL reads them apart, so that no digit of one costs one of the other. */
function partsOf(text: string): [whole: number, fraction: number] {
  const [whole = '', fraction = ''] = text.split('.');
  return [Number(whole), Number(`${whole.startsWith('-') ? '-' : ''}0.${fraction}0`)];
}

/** What the parts of a text come to; a fraction of a month is days of thirty a month, one of a day is time. */
class Sum {
  months = 0;
  days = 0;
  micros = 0;

  /** So many of a unit; the fraction is below one. Rounds where PostgreSQL does (`DecodeInterval` and `AdjustFractDays` of its datetime.c). */
  add(whole: number, fraction: number, { field, size }: Unit): void {
    this[field] += whole * size;
    if (field === 'micros') this.micros += roundHalfDown(fraction * size);
    else if (field === 'months' && size > 1)
      this.months += roundHalfEven(fraction * (size / monthsPerYear) * monthsPerYear);
    else {
      const days = fraction * (field === 'months' ? daysPerMonth : size);
      this.days += Math.trunc(days);
      this.micros += roundHalfDown((days - Math.trunc(days)) * microsPerDay);
    }
  }

  interval(sign: number): Interval {
    return makeInterval(sign * this.months, sign * this.days, sign * this.micros);
  }
}

/** To the nearest, and a half towards zero. */
const roundHalfDown = (value: number): number => Math.sign(value) * Math.ceil(Math.abs(value) - 0.5);
