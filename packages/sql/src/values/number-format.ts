import { type Decimal, decimalText, roundDecimal } from './decimal.js';
import { roundHalfEven } from './double.js';
import { fixedDigits, scientificDigits, scientificText } from './double-digits.js';
import { checkedInteger, type Integer, multiplyIntegers } from './integer.js';
import { type Figures, writeFigures } from './number-figures.js';
import { numberTemplate } from './number-template.js';

/** Numbers as texts, by a template: to_char. Each type has rules of its own for what is rounded, and how. They throw `RowError`. */

/** Throws `RowError` for a template by which no number can be written. */
export const checkNumberFormat = (template: string): void => void numberTemplate(template);

/** The text of an INTEGER or a BIGINT. */
export const formatInteger =
  (type: 'INTEGER' | 'BIGINT') =>
  (value: Integer, text: string): string => {
    const template = numberTemplate(text);
    if (template.isRoman) return writeFigures(template, romanFigures(Number(value)));
    if (template.hasExponent)
      return type === 'INTEGER'
        ? withBlank(value < 0, scientificDigits(Number(value), template.after))
        : scientificDecimal({ coefficient: BigInt(value), scale: 0 }, template.after);
    const shifted = template.shift === 0 ? value : shiftedInteger(value, template.shift, type);
    const digits = String(shifted < 0 ? -shifted : shifted);
    const { after } = template;
    return writeFigures(template, {
      negative: shifted < 0,
      text: after === 0 ? digits : `${digits}.${'0'.repeat(after)}`,
      after,
    });
  };

const shiftedInteger = (value: Integer, shift: number, type: 'INTEGER' | 'BIGINT'): Integer =>
  checkedInteger(multiplyIntegers(value, 10n ** BigInt(shift)), type);

/** The text of a NUMERIC, which is rounded half away from zero. */
export function formatDecimal(value: Decimal, text: string): string {
  const template = numberTemplate(text);
  if (template.isRoman) return writeFigures(template, romanFigures(Number(roundDecimal(value, 0).coefficient)));
  if (template.hasExponent) return scientificDecimal(value, template.after);
  const { shift, after } = template;
  const shifted = { coefficient: value.coefficient * 10n ** BigInt(shift), scale: value.scale };
  const { coefficient, scale } = roundDecimal(shifted, after);
  const negative = coefficient < 0n;
  return writeFigures(template, {
    negative,
    text: decimalText({ coefficient: negative ? -coefficient : coefficient, scale }),
    after,
  });
}

/** Decimal digits that a double has, and a REAL: C's DBL_DIG and FLT_DIG. */
const doubleDigits = 15;
const realDigits = 6;

/** The text of a DOUBLE PRECISION, which is rounded half to even, and has 15 digits. */
export const formatDouble = (value: number, text: string): string =>
  formatFloat(value, text, doubleDigits, (shift) => value * 10 ** shift);

/** The text of a REAL, which has 6 digits. */
export const formatReal = (value: number, text: string): string =>
  formatFloat(value, text, realDigits, (shift) => Math.fround(value * Math.fround(10 ** shift)));

function formatFloat(value: number, text: string, digitsMax: number, shiftedBy: (shift: number) => number): string {
  const template = numberTemplate(text);
  if (template.isRoman) return writeFigures(template, romanFigures(roundHalfEven(value)));
  const { before, after, shift } = template;
  if (template.hasExponent)
    return Number.isFinite(value)
      ? withBlank(isNegative(value), scientificDigits(value, after))
      : ` ${'#'.repeat(before)}.${'#'.repeat(after + 'e+00'.length)}`;
  const shifted = shift === 0 ? value : shiftedBy(shift);
  const negative = isNegative(shifted);
  const digits = (scale: number) =>
    Number.isFinite(shifted) ? fixedDigits(shifted, scale) : String(Math.abs(shifted));
  const kept = Math.max(0, Math.min(after, digitsMax - digits(0).length));
  return writeFigures(template, { negative, text: digits(kept), after: kept });
}

const isNegative = (value: number): boolean => value < 0 || Object.is(value, -0);

/** A whole number of JSON keeps all of its digits, any other one is a double. */
export const formatJsonNumber = (value: Integer, text: string): string =>
  typeof value === 'bigint' || Number.isSafeInteger(value)
    ? formatDecimal({ coefficient: BigInt(value), scale: 0 }, text)
    : formatDouble(value, text);

const withBlank = (negative: boolean, digits: string): string => `${negative ? '-' : ' '}${digits}`;

/** The exponent is that of the first digit, also where rounding makes two of it: 9.9 is 10e+00, as PostgreSQL has it. */
function scientificDecimal({ coefficient, scale }: Decimal, after: number): string {
  const negative = coefficient < 0n;
  const unsigned = negative ? -coefficient : coefficient;
  const digits = String(unsigned).length;
  const exponent = unsigned === 0n ? 0 : digits - 1 - scale;
  const significand = roundDecimal({ coefficient: unsigned, scale: unsigned === 0n ? scale : digits - 1 }, after);
  return withBlank(negative, scientificText(String(significand.coefficient).padStart(after + 1, '0'), after, exponent));
}

const romanMax = 3999;
const romanLengthMax = 15;
const romanDigits: readonly (readonly [number: number, letters: string])[] = [
  [1000, 'M'],
  [900, 'CM'],
  [500, 'D'],
  [400, 'CD'],
  [100, 'C'],
  [90, 'XC'],
  [50, 'L'],
  [40, 'XL'],
  [10, 'X'],
  [9, 'IX'],
  [5, 'V'],
  [4, 'IV'],
  [1, 'I'],
];

function romanFigures(value: number): Figures {
  let text = '';
  let left = value;
  if (value >= 1 && value <= romanMax)
    for (const [number, letters] of romanDigits) for (; left >= number; left -= number) text += letters;
  return { negative: false, text: text === '' ? '#'.repeat(romanLengthMax) : text, after: 0 };
}
