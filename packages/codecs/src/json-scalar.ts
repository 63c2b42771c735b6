import { parseJson, parseWritten } from './json.js';
import { exactNumber } from './json-number.js';
import type { JsonText } from './json-text.js';
import { utf8At } from './text-at.js';

const quote = 0x22;
const backslash = 0x5c;
const minus = 0x2d;
const point = 0x2e;

/** As many digits are exact in a double, and so is the power of ten that they are divided by. */
const exactDigits = 15;
const powersOfTen = Array.from({ length: exactDigits + 1 }, (_, exponent) => 10 ** exponent);

/**
 * The value of a valid JSON value that stands at `start` up to `end`, the same as of the message read whole.
 */
export function valueAt(text: JsonText, start: number, end: number): unknown {
  const { bytes } = text;
  switch (bytes[start]) {
    case quote:
      return textAt(text, start + 1, end - 1);
    case 0x74:
      return true;
    case 0x66:
      return false;
    case 0x6e:
      return null;
    case 0x7b:
    case 0x5b:
      return parseJson(bytes.subarray(start, end));
    default:
      return numberAt(text, start, end);
  }
}

/** The same, with numbers as the texts that they are written in. */
export function writtenAt(text: JsonText, start: number, end: number): unknown {
  const first = text.bytes[start] as number;
  if (first === 0x7b || first === 0x5b) return parseWritten(text.bytes.subarray(start, end));
  return first === minus || (first >= 0x30 && first <= 0x39)
    ? text.latin1.slice(start, end)
    : valueAt(text, start, end);
}

/** A string between its quotes. */
function textAt(text: JsonText, start: number, end: number): string {
  const { bytes } = text;
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number;
    if (byte === backslash) return parseJson(bytes.subarray(start - 1, end + 1)) as string;
    if (byte > 0x7f) return restOfText(text, start, end, i);
  }
  return text.latin1.slice(start, end);
}

/** One with bytes above 127, the first of which is at `i`. */
function restOfText(text: JsonText, start: number, end: number, i: number): string {
  const { bytes } = text;
  if (bytes.indexOf(backslash, i) !== -1 && bytes.subarray(i, end).includes(backslash))
    return parseJson(bytes.subarray(start - 1, end + 1)) as string;
  return utf8At(bytes, start, end);
}

function numberAt(text: JsonText, start: number, end: number): number | bigint {
  const { bytes } = text;
  const negative = bytes[start] === minus;
  let digits = 0;
  let number = 0;
  let fraction = -1;
  for (let i = negative ? start + 1 : start; i < end; i++) {
    const byte = bytes[i] as number;
    if (byte === point) fraction = 0;
    else {
      // An exponent, or too many digits: seldom enough.
      if (byte > 0x39 || byte < 0x30 || ++digits > exactDigits) return exactNumber(text.latin1.slice(start, end));
      number = number * 10 + (byte - 0x30);
      if (fraction >= 0) fraction++;
    }
  }
  // Both are exact, so that the quotient is the double nearest to what is written.
  if (fraction > 0) number /= powersOfTen[fraction] as number;
  return negative ? -number : number;
}

/**
 * The text of a valid JSON value where `stringifyJson` would write the very same for its value, and it is short to tell; undefined elsewhere. It has ASCII alone.
 */
export function canonicalTextAt(text: JsonText, start: number, end: number): string | undefined {
  const { bytes } = text;
  const first = bytes[start] as number;
  if (first === quote) {
    for (let i = start + 1; i < end; i++) {
      const byte = bytes[i] as number;
      if (byte === backslash || byte > 0x7e) return undefined;
    }
  } else if (first === 0x7b || first === 0x5b) return undefined;
  else if (first < 0x3a && !isCanonicalNumber(bytes, start, end)) return undefined;
  return text.latin1.slice(start, end);
}

/** The text of a valid JSON value just as it stands there. */
export function rawTextAt(text: JsonText, start: number, end: number): string {
  return text.isAscii ? text.latin1.slice(start, end) : utf8At(text.bytes, start, end);
}

/** An integer that a double holds, or a fraction that is the shortest of its double and written without an exponent. */
function isCanonicalNumber(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start > exactDigits) return false;
  let hasFraction = false;
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number;
    if (byte === point) hasFraction = true;
    else if (byte > 0x39) return false;
  }
  const first = bytes[start] === minus ? start + 1 : start;
  if (bytes[first] !== 0x30) return !hasFraction || bytes[end - 1] !== 0x30;
  // A zero before the point: -0, and what is written with an exponent, are left.
  return first === start && (!hasFraction || (bytes[end - 1] !== 0x30 && bytes[first + 2] !== 0x30));
}
