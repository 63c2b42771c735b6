import { RowError } from '../errors.js';

/** PostgreSQL's NUMERIC: `coefficient` × 10^-`scale` (https://www.postgresql.org/docs/18/datatype-numeric.html). */
export interface Decimal {
  readonly coefficient: bigint;
  /** Digits after the point, from 0. */
  readonly scale: number;
}

const scaleMax = 1000;
const digitsMax = 10_000;
/** PostgreSQL's NUMERIC_MIN_SIG_DIGITS: what a quotient has at least. */
const quotientDigitsMin = 16;
/** PostgreSQL keeps four decimal digits in each of its own. */
const digitsPerGroup = 4;

const pattern = /^[ \t-\r]*([+-]?)(?=[\d.])((?:\d+(?:_\d+)*)?)(?:\.((?:\d+(?:_\d+)*)?))?(?:[eE]([+-]?\d+))?[ \t-\r]*$/;

/** The number that a text writes, or undefined. */
export function parseDecimal(text: string): Decimal | undefined {
  const match = pattern.exec(text);
  const whole = (match?.[2] ?? '').replaceAll('_', '');
  const fraction = (match?.[3] ?? '').replaceAll('_', '');
  if (!match || whole + fraction === '') return undefined;
  const exponent = Number(match[4] ?? 0);
  if (Math.abs(exponent) + whole.length + fraction.length > digitsMax)
    throw new RowError('numeric_overflow', 'a NUMERIC has too many digits');
  const unsigned = BigInt(whole + fraction);
  const coefficient = match[1] === '-' ? -unsigned : unsigned;
  const scale = fraction.length - exponent;
  return scale >= 0 ? { coefficient, scale } : { coefficient: coefficient * 10n ** BigInt(-scale), scale: 0 };
}

/** Numbers convert by their shortest decimal text, as PostgreSQL converts a float8. */
export function decimalOf(value: number | bigint): Decimal {
  if (typeof value === 'bigint') return { coefficient: value, scale: 0 };
  const decimal = Number.isFinite(value) ? parseDecimal(String(value)) : undefined;
  if (!decimal) throw new RowError('invalid_number', `${value} is no NUMERIC`);
  return decimal;
}

/** The least number that a double has all of its digits for. */
const leastNormalDouble = 2 ** -1022;

/** The same of a DOUBLE PRECISION: 15 digits, also where fewer read back as the number, as below the least normal double. */
export function decimalOfDouble(value: number): Decimal {
  const digits = value.toPrecision(15);
  const isSubnormal = value !== 0 && Math.abs(value) < leastNormalDouble;
  return (isSubnormal ? parseDecimal(digits.replace(/\.?0+(?=e)/, '')) : undefined) ?? decimalOf(Number(digits));
}

export function decimalText({ coefficient, scale }: Decimal): string {
  if (scale === 0) return String(coefficient);
  const negative = coefficient < 0n;
  const digits = String(negative ? -coefficient : coefficient).padStart(scale + 1, '0');
  return `${negative ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

export const decimalNumber = (value: Decimal): number => Number(decimalText(value));

export function addDecimals(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale);
  return { coefficient: raise(a, scale) + raise(b, scale), scale };
}

export const subtractDecimals = (a: Decimal, b: Decimal): Decimal =>
  addDecimals(a, { coefficient: -b.coefficient, scale: b.scale });

export function multiplyDecimals(a: Decimal, b: Decimal): Decimal {
  return bounded({ coefficient: a.coefficient * b.coefficient, scale: a.scale + b.scale });
}

/** The quotient's scale is chosen as PostgreSQL's `select_div_scale` does. */
export function divideDecimals(a: Decimal, b: Decimal): Decimal {
  if (b.coefficient === 0n) throw new RowError('division_by_zero', 'division by zero');
  const [weightA, firstA] = leadingGroup(a);
  const [weightB, firstB] = leadingGroup(b);
  const weight = weightA - weightB - (firstA <= firstB ? 1 : 0);
  const wanted = Math.max(quotientDigitsMin - weight * digitsPerGroup, a.scale, b.scale, 0);
  const scale = Math.min(wanted, scaleMax);
  // One digit more than wanted, to round by.
  const shift = scale + 1 + b.scale - a.scale;
  const numerator = shift >= 0 ? a.coefficient * 10n ** BigInt(shift) : a.coefficient;
  const denominator = shift >= 0 ? b.coefficient : b.coefficient * 10n ** BigInt(-shift);
  return roundDecimal({ coefficient: numerator / denominator, scale: scale + 1 }, scale);
}

export function moduloDecimals(a: Decimal, b: Decimal): Decimal {
  if (b.coefficient === 0n) throw new RowError('division_by_zero', 'division by zero');
  const scale = Math.max(a.scale, b.scale);
  return { coefficient: raise(a, scale) % raise(b, scale), scale };
}

export function compareDecimals(a: Decimal, b: Decimal): number {
  const scale = Math.max(a.scale, b.scale);
  const left = raise(a, scale);
  const right = raise(b, scale);
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Rounds half away from zero to `scale` digits after the point, which may be negative. */
export function roundDecimal(value: Decimal, scale: number): Decimal {
  if (scale >= value.scale) return { coefficient: raise(value, scale), scale };
  const unit = 10n ** BigInt(value.scale - scale);
  const half = unit / 2n;
  const { coefficient } = value;
  const rounded = (coefficient + (coefficient < 0n ? -half : half)) / unit;
  return scale >= 0 ? { coefficient: rounded, scale } : { coefficient: rounded * 10n ** BigInt(-scale), scale: 0 };
}

/** Cuts to `scale` digits after the point, towards zero. */
export function truncateDecimal(value: Decimal, scale: number): Decimal {
  if (scale >= value.scale) return { coefficient: raise(value, scale), scale };
  const cut = value.coefficient / 10n ** BigInt(value.scale - scale);
  return scale >= 0 ? { coefficient: cut, scale } : { coefficient: cut * 10n ** BigInt(-scale), scale: 0 };
}

/** The greatest whole number that is not greater. */
export function floorDecimal(value: Decimal): Decimal {
  const unit = 10n ** BigInt(value.scale);
  const cut = value.coefficient / unit;
  return { coefficient: value.coefficient < 0n && value.coefficient % unit !== 0n ? cut - 1n : cut, scale: 0 };
}

/** The least whole number that is not less. */
export function ceilDecimal(value: Decimal): Decimal {
  const floor = floorDecimal({ ...value, coefficient: -value.coefficient });
  return { coefficient: -floor.coefficient, scale: 0 };
}

function bounded(value: Decimal): Decimal {
  return value.scale > scaleMax ? roundDecimal(value, scaleMax) : value;
}

const raise = ({ coefficient, scale }: Decimal, to: number): bigint => coefficient * 10n ** BigInt(to - scale);

/** The weight and value of the first of PostgreSQL's four-digit groups. */
function leadingGroup({ coefficient, scale }: Decimal): [weight: number, first: number] {
  if (coefficient === 0n) return [0, 0];
  const digits = String(coefficient < 0n ? -coefficient : coefficient);
  const weight = Math.floor((digits.length - 1 - scale) / digitsPerGroup);
  // The group ends where the power of ten is a multiple of four.
  const groupEnd = digits.length - scale - weight * digitsPerGroup;
  return [weight, Number(digits.padEnd(groupEnd, '0').slice(0, groupEnd))];
}
