import { RowError, SqlError } from '../errors.js';
import { addDecimals, divideDecimals, moduloDecimals, multiplyDecimals, subtractDecimals } from '../values/decimal.js';
import { checkedDouble, realOfDouble } from '../values/double.js';
import { checkedInteger, type Integer, normalInteger } from '../values/integer.js';
import { power } from '../values/math.js';
import { aType, coerce, commonType, settled } from './coerce.js';
import {
  constant,
  type Evaluate,
  type Expression,
  inline,
  isInteger,
  isNumeric,
  strict,
  type Type,
} from './expression.js';

const arithmetic = {
  '+': { integer: (a: bigint, b: bigint) => a + b, double: (a: number, b: number) => a + b, decimal: addDecimals },
  '-': { integer: (a: bigint, b: bigint) => a - b, double: (a: number, b: number) => a - b, decimal: subtractDecimals },
  '*': { integer: (a: bigint, b: bigint) => a * b, double: (a: number, b: number) => a * b, decimal: multiplyDecimals },
  '/': {
    integer: (a: bigint, b: bigint) => a / nonZero(b),
    double: (a: number, b: number) => a / (Number.isNaN(a) ? b : nonZeroNumber(b)),
    decimal: divideDecimals,
  },
  '%': {
    integer: (a: bigint, b: bigint) => a % nonZero(b),
    double: (a: number, b: number) => a % nonZeroNumber(b),
    decimal: moduloDecimals,
  },
} as const;
export type ArithmeticOperator = keyof typeof arithmetic;
export const isArithmetic = (operator: string): operator is ArithmeticOperator => Object.hasOwn(arithmetic, operator);

/** `left operator right` of numbers (https://www.postgresql.org/docs/18/functions-math.html). Throws `SqlError`. */
export function calculate(
  operator: ArithmeticOperator,
  left: Expression,
  right: Expression,
  offset: number,
): Expression {
  const a = left.type === 'JSON' ? coerce(left, 'NUMBER') : left;
  const b = right.type === 'JSON' ? coerce(right, 'NUMBER') : right;
  const common = a.type === 'NUMBER' && b.type === 'NUMBER' ? 'NUMBER' : arithmeticType(a.type, b.type);
  if (common === undefined || !isNumeric(common)) {
    const wrong = isNumeric(settled(a).type) ? b : a;
    throw new SqlError(
      'type_mismatch',
      `${operator} calculates with numbers, but this is ${aType(wrong.type)}`,
      wrong.offset,
      'cast it to a number',
    );
  }
  const untyped = a.type === 'NUMBER' || b.type === 'NUMBER';
  if (operator === '%' && !untyped && (common === 'REAL' || common === 'DOUBLE PRECISION'))
    throw new SqlError('type_mismatch', `% is not for ${common}`, offset, 'cast both sides to NUMERIC');
  return strict(common, offset, evaluator(operator, common), coerce(a, common), coerce(b, common));
}

function arithmeticType(a: Type, b: Type): Type | undefined {
  const untyped = a === 'NUMBER' ? b : b === 'NUMBER' ? a : undefined;
  // A decimal literal beside an untyped number is a double.
  if (untyped === 'NUMERIC') return 'DOUBLE PRECISION';
  return commonType(a, b);
}

function evaluator(operator: ArithmeticOperator, type: Type): Evaluate {
  const { integer, double, decimal } = arithmetic[operator];
  if (type === 'NUMERIC') return decimal;
  if (isInteger(type)) return integerEvaluator(operator, integer, type);
  if (type === 'NUMBER') return numberEvaluator(operator, integer);
  const narrow = type === 'REAL' ? realOfDouble : (value: number) => value;
  return (a: number, b: number) => narrow(finite(operator, a, b, double(a, b)));
}

/** Doubles as long as they are exact, bigints beyond; the range is the type's. */
function integerEvaluator(operator: ArithmeticOperator, exact: (a: bigint, b: bigint) => bigint, type: Type): Evaluate {
  const quick = arithmetic[operator].double;
  return (a: Integer, b: Integer) => {
    if (typeof a === 'number' && typeof b === 'number') {
      const result = operator === '/' ? Math.trunc(quick(a, b)) : quick(a, b);
      if (Number.isSafeInteger(result)) return checkedInteger(result === 0 ? 0 : result, type as 'BIGINT');
    }
    return checkedInteger(exact(BigInt(a), BigInt(b)), type as 'BIGINT');
  };
}

/** Numbers of JSON: whole ones stay exact, and a quotient of them is not cut. Zero has no sign, which whole ones do not have. */
function numberEvaluator(operator: ArithmeticOperator, exact: (a: bigint, b: bigint) => bigint): Evaluate {
  const quick = arithmetic[operator].double;
  return (a: Integer, b: Integer) => {
    if (typeof a === 'number' && typeof b === 'number') {
      const result = quick(a, b);
      if (operator === '/' || Number.isSafeInteger(result) || !(Number.isInteger(a) && Number.isInteger(b)))
        return finite(operator, a, b, result) + 0;
    }
    if (operator === '/' || !isWhole(a) || !isWhole(b))
      return finite(operator, Number(a), Number(b), quick(Number(a), Number(b))) + 0;
    return normalInteger(exact(BigInt(a), BigInt(b)));
  };
}

const isWhole = (value: Integer): boolean => typeof value === 'bigint' || Number.isSafeInteger(value);

/** A result that left the range of doubles by itself is an error, above it and below. */
function finite(operator: ArithmeticOperator, a: number, b: number, result: number): number {
  if (result === 0 && a !== 0 && (operator === '*' ? b !== 0 : operator === '/' && Number.isFinite(b)))
    throw new RowError('out_of_range', 'a value is too small for DOUBLE PRECISION');
  return Number.isFinite(a) && Number.isFinite(b) ? checkedDouble(result) : result;
}

function nonZeroNumber(divisor: number): number {
  if (divisor === 0) throw new RowError('division_by_zero', 'division by zero');
  return divisor;
}

function nonZero(divisor: bigint): bigint {
  if (divisor === 0n) throw new RowError('division_by_zero', 'division by zero');
  return divisor;
}

/** `-value` and `+value`. Throws `SqlError`. */
export function bindSign(operator: '-' | '+', arg: Expression, offset: number): Expression {
  const value =
    arg.type === 'JSON' ? coerce(arg, 'NUMBER') : arg.type === 'UNKNOWN' ? coerce(arg, 'DOUBLE PRECISION') : arg;
  if (!isNumeric(value.type))
    throw new SqlError(
      'type_mismatch',
      `${operator} stands before a number, not ${aType(arg.type)}`,
      offset,
      'cast it to a number',
    );
  if (operator === '+') return value;
  // The least of its type has no opposite.
  if (value.op === 'constant' && isInteger(value.type) && ((value.value as number | bigint | null) ?? 0) > 0)
    return constant(-(value.value as number), value.type, offset);
  if (value.type === 'REAL' || value.type === 'DOUBLE PRECISION')
    return strict(
      value.type,
      offset,
      inline((a) => `-${a}`),
      value,
    );
  const zero = constant(value.type === 'NUMERIC' ? { coefficient: 0n, scale: 0 } : 0, value.type, offset);
  return calculate('-', zero, value, offset);
}

/** `left ^ right`, which PostgreSQL computes in doubles here. Throws `SqlError`. */
export const bindPower = (left: Expression, right: Expression, offset: number): Expression =>
  strict('DOUBLE PRECISION', offset, power, coerce(left, 'DOUBLE PRECISION'), coerce(right, 'DOUBLE PRECISION'));

const bits = {
  '&': (a: bigint, b: bigint) => a & b,
  '|': (a: bigint, b: bigint) => a | b,
  '#': (a: bigint, b: bigint) => a ^ b,
} as const;
const shifts = { '<<': true, '>>': true } as const;
export type BitOperator = keyof typeof bits | keyof typeof shifts;
export const isBitOperator = (operator: string): operator is BitOperator =>
  Object.hasOwn(bits, operator) || Object.hasOwn(shifts, operator);

const widths: { readonly [type: string]: number } = { SMALLINT: 16, INTEGER: 32, BIGINT: 64 };

/** `&`, `|`, `#` (exclusive or), `<<` and `>>` of whole numbers. Throws `SqlError`. */
export function bindBits(operator: BitOperator, left: Expression, right: Expression, offset: number): Expression {
  const a = left.type === 'JSON' ? coerce(left, 'BIGINT') : left;
  const b = right.type === 'JSON' ? coerce(right, operator in shifts ? 'INTEGER' : 'BIGINT') : right;
  const type = operator in shifts ? settledInteger(a, b) : commonType(a.type, b.type);
  if (type === undefined || !isInteger(type))
    throw new SqlError('type_mismatch', `${operator} takes whole numbers`, offset, 'cast both sides to BIGINT');
  if (operator in bits) {
    const evaluate = bits[operator as keyof typeof bits];
    return strict(
      type,
      offset,
      (x: Integer, y: Integer) => normalInteger(evaluate(BigInt(x), BigInt(y))),
      coerce(a, type),
      coerce(b, type),
    );
  }
  const width = widths[type] ?? 64;
  const shift =
    operator === '<<'
      ? (x: Integer, by: Integer) => normalInteger(BigInt.asIntN(width, BigInt(x) << BigInt(shiftOf(by, width))))
      : (x: Integer, by: Integer) => normalInteger(BigInt(x) >> BigInt(shiftOf(by, width)));
  return strict(type, offset, shift, coerce(a, type), coerce(b, 'INTEGER'));
}

const settledInteger = (a: Expression, b: Expression): Type => (a.type === 'UNKNOWN' ? b.type : a.type);

/** Machines shift by the lowest bits of the count: SMALLINT is computed as an INTEGER. */
const shiftOf = (by: Integer, width: number): number => Number(by) & (width === 64 ? 63 : 31);
