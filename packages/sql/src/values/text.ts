import { RowError } from '../errors.js';

/** Text that functions may build at most, in characters. */
const textLengthMax = 1_000_000;

/** Characters are code points, as PostgreSQL counts them. */
export const characterCount = (text: string): number => {
  let count = 0;
  for (const _ of text) count++;
  return count;
};

export function substring(text: string, start: number, length?: number): string {
  if (length !== undefined && length < 0)
    throw new RowError('invalid_argument', 'the length of a substring must not be negative');
  const characters = [...text];
  const end = length === undefined ? characters.length : Math.max(0, start - 1 + length);
  return characters.slice(Math.max(0, start - 1), end).join('');
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
  const characters = [...text];
  return characters.length >= length
    ? characters.slice(0, Math.max(0, length)).join('')
    : padding(fill, length - characters.length) + text;
}

export function padEnd(text: string, length: number, fill = ' '): string {
  const characters = [...text];
  return characters.length >= length
    ? characters.slice(0, Math.max(0, length)).join('')
    : text + padding(fill, length - characters.length);
}

/** Upper case of the first letter of each word, lower case of the others. */
export const initcap = (text: string): string =>
  text.toLowerCase().replace(/[\p{L}\p{N}]+/gu, (word) => word.replace(/^./u, (first) => first.toUpperCase()));

function padding(fill: string, length: number): string {
  if (fill === '') return '';
  checkLength(length);
  const characters = [...fill];
  return Array.from({ length }, (_, i) => characters[i % characters.length]).join('');
}

function checkLength(length: number): void {
  if (length > textLengthMax)
    throw new RowError('too_large', `a text of ${length} characters is larger than ${textLengthMax}`);
}
