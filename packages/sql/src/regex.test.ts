import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadSql } from './index.js';
import { ownAnswer } from './testing/differential/compare.js';
import { Oracle } from './testing/differential/oracle.js';
import { rowsOf } from './testing/differential/rows.js';
import { cases } from './testing.js';

/** PostgreSQL in WebAssembly takes its time to start on a busy machine. */
const limitMs = 180_000;

const rows = rowsOf(1, () => 0);
let oracle: Oracle;
beforeAll(async () => {
  await loadSql();
  oracle = await Oracle.open(rows);
}, limitMs);
afterAll(() => oracle.close());

const pieces = fc.constantFrom(
  ...[
    'a',
    'b',
    'é',
    '😀',
    '.',
    '^',
    '$',
    '|',
    '(',
    ')',
    '(?:',
    '[ab]',
    '[^a]',
    '[a-c]',
    '[]a]',
    '[[:alpha:]]',
    '[\\d.-]',
    '\\d',
    '\\W',
    '\\s',
  ],
  ...['*', '+', '?', '{2}', '{1,2}', '{2,}', '\\.', '\\\\', '-', ',', ' ', 'x', '1', '{', '}'],
);
const patterns = fc.array(pieces, { minLength: 1, maxLength: 7 }).map((parts) => parts.join(''));
const texts = fc
  .array(fc.constantFrom('a', 'b', 'c', 'é', '😀', '.', ' ', '1', '-', 'x', '\\', '{'), { maxLength: 8 })
  .map((parts) => parts.join(''));

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

describe('regular expressions', () => {
  it(
    'match what they match in PostgreSQL',
    async () => {
      const tried = fc.sample(fc.tuple(patterns, texts, fc.boolean()), {
        numRuns: cases(3000),
        seed: fc.readConfigureGlobal().seed ?? 1,
      });
      const questions = tried.map(([pattern, text, ignoresCase]) => ({
        sql: `${quoted(text)} ${ignoresCase ? '~*' : '~'} ${quoted(pattern)}`,
        row: 0,
      }));
      const matches = tried.map(([pattern, text]) => ({
        sql: `regexp_match(${quoted(text)}, ${quoted(pattern)})`,
        row: 0,
      }));
      const differences: string[] = [];
      let values = 0;
      for (const asked of [questions, matches]) {
        const answers = await oracle.ask(asked);
        for (const [i, { sql }] of asked.entries()) {
          const theirs = answers[i];
          const own = ownAnswer(sql, rows[0] ?? {});
          const there = theirs && 'error' in theirs ? 'an error' : (theirs?.json ?? 'null');
          const here = 'error' in own ? 'an error' : own.json;
          if (there !== 'an error') values++;
          // Meant, and in the reference: which match such a pattern prefers is for backtracking to say.
          if ('error' in own && own.error.includes('greedy and non-greedy')) continue;
          if (there !== here)
            differences.push(
              `${sql}: ${here} here (${'error' in own ? own.error : ''}), ${there} there (${theirs && 'error' in theirs ? theirs.error : ''})`,
            );
        }
      }
      expect(values).toBeGreaterThan(tried.length / 3);
      expect(differences.slice(0, 60).join('\n')).toBe('');
    },
    limitMs,
  );
});
