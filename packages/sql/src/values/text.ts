import { RowError } from '../errors.js';
import { checkLength } from './size.js';

/** Characters are code points, as PostgreSQL counts them. */
export const characterCount = (text: string): number => {
  if (!surrogate.test(text)) return text.length;
  let count = 0;
  for (const _ of text) count++;
  return count;
};

/** Without one, characters are what JavaScript counts. */
const surrogate = /[\ud800-\udfff]/;

const firstCharacters = (text: string, count: number): string =>
  surrogate.test(text) ? [...text].slice(0, count).join('') : text.slice(0, count);

export function substring(text: string, start: number, length?: number): string {
  if (length !== undefined && length < 0)
    throw new RowError('invalid_argument', 'the length of a substring must not be negative');
  const characters = [...text];
  const end = length === undefined ? characters.length : Math.max(0, start - 1 + length);
  return characters.slice(Math.max(0, start - 1), end).join('');
}

/** PostgreSQL's `overlay`: as many characters as `length` says, by default those of `part`, give way to `part`. */
export function overlay(text: string, part: string, start: number, length = [...part].length): string {
  if (start < 1) throw new RowError('invalid_argument', 'the place of an overlay counts from 1');
  if (start + length > 0x7fffffff)
    throw new RowError('out_of_range', 'the end of what an overlay replaces is out of range for INTEGER');
  return substring(text, 1, start - 1) + part + substring(text, start + length);
}

export function left(text: string, count: number): string {
  const characters = [...text];
  return characters.slice(0, count >= 0 ? count : Math.max(0, characters.length + count)).join('');
}

export function right(text: string, count: number): string {
  const characters = [...text];
  return characters.slice(count >= 0 ? Math.max(0, characters.length - count) : -count).join('');
}

export function trimStart(text: string, characters = ' '): string {
  const set = new Set(characters);
  const all = [...text];
  const from = all.findIndex((character) => !set.has(character));
  return from === -1 ? '' : all.slice(from).join('');
}

export function trimEnd(text: string, characters = ' '): string {
  const set = new Set(characters);
  const all = [...text];
  let to = all.length;
  while (to > 0 && set.has(all[to - 1] ?? '')) to--;
  return all.slice(0, to).join('');
}

export const trimBoth = (text: string, characters = ' '): string => trimEnd(trimStart(text, characters), characters);

/** From 1, in code points; 0 where it is not found. */
export function position(text: string, part: string): number {
  const index = text.indexOf(part);
  return index === -1 ? 0 : characterCount(text.slice(0, index)) + 1;
}

export function replace(text: string, from: string, to: string): string {
  if (from === '') return text;
  const parts = text.split(from);
  checkLength(text.length + (parts.length - 1) * (to.length - from.length));
  return parts.join(to);
}

export function splitPart(text: string, delimiter: string, field: number): string {
  if (field === 0)
    throw new RowError('invalid_argument', 'the field of split_part counts from 1, or from -1 backwards');
  const parts = delimiter === '' ? [text] : text.split(delimiter);
  return parts[field > 0 ? field - 1 : parts.length + field] ?? '';
}

export function repeat(text: string, count: number): string {
  if (count <= 0) return '';
  checkLength(text.length * count);
  return text.repeat(count);
}

export const reverse = (text: string): string => [...text].reverse().join('');

export function padStart(text: string, length: number, fill = ' '): string {
  const own = characterCount(text);
  return own >= length ? firstCharacters(text, Math.max(0, length)) : padding(fill, length - own) + text;
}

export function padEnd(text: string, length: number, fill = ' '): string {
  const own = characterCount(text);
  return own >= length ? firstCharacters(text, Math.max(0, length)) : text + padding(fill, length - own);
}

/** C.UTF-8 maps character by character: where Unicode would make two of one, as of ß, it stays, and Σ does not look where it stands. */
export function lower(text: string): string {
  const mapped = text.toLowerCase();
  return mapped.length === text.length && !text.includes('Σ')
    ? mapped
    : mapCharacters(text, (character) => character.toLowerCase());
}

export function upper(text: string): string {
  const mapped = text.toUpperCase();
  return mapped.length === text.length ? mapped : mapCharacters(text, (character) => character.toUpperCase());
}

function mapCharacters(text: string, map: (character: string) => string): string {
  let result = '';
  for (const character of text) {
    const mapped = map(character);
    const [first = ''] = mapped;
    // The lower case of İ is an i with a dot, of which PostgreSQL keeps the i.
    result += first.length === mapped.length ? mapped : character === 'İ' ? first : character;
  }
  return result;
}

/** Upper case of the first letter of each word, lower case of the others. */
export const initcap = (text: string): string =>
  text.replace(/[\p{Alphabetic}0-9]+/gu, (word) => {
    const [first = ''] = word;
    return upper(first) + lower(word.slice(first.length));
  });

/** Each character of `from` becomes the one at its place in `to`, or nothing where `to` is shorter. */
export function translate(text: string, from: string, to: string): string {
  const replacements = [...to];
  const map = new Map<string, string>();
  for (const [i, character] of [...from].entries()) if (!map.has(character)) map.set(character, replacements[i] ?? '');
  let result = '';
  for (const character of text) result += map.get(character) ?? character;
  return result;
}

export function character(code: number): string {
  if (code === 0) throw new RowError('invalid_argument', 'a text cannot hold the character 0');
  if (code < 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
    throw new RowError('invalid_argument', `${code} is the code of no character`);
  return String.fromCodePoint(code);
}

type Nullable = string | null | undefined;
const isPart = (part: Nullable): part is string => part !== null && part !== undefined;

/** The texts one behind the other, with another between them, as far as they may come to. */
export function joinTexts(parts: readonly string[], separator: string): string {
  checkLength(parts.reduce((sum, { length }) => sum + length, separator.length * (parts.length - 1)));
  return parts.join(separator);
}

export const concat = (...parts: Nullable[]): string => joinTexts(parts.filter(isPart), '');

export const concatWith = (separator: Nullable, ...parts: Nullable[]): string | null =>
  isPart(separator) ? joinTexts(parts.filter(isPart), separator) : null;

/** PostgreSQL's format(): `%s` and `%L`, with place, `-` and width (https://www.postgresql.org/docs/18/functions-string.html#FUNCTIONS-STRING-FORMAT). */
export function format(template: string | null, ...args: (string | null | undefined)[]): string | null {
  if (template === null || template === undefined) return null;
  let next = 0;
  let length = template.length;
  return template.replace(
    formatSpecifier,
    (written: string, place?: string, left?: string, width?: string, kind?: string) => {
      if (written === '%%') return '%';
      if (kind === undefined) throw noSpecifier();
      const index = place === undefined ? next : Number(place) - 1;
      next = index + 1;
      if (index < 0 || index >= args.length) throw new RowError('invalid_argument', 'format has too few arguments');
      const value = args[index];
      const text = kind === 'L' ? quoteNullable(value) : (value ?? '');
      const space = width === undefined ? '' : padTo(text, Number(width));
      length += text.length + space.length - written.length;
      checkLength(length);
      return left === undefined ? space + text : text + space;
    },
  );
}

const formatSpecifier = /%(?:%|(?:(\d+)\$)?(-)?(\d+)?([sL])|.?)/gs;
const noSpecifier = (): RowError =>
  new RowError('invalid_argument', 'format takes %s, %L and %%, and nothing else behind a %');

/** Throws `RowError` for a template of `format` that no arguments fit. */
export function checkFormat(template: string): void {
  for (const [written, , , , kind] of template.matchAll(formatSpecifier))
    if (kind === undefined && written !== '%%') throw noSpecifier();
}

const padTo = (text: string, width: number): string => padding(' ', Math.max(0, width - characterCount(text)));

const quoteNullable = (text: string | null | undefined): string =>
  text === null || text === undefined ? 'NULL' : quoteLiteral(text);

export function quoteLiteral(text: string): string {
  const quoted = `'${text.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`;
  return text.includes('\\') ? `E${quoted}` : quoted;
}

function padding(fill: string, length: number): string {
  if (fill === '') return '';
  checkLength(length);
  const characters = [...fill];
  const rest = characters.slice(0, length % characters.length).join('');
  return fill.repeat(Math.floor(length / characters.length)) + rest;
}
