// When a stream took a message, or was made, in Unix milliseconds with a fraction. However the server writes a moment, it is the same number to the last bit: they are compared.
import { digitsOf } from './digits.js';

/** A millisecond has so many digits of nanoseconds. */
const nanosecondDigits = 6;

const timestampMs = (milliseconds: number, nanoseconds: number): number => milliseconds + nanoseconds / 1e6;

/** Of a text such as `2026-03-29T01:30:00.123456789Z`; NaN where it is none. */
export function timestampMsOf(text: string): number {
  const [, seconds = '', fraction = ''] = /^([^.]*)(?:\.(\d+))?Z$/.exec(text) ?? [];
  const nanoseconds = fraction.padEnd(9, '0');
  return timestampMs(Date.parse(`${seconds}Z`) + Number(nanoseconds.slice(0, 3)), Number(nanoseconds.slice(3)));
}

/** Of the ASCII digits of Unix nanoseconds, which are more than a number holds; 0 where there are none. */
export function timestampMsIn(bytes: Uint8Array, start: number, end: number): number {
  const middle = Math.max(start, end - nanosecondDigits);
  return timestampMs(digitsOf(bytes, start, middle) || 0, digitsOf(bytes, middle, end) || 0);
}
