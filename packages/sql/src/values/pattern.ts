import { RowError } from '../errors.js';
import { matchesOf, type Regex, regexOf } from './regex.js';
import { checkLength } from './size.js';

/** The functions over regular expressions (https://www.postgresql.org/docs/18/functions-matching.html#FUNCTIONS-POSIX-REGEXP). */

/** What the groups of the first match hold, or the whole of it where there are none; null where nothing matches. */
export function regexpMatch(text: string, pattern: string, flags = ''): (string | null)[] | null {
  if (flags.includes('g'))
    throw new RowError('invalid_argument', 'regexp_match does not take the flag g: it gives the first match');
  const groups = regexOf(pattern, flags).find(text, 0);
  if (!groups) return null;
  return (groups.length > 1 ? groups.slice(1) : groups).map((range) => (range ? text.slice(...range) : null));
}

export function regexpReplace(text: string, pattern: string, replacement: string, flags = ''): string {
  const all = flags.includes('g');
  const regex = regexOf(pattern, flags.replaceAll('g', ''));
  const pieces: string[] = [];
  let from = 0;
  let length = 0;
  for (const groups of matchesOf(regex, text)) {
    const [start, end] = groups[0] ?? [0, 0];
    const piece = text.slice(from, start) + expand(replacement, text, groups);
    length += piece.length;
    checkLength(length);
    pieces.push(piece);
    from = end;
    if (!all) break;
  }
  return pieces.join('') + text.slice(from);
}

/** `\1` is what a group holds, `\&` the whole match, `\\` a backslash. */
function expand(replacement: string, text: string, groups: readonly (readonly [number, number] | undefined)[]): string {
  if (!replacement.includes('\\')) return replacement;
  return replacement.replace(/\\([1-9&\\])/g, (_, what: string) => {
    if (what === '\\') return '\\';
    const range = groups[what === '&' ? 0 : Number(what)];
    return range ? text.slice(...range) : '';
  });
}

export const regexpLike = (text: string, pattern: string, flags = ''): boolean => regexOf(pattern, flags).test(text);

export function regexpCount(text: string, pattern: string, start = 1, flags = ''): number {
  if (start < 1) throw new RowError('invalid_argument', 'the start of regexp_count counts from 1');
  const rest = [...text].slice(start - 1).join('');
  let count = 0;
  for (const _ of matchesOf(regexOf(pattern, flags), rest)) count++;
  return count;
}

export function regexpSplit(text: string, pattern: string, flags = ''): string[] {
  const regex: Regex = regexOf(pattern, flags);
  const parts: string[] = [];
  let from = 0;
  for (const groups of matchesOf(regex, text)) {
    const [start, end] = groups[0] ?? [0, 0];
    // An empty match at the beginning, at the end or right behind another one splits nothing.
    if (end === start && (start === from || start >= text.length)) {
      if (start === 0 || start >= text.length || start === from) continue;
    }
    parts.push(text.slice(from, start));
    from = end;
  }
  parts.push(text.slice(from));
  return parts;
}

/** The part that matches a pattern, or its first group where it has one; null where nothing matches. */
export function substringMatching(text: string, pattern: string): string | null {
  const groups = regexOf(pattern).find(text, 0);
  const range = groups?.[groups.length > 1 ? 1 : 0];
  return range ? text.slice(...range) : null;
}
