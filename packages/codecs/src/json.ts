import { parse as parseLossless, stringify as stringifyLossless } from 'lossless-json';
import { DecodeError } from './decode-error.js';
import { exactNumber } from './json-number.js';

/** Deeper nesting is refused: it costs stack wherever the value is walked. */
export const jsonDepthMax = 256;

const strict = new TextDecoder('utf-8', { fatal: true });
/** Only digits that many in a row can be an integer that a double does not hold. */
const longDigits = 16;
const minus = 0x2d;
/** What stands before a number in JSON: `:`, `,`, `[` or white space. */
const beforeValue: ReadonlySet<number> = new Set([0x3a, 0x2c, 0x5b, 0x20, 0x09, 0x0a, 0x0d]);
const replacementCharacter = '\ufffd';

/**
 * The value of a JSON text in UTF-8. Integers beyond 2^53 become bigints, other numbers doubles; the last of duplicate
 * keys wins. Throws `DecodeError`.
 */
export function parseJson(data: Uint8Array): unknown {
  const text = decodeText(data);
  try {
    const value = mayHoldLongInteger(data) ? parseExact(text) : JSON.parse(text);
    // Depth can only pass the limit where there are that many opening brackets.
    if (deeplyNested(text)) checkDepth(text);
    return value;
  } catch (error) {
    if (error instanceof DecodeError) throw error;
    // V8's message quotes the text, which must not reach logs and tables.
    throw new DecodeError(`the message is not valid JSON${positionOf(error)}`);
  }
}

/**
 * The value of a JSON text that `parseJson` reads, with each number as the text that it is written in: no digit is lost, however many there are. Throws
 * `DecodeError`.
 */
export function parseWritten(data: Uint8Array): unknown {
  const text = decodeText(data);
  try {
    return parseLossless(text, undefined, {
      parseNumber: (digits) => digits,
      onDuplicateKey: ({ newValue }) => newValue,
    });
  } catch {
    throw new DecodeError('the message is not valid JSON');
  }
}

/** The JSON text of a value that `parseJson` gave; bigints keep every digit, and what no double holds, as 1e400, is `"Infinity"`. */
export function stringifyJson(value: unknown): string {
  try {
    const text = JSON.stringify(value) ?? 'null';
    return text.includes('null') && holdsInfinity(value) ? JSON.stringify(value, infinityAsText) : text;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return stringifyLossless(value, infinityAsText) ?? 'null';
  }
}

/** `JSON.stringify` makes null of them. */
function holdsInfinity(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isFinite(value);
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsInfinity);
}

const infinityAsText = (_key: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;

function decodeText(data: Uint8Array): string {
  const buffer = data instanceof Buffer ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const text = buffer.toString('utf8');
  // The lenient decoder is much faster, and tells by its replacement character that something may be wrong.
  if (!text.includes(replacementCharacter)) return text;
  try {
    return strict.decode(data);
  } catch {
    throw new DecodeError('the message is not valid UTF-8');
  }
}

/**
 * Says whether there may be an integer beyond 2^53. Looks at every sixteenth byte only, since a run of sixteen digits must cover one of
 * them; most runs within strings and all fractions are told by what stands before them.
 */
function mayHoldLongInteger(data: Uint8Array): boolean {
  for (let i = longDigits - 1; i < data.length; i += longDigits) {
    if (!isDigit(data[i])) continue;
    let from = i;
    let to = i + 1;
    while (isDigit(data[from - 1])) from--;
    while (isDigit(data[to])) to++;
    // The run has been seen to its end: looked at from each of its digits, a long one would take time quadratic to it.
    i = to - 1;
    if (to - from < longDigits) continue;
    const before = data[from - 1] === minus ? data[from - 2] : data[from - 1];
    if (before === undefined || beforeValue.has(before)) return true;
  }
  return false;
}

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39;

const parseExact = (text: string): unknown =>
  parseLossless(text, undefined, { parseNumber: exactNumber, onDuplicateKey: ({ newValue }) => newValue });

function checkDepth(text: string): void {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (inString) {
      if (code === 0x5c) i++;
      else if (code === 0x22) inString = false;
    } else if (code === 0x22) inString = true;
    else if (code === 0x7b || code === 0x5b) {
      if (++depth > jsonDepthMax) throw new DecodeError(`the message is nested deeper than ${jsonDepthMax} levels`);
    } else if (code === 0x7d || code === 0x5d) depth--;
  }
}

function positionOf(error: unknown): string {
  const position = error instanceof Error ? /position (\d+)/.exec(error.message)?.[1] : undefined;
  return position === undefined ? '' : ` (at character ${position})`;
}

/** A cheap guess that never misses: only a text with that many opening brackets can be nested so deeply. */
function deeplyNested(text: string): boolean {
  if (text.length <= jsonDepthMax * 2) return false;
  let opened = 0;
  for (let i = text.indexOf('{'); i !== -1; i = text.indexOf('{', i + 1)) if (++opened > jsonDepthMax) return true;
  for (let i = text.indexOf('['); i !== -1; i = text.indexOf('[', i + 1)) if (++opened > jsonDepthMax) return true;
  return false;
}
