import { RE2JS, RE2JSException } from 're2js';
import { RowError } from '../errors.js';
import { translatePattern } from './regex-syntax.js';

/**
 * Regular expressions in time linear to the text, whatever the pattern: RE2's automata instead of backtracking. Patterns are PostgreSQL's own
 * (https://www.postgresql.org/docs/18/functions-matching.html#POSIX-SYNTAX-DETAILS), without what only backtracking can do.
 */
export interface Regex {
  test(text: string): boolean;
  /** From a place on, in UTF-16 units: the next match, each group as [start, end], the whole first; a group that takes no part is undefined. */
  find(text: string, from: number): readonly (readonly [start: number, end: number] | undefined)[] | undefined;
}

const patternLengthMax = 10_000;
const cacheMax = 256;
const cache = new Map<string, Regex>();

/** The regular expression that a pattern writes. `flags` are PostgreSQL's: `i`, `c`, `n`, `s`, `q`; others throw. Throws `RowError`. */
export function regexOf(pattern: string, flags = ''): Regex {
  const key = `${flags}/${pattern}`;
  const known = cache.get(key);
  if (known) return known;
  const regex = compile(pattern, flags);
  // The oldest goes: a pattern that comes from data must not fill the memory.
  if (cache.size >= cacheMax) cache.delete(cache.keys().next().value ?? '');
  cache.set(key, regex);
  return regex;
}

function compile(pattern: string, flags: string): Regex {
  if (pattern.length > patternLengthMax)
    throw new RowError('too_large', `a regular expression has at most ${patternLengthMax} characters`);
  const { source, ignoresCase, newlineSensitive, greed } = translatePattern(pattern, flags);
  const mode = (ignoresCase ? RE2JS.CASE_INSENSITIVE : 0) | (newlineSensitive ? RE2JS.MULTILINE : RE2JS.DOTALL);
  const make = (more: number) => {
    try {
      return RE2JS.compile(source, mode | more);
    } catch (error) {
      if (!(error instanceof RE2JSException)) throw error;
      throw new RowError('invalid_regex', 'this is no regular expression, or one that is too large');
    }
  };
  const tester = make(0);
  // PostgreSQL takes the longest match unless quantifiers ask for the shortest.
  let finder: RE2JS | undefined;
  return {
    test: (text) => tester.test(text),
    find(text, from) {
      if (greed === 'mixed')
        throw new RowError(
          'invalid_regex',
          'a pattern with greedy and non-greedy quantifiers can only be tested with ~',
        );
      finder ??= greed === 'shortest' ? tester : make(RE2JS.LONGEST_MATCH);
      const matcher = finder.matcher(text);
      if (!matcher.find(from)) return undefined;
      return Array.from({ length: matcher.groupCount() + 1 }, (_, group) => {
        const start = matcher.start(group);
        return start < 0 ? undefined : ([start, matcher.end(group)] as const);
      });
    },
  };
}

/** Every match, in order; one that is empty moves on by a character. */
export function* matchesOf(regex: Regex, text: string): Iterable<readonly (readonly [number, number] | undefined)[]> {
  let from = 0;
  while (from <= text.length) {
    const groups = regex.find(text, from);
    const whole = groups?.[0];
    if (!groups || !whole) return;
    yield groups;
    from = whole[1] > whole[0] ? whole[1] : whole[1] + ((text.codePointAt(whole[1]) ?? 0) > 0xffff ? 2 : 1);
  }
}
