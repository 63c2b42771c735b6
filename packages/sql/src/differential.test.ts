import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadSql } from './index.js';
import { difference, ownAnswer } from './testing/differential/compare.js';
import { deliberateDifference } from './testing/differential/differences.js';
import { generate } from './testing/differential/generate.js';
import { Oracle } from './testing/differential/oracle.js';
import { randomOf } from './testing/differential/random.js';
import { rowsOf } from './testing/differential/rows.js';

const seed = fc.readConfigureGlobal().seed ?? Date.now();
const expressions = 5000;
const batch = 500;
const depth = 3;
/** PostgreSQL in WebAssembly takes its time to start on a busy machine. */
const limitMs = 180_000;

describe('expressions', () => {
  const pick = randomOf(seed);
  const rows = rowsOf(40, pick);
  let oracle: Oracle;
  beforeAll(async () => {
    await loadSql();
    oracle = await Oracle.open(rows);
  }, limitMs);
  afterAll(() => oracle.close());

  it(
    `agree with PostgreSQL: ${expressions} of them, seed ${seed}`,
    async () => {
      const differences: string[] = [];
      let values = 0;
      for (let done = 0; done < expressions; done += batch) {
        const generated = Array.from({ length: batch }, () => ({ ...generate(pick, depth), row: pick(rows.length) }));
        const answers = await oracle.ask(generated.map(({ sql, row }) => ({ sql, row })));
        for (const [i, { sql, unfolded, row, approximate }] of generated.entries()) {
          const theirs = answers[i] ?? { error: 'no answer', code: '' };
          const own = ownAnswer(sql, rows[row] ?? {});
          if (!('error' in theirs)) values++;
          const why = difference(own, theirs, approximate);
          if (why === undefined || deliberateDifference(own, theirs)) continue;
          const [again] = await oracle.ask([{ sql: unfolded, row }]);
          if (again && difference(own, again, approximate) === undefined) continue;
          const over = JSON.stringify(rows[row]);
          differences.push(
            `${sql}\n  ${why}\n  here ${JSON.stringify(own)}\n  there ${JSON.stringify(theirs)}\n  over ${over}`,
          );
        }
      }
      expect(values).toBeGreaterThan(expressions / 2);
      expect(differences.slice(0, 40).join('\n\n')).toBe('');
    },
    limitMs,
  );
});
