import { sameData } from '@laminar/definitions';
import { RowError, SqlError } from '../errors.js';
import {
  checkedDouble,
  checkedInteger,
  type Integer,
  kindOfJson,
  normalInteger,
  realOfDouble,
} from '../values/convert.js';
import {
  addDecimals,
  compareDecimals,
  type Decimal,
  divideDecimals,
  moduloDecimals,
  multiplyDecimals,
  subtractDecimals,
} from '../values/decimal.js';
import { coerce, commonType, settled, toText } from './coerce.js';
import { type Evaluate, type Expression, inline, isInteger, isNumeric, strict, type Type } from './expression.js';

/** `left operator right` (https://www.postgresql.org/docs/18/functions-math.html, functions-comparison.html). Throws `SqlError`. */
export function binary(operator: string, left: Expression, right: Expression, offset: number): Expression {
  if (operator === '||')
    return strict(
      'TEXT',
      offset,
      inline((a, b) => `${a} + ${b}`),
      toText(left),
      toText(right),
    );
  if (isComparison(operator)) return compare(operator, left, right, offset);
  if (operator in arithmetic) return calculate(operator as keyof typeof arithmetic, left, right, offset);
  throw new SqlError('unsupported', `the operator ${operator} is not supported`, offset);
}

const comparisons: { readonly [operator: string]: (order: number) => boolean } = {
  '=': (order) => order === 0,
  '<>': (order) => order !== 0,
  '!=': (order) => order !== 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};
const isComparison = (operator: string): boolean => Object.hasOwn(comparisons, operator);

const scriptOperators: { readonly [operator: string]: string } = { '=': '==', '<>': '!=', '!=': '!=' };

export function compare(operator: string, left: Expression, right: Expression, offset: number): Expression {
  const [a, b, type] = alike(left, right, offset, operator);
  const holds = comparisons[operator] ?? (() => false);
  const sign = scriptOperators[operator] ?? operator;
  // A number may stand beside a bigint, which the loose operators compare by value.
  if (type !== 'NUMERIC' && type !== 'JSON' && type !== 'TEXT' && type !== 'BYTEA')
    return strict(
      'BOOLEAN',
      offset,
      inline((x, y) => `${x} ${sign} ${y}`),
      a,
      b,
    );
  if (type === 'NUMERIC')
    return strict('BOOLEAN', offset, (x: Decimal, y: Decimal) => holds(compareDecimals(x, y)), a, b);
  if (type === 'BYTEA')
    return strict('BOOLEAN', offset, (x: Uint8Array, y: Uint8Array) => holds(Buffer.compare(x, y)), a, b);
  const equality = operator === '=' || operator === '<>' || operator === '!=';
  if (type === 'TEXT') {
    if (equality)
      return strict(
        'BOOLEAN',
        offset,
        inline((x, y) => `${x} ${sign}= ${y}`),
        a,
        b,
      );
    return strict('BOOLEAN', offset, (x: string, y: string) => holds(compareTexts(x, y)), a, b);
  }
  return strict(
    'BOOLEAN',
    offset,
    (x: unknown, y: unknown) => holds(equality ? Number(!sameScalar(x, y)) : compareJson(x, y)),
    a,
    b,
  );
}

/** Both sides as one type that can be compared. */
export function alike(
  left: Expression,
  right: Expression,
  offset: number,
  what: string,
): [Expression, Expression, Type] {
  const common = commonType(left.type, right.type);
  if (common === undefined) {
    throw new SqlError(
      'type_mismatch',
      `${what} cannot compare a ${left.type} with a ${right.type}`,
      offset,
      'cast one of them',
    );
  }
  // A quoted literal beside a field of JSON is a text, not JSON.
  const hasLiteral = left.type === 'UNKNOWN' || right.type === 'UNKNOWN';
  const type = common === 'UNKNOWN' || (common === 'JSON' && hasLiteral) ? 'TEXT' : common;
  return [coerce(left, type), coerce(right, type), type];
}

/** C.UTF-8: by code points, where JavaScript orders by UTF-16 units. */
function compareTexts(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** Surrogates stand for code points above all others. */
const rank = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit);

function sameScalar(a: unknown, b: unknown): boolean {
  // biome-ignore lint/suspicious/noDoubleEquals: a number and a bigint of one value are equal.
  if (isNumber(a) && isNumber(b)) return a == b;
  return sameData(a, b);
}

function compareJson(a: unknown, b: unknown): number {
  if (isNumber(a) && isNumber(b)) return a < b ? -1 : a > b ? 1 : 0;
  if (typeof a === 'string' && typeof b === 'string') return compareTexts(a, b);
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  throw new RowError('wrong_kind', `${kindOfJson(a)} and ${kindOfJson(b)} have no order`);
}

const isNumber = (value: unknown): value is Integer => typeof value === 'number' || typeof value === 'bigint';

const arithmetic = {
  '+': { integer: (a: bigint, b: bigint) => a + b, double: (a: number, b: number) => a + b, decimal: addDecimals },
  '-': { integer: (a: bigint, b: bigint) => a - b, double: (a: number, b: number) => a - b, decimal: subtractDecimals },
  '*': { integer: (a: bigint, b: bigint) => a * b, double: (a: number, b: number) => a * b, decimal: multiplyDecimals },
  '/': {
    integer: (a: bigint, b: bigint) => a / nonZero(b),
    double: (a: number, b: number) => a / nonZeroNumber(b),
    decimal: divideDecimals,
  },
  '%': {
    integer: (a: bigint, b: bigint) => a % nonZero(b),
    double: (a: number, b: number) => a % nonZeroNumber(b),
    decimal: moduloDecimals,
  },
} as const;

function calculate(operator: keyof typeof arithmetic, left: Expression, right: Expression, offset: number): Expression {
  const a = left.type === 'JSON' ? coerce(left, 'NUMBER') : left;
  const b = right.type === 'JSON' ? coerce(right, 'NUMBER') : right;
  const common = a.type === 'NUMBER' && b.type === 'NUMBER' ? 'NUMBER' : arithmeticType(a.type, b.type);
  if (common === undefined || !isNumeric(common)) {
    const wrong = isNumeric(settled(a).type) ? b : a;
    throw new SqlError(
      'type_mismatch',
      `${operator} calculates with numbers, but this is a ${wrong.type === 'UNKNOWN' ? 'TEXT' : wrong.type}`,
      wrong.offset,
      'cast it to a number',
    );
  }
  return strict(common, offset, evaluator(operator, common), coerce(a, common), coerce(b, common));
}

function arithmeticType(a: Type, b: Type): Type | undefined {
  const untyped = a === 'NUMBER' ? b : b === 'NUMBER' ? a : undefined;
  // A decimal literal beside an untyped number is a double.
  if (untyped === 'NUMERIC') return 'DOUBLE PRECISION';
  return commonType(a, b);
}

function evaluator(operator: keyof typeof arithmetic, type: Type): Evaluate {
  const { integer, double, decimal } = arithmetic[operator];
  if (type === 'NUMERIC') return decimal;
  if (isInteger(type)) return integerEvaluator(operator, integer, type);
  if (type === 'NUMBER') return numberEvaluator(operator, integer);
  if (type === 'REAL') return (a: number, b: number) => realOfDouble(double(a, b));
  return (a: number, b: number) => finite(a, b, double(a, b));
}

/** Doubles as long as they are exact, bigints beyond; the range is the type's. */
function integerEvaluator(
  operator: keyof typeof arithmetic,
  exact: (a: bigint, b: bigint) => bigint,
  type: Type,
): Evaluate {
  const quick = arithmetic[operator].double;
  return (a: Integer, b: Integer) => {
    if (typeof a === 'number' && typeof b === 'number') {
      const result = operator === '/' ? Math.trunc(quick(a, b)) : quick(a, b);
      if (Number.isSafeInteger(result)) return checkedInteger(result === 0 ? 0 : result, type as 'BIGINT');
    }
    return checkedInteger(exact(BigInt(a), BigInt(b)), type as 'BIGINT');
  };
}

/** Numbers of JSON: whole ones stay exact, and a quotient of them is not cut. */
function numberEvaluator(operator: keyof typeof arithmetic, exact: (a: bigint, b: bigint) => bigint): Evaluate {
  const quick = arithmetic[operator].double;
  return (a: Integer, b: Integer) => {
    if (typeof a === 'number' && typeof b === 'number') {
      const result = quick(a, b);
      if (operator === '/' || Number.isSafeInteger(result) || !(Number.isInteger(a) && Number.isInteger(b)))
        return finite(a, b, result);
    }
    if (operator === '/' || !isWhole(a) || !isWhole(b))
      return finite(Number(a), Number(b), quick(Number(a), Number(b)));
    return normalInteger(exact(BigInt(a), BigInt(b)));
  };
}

const isWhole = (value: Integer): boolean => typeof value === 'bigint' || Number.isSafeInteger(value);

const finite = (a: number, b: number, result: number): number =>
  Number.isFinite(a) && Number.isFinite(b) ? checkedDouble(result) : result;

function nonZeroNumber(divisor: number): number {
  if (divisor === 0) throw new RowError('division_by_zero', 'division by zero');
  return divisor;
}

function nonZero(divisor: bigint): bigint {
  if (divisor === 0n) throw new RowError('division_by_zero', 'division by zero');
  return divisor;
}
