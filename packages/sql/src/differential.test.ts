import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { functionSections } from './functions/index.js';
import { loadSql } from './index.js';
import { difference, ownAnswer } from './testing/differential/compare.js';
import { deliberateDifference } from './testing/differential/differences.js';
import { generatedFunctions } from './testing/differential/function-rules.js';
import { generate, generateCalls } from './testing/differential/generate.js';
import { generateIntervalText } from './testing/differential/interval-texts.js';
import { generateNumberFormat } from './testing/differential/number-formats.js';
import { Oracle } from './testing/differential/oracle.js';
import { randomOf } from './testing/differential/random.js';
import { rowsOf } from './testing/differential/rows.js';
import { generateTimeFormat } from './testing/differential/time-formats.js';
import { generateTimeFraction } from './testing/differential/time-fractions.js';
import { generateTimeText } from './testing/differential/time-texts.js';
import { cases } from './testing.js';

const seed = fc.readConfigureGlobal().seed ?? Date.now();
const expressions = 5000;
/** How often each overload of each function is called beside. */
const callsOfEach = 3;
/** How many calls of to_char with a number. */
const numberFormats = cases(2000);
/** And with a time or an interval. */
const timeFormats = cases(2000);
/** How many times and intervals of fractions. */
const timeFractions = cases(2000);
/** How many texts that are cast to INTERVAL. */
const intervalTexts = cases(5000);
/** And to TIMESTAMP and DATE. */
const timeTexts = cases(5000);
const batch = 500;
const depth = 3;
/** PostgreSQL in WebAssembly takes its time to start on a busy machine. */
const limitMs = 180_000;

/** Functions that are compared by the examples of the reference and tests of their own alone: what they give depends on the clock, or they have a form of their own. */
const comparedElsewhere: ReadonlySet<string> = new Set(
  'age convert_from current_date extract jsonb_pretty mod now position quote_literal substring to_date to_json to_timestamp'.split(
    ' ',
  ),
);

it('are made of every function that PostgreSQL has too', () => {
  const shared = functionSections.flatMap(({ functions }) =>
    functions.filter(({ own }) => !own).map(({ name }) => name),
  );
  // Those of JSON do what those of JSONB do.
  const left = shared.filter(
    (name) => !generatedFunctions.has(name) && !comparedElsewhere.has(name) && !name.startsWith('json_'),
  );
  expect(left).toEqual([]);
  expect([...comparedElsewhere].filter((name) => generatedFunctions.has(name))).toEqual([]);
});

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
      const calls = Array.from({ length: callsOfEach }, () => generateCalls(pick, depth)).flat();
      const random = Array.from({ length: expressions }, () => generate(pick, depth));
      const all = [...calls, ...random].map((generated) => ({ ...generated, row: pick(rows.length) }));
      for (let done = 0; done < all.length; done += batch) {
        const generated = all.slice(done, done + batch);
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
      expect(values).toBeGreaterThan(all.length / 2);
      expect(differences.slice(0, 40).join('\n\n')).toBe('');
    },
    limitMs,
  );

  it(
    `agree with PostgreSQL in how times and intervals are written by templates: ${timeFormats} of them, seed ${seed}`,
    async () => {
      const calls = Array.from({ length: timeFormats }, () => generateTimeFormat(pick));
      const answers = await oracle.ask(calls.map((sql) => ({ sql, row: 0 })));
      const differences = calls.flatMap((call, i) => {
        const theirs = answers[i] ?? { error: 'no answer', code: '' };
        const own = ownAnswer(call, rows[0] ?? {});
        const why = difference(own, theirs, false);
        if (why === undefined) return [];
        return [`${call}\n  ${why}\n  here ${JSON.stringify(own)}\n  there ${JSON.stringify(theirs)}`];
      });
      expect(answers.filter((answer) => !('error' in answer)).length).toBeGreaterThan(timeFormats / 2);
      expect(differences.slice(0, 40).join('\n\n')).toBe('');
    },
    limitMs,
  );

  it(
    `agree with PostgreSQL in what times and intervals are made of by fractions: ${timeFractions} of them, seed ${seed}`,
    async () => {
      const all = Array.from({ length: timeFractions }, () => generateTimeFraction(pick));
      const answers = await oracle.ask(all.map((sql) => ({ sql, row: 0 })));
      const differences = all.flatMap((sql, i) => {
        const theirs = answers[i] ?? { error: 'no answer', code: '' };
        const own = ownAnswer(sql, rows[0] ?? {});
        const why = difference(own, theirs, false);
        if (why === undefined) return [];
        return [`${sql}\n  ${why}\n  here ${JSON.stringify(own)}\n  there ${JSON.stringify(theirs)}`];
      });
      expect(answers.filter((answer) => !('error' in answer)).length).toBeGreaterThan(timeFractions / 2);
      expect(differences.slice(0, 40).join('\n\n')).toBe('');
    },
    limitMs,
  );

  it(
    `agree with PostgreSQL in which texts are intervals, and which they are: ${intervalTexts} of them, seed ${seed}`,
    async () => {
      const all = Array.from({ length: intervalTexts }, () => generateIntervalText(pick));
      const answers = await oracle.ask(all.map((sql) => ({ sql, row: 0 })));
      const differences = all.flatMap((sql, i) => {
        const theirs = answers[i] ?? { error: 'no answer', code: '' };
        const own = ownAnswer(sql, rows[0] ?? {});
        const why = difference(own, theirs, false);
        if (why === undefined || deliberateDifference(own, theirs)) return [];
        return [`${sql}\n  ${why}\n  here ${JSON.stringify(own)}\n  there ${JSON.stringify(theirs)}`];
      });
      expect(answers.filter((answer) => !('error' in answer)).length).toBeGreaterThan(intervalTexts / 3);
      expect(differences.slice(0, 40).join('\n\n')).toBe('');
    },
    limitMs,
  );

  it(
    `agree with PostgreSQL in which time a text is, where it is one here: ${timeTexts} of them, seed ${seed}`,
    async () => {
      const all = Array.from({ length: timeTexts }, () => ({
        text: generateTimeText(pick),
        type: pick(3) ? 'timestamp' : 'date',
      }));
      // A text with another offset is converted, as only that of a TIMESTAMPTZ is there.
      const answers = await oracle.ask(
        all.map(({ text, type }) => ({ sql: `'${text}'::timestamptz${type === 'date' ? '::date' : ''}`, row: 0 })),
      );
      let values = 0;
      const differences = all.flatMap(({ text, type }, i) => {
        const theirs = answers[i] ?? { error: 'no answer', code: '' };
        const own = ownAnswer(`'${text}'::${type}`, rows[0] ?? {});
        if ('error' in own) return [];
        values++;
        const why = difference(own, theirs, false);
        return why === undefined
          ? []
          : [`${text}\n  ${why}\n  here ${JSON.stringify(own)}\n  there ${JSON.stringify(theirs)}`];
      });
      expect(values).toBeGreaterThan(timeTexts / 6);
      expect(differences.slice(0, 40).join('\n\n')).toBe('');
    },
    limitMs,
  );

  it(
    `agree with PostgreSQL in how numbers are written by templates: ${numberFormats} of them, seed ${seed}`,
    async () => {
      const formats = Array.from({ length: numberFormats }, () => generateNumberFormat(pick));
      const answers = await oracle.ask(formats.map(({ theirs }) => ({ sql: theirs, row: 0 })));
      const differences = formats.flatMap(({ own: call }, i) => {
        const theirs = answers[i] ?? { error: 'no answer', code: '' };
        const own = ownAnswer(call, rows[0] ?? {});
        const why = difference(own, theirs, false);
        if (why === undefined || deliberateDifference(own, theirs)) return [];
        return [`${call}\n  ${why}\n  here ${JSON.stringify(own)}\n  there ${JSON.stringify(theirs)}`];
      });
      expect(answers.filter((answer) => !('error' in answer)).length).toBeGreaterThan(numberFormats / 2);
      expect(differences.slice(0, 40).join('\n\n')).toBe('');
    },
    limitMs,
  );
});
