import { SqlError } from '../errors.js';
import {
  addIntervals,
  addToTimestamp,
  divideInterval,
  type Interval,
  multiplyInterval,
  negateInterval,
  subtractIntervals,
  timestampDifference,
} from '../values/interval.js';
import { checkedDate, timestampOfDate } from '../values/time.js';
import { coerce, typeName } from './coerce.js';
import { type Evaluate, type Expression, isNumeric, strict, type Type } from './expression.js';

const minus =
  <T>(add: (value: T, interval: Interval) => unknown) =>
  (value: T, interval: Interval) =>
    add(value, negateInterval(interval));
const swapped =
  <A, B>(evaluate: (a: A, b: B) => unknown) =>
  (b: B, a: A) =>
    evaluate(a, b);
const addToDate = (days: number, interval: Interval) => addToTimestamp(timestampOfDate(days), interval);
const addDays = (days: number, more: number) => checkedDate(days + more);

/** One operator between two types, at least one of them of time (https://www.postgresql.org/docs/18/functions-datetime.html, table 9.32). */
interface TimeOperator {
  readonly operator: string;
  readonly left: Type;
  readonly right: Type;
  readonly result: Type;
  readonly evaluate: Evaluate;
}

const operator = (written: string, result: Type, evaluate: Evaluate): TimeOperator => {
  const [left, sign, right] = written.split(/ ([-+*/]) /) as [Type, string, Type];
  return { operator: sign, left, right, result, evaluate };
};

export const timeOperators: readonly TimeOperator[] = [
  operator('TIMESTAMP + INTERVAL', 'TIMESTAMP', addToTimestamp),
  operator('INTERVAL + TIMESTAMP', 'TIMESTAMP', swapped(addToTimestamp)),
  operator('TIMESTAMP - INTERVAL', 'TIMESTAMP', minus(addToTimestamp)),
  operator('TIMESTAMP - TIMESTAMP', 'INTERVAL', timestampDifference),
  operator('DATE + INTEGER', 'DATE', addDays),
  operator('INTEGER + DATE', 'DATE', swapped(addDays)),
  operator('DATE - INTEGER', 'DATE', (days: number, fewer: number) => checkedDate(days - fewer)),
  operator('DATE - DATE', 'INTEGER', (a: number, b: number) => a - b),
  operator('DATE + INTERVAL', 'TIMESTAMP', addToDate),
  operator('INTERVAL + DATE', 'TIMESTAMP', swapped(addToDate)),
  operator('DATE - INTERVAL', 'TIMESTAMP', minus(addToDate)),
  operator('INTERVAL + INTERVAL', 'INTERVAL', addIntervals),
  operator('INTERVAL - INTERVAL', 'INTERVAL', subtractIntervals),
  operator('INTERVAL * DOUBLE PRECISION', 'INTERVAL', multiplyInterval),
  operator('DOUBLE PRECISION * INTERVAL', 'INTERVAL', swapped(multiplyInterval)),
  operator('INTERVAL / DOUBLE PRECISION', 'INTERVAL', divideInterval),
];

const times: readonly Type[] = ['TIMESTAMP', 'DATE', 'INTERVAL'];
const isTime = (type: Type): boolean => times.includes(type);

/** `left sign right` where one side is of time; undefined where none is. Throws `SqlError`. */
export function bindTimeOperator(
  sign: string,
  left: Expression,
  right: Expression,
  offset: number,
): Expression | undefined {
  if (!isTime(left.type) && !isTime(right.type)) return undefined;
  const rows = timeOperators.filter((row) => row.operator === sign);
  const fits = (row: TimeOperator) => side(left.type, row.left, right.type) && side(right.type, row.right, left.type);
  const chosen = rows.find((row) => row.left === left.type && row.right === right.type) ?? rows.find(fits);
  if (!chosen)
    throw new SqlError(
      'type_mismatch',
      `there is no ${typeName(left.type)} ${sign} ${typeName(right.type)}`,
      offset,
      hintFor(sign),
    );
  return strict(chosen.result, offset, chosen.evaluate, coerce(left, chosen.left), coerce(right, chosen.right));
}

function side(type: Type, wanted: Type, other: Type): boolean {
  if (type === wanted) return true;
  if (type === 'DATE' && wanted === 'TIMESTAMP') return true;
  if (wanted === 'DOUBLE PRECISION') return isNumeric(type) || type === 'UNKNOWN' || type === 'JSON';
  if (wanted === 'INTEGER') return type === 'SMALLINT' || type === 'NUMBER';
  // A quoted literal is of its neighbour's type, or an interval where that gives nothing.
  if (type === 'UNKNOWN') return wanted === other || (wanted === 'INTERVAL' && other === 'TIMESTAMP');
  return type === 'JSON' && (wanted === 'TIMESTAMP' || wanted === 'INTERVAL');
}

const hintFor = (sign: string): string =>
  sign === '*' || sign === '/'
    ? 'intervals are multiplied and divided by numbers'
    : "add an interval: + INTERVAL '1 day'";

/** `-interval`. */
export const negatedInterval = (value: Expression, offset: number): Expression =>
  strict('INTERVAL', offset, negateInterval, value);
