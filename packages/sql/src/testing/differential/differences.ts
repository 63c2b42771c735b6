import type { Own } from './compare.js';
import type { Answer } from './oracle.js';

/** NaN, Infinity and -Infinity, as doubles and as texts, which errors do not hold. */
const infinite = /^(?:-?Infinity|NaN|a text of [389] characters) is no NUMERIC$/;

/** The error itself, where constants fail for every row. */
const told = (error: string): string => error.replace(/^this fails for every row: /, '');

/** Differences from PostgreSQL that are meant, as far as generated expressions meet them. Each is in the reference, with its reason. */
const differences: readonly { readonly name: string; holds(own: Own, theirs: Answer): boolean }[] = [
  {
    name: 'NUMERIC is finite',
    holds: (own) => 'error' in own && infinite.test(told(own.error)),
  },
  {
    name: 'a literal beside || and a BYTEA is in hexadecimal',
    holds: (own) => 'error' in own && own.error === 'a literal beside || and a BYTEA is bytes in hexadecimal',
  },
  { name: 'times are finite', holds: (own) => 'error' in own && told(own.error) === 'an INTERVAL is finite' },
  {
    name: 'the time of an INTERVAL is below 2^53 microseconds',
    holds: (own) => 'error' in own && /(?:^a value|') is out of range for INTERVAL$/.test(told(own.error)),
  },
  {
    name: 'what an expression builds has a million characters, bytes or elements at most',
    holds: (own) => 'error' in own && / is larger than \d+(?:,|$)/.test(own.error),
  },
  {
    name: 'B, C and SP, and PR beside the sign by another pattern, are refused in templates of numbers',
    holds: (own) => 'error' in own && /of the template (?:means nothing|cannot stand behind PR)/.test(told(own.error)),
  },
  {
    name: 'V does not wrap an INTEGER around',
    holds: (own) => 'error' in own && /out of range for INTEGER$/.test(told(own.error)),
  },
  {
    name: 'a call that PostgreSQL finds ambiguous takes the nearest overload',
    holds: (_, theirs) => 'error' in theirs && theirs.code === '42725',
  },
];

/** The deliberate difference that two answers show, by its name. */
export const deliberateDifference = (own: Own, theirs: Answer): string | undefined =>
  differences.find(({ holds }) => holds(own, theirs))?.name;
