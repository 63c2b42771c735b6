import { roundHalfEven } from './double.js';
import { beyondInterval, daysPerMonth, type Interval, int32Max, makeInterval, monthsPerYear } from './interval.js';
import { microsPerDay, microsPerSecond } from './time.js';

/** What the numbers of an interval's text are of. */
export interface Unit {
  readonly name: UnitName;
  readonly field: 'years' | 'months' | 'days' | 'micros';
  /** How many of the field. */
  readonly size: number;
}

const unitTable = [
  ['microsecond', 'microsecon us usec usecs usecond useconds', 'micros', 1],
  ['millisecond', 'millisecon ms msec msecs msecond mseconds', 'micros', 1000],
  ['second', 'second seconds sec secs s', 'micros', microsPerSecond],
  ['minute', 'minute minutes min mins m mm', 'micros', 60 * microsPerSecond],
  ['hour', 'hour hours hr hrs h', 'micros', 3600 * microsPerSecond],
  ['day', 'day days d', 'days', 1],
  ['week', 'week weeks w', 'days', 7],
  ['month', 'month months mon mons', 'months', 1],
  ['year', 'year years yr yrs y', 'years', 1],
  ['decade', 'decade decades dec decs', 'years', 10],
  ['century', 'century centuries cent c', 'years', 100],
  ['millennium', 'millennium millennia mil mils', 'years', 1000],
] as const satisfies readonly (readonly [name: string, spellings: string, field: Unit['field'], size: number])[];

export type UnitName = (typeof unitTable)[number][0];

const units = Object.fromEntries(unitTable.map(([name, , field, size]) => [name, { name, field, size }])) as {
  readonly [name in UnitName]: Unit;
};
const spellings = new Map(
  unitTable.flatMap(([name, words]) => words.split(' ').map((word): [string, Unit] => [word, units[name]])),
);
/** PostgreSQL tells words by as many characters (TOKMAXLEN): `milliseconds` by `millisecon`. */
const spellingLength = 10;

export const unitOf = (name: UnitName): Unit => units[name];

/** The unit that a word names, in lower case; undefined where it names none. */
export const unitOfWord = (word: string): Unit | undefined => spellings.get(word.slice(0, spellingLength));

/** Numbers and their units, put together as PostgreSQL does it: each sum keeps to its range all the way. Throws `RowError` where one leaves it. */
export class IntervalSum {
  #years = 0;
  #months = 0;
  #days = 0;
  #micros = 0;

  /**
   * So many of a unit; the fraction is below one and has the sign of the whole. That of years gives months, that of months (of thirty days) and weeks gives days
   * and time, and that of days time. Rounded where PostgreSQL does it (`AdjustFractYears`, `AdjustFractDays` and `AdjustFractMicroseconds` of its datetime.c).
   */
  add(whole: number, fraction: number, { field, size }: Unit): void {
    switch (field) {
      case 'years':
        this.#years = inInt32(this.#years + inInt32(whole * size));
        this.#months = inInt32(this.#months + roundHalfEven(fraction * size * monthsPerYear));
        break;
      case 'months':
        this.#months = inInt32(this.#months + inInt32(whole));
        this.#addDays(fraction * daysPerMonth);
        break;
      case 'days':
        this.#days = inInt32(this.#days + inInt32(whole * size));
        this.#addDays(fraction * size);
        break;
      case 'micros':
        this.#micros = exact(this.#micros + exact(whole * size) + roundHalfDown(fraction * size));
    }
  }

  #addDays(days: number): void {
    this.#days = inInt32(this.#days + Math.trunc(days));
    this.#micros = exact(this.#micros + roundHalfDown((days - Math.trunc(days)) * microsPerDay));
  }

  /** The time, in microseconds. It takes the place of what fractions of days left there, as in PostgreSQL: `1:00 1.5 days` is a day and an hour. */
  setTime(micros: number): void {
    this.#micros = exact(micros);
  }

  /** All of it, or its opposite where `sign` is -1. */
  interval(sign: 1 | -1): Interval {
    return makeInterval(sign * (this.#years * monthsPerYear + this.#months), sign * this.#days, sign * this.#micros);
  }
}

function inInt32(value: number): number {
  if (value < -int32Max - 1 || value > int32Max) throw beyondInterval();
  return value;
}

function exact(value: number): number {
  if (!Number.isSafeInteger(value)) throw beyondInterval();
  return value;
}

/** To the nearest, and a half towards zero. */
const roundHalfDown = (value: number): number => Math.sign(value) * Math.ceil(Math.abs(value) - 0.5);
