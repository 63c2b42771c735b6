import { RowError } from '../errors.js';
import { invalidText } from './invalid-text.js';
import { trimmed } from './white-space.js';

const specials: { readonly [text: string]: number | undefined } = {
  nan: Number.NaN,
  infinity: Number.POSITIVE_INFINITY,
  '+infinity': Number.POSITIVE_INFINITY,
  inf: Number.POSITIVE_INFINITY,
  '+inf': Number.POSITIVE_INFINITY,
  '-infinity': Number.NEGATIVE_INFINITY,
  '-inf': Number.NEGATIVE_INFINITY,
};

const pattern = /^[+-]?(\d+(?:\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;

export function doubleOfText(text: string): number {
  const written = trimmed(text);
  const special = specials[written.toLowerCase()];
  if (special !== undefined) return special;
  if (!pattern.test(written)) throw invalidText(text, 'DOUBLE PRECISION');
  const value = Number(written);
  if (value === 0 && /[1-9]/.test(written.replace(/[eE].*$/, '')))
    throw new RowError('out_of_range', 'a value is too small for DOUBLE PRECISION');
  return checkedDouble(value);
}

export function realOfText(text: string): number {
  const value = doubleOfText(text);
  const real = realOfDouble(value);
  if (real === 0 && value !== 0) throw new RowError('out_of_range', 'a value is too small for REAL');
  return real;
}

export function checkedDouble(value: number): number {
  if (!Number.isFinite(value) && !Number.isNaN(value))
    throw new RowError('out_of_range', 'a value is out of range for DOUBLE PRECISION');
  return value;
}

/** The REAL nearest to a double. */
export const realOfDouble = (value: number): number => {
  const real = Math.fround(value);
  if (!Number.isFinite(real) && Number.isFinite(value))
    throw new RowError('out_of_range', 'a value is out of range for REAL');
  if (real === 0 && value !== 0) throw new RowError('out_of_range', 'a value is too small for REAL');
  return real;
};

/** Half to even, as PostgreSQL rounds doubles. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  const rounded = rest < 0.5 || (rest === 0.5 && floor % 2 === 0) ? floor : floor + 1;
  return rounded === 0 && value < 0 ? -0 : rounded;
}

/** PostgreSQL writes an exponent from 1e+15 and below 1e-04 on, the shortest digits that read back as the same value. */
export const doubleText = (value: number): string => shortText(String(value), value, 15);

/** The same for a REAL: digits that read back as the same REAL, and an exponent from 1e+06 on. */
export const realText = (value: number): string => shortText(realDigits(value), value, 6);

/** The shortest digits of a REAL that read back as it, in JavaScript's notation. */
export function realDigits(value: number): string {
  for (let digits = 1; digits <= 9; digits++) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === value) return String(Number(text));
  }
  return String(value);
}

function shortText(digits: string, value: number, exponentFrom: number): string {
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  if (!Number.isFinite(value)) return digits;
  const [mantissa = '', shownExponent] = Number(digits).toExponential().split('e');
  const exponent = Number(shownExponent);
  if (exponent >= -4 && exponent < exponentFrom) return digits.includes('e') ? plain(mantissa, exponent) : digits;
  return `${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

/** `1.5` and `-3` as `0.0015`; for what JavaScript already writes with an exponent. */
function plain(mantissa: string, exponent: number): string {
  const negative = mantissa.startsWith('-') ? '-' : '';
  const figures = mantissa.replace(/[-.]/g, '');
  if (exponent < 0) return `${negative}0.${'0'.repeat(-exponent - 1)}${figures}`;
  return `${negative}${figures.padEnd(exponent + 1, '0')}`;
}
