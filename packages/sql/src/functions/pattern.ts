import * as pattern from '../values/pattern.js';
import { regexOf } from '../values/regex.js';
import { define, type FunctionSection, takes } from './definition.js';

const withFlags = (...parameters: 'TEXT'[]) => [...parameters, 'TEXT'] as const;
const checkAt = (flagsAt: number) => ({
  check: (...args: unknown[]) => {
    const flags = args[flagsAt];
    if (args[1] !== undefined && (args.length <= flagsAt || flags !== undefined))
      regexOf(args[1] as string, typeof flags === 'string' ? flags.replaceAll('g', '') : '');
  },
});

export const patternFunctions: FunctionSection = {
  title: 'Regular expressions',
  functions: [
    define(
      'regexp_like',
      'Whether a regular expression matches a part of the text; `~` is the same. Flags: `i` ignores case, `n` is for lines, `q` takes the pattern literally.',
      ["regexp_like('Hello World', 'world$', 'i')", 'true'],
      [takes(withFlags('TEXT', 'TEXT'), 'BOOLEAN', pattern.regexpLike, { optional: 1 })],
      checkAt(2),
    ),
    define(
      'regexp_match',
      'The groups of the first match, or all of it where there are no groups; NULL where nothing matches.',
      ["regexp_match('foobarbequebaz', '(bar)(beque)')", '["bar","beque"]'],
      [takes(withFlags('TEXT', 'TEXT'), 'TEXT[]', pattern.regexpMatch, { optional: 1 })],
      checkAt(2),
    ),
    define(
      'regexp_replace',
      'With the first match replaced, or every one by the flag `g`; `\\1` is a group, `\\&` the match.',
      ["regexp_replace('foobarbaz', 'b(..)', 'X\\1Y', 'g')", '"fooXarYXazY"'],
      [takes(withFlags('TEXT', 'TEXT', 'TEXT'), 'TEXT', pattern.regexpReplace, { optional: 1 })],
      checkAt(3),
    ),
    define(
      'regexp_count',
      'How many matches there are, from a place on.',
      ["regexp_count('123456789012', '\\d\\d\\d', 2)", '3'],
      [takes(['TEXT', 'TEXT', 'INTEGER', 'TEXT'], 'INTEGER', pattern.regexpCount, { optional: 2 })],
      checkAt(3),
    ),
    define(
      'regexp_split_to_array',
      'The parts of the text that a regular expression divides.',
      ["regexp_split_to_array('hello world', '\\s+')", '["hello","world"]'],
      [takes(withFlags('TEXT', 'TEXT'), 'TEXT[]', pattern.regexpSplit, { optional: 1 })],
      checkAt(2),
    ),
  ],
};
