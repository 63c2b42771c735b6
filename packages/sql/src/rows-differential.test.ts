import { jsonCodec } from '@laminar/codecs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bindQuery, compileQuery, decodedMessage, loadSql, RowError } from './index.js';
import { difference } from './testing/differential/compare.js';
import { type GeneratedRows, generateRows } from './testing/differential/generate-rows.js';
import { Oracle } from './testing/differential/oracle.js';
import { randomOf } from './testing/differential/random.js';
import { messageOf, type Row, rowRelations, rowsOf } from './testing/differential/rows.js';
import { message } from './testing.js';

const seed = fc.readConfigureGlobal().seed ?? Date.now();
const queries = 500;
/** PostgreSQL in WebAssembly takes its time to start on a busy machine. */
const limitMs = 180_000;

/** A value: its type, and the JSON text here, or its text and JSON there. */
type OwnRows = readonly (readonly { readonly type: string; readonly json: string }[])[] | { readonly error: string };
type TheirRows =
  | readonly (readonly [type: string, text: string | null, json: string | null][])[]
  | { readonly error: string };

function ownRows({ own, columns }: GeneratedRows, row: Row): OwnRows {
  const bound = bindQuery(own, rowRelations);
  if (bound.status !== 'bound') throw new Error(bound.reason);
  const types = bound.query.columns.map(({ type }) => type);
  try {
    const { process } = compileQuery(bound.query);
    const rows = process(decodedMessage(message(messageOf(row)), jsonCodec));
    return rows.map(({ data }) =>
      valuesOf(new TextDecoder().decode(data), columns).map((json, i) => ({ type: types[i] ?? '', json })),
    );
  } catch (error) {
    if (error instanceof RowError) return { error: error.message };
    throw error;
  }
}

/** The JSON texts of a row's values: none of them needs its digits kept here. */
function valuesOf(text: string, columns: GeneratedRows['columns']): string[] {
  const values = JSON.parse(text);
  return columns.map(({ name }) => JSON.stringify(values[name]));
}

const compact = (text: string | null) => text?.replace(/([:,]) (?=["\d[{tfn])/g, '$1') ?? null;

function differenceOfRows(own: OwnRows, theirs: TheirRows): string | undefined {
  if ('error' in own || 'error' in theirs)
    return 'error' in own && 'error' in theirs ? undefined : 'an error on one side';
  if (own.length !== theirs.length) return `${own.length} rows here, ${theirs.length} there`;
  for (const [r, row] of own.entries())
    for (const [c, value] of row.entries()) {
      const [type = '', text = null, json = null] = theirs[r]?.[c] ?? [];
      const compacted = { type, text: type === 'text' ? compact(text) : text, json };
      const why = difference(value, compacted, false);
      if (why !== undefined) return `row ${r}, column ${c}: ${why}`;
    }
  return undefined;
}

describe('rows', () => {
  const pick = randomOf(seed);
  const rows = rowsOf(40, pick);
  let oracle: Oracle;
  beforeAll(async () => {
    await loadSql();
    oracle = await Oracle.open(rows);
  }, limitMs);
  afterAll(() => oracle.close());

  it(
    `agree with PostgreSQL in order, value and type: ${queries} queries, seed ${seed}`,
    async () => {
      const differences: string[] = [];
      let answered = 0;
      for (let i = 0; i < queries; i++) {
        const row = pick(rows.length);
        const generated = generateRows(pick, row);
        const own = ownRows(generated, rows[row] ?? {});
        const theirs = (await oracle.rows(generated.theirs)) as TheirRows;
        if (!('error' in theirs) && theirs.length > 0) answered++;
        const why = differenceOfRows(own, theirs);
        if (why !== undefined)
          differences.push(
            `${generated.own}\n${generated.theirs}\n  ${why}\n  here ${JSON.stringify(own)}\n  there ${JSON.stringify(theirs)}\n  over ${JSON.stringify(rows[row])}`,
          );
      }
      expect(answered).toBeGreaterThan(queries / 5);
      expect(differences.slice(0, 10).join('\n\n')).toBe('');
    },
    limitMs,
  );
});
