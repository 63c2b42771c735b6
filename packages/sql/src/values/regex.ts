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
/** What one regular expression may weigh, and all that a query writes: the automata of one take 0.2 s at most to build. */
export const regexWeightMax = 10_000;
export const queryRegexWeightMax = 25_000;
/** What an automaton weighs before any of its parts. */
const weightMin = 20;

/** The automata of patterns, for the next row and the next query. */
const cache = new Map<string, Weighed>();
/** What they may weigh in all, which is as much as several queries write. */
const cacheWeightMax = 200_000;
let cacheWeight = 0;

const lettersCountMore = 'where what stands for any letter, as \\w does, counts as several';

interface Weighed {
  readonly regex: Regex;
  readonly weight: number;
}

/** What is left to the query that is being bound. */
let left = Number.POSITIVE_INFINITY;

/** Does the work of binding a query, which may write so many regular expressions and no more, whether or not they are known from before: beyond that `regexOf` throws. */
export function withinRegexBudget<T>(work: () => T): T {
  const before = left;
  left = Math.min(left, queryRegexWeightMax);
  try {
    return work();
  } finally {
    left = before;
  }
}

/** The regular expression that a pattern writes. `flags` are PostgreSQL's: `i`, `c`, `n`, `s`, `q`; others throw. Throws `RowError`. */
export function regexOf(pattern: string, flags = ''): Regex {
  const key = `${flags}/${pattern}`;
  const known = cache.get(key);
  if (known) {
    charge(known.weight);
    return known.regex;
  }
  const made = compile(pattern, flags);
  cache.set(key, made);
  cacheWeight += made.weight;
  // The oldest go: patterns that come from data must not fill the memory.
  for (const [oldest, { weight }] of cache) {
    if (cacheWeight <= cacheWeightMax) break;
    cache.delete(oldest);
    cacheWeight -= weight;
  }
  return made.regex;
}

function charge(weight: number): void {
  if (weight > left)
    throw new RowError(
      'too_large',
      `the regular expressions of a query come to more than ${queryRegexWeightMax} characters when their bounds are written out, ${lettersCountMore}`,
    );
  left -= weight;
}

function compile(pattern: string, flags: string): Weighed {
  if (pattern.length > patternLengthMax)
    throw new RowError('too_large', `a regular expression has at most ${patternLengthMax} characters`);
  const { source, ignoresCase, newlineSensitive, greed, weight } = translatePattern(pattern, flags);
  if (weight > regexWeightMax)
    throw new RowError(
      'too_large',
      `a regular expression has at most ${regexWeightMax} characters when its bounds are written out, ${lettersCountMore}`,
    );
  charge(weight + weightMin);
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
  const regex: Regex = {
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
  return { regex, weight: weight + weightMin };
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
