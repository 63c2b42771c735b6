import {
  ceilDecimal,
  type Decimal,
  floorDecimal,
  moduloDecimals,
  roundDecimal,
  subtractDecimals,
  truncateDecimal,
} from '../values/decimal.js';
import { roundHalfEven } from '../values/double.js';
import { hashText } from '../values/hash.js';
import { checkedInteger, type Integer } from '../values/integer.js';
import * as math from '../values/math.js';
import { define, type FunctionSection, type Overload, takes } from './definition.js';

const onDouble = (evaluate: (...values: number[]) => number) =>
  takes(['DOUBLE PRECISION'], 'DOUBLE PRECISION', evaluate);
const onTwoDoubles = (evaluate: (a: number, b: number) => number) =>
  takes(['DOUBLE PRECISION', 'DOUBLE PRECISION'], 'DOUBLE PRECISION', evaluate);
const onDecimal = (evaluate: (value: Decimal) => Decimal) => takes(['NUMERIC'], 'NUMERIC', evaluate);

/** An untyped number of JSON stays one, a whole one stays exact. */
const onNumber = (evaluate: (value: number) => number) =>
  takes(['NUMBER'], 'NUMBER', (value: Integer) =>
    typeof value === 'bigint' || Number.isInteger(value) ? value : evaluate(value),
  );
const rounding = (double: (value: number) => number, decimal: (value: Decimal) => Decimal): Overload[] => [
  onNumber(double),
  onDouble(double),
  onDecimal(decimal),
];

const absolute = (value: Integer): Integer => (value < 0 ? -value : value);
const absoluteIn = (type: 'SMALLINT' | 'INTEGER' | 'BIGINT') =>
  takes([type], type, (value: Integer) => checkedInteger(absolute(value), type));
const absoluteDecimal = (value: Decimal): Decimal =>
  value.coefficient < 0n ? { ...value, coefficient: -value.coefficient } : value;
const signOf = (value: Integer): number => (value < 0 ? -1 : value > 0 ? 1 : 0);

const wholeNumbers = (evaluate: (a: bigint, b: bigint) => bigint): Overload[] =>
  (['INTEGER', 'BIGINT'] as const).map((type) =>
    takes([type, type], type, (a: Integer, b: Integer) => checkedInteger(evaluate(BigInt(a), BigInt(b)), type)),
  );

/** The whole part of the quotient. */
function quotient(a: Decimal, b: Decimal): Decimal {
  const rest = moduloDecimals(a, b);
  const { coefficient, scale } = subtractDecimals(a, rest);
  const shift = BigInt(scale) - BigInt(b.scale);
  const [numerator, denominator] =
    shift >= 0n ? [coefficient, b.coefficient * 10n ** shift] : [coefficient * 10n ** -shift, b.coefficient];
  return { coefficient: numerator / denominator, scale: 0 };
}

function trimScale(value: Decimal): Decimal {
  let { coefficient, scale } = value;
  while (scale > 0 && coefficient % 10n === 0n) {
    coefficient /= 10n;
    scale--;
  }
  return { coefficient, scale };
}

const approximate = { approximate: true };
const angle = (name: string, summary: string, example: readonly [string, string], of: (value: number) => number) =>
  define(name, summary, example, [onDouble(math.finiteOnly(of))], approximate);

export const mathFunctions: FunctionSection = {
  title: 'Numbers',
  functions: [
    define(
      'abs',
      'The absolute value.',
      ['abs(-17.4)', '17.4'],
      [
        takes(['NUMBER'], 'NUMBER', absolute),
        absoluteIn('SMALLINT'),
        absoluteIn('INTEGER'),
        absoluteIn('BIGINT'),
        onDecimal(absoluteDecimal),
        takes(['REAL'], 'REAL', Math.abs),
        onDouble(Math.abs),
      ],
    ),
    define(
      'sign',
      '-1, 0 or 1.',
      ['sign(-8.4)', '-1'],
      [
        takes(['NUMBER'], 'NUMBER', signOf),
        onDouble(signOf),
        onDecimal(({ coefficient }) => ({
          coefficient: coefficient < 0n ? -1n : coefficient > 0n ? 1n : 0n,
          scale: 0,
        })),
      ],
    ),
    define('ceil', 'The least whole number that is not less.', ['ceil(42.2)', '43'], rounding(Math.ceil, ceilDecimal)),
    define(
      'ceiling',
      'The least whole number that is not less.',
      ['ceiling(-42.8)', '-42'],
      rounding(Math.ceil, ceilDecimal),
    ),
    define(
      'floor',
      'The greatest whole number that is not greater.',
      ['floor(-42.8)', '-43'],
      rounding(Math.floor, floorDecimal),
    ),
    define(
      'round',
      'To the nearest whole number, or to so many digits after the point. A NUMERIC rounds half away from zero, a double half to even.',
      ['round(42.4382, 2)', '42.44'],
      [
        ...rounding(roundHalfEven, (value) => roundDecimal(value, 0)),
        takes(['NUMERIC', 'INTEGER'], 'NUMERIC', math.roundTo),
      ],
    ),
    define(
      'trunc',
      'Towards zero, to a whole number or to so many digits after the point.',
      ['trunc(42.4382, 2)', '42.43'],
      [
        ...rounding(Math.trunc, (value) => truncateDecimal(value, 0)),
        takes(['NUMERIC', 'INTEGER'], 'NUMERIC', math.truncateTo),
      ],
    ),
    define(
      'div',
      'The whole part of a quotient.',
      ['div(9, 4)', '2'],
      [takes(['NUMERIC', 'NUMERIC'], 'NUMERIC', quotient)],
    ),
    define('sqrt', 'The square root.', ['sqrt(16)', '4'], [onDouble(math.root)], approximate),
    define('cbrt', 'The cube root.', ['cbrt(27)', '3'], [onDouble(Math.cbrt)], approximate),
    define(
      'power',
      'The first argument raised to the second; `^` is the same.',
      ['power(2, 10)', '1024'],
      [onTwoDoubles(math.power)],
      approximate,
    ),
    define(
      'pow',
      'The first argument raised to the second.',
      ['pow(2, 10)', '1024'],
      [onTwoDoubles(math.power)],
      approximate,
    ),
    define('exp', 'e raised to a power.', ['exp(0)', '1'], [onDouble(math.exponential)], approximate),
    define('ln', 'The natural logarithm.', ['ln(1)', '0'], [onDouble(math.logarithm(Math.log))], approximate),
    define(
      'log',
      'The logarithm to base 10, or to the base that is the first of two arguments.',
      ['log(100)', '2'],
      [onDouble(math.logarithm(Math.log10)), onTwoDoubles(math.logarithmTo)],
      approximate,
    ),
    define(
      'log10',
      'The logarithm to base 10.',
      ['log10(1000)', '3'],
      [onDouble(math.logarithm(Math.log10))],
      approximate,
    ),
    define('gcd', 'The greatest common divisor.', ['gcd(1071, 462)', '21'], wholeNumbers(math.greatestCommonDivisor)),
    define('lcm', 'The least common multiple.', ['lcm(12, 18)', '36'], wholeNumbers(math.leastCommonMultiple)),
    define(
      'factorial',
      'The factorial, of at most 1000.',
      ['factorial(5)', '120'],
      [takes(['BIGINT'], 'NUMERIC', math.factorial)],
    ),
    define(
      'width_bucket',
      'The bucket in which a value falls among so many equal ones between two bounds.',
      ['width_bucket(5.35, 0.024, 10.06, 5)', '3'],
      [takes(['DOUBLE PRECISION', 'DOUBLE PRECISION', 'DOUBLE PRECISION', 'INTEGER'], 'INTEGER', math.widthBucket)],
    ),
    define(
      'scale',
      'How many digits a NUMERIC has after the point.',
      ['scale(8.4100)', '4'],
      [takes(['NUMERIC'], 'INTEGER', ({ scale }: Decimal) => scale)],
    ),
    define(
      'min_scale',
      'How many digits after the point it needs.',
      ['min_scale(8.4100)', '2'],
      [takes(['NUMERIC'], 'INTEGER', (value: Decimal) => trimScale(value).scale)],
    ),
    define(
      'trim_scale',
      'Without zeros at the end of the fraction.',
      ['trim_scale(8.4100)', '8.41'],
      [onDecimal(trimScale)],
    ),
    define('pi', 'The number π.', ['pi()', '3.141592653589793'], [takes([], 'DOUBLE PRECISION', () => Math.PI)]),
    define(
      'degrees',
      'Radians in degrees.',
      ['degrees(pi())', '180'],
      [onDouble(math.scaledBy(180 / Math.PI))],
      approximate,
    ),
    define(
      'radians',
      'Degrees in radians.',
      ['radians(0)', '0'],
      [onDouble(math.scaledBy(Math.PI / 180))],
      approximate,
    ),
    angle('sin', 'The sine of radians.', ['sin(0)', '0'], Math.sin),
    angle('cos', 'The cosine of radians.', ['cos(0)', '1'], Math.cos),
    angle('tan', 'The tangent of radians.', ['tan(0)', '0'], Math.tan),
    define('asin', 'The inverse sine, in radians.', ['asin(0)', '0'], [onDouble(math.inverse(Math.asin))], approximate),
    define(
      'acos',
      'The inverse cosine, in radians.',
      ['acos(1)', '0'],
      [onDouble(math.inverse(Math.acos))],
      approximate,
    ),
    define('atan', 'The inverse tangent, in radians.', ['atan(0)', '0'], [onDouble(Math.atan)], approximate),
    define(
      'atan2',
      'The inverse tangent of a quotient, in radians.',
      ['atan2(0, 1)', '0'],
      [onTwoDoubles(Math.atan2)],
      approximate,
    ),
    define(
      'hash',
      "A stable hash from 0 to 2^53 - 1 of the value’s text: the upper 53 bits of FNV-1a (64 bits), mixed by MurmurHash3’s finalizer. HASH(1) = HASH('1').",
      ["hash('a') % 16", '9'],
      [takes(['ANY_TEXT'], 'BIGINT', hashText)],
      { own: true },
    ),
  ],
};

/** `mod(a, b)` is `a % b`; it stands in the binder, which settles the type of both. */
export const modulo = define(
  'mod',
  'The rest of a division, with the sign of the first argument; `%` is the same.',
  ['mod(-9, 4)', '-1'],
  [],
);
