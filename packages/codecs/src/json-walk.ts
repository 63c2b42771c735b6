/**
 * The grammar of JSON (RFC 8259) over its bytes, without making values. Every function takes where something begins and gives where it ends, or -1 where it is
 * none. `end` is the index of a byte that can belong to no value, such as the brace that closes the object around them: it must exist, and is where every walk
 * stops at the latest. Bytes above 127 pass within strings; whether they are UTF-8 is for the caller to see.
 */

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const minus = 0x2d;
const plus = 0x2b;
const point = 0x2e;
const zero = 0x30;
const openingBrace = 0x7b;
const closingBrace = 0x7d;
const openingBracket = 0x5b;

/** Whether a byte stands for itself within a string. */
const isPlain = new Uint8Array(256).fill(1, 0x20);
isPlain[quote] = 0;
isPlain[backslash] = 0;

/** What may follow a backslash, but for `u`. */
const isEscaped = bytesOf('"\\/bfnrt');
const isHexDigit = bytesOf('0123456789abcdefABCDEF');

const literals = ['true', 'false', 'null'].map((text) => new TextEncoder().encode(text));

/** A string that is longer is looked at in blocks. */
const nearMax = 96;
const words = new Int32Array(256);
const block = new Uint8Array(words.buffer);

/** How deep a walk can go, and what it is in at each level: the byte that closes it. */
const depthMax = 256;
const closers = new Uint8Array(depthMax);

/** The first byte from `i` on that is no white space. */
export function skipSpace(bytes: Uint8Array, i: number): number {
  let at = i;
  while ((bytes[at] as number) <= 0x20 && isSpace(bytes[at])) at++;
  return at;
}

const isSpace = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/** The `end` of a text: its last byte that is no white space. */
export function endOfText(bytes: Uint8Array): number {
  let at = bytes.length - 1;
  while (isSpace(bytes[at])) at--;
  return at;
}

/** The end of a value that begins at `i`, nested `levelsMax` deep at most. */
export function endOfValue(bytes: Uint8Array, i: number, end: number, levelsMax: number): number {
  const first = bytes[i] as number;
  if (first !== openingBrace && first !== openingBracket) return endOfScalar(bytes, i, end);
  const levels = Math.min(levelsMax, depthMax);
  let at = i;
  let depth = 0;
  for (;;) {
    // A value begins here.
    const byte = bytes[at] as number;
    if (byte === openingBrace || byte === openingBracket) {
      if (depth === levels) return -1;
      // Each closer is two behind its opener.
      const closer = byte + 2;
      at = skipSpace(bytes, at + 1);
      if (bytes[at] !== closer) {
        closers[depth++] = closer;
        if (closer === closingBrace) at = endOfKey(bytes, at, end);
        if (at < 0) return -1;
        continue;
      }
      if (++at > end) return -1;
    } else {
      at = endOfScalar(bytes, at, end);
      if (at < 0) return -1;
    }
    // A value ended here, and with it perhaps what it is the last of.
    for (;;) {
      if (depth === 0) return at;
      at = skipSpace(bytes, at);
      const next = bytes[at] as number;
      const closer = closers[depth - 1] as number;
      if (next === comma) {
        at = skipSpace(bytes, at + 1);
        if (closer === closingBrace) at = endOfKey(bytes, at, end);
        if (at < 0) return -1;
        break;
      }
      if (next !== closer || ++at > end) return -1;
      depth--;
    }
  }
}

/** From a key to the value behind its colon. */
function endOfKey(bytes: Uint8Array, i: number, end: number): number {
  if (bytes[i] !== quote) return -1;
  const key = endOfString(bytes, i, end);
  if (key < 0) return -1;
  const at = skipSpace(bytes, key);
  return bytes[at] === colon ? skipSpace(bytes, at + 1) : -1;
}

/** The end of what is no object or array. */
function endOfScalar(bytes: Uint8Array, i: number, end: number): number {
  const byte = bytes[i] as number;
  if (byte === quote) return endOfString(bytes, i, end);
  if (isDigit(byte) || byte === minus) return endOfNumber(bytes, i);
  for (const literal of literals) if (byte === literal[0]) return endOfLiteral(bytes, i, literal);
  return -1;
}

/** The closing quote or the first backslash of a string whose first character is at `i`; elsewhere -1. */
export function endOfPlainText(bytes: Uint8Array, i: number, end: number): number {
  const near = Math.min(end, i + nearMax);
  let at = i;
  while (at < near && isPlain[bytes[at] as number] === 1) at++;
  if (at === near && at < end) at = endOfLongText(bytes, at, end);
  const byte = bytes[at];
  return at < end && (byte === quote || byte === backslash) ? at : -1;
}

/** The first byte that does not stand for itself, or `end`: a copy that is aligned is looked at four bytes at a time. */
function endOfLongText(bytes: Uint8Array, i: number, end: number): number {
  for (let at = i; ; at += block.length) {
    const blockEnd = Math.min(end, at + block.length);
    block.set(bytes.subarray(at, blockEnd));
    const count = (blockEnd - at) >> 2;
    let word = 0;
    while (word < count && !hasSpecial(words[word] as number)) word++;
    let found = at + word * 4;
    while (found < blockEnd && isPlain[bytes[found] as number] === 1) found++;
    if (found < blockEnd || found === end) return found;
  }
}

/** Whether one of four bytes is below a space, a quote or a backslash (Hacker's Delight, 6-1): the highest bit of one that is gets set. */
function hasSpecial(word: number): boolean {
  const quoted = word ^ 0x22222222;
  const escaped = word ^ 0x5c5c5c5c;
  const found = ((word - 0x20202020) & ~word) | ((quoted - 0x01010101) & ~quoted) | ((escaped - 0x01010101) & ~escaped);
  return (found & 0x80808080) !== 0;
}

/** The end of a string that begins with its quote at `i`. */
export function endOfString(bytes: Uint8Array, i: number, end: number): number {
  let at = endOfPlainText(bytes, i + 1, end);
  while (at >= 0 && bytes[at] === backslash) {
    const after = endOfEscape(bytes, at, end);
    at = after < 0 ? -1 : endOfPlainText(bytes, after, end);
  }
  return at < 0 ? -1 : at + 1;
}

function endOfEscape(bytes: Uint8Array, i: number, end: number): number {
  if (i + 1 >= end) return -1;
  const byte = bytes[i + 1] as number;
  if (isEscaped[byte] === 1) return i + 2;
  // Four digits, `end` itself being none.
  if (byte !== 0x75 || i + 5 >= end) return -1;
  for (let at = i + 2; at < i + 6; at++) if (isHexDigit[bytes[at] as number] === 0) return -1;
  return i + 6;
}

function endOfNumber(bytes: Uint8Array, i: number): number {
  let at = bytes[i] === minus ? i + 1 : i;
  if (bytes[at] === zero) at++;
  else {
    const digits = at;
    at = endOfDigits(bytes, at);
    if (at === digits) return -1;
  }
  if (bytes[at] === point) {
    const digits = at + 1;
    at = endOfDigits(bytes, digits);
    if (at === digits) return -1;
  }
  // `e` and `E` differ by that bit.
  if (((bytes[at] as number) | 0x20) === 0x65) {
    const sign = bytes[at + 1];
    const digits = sign === plus || sign === minus ? at + 2 : at + 1;
    at = endOfDigits(bytes, digits);
    if (at === digits) return -1;
  }
  return at;
}

function endOfDigits(bytes: Uint8Array, i: number): number {
  let at = i;
  while (isDigit(bytes[at] as number)) at++;
  return at;
}

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;

function endOfLiteral(bytes: Uint8Array, i: number, literal: Uint8Array): number {
  for (let k = 1; k < literal.length; k++) if (bytes[i + k] !== literal[k]) return -1;
  return i + literal.length;
}

function bytesOf(characters: string): Uint8Array {
  const table = new Uint8Array(256);
  for (const character of characters) table[character.charCodeAt(0)] = 1;
  return table;
}
