import { describe, expect, it } from 'vitest';
import { parseScript, SqlError } from '../index.js';

function refusal(script: string): SqlError {
  try {
    parseScript(script);
  } catch (error) {
    if (error instanceof SqlError) return error;
    throw error;
  }
  throw new Error(`${script} is not refused`);
}

describe('the statements of a script', () => {
  it('say where they begin, with their own texts', () => {
    const script = `-- 😀 first
      CREATE CONNECTION "My" TO nats (servers = 'a;b', subject = 'x.>'); ;
      CREATE OR REPLACE PIPELINE p WITH (on_error = 'skip') AS
        SELECT 'a;b' AS x, /* ; */ "c;d" FROM My -- the end
      ;SHOW PIPELINES`;
    const statements = parseScript(script);
    for (const { offset, text } of statements)
      expect([...script].slice(offset, offset + [...text].length).join('')).toBe(text);
    expect(statements).toMatchObject([
      { type: 'create_connection', name: 'My', connector: 'nats', options: { servers: 'a;b', subject: 'x.>' } },
      {
        type: 'create_pipeline',
        name: 'p',
        orReplace: true,
        options: { on_error: 'skip' },
        query: `SELECT 'a;b' AS x, /* ; */ "c;d" FROM My`,
      },
      { type: 'show', kind: 'pipeline' },
    ]);
    const [, pipeline] = statements;
    const from = pipeline?.type === 'create_pipeline' ? pipeline.queryOffset : 0;
    expect([...script].slice(from).join('')).toMatch(/^SELECT 'a;b'/);
  });

  it.each([
    [' ;; -- nothing\n /* /* nested */ */ ;', []],
    [
      'START PIPELINE a; stop pipeline A',
      [
        { type: 'start_pipeline', name: 'a' },
        { type: 'stop_pipeline', name: 'a' },
      ],
    ],
    ['DROP TABLE IF EXISTS "A" CASCADE', [{ type: 'drop', kind: 'table', name: 'A', ifExists: true, cascade: true }]],
    ['DROP CONNECTION a-b-1', [{ type: 'drop', kind: 'connection', name: 'a-b-1', ifExists: false, cascade: false }]],
    ['EXPLAIN SELECT 1', [{ type: 'explain', query: 'SELECT 1', queryOffset: 8 }]],
    ['ALTER CONNECTION c SET (max_reconnects = -1)', [{ type: 'alter', options: { max_reconnects: -1 } }]],
    [
      'CREATE TABLE t (id BIGINT, "Name" varchar, customerId double precision) WITH (connector = \'c\')',
      [
        {
          columns: [
            { name: 'id', type: 'BIGINT' },
            { name: 'Name', type: 'TEXT' },
            { name: 'customerId', type: 'DOUBLE PRECISION' },
          ],
          options: { connector: 'c' },
        },
      ],
    ],
    [
      "CREATE TABLE t (a decimal(10, 2), b timestamp(3) without time zone, c varchar(5)[], d float(10)) WITH (connector = 'c')",
      [
        {
          columns: [
            { name: 'a', type: 'NUMERIC(10,2)' },
            { name: 'b', type: 'TIMESTAMP(3)' },
            { name: 'c', type: 'VARCHAR(5)[]' },
            { name: 'd', type: 'REAL' },
          ],
        },
      ],
    ],
    ["SELECT extract(epoch FROM 'now') FROM system.spans s JOIN system.workers w", [{ over: 'system' }]],
  ])('%j is read', (script, statements) => {
    expect(parseScript(script)).toMatchObject(statements);
    expect(parseScript(script)).toHaveLength(statements.length);
  });

  it('take every kind of value of an option, whatever its name, and say where it stands', () => {
    const script = `CREATE CONNECTION c TO nats (/* 😀 */ a = 'it''s', b = E'\\n', c = $x$a'b$x$, d = 1.5, e = -2, f = true,
      "G h" = [1, 'x', []], __proto__ = MAP { '__proto__': [true], 'k': MAP {} }, h = 1_000)`;
    const [statement] = parseScript(script);
    if (statement?.type !== 'create_connection') throw new Error('it is no CREATE CONNECTION');
    expect(Object.entries(statement.options)).toEqual([
      ['a', "it's"],
      ['b', '\n'],
      ['c', "a'b"],
      ['d', 1.5],
      ['e', -2],
      ['f', true],
      ['G h', [1, 'x', []]],
      [
        '__proto__',
        Object.fromEntries([
          ['__proto__', [true]],
          ['k', {}],
        ]),
      ],
      ['h', 1000],
    ]);
    for (const [name, at] of Object.entries(statement.optionOffsets))
      expect([...script].slice(at).join('')).toMatch(new RegExp(`^"?${name}"? =`));
  });

  it.each([
    ['CREAT TABLE x', 'syntax_error', 0],
    ['SHOW PIPELINES; nonsense', 'syntax_error', 16],
    ['CREATE CONNECTION 1x TO nats ()', 'syntax_error', 18],
    ['CREATE CONNECTION "a b" TO nats ()', 'invalid_name', 18],
    ['CREATE CONNECTION c TO nats (a = 1, A = 2)', 'syntax_error', 36],
    ['CREATE CONNECTION c TO nats (a = )', 'syntax_error', 33],
    ['CREATE CONNECTION c TO nats (a = 1 b = 2)', 'syntax_error', 35],
    ["CREATE CONNECTION c TO nats (a = 'x", 'syntax_error', 33],
    [`CREATE CONNECTION c TO nats (a = ${'['.repeat(40)})`, 'too_large', 50],
    ['CREATE OR REPLACE TABLE IF NOT EXISTS t (a INT) WITH ()', 'syntax_error', 24],
    ['CREATE TABLE t (a INT[3]) WITH ()', 'syntax_error', 22],
    ['CREATE TABLE t (a NUMERIC(x)) WITH ()', 'syntax_error', 26],
    ['CREATE TABLE t (a CHAR(3)) WITH ()', 'unknown_type', 18],
    ['INSERT INTO out SELECT * FROM orders', 'unsupported', 0],
    ['CREATE PIPELINE p AS ;', 'syntax_error', 21],
    ['SELECT * FROM system.workers, orders', 'unsupported', 30],
    ["SELECT '😀' AS \"x", 'syntax_error', 14],
    ['/* 😀 open', 'syntax_error', 0],
    ['SELECT $a$ x', 'syntax_error', 7],
    ['SELECT 1\u00a0+ 1', 'syntax_error', 8],
    ['DROP c', 'syntax_error', 5],
  ])('%j is refused', (script, code, offset) => {
    expect(refusal(script)).toMatchObject({ code, offset });
  });

  it('are a mebibyte at most, and read whatever they hold', () => {
    expect(refusal(' '.repeat(1024 * 1024 + 1)).code).toBe('too_large');
    expect(() => parseScript(`CREATE CONNECTION c TO nats (${"😀 = 'x', ".repeat(50_000)})`)).toThrow(SqlError);
    expect(parseScript('SHOW TABLES; /* 😀 */'.repeat(10_000))).toHaveLength(10_000);
    expect(refusal('SHOW TABLES; /* 😀 */'.repeat(40_000)).code).toBe('too_large');
  });
});

it('reads a type of any number of words, and what is no type is told of later', () => {
  const [statement] = parseScript(`CREATE TABLE t (a ${'word '.repeat(100_000)}) WITH (connector = 'c')`);
  if (statement?.type !== 'create_table') throw new Error('it is no CREATE TABLE');
  expect(statement.columns[0]?.type).toHaveLength(499_999);
  const bounds = `NUMERIC(${'1,'.repeat(100_000)}1)`;
  expect(refusal(`CREATE TABLE t (a ${bounds}) WITH (connector = 'c')`)).toMatchObject({ code: 'unknown_type' });
});

it('refuses a key of a MAP that is given twice, where it stands', () => {
  const text = "CREATE CONNECTION c TO nats (permissions = MAP { 'publish': ['a'], 'publish': ['b'] })";
  expect(() => parseScript(text)).toThrow(
    expect.objectContaining({ code: 'syntax_error', offset: text.lastIndexOf("'publish'") }),
  );
});
