import { resolve } from 'node:path';
import { metadataColumns } from '@laminar/definitions';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { functionSections } from '../functions/index.js';
import { loadSql, parseScript, RowError, SqlError } from '../index.js';
import { statementForms } from '../statements/forms.js';
import { difference, ownAnswer } from '../testing/differential/compare.js';
import { Oracle } from '../testing/differential/oracle.js';
import { rowsOf } from '../testing/differential/rows.js';
import { evaluate, run } from '../testing.js';
import { metadataNotes } from './columns.js';
import { differences } from './differences.js';
import { keptNotes } from './kept-bytes.js';
import { literalNotes, nameNotes } from './lexis.js';
import { numberTemplateNotes } from './number-templates.js';
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
  it.each(Object.entries(sqlReference()))('is docs/reference/%s (npm run docs writes it anew)', async (name, text) => {
    await expect(text).toMatchFileSnapshot(resolve(import.meta.dirname, '../../../../docs/reference', name));
  });

  it.each(Object.entries(statementForms))('shows the statement %s by an example that is one', (type, { example }) => {
    expect(parseScript(`${example};`)).toMatchObject([{ type }]);
  });

  it.each(literalNotes.map(({ what, example }) => [what, ...example] as const))(
    'shows the literal %s by an example that holds',
    async (_, expression, gives) => {
      expect(evaluate(expression)).toBe(gives);
      expect(await agreement(expression)).toBeUndefined();
    },
  );

  it.each(nameNotes.map(({ example }) => example))('says truly how names are read: %s', (query, payload, row) => {
    expect(run(query, payload)).toEqual([row]);
  });

  it.each(keptNotes.map(({ example }) => example))('says truly what goes out as it came: %s', (query, payload, row) => {
    expect(run(query, payload)).toEqual([row]);
  });

  it('says something of each metadata column, and of nothing else', () => {
    expect(Object.keys(metadataNotes)).toEqual(Object.keys(metadataColumns));
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

  it.each(numberTemplateNotes.map(({ patterns, example }) => [patterns.join(), ...example] as const))(
    'shows the pattern %s by an example that holds',
    async (_, expression, gives) => {
      expect(evaluate(expression)).toBe(gives);
      expect(await agreement(expression)).toBeUndefined();
    },
  );

  it('has every operator that a query may have', async () => {
    const names = await oracle.operators();
    expect(names.length).toBeGreaterThan(30);
    const columnsOfTypes = ['t', 'b', 'i', 'd', 'n', 'ts', 'dt', 'by', 'j', 'ta', 'ia', "INTERVAL '1 day'"];
    const refusal = (expression: string) => {
      const own = ownAnswer(expression, row[0] ?? {});
      return 'error' in own ? own.error : undefined;
    };
    const binds = (expression: string) => refusal(expression) === undefined;
    /** Of one that is refused by its name for every type beside itself, no other pair needs to be tried. */
    const isKnown = (name: string) =>
      columnsOfTypes.some((type) => refusal(`${type} ${name} ${type}`) !== `the operator ${name} is not supported`);
    const accepted = names.filter(
      (name) =>
        columnsOfTypes.some((type) => binds(`${name} ${type}`)) ||
        (isKnown(name) &&
          columnsOfTypes.some((left) => columnsOfTypes.some((right) => binds(`${left} ${name} ${right}`)))),
    );
    const told = operatorNotes.flatMap(([, notes]) => notes.flatMap(({ operator }) => operator.split(/[, ]+/)));
    expect(accepted.filter((name) => !told.includes(name))).toEqual([]);
  });

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
