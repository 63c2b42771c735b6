import { jsonCodec } from '@laminar/codecs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bindQuery, compileQuery, decodedMessage, loadSql, RowError } from './index.js';
import { ownAnswer } from './testing/differential/compare.js';
import { Oracle } from './testing/differential/oracle.js';
import { rowsOf } from './testing/differential/rows.js';
import { message, relationsOf } from './testing.js';

/** PostgreSQL in WebAssembly takes its time to start on a busy machine. */
const limitMs = 180_000;
const rows = rowsOf(1, () => 0);

let oracle: Oracle;
beforeAll(async () => {
  await loadSql();
  oracle = await Oracle.open(rows);
}, limitMs);
afterAll(() => oracle.close());

/** Values of texts that no planner computes ahead. */
const texts: { readonly [type: string]: readonly string[] } = {
  NUMERIC: ['1.005', '-1.005', '99.994', '99.995', '-99.995', '12345', '0', '0.004', '1e-30', '150', '49', 'x'],
  TEXT: ['', 'abc', 'abcd', 'abc  ', 'a😀c😀', '   '],
  TIMESTAMP: ['2026-03-29 01:30:00.123456', '1969-12-31 23:59:59.9995', '2000-01-01 00:00:00.5'],
};
const targets: readonly (readonly [from: string, to: string])[] = [
  ['NUMERIC', 'numeric(4,2)'],
  ['NUMERIC', 'decimal(3)'],
  ['NUMERIC', 'numeric(2,-2)'],
  ['NUMERIC', 'dec(3,5)'],
  ['TEXT', 'varchar(3)'],
  ['TEXT', 'character varying(3)'],
  ['TEXT', 'char varying(2)'],
  ['TIMESTAMP', 'timestamp(3)'],
  ['TIMESTAMP', 'timestamp(0) without time zone'],
];

describe('a cast to a type with bounds', () => {
  it('rounds, cuts and refuses as PostgreSQL does', async () => {
    const questions = targets.flatMap(([from, to]) =>
      (texts[from] ?? []).flatMap((text) => [
        { sql: `((t || '${text}')::${from}::${to})::text`, row: 0 },
        { sql: `((ARRAY[t || '${text}', NULL])::${from}[]::${to.replace(/( without.*)?$/, '$1[]')})::text`, row: 0 },
      ]),
    );
    // The first row's text is empty.
    expect(rows[0]?.t).toBe('');
    const answers = await oracle.ask(questions);
    const disagreements = questions.flatMap(({ sql, row }, i) => {
      const own = ownAnswer(sql, rows[row] ?? {});
      const theirs = answers[i] ?? { error: 'no answer', code: '' };
      const agree =
        'error' in own || 'error' in theirs
          ? 'error' in own && 'error' in theirs
          : JSON.parse(own.json) === theirs.text;
      return agree ? [] : [`${sql}: ${JSON.stringify(own)}, ${JSON.stringify(theirs)}`];
    });
    expect(disagreements).toEqual([]);
  });
});

describe('a column with bounds', () => {
  const read = (type: string, json: string): string => {
    const source = { kind: 'source', name: 'c', jetstream: false, format: 'json' } as const;
    const relations = relationsOf([
      { kind: 'table', name: 't', connection: 'c', source, columns: [{ name: 'x', type }], includeMetadata: false },
    ]);
    const bound = bindQuery('SELECT x FROM t', relations);
    if (bound.status !== 'bound') throw new Error(bound.reason);
    try {
      const [row] = compileQuery(bound.query).process(decodedMessage(message(`{"x":${json}}`), jsonCodec));
      return new TextDecoder().decode(row?.data);
    } catch (error) {
      if (error instanceof RowError) return `${error.code}: ${error.message}`;
      throw error;
    }
  };

  it.each([
    ['NUMERIC(4,2)', '1.005', '{"x":1.01}'],
    ['NUMERIC(4,2)', '"1.005"', '{"x":1.01}'],
    ['NUMERIC(4,2)', '99.995', 'out_of_range: a value is out of range for NUMERIC(4,2)'],
    ['NUMERIC(4,2)', 'null', '{"x":null}'],
    ['NUMERIC(20,0)', '12345678901234567890', '{"x":12345678901234567890}'],
    ['VARCHAR(3)', '"abc"', '{"x":"abc"}'],
    ['VARCHAR(3)', '"abc   "', '{"x":"abc"}'],
    ['VARCHAR(3)', '"😀😀😀"', '{"x":"😀😀😀"}'],
    ['VARCHAR(3)', '"abcd"', 'too_large: a text is too long for VARCHAR(3), at character 8 of the query'],
    ['VARCHAR(3)[]', '["a",null,"abc "]', '{"x":["a",null,"abc"]}'],
    ['VARCHAR(3)[]', '["a","abcd"]', 'too_large: a text is too long for VARCHAR(3), at character 8 of the query'],
    ['TIMESTAMP(0)', '"2026-03-29T01:30:00.5Z"', '{"x":"2026-03-29T01:30:01Z"}'],
  ])('%s of %s gives %s', (type, json, gives) => {
    expect(read(type, json)).toBe(gives);
  });
});
