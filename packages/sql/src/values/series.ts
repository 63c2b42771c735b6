import { RowError } from '../errors.js';
import { rowsMax, tooManyRows } from '../rows.js';
import { type Integer, normalInteger } from './integer.js';

/** `generate_series` of whole numbers: from `start` to `stop`, both included, by `step`. Throws `RowError`. */
export function series(start: Integer, stop: Integer, step: Integer = 1): Integer[] {
  const [first, last, by] = [BigInt(start), BigInt(stop), BigInt(step)];
  if (by === 0n) throw new RowError('invalid_argument', 'the step of generate_series is 0');
  const span = last - first;
  if (span !== 0n && span > 0n !== by > 0n) return [];
  const steps = span / by;
  if (steps >= BigInt(rowsMax)) throw tooManyRows();
  return Array.from({ length: Number(steps) + 1 }, (_, i) => normalInteger(first + BigInt(i) * by));
}
