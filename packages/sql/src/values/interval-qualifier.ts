import { type Interval, makeInterval, monthsPerYear } from './interval.js';
import { microsPerSecond } from './time.js';

/** What bounds an INTERVAL: `HOUR TO MINUTE`, `SECOND(2)`, `INTERVAL(3)` (https://www.postgresql.org/docs/18/datatype-datetime.html#DATATYPE-INTERVAL-INPUT). */
export interface IntervalQualifier {
  /** The last field, the unit of a number that has none; what is smaller than it is cut off. */
  readonly last: 'year' | 'month' | 'day' | 'hour' | 'minute' | 'second';
  /** `MINUTE TO SECOND`, of which `2:03` is two minutes. */
  readonly minutesFirst: boolean;
  /** Digits of a second that are kept, 0 to 6. */
  readonly precision: number;
}

const microDigits = 6;

/** INTERVAL without bounds. */
export const anyInterval: IntervalQualifier = { last: 'second', minutesFirst: false, precision: microDigits };

/** The interval within the bounds, as PostgreSQL's AdjustIntervalForTypmod has it: larger fields than the first stay. Throws `RowError` where rounding leaves the range. */
export function boundedInterval({ months, days, micros }: Interval, { last, precision }: IntervalQualifier): Interval {
  switch (last) {
    case 'year':
      return makeInterval(cut(months, monthsPerYear), 0, 0);
    case 'month':
      return makeInterval(months, 0, 0);
    case 'day':
      return makeInterval(months, days, 0);
    case 'hour':
      return makeInterval(months, days, cut(micros, 3600 * microsPerSecond));
    case 'minute':
      return makeInterval(months, days, cut(micros, 60 * microsPerSecond));
    case 'second': {
      const scale = 10 ** (microDigits - precision);
      const half = Math.sign(micros) * Math.floor(scale / 2);
      return makeInterval(months, days, cut(micros + half, scale));
    }
  }
}

/** Whole multiples of a size, towards zero. */
const cut = (value: number, size: number): number => value - (value % size);
