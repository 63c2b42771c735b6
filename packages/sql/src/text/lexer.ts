import { SqlError } from '../errors.js';
import { codePointOffset } from './positions.js';

/** A lexical element (https://www.postgresql.org/docs/18/sql-syntax-lexical.html). `start` and `end` are JavaScript's indices. */
export interface Token {
  readonly kind: 'word' | 'quoted' | 'string' | 'number' | 'symbol' | 'end';
  /** A word in lower case, an identifier or string without quotes and escapes, a number or symbol as written. */
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

const identifierBytesMax = 63;
const space = /[ \t\n\r\f\v]/;
const wordStart = /[A-Za-z_]|[^\0-\x7f\s]/;
const word = /(?:[A-Za-z_]|[^\0-\x7f\s])(?:[A-Za-z0-9_$]|[^\0-\x7f\s])*/y;
const number = /(?:\d[\d_]*)?\.?\d+(?:[eE][+-]?\d+)?|\d+\./y;
const dollarQuote = /\$([A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/y;

/** The tokens of a text without comments and white space, closed by one of kind `end`. Throws `SqlError`. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; ; ) {
    at = skipSpace(text, at);
    if (at >= text.length) {
      tokens.push({ kind: 'end', value: '', start: text.length, end: text.length });
      return tokens;
    }
    const token = next(text, at);
    tokens.push(token);
    at = token.end;
  }
}

function next(text: string, start: number): Token {
  const char = text[start] ?? '';
  if (char === '\0') throw fail(text, start, 'the text holds a NUL character', 'take it out');
  if (char === "'") return quotedString(text, start, start, false);
  if ((char === 'e' || char === 'E') && text[start + 1] === "'") return quotedString(text, start, start + 1, true);
  if (char === '"') return quotedIdentifier(text, start);
  if (char === '$') {
    const tag = matchAt(dollarQuote, text, start);
    if (tag !== undefined) return dollarString(text, start, tag);
  }
  if (/[0-9]/.test(char) || (char === '.' && /[0-9]/.test(text[start + 1] ?? ''))) {
    const digits = matchAt(number, text, start) ?? char;
    return { kind: 'number', value: digits, start, end: start + digits.length };
  }
  if (wordStart.test(char)) {
    const value = matchAt(word, text, start) ?? char;
    checkLength(text, start, value);
    return { kind: 'word', value: value.toLowerCase(), start, end: start + value.length };
  }
  if (/\s/.test(char)) throw strangeSpace(text, start, char);
  return { kind: 'symbol', value: char, start, end: start + 1 };
}

function quotedString(text: string, start: number, quote: number, escapes: boolean): Token {
  let value = '';
  for (let at = quote + 1; at < text.length; at++) {
    const char = text[at] ?? '';
    if (char === "'") {
      if (text[at + 1] !== "'") return { kind: 'string', value, start, end: at + 1 };
      value += "'";
      at++;
    } else if (escapes && char === '\\') {
      at++;
      value += simpleEscapes[text[at] ?? ''] ?? text[at] ?? '';
    } else value += char;
  }
  throw fail(text, start, 'the string that begins here has no end', "close it with a '");
}

const simpleEscapes: { readonly [char: string]: string } = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f' };

function quotedIdentifier(text: string, start: number): Token {
  let value = '';
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '"') {
      if (text[at + 1] !== '"') {
        if (value === '') throw fail(text, start, 'an identifier must not be empty', 'write a name between the quotes');
        checkLength(text, start, value);
        return { kind: 'quoted', value, start, end: at + 1 };
      }
      at++;
    }
    value += text[at] ?? '';
  }
  throw fail(text, start, 'the identifier that begins here has no end', 'close it with a "');
}

function dollarString(text: string, start: number, tag: string): Token {
  const close = text.indexOf(tag, start + tag.length);
  if (close === -1) throw fail(text, start, `the string that begins here has no end`, `close it with ${tag}`);
  return { kind: 'string', value: text.slice(start + tag.length, close), start, end: close + tag.length };
}

function skipSpace(text: string, from: number): number {
  for (let at = from; at < text.length; ) {
    if (space.test(text[at] ?? '')) at++;
    else if (text.startsWith('--', at)) {
      const end = text.indexOf('\n', at);
      at = end === -1 ? text.length : end + 1;
    } else if (text.startsWith('/*', at)) at = skipBlockComment(text, at);
    else return at;
  }
  return text.length;
}

/** Block comments nest. */
function skipBlockComment(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; ) {
    if (text.startsWith('/*', at)) {
      depth++;
      at += 2;
    } else if (text.startsWith('*/', at)) {
      at += 2;
      if (--depth === 0) return at;
    } else at++;
  }
  throw fail(text, start, 'the comment that begins here has no end', 'close it with */');
}

/** PostgreSQL cuts longer identifiers in silence, and would then read something else. */
function checkLength(text: string, start: number, identifier: string): void {
  if (identifier.length * 3 > identifierBytesMax && new TextEncoder().encode(identifier).length > identifierBytesMax) {
    throw fail(
      text,
      start,
      `an identifier has at most ${identifierBytesMax} bytes`,
      "shorten it; a field of a longer name is payload->'...'",
    );
  }
}

/** PostgreSQL takes it for a part of a name, which nobody can see. */
function strangeSpace(text: string, start: number, char: string): SqlError {
  const code = char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
  return fail(text, start, `here stands the white space U+${code}, which SQL does not know`, 'write an ordinary space');
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

function fail(text: string, index: number, message: string, hint?: string): SqlError {
  return new SqlError('syntax_error', message, codePointOffset(text, index), hint);
}
