import { RowError } from '../errors.js';
import { rowsMax, tooManyRows } from '../rows.js';
import { addDecimals, compareDecimals, type Decimal } from './decimal.js';
import { type Integer, normalInteger } from './integer.js';
import { addToTimestamp, compareIntervals, type Interval } from './interval.js';

/** `generate_series`: from `start` to `stop`, both included, by `step` (https://www.postgresql.org/docs/18/functions-srf.html). They throw `RowError`. */

/** Of whole numbers. */
export function series(start: Integer, stop: Integer, step: Integer = 1): Integer[] {
  const [first, last, by] = [BigInt(start), BigInt(stop), BigInt(step)];
  checkStep(step);
  const span = last - first;
  if (span !== 0n && span > 0n !== by > 0n) return [];
  const steps = span / by;
  if (steps >= BigInt(rowsMax)) throw tooManyRows();
  return Array.from({ length: Number(steps) + 1 }, (_, i) => normalInteger(first + BigInt(i) * by));
}

const one: Decimal = { coefficient: 1n, scale: 0 };

export function decimalSeries(start: Decimal, stop: Decimal, step: Decimal = one): Decimal[] {
  checkStep(step);
  const up = step.coefficient > 0n;
  return collected(
    start,
    (value) => addDecimals(value, step),
    (value) => compareDecimals(value, stop) > 0 === up && compareDecimals(value, stop) !== 0,
  );
}

/** Each time is the one before it and the step, so that a month behind the 31st stays with the days that there are. */
export function timestampSeries(start: Integer, stop: Integer, step: Interval): Integer[] {
  checkStep(step);
  const up = compareIntervals(step, noTime) > 0;
  return collected(
    start,
    (value) => addToTimestamp(value, step),
    (value) => (up ? value > stop : value < stop),
  );
}

function collected<T>(start: T, next: (value: T) => T, isBeyond: (value: T) => boolean): T[] {
  const values: T[] = [];
  for (let value = start; !isBeyond(value); value = next(value)) {
    if (values.length >= rowsMax) throw tooManyRows();
    values.push(value);
  }
  return values;
}

const noTime: Interval = { months: 0, days: 0, micros: 0 };

/** Throws `RowError` for a step that leads nowhere. */
export function checkStep(step: Integer | Decimal | Interval): void {
  const stays =
    typeof step !== 'object'
      ? BigInt(step) === 0n
      : 'coefficient' in step
        ? step.coefficient === 0n
        : compareIntervals(step, noTime) === 0;
  if (stays) throw new RowError('invalid_argument', 'the step of generate_series is 0');
}
