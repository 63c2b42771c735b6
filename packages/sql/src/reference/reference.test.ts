import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { functionSections } from '../functions/index.js';
import { loadSql, RowError, SqlError } from '../index.js';
import { difference, ownAnswer } from '../testing/differential/compare.js';
import { Oracle } from '../testing/differential/oracle.js';
import { rowsOf } from '../testing/differential/rows.js';
import { evaluate } from '../testing.js';
import { differences } from './differences.js';
import { operatorNotes } from './operators.js';
import { sqlReference } from './reference.js';

/** PostgreSQL in WebAssembly takes its time to start on a busy machine. */
const limitMs = 180_000;

const functions = functionSections.flatMap((section) => section.functions);
const row = rowsOf(1, () => 0);
let oracle: Oracle;
beforeAll(async () => {
  await loadSql();
  oracle = await Oracle.open(row);
}, limitMs);
afterAll(() => oracle.close());

const agreement = async (expression: string, approximate = false) => {
  const [theirs] = await oracle.ask([{ sql: expression, row: 0 }]);
  return theirs && difference(ownAnswer(expression, row[0] ?? {}), theirs, approximate);
};

describe('the reference of SQL', () => {
  it('is docs/reference/sql.md (npx vitest run packages/sql/src/reference -u writes it anew)', async () => {
    await expect(sqlReference()).toMatchFileSnapshot(resolve(import.meta.dirname, '../../../../docs/reference/sql.md'));
  });

  it('names each function once, and no operator twice in a section', () => {
    const names = functions.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it.each(functions.map(({ name, example, own, approximate }) => [name, ...example, own, approximate] as const))(
    'shows %s by an example that holds',
    async (_, expression, gives, own, approximate) => {
      expect(evaluate(expression)).toBe(gives);
      if (!own) expect(await agreement(expression, approximate)).toBeUndefined();
    },
  );

  it.each(operatorNotes.flatMap(([, notes]) => notes.map(({ operator, example }) => [operator, ...example] as const)))(
    'shows %s by an example that holds',
    async (_, expression, gives) => {
      expect(evaluate(expression)).toBe(gives);
      expect(await agreement(expression)).toBeUndefined();
    },
  );

  it.each(differences.map(({ what, example }) => [what, ...example] as const))(
    'says truly what differs: %s',
    async (_, expression, gives) => {
      if (gives === undefined) expect(() => evaluate(expression)).toThrow(Error);
      else expect(evaluate(expression)).toBe(gives);
      expect(await agreement(expression)).toBeDefined();
    },
  );

  it('has no example that fails by accident', () => {
    for (const { example } of differences) {
      if (example[1] !== undefined) continue;
      const refused = (() => {
        try {
          return evaluate(example[0]);
        } catch (error) {
          return error;
        }
      })();
      expect(refused instanceof SqlError || refused instanceof RowError).toBe(true);
    }
  });
});
