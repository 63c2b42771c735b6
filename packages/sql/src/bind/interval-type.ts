import { SqlError } from '../errors.js';
import { intervalOfText } from '../values/convert.js';
import type { Interval } from '../values/interval.js';
import { anyInterval, boundedInterval, type IntervalQualifier } from '../values/interval-qualifier.js';
import { cast, readLiteral } from './coerce.js';
import { type Expression, strict } from './expression.js';

/** The bits that stand for fields in the modifiers of an INTERVAL, the smallest field first. They are those of PostgreSQL's parser (INTERVAL_MASK). */
const fieldBits = [
  ['second', 1 << 12],
  ['minute', 1 << 11],
  ['hour', 1 << 10],
  ['day', 1 << 3],
  ['month', 1 << 1],
  ['year', 1 << 2],
] as const;
const minuteToSecond = (1 << 11) | (1 << 12);

/**
 * `arg` cast to INTERVAL, by the modifiers of its type: a mask of fields, of which `INTERVAL(3)` has all, and the digits of a second.
 * A literal is read by them (`INTERVAL '90' MINUTE`), another value is brought within them. Throws `SqlError`.
 */
export function castToInterval(arg: Expression, modifiers: readonly number[], offset: number): Expression {
  if (modifiers.length === 0) return cast(arg, 'INTERVAL');
  const qualifier = qualifierOf(modifiers, offset);
  if (arg.type === 'UNKNOWN') return readLiteral(arg, 'INTERVAL', (text) => intervalOfText(text, qualifier));
  return strict('INTERVAL', offset, (value: Interval) => boundedInterval(value, qualifier), cast(arg, 'INTERVAL'));
}

function qualifierOf(
  [mask = 0, precision = anyInterval.precision]: readonly number[],
  offset: number,
): IntervalQualifier {
  if (precision > anyInterval.precision)
    throw new SqlError(
      'unknown_type',
      `the precision of an INTERVAL lies between 0 and ${anyInterval.precision}`,
      offset,
      'write INTERVAL within these, or without brackets',
    );
  const [last] = fieldBits.find(([, bit]) => mask & bit) ?? [anyInterval.last];
  return { last, minutesFirst: mask === minuteToSecond, precision };
}
