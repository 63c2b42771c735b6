import { jsonCodec } from '@laminar/codecs';
import { columnTypes } from '@laminar/definitions';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  bindQuery,
  compileQuery,
  decodedMessage,
  loadSql,
  parseScript,
  queryFacts,
  queryReferences,
  RowError,
  SqlError,
} from './index.js';
import { cases, evaluate, message, relations, run } from './testing.js';
import { textReader } from './values/convert.js';

beforeAll(() => loadSql());

/** Words and signs of the dialect, so that random texts get past the first word. */
const fragments = fc.constantFrom(
  ...`SELECT INSERT INTO out FROM orders items events WHERE WITH a AS ( ) , ; * . -> ->> :: = <> < + - / % || AND OR NOT NULL CASE WHEN THEN ELSE END IN
  BETWEEN LIKE IS DISTINCT COALESCE lower( JSON_EXTRACT( JSON_OBJECT( CAST( int text numeric json id "id" "order" 'x' '$.a' '1' E'\\' $$ $t$ 1 1.5 1e400
  9223372036854775808 -- /* */ CREATE CONNECTION TABLE PIPELINE DROP ALTER SET MAP { } [ ] TO nats system :: U&'\\ " ' ? $1 payload _nats_subject 😀 é`.split(
    /\s+/,
  ),
  ' ',
  '\n',
  '\0',
  '\ud800',
  '\u00a0',
);
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.array(fragments, { maxLength: 25 }).map((parts) => parts.join(' ')),
  fc.array(fragments, { maxLength: 20 }).map((parts) => `SELECT ${parts.join(' ')} FROM orders`),
);

/** Runs it, and lets nothing pass but an `SqlError` whose position lies within the text. */
function refusedProperly(input: string, work: () => unknown): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    expect(error.offset).toBeGreaterThanOrEqual(0);
    expect(error.offset).toBeLessThanOrEqual([...input].length);
  }
}

describe('any text', () => {
  it('is a script or an SqlError with a position', () => {
    fc.assert(
      fc.property(text, (input) => refusedProperly(input, () => parseScript(input))),
      { numRuns: cases(2000) },
    );
  });

  it('is a query or an SqlError with a position, and what binds compiles', () => {
    fc.assert(
      fc.property(text, fc.json(), (input, payload) =>
        refusedProperly(input, () => {
          const bound = bindQuery(input, relations);
          expect(queryReferences(input).reads.length).toBeGreaterThan(0);
          if (bound.status !== 'bound') return;
          const query = compileQuery(bound.query);
          try {
            query.process(decodedMessage(message(payload), jsonCodec));
          } catch (error) {
            if (!(error instanceof RowError)) throw error;
          }
        }),
      ),
      { numRuns: cases(3000) },
    );
  });
});

describe('a long text that is no value', () => {
  /** Time quadratic to it would be a minute for one text, and beyond the limit of a test for all. */
  const length = 200_000;
  /** What is told apart only at the end of what repeats, behind each of these beginnings. */
  const beginnings = ['', '2026-03-29', '2026-03-29 01:30:00', '1 day', 'P', '{', '"', '\\x', '0x'];
  const repeated = ['1', '1.', ' ', ' 1', '1:', '1-', '_1', '1_', '.', '-', 'a', 'T', '1D', '1,', '{', '"', '\\'];

  it.each([...columnTypes, 'INTERVAL', 'TEXT[]', 'NUMERIC[]'] as const)(
    'is refused as %s in time linear to it',
    (type) => {
      const read = textReader(type);
      for (const beginning of beginnings) {
        for (const part of repeated) {
          const text = `${beginning}${part.repeat(length / part.length)}!`;
          try {
            read(text);
          } catch (error) {
            if (!(error instanceof RowError)) throw error;
          }
        }
      }
    },
  );
});

describe('a text of a user', () => {
  const hostile = fc.oneof(
    fc.constantFrom(
      '__proto__',
      'constructor',
      'prototype',
      'hasOwnProperty',
      'toString',
      'payload',
      `'"\`\${globalThis.pwned=1}`,
      '\\',
      '\\u0022;globalThis.pwned=1//',
      '*/ globalThis.pwned=1 /*',
      '\n\r\u2028\u2029',
      'c0',
      'v0',
      'fields',
      'message',
    ),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 15 }).filter((name) => !name.includes('\0')),
  );
  const fitsIdentifier = (name: string) => Buffer.byteLength(name) <= 63;
  const quote = (name: string) => `"${name.replaceAll('"', '""')}"`;
  const literal = (value: string) => `'${value.replaceAll("'", "''")}'`;

  it('is data as a literal', () => {
    fc.assert(
      fc.property(hostile, (value) => {
        expect(JSON.parse(evaluate(literal(value)))).toBe(value);
        expect(evaluate(`${literal(value)} = x`, JSON.stringify({ x: value }))).toBe('true');
      }),
    );
  });

  it('is data as a name of a field or an alias', () => {
    fc.assert(
      fc.property(hostile.filter(fitsIdentifier), hostile.filter(fitsIdentifier), (name, alias) => {
        fc.pre(!/^(payload|_nats_)/i.test(name) && !/^(payload|subject|headers)$/.test(alias));
        const payload = `{${JSON.stringify(name)}:"found"}`;
        const [row] = run(
          `SELECT ${quote(name)} AS ${quote(alias)} FROM orders WHERE ${quote(name)} = 'found'`,
          payload,
        );
        expect(row).toBe(`{${JSON.stringify(alias)}:"found"}`);
        expect(run(`SELECT ${quote(name)} AS ${quote(alias)} FROM orders`, '{}')).toEqual([
          `{${JSON.stringify(alias)}:null}`,
        ]);
      }),
    );
  });

  it('is data as a key of JSON', () => {
    fc.assert(
      fc.property(hostile, (key) => {
        const payload = `{${JSON.stringify(key)}:1}`;
        expect(evaluate(`payload->${literal(key)}`, payload)).toBe('1');
        expect(evaluate(`payload->${literal(key)}`, '{}')).toBe('null');
        expect(evaluate(`JSON_OBJECT(${literal(key)}, 1)`)).toBe(payload);
      }),
    );
  });

  it('never runs', () => {
    expect((globalThis as { pwned?: number }).pwned).toBeUndefined();
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe('a query that is too much', () => {
  const chain = (length: number, expression: string) =>
    `WITH ${Array.from(
      { length },
      (_, i) => `c${i} AS (SELECT ${expression} AS x FROM ${i === 0 ? 'orders' : `c${i - 1}`})`,
    ).join(', ')} SELECT x FROM c${length - 1}`;

  it.each([
    ['doubles with each CTE', chain(20, 'x + x')],
    ['is deep when CTEs are written out', chain(30, `x${' + 1'.repeat(150)}`)],
    ['is nested in brackets', `SELECT ${'('.repeat(30_000)}1${')'.repeat(30_000)} AS x FROM orders`],
    ['is nested in NOT', `SELECT ${'NOT '.repeat(15_000)} ok AS x FROM orders`],
    ['is nested in subqueries', `${'SELECT * FROM ('.repeat(40)}SELECT * FROM orders${') a'.repeat(40)}`],
    ['has many CTEs within each other', chain(40, 'x')],
    ['is long', `SELECT ${'a, '.repeat(40_000)} b FROM orders`],
    ['has 10,000 terms', `SELECT ${'a + '.repeat(10_000)} 1 AS x FROM orders`],
    ['joins 10,000 texts', `SELECT ${'a||'.repeat(10_000)} 'b' AS x FROM orders`],
    [
      'is nested in more subqueries than are counted',
      `${'SELECT id FROM ('.repeat(1500)}SELECT id FROM orders${') a'.repeat(1500)}`,
    ],
    ['is nested in calls', `SELECT ${'lower('.repeat(10_000)}a${')'.repeat(10_000)} AS x FROM orders`],
    ['compares with 30,000 values', `SELECT a FROM orders WHERE a IN (${Array(30_000).fill(1).join()})`],
  ])('is refused where it %s', (_, query) => {
    expect(() => bindQuery(query, relations)).toThrow(expect.objectContaining({ code: 'too_large' }));
    expect(evaluate('1 + 1')).toBe('2');
  });

  it.each(['a + ', "a || 'b' || ", "lower(a) || CASE WHEN a IS NULL THEN 'x' END || "])(
    'of any number of operators %sgives a value or is refused, whatever the number',
    (operators) => {
      for (const count of [200, 450, 500, 1000, 3000, 5000, 8000])
        refusedProperly('', () => {
          const query = `SELECT ${operators.repeat(count)} a AS x FROM orders`;
          try {
            run(query, '{"a":1}');
          } catch (error) {
            if (error instanceof SqlError && error.code === 'too_large') return;
            if (!(error instanceof RowError)) throw error;
          }
        });
    },
  );

  it('computes what is 200 levels deep', () => {
    const nested = (open: string, inner: string, close: string) => open.repeat(200) + inner + close.repeat(200);
    expect(evaluate(nested('(', '1', ')'))).toBe('1');
    expect(evaluate(nested('abs(', '-1', ')'))).toBe('1');
    expect(evaluate(nested('CASE WHEN true THEN ', '1', ' END'))).toBe('1');
    expect(evaluate(nested('COALESCE(NULL, ', '1', ')'))).toBe('1');
    expect(evaluate(`payload${"->'a'".repeat(200)}`, `${'{"a":'.repeat(200)}7${'}'.repeat(200)}`)).toBe('7');
  });

  it('is looked through for its relations once, however often it names them', () => {
    const twice = Array.from({ length: 15 }, (_, i) => {
      const before = i === 0 ? 'orders' : `c${i - 1}`;
      return `c${i} AS (SELECT * FROM ${before} UNION ALL SELECT * FROM ${before})`;
    });
    expect(queryReferences(`WITH ${twice.join(', ')} SELECT * FROM c14`).reads).toEqual(['orders']);
  });

  it.each([
    ['joins 800 functions', `SELECT a FROM orders ${'CROSS JOIN unnest(t) AS u#'.repeat(800)}`],
    ['has 4,000 CTEs', `WITH ${'c# AS(TABLE o),'.repeat(3500)} c AS (TABLE o) SELECT a FROM orders`],
  ])('binds where it %s', (_, query) => {
    let count = 0;
    const numbered = query.replaceAll('#', () => `${count++} `);
    expect(bindQuery(numbered, relations).status).toBe('bound');
  });

  it('hands on elements of lists within lists, however many of them', () => {
    const chain = Array.from({ length: 700 }, (_, i) => `unnest(i${i}) i${i + 1}`).join();
    const columns = Array.from({ length: 1000 }, (_, i) => `i700 c${i}`).join();
    expect(run(`SELECT ${columns} FROM orders, ${chain}`, '{"i0":null}')).toEqual([]);
    const some = chain.split(',').slice(0, 200).join();
    const nested = `{"i0":${'['.repeat(200)}1.0${']'.repeat(200)}}`;
    expect(run(`SELECT i200 FROM orders, ${some}`, nested)).toEqual(['{"i200":1.0}']);
  });

  it('is explained where it has many selects', () => {
    const select = `SELECT ${Array.from({ length: 50 }, (_, i) => `a${i}`)} FROM orders WHERE a = 1 AND b = 2`;
    const query = Array(100).fill(select).join(' UNION ALL ');
    const bound = bindQuery(query, relations);
    if (bound.status !== 'bound') throw new Error(bound.reason);
    expect(queryFacts(query, bound.query).branches[99]?.conditions).toEqual(['a = 1', 'b = 2']);
  });

  it('binds where it only has many columns', () => {
    const names = Array.from({ length: 8000 }, (_, i) => `a${i}`);
    expect(bindQuery(`SELECT '😀' AS e, ${names.join(',')} FROM orders`, relations).status).toBe('bound');
  });
});

describe('a script that is too much', () => {
  const connection = (options: string) => `CREATE CONNECTION c TO nats (${options})`;

  it.each([
    ['has more than a MiB', `SHOW TABLES;${' '.repeat(1024 * 1024)}`],
    ['has 80,000 statements', 'SHOW TABLES;'.repeat(80_000)],
    ['has a query of more than 64 KiB', `CREATE PIPELINE p AS SELECT ${'a, '.repeat(30_000)}b FROM c`],
    ['nests the values of an option', connection(`a = ${'['.repeat(100)}${']'.repeat(100)}`)],
  ])('is refused where it %s', (_, script) => {
    expect(() => parseScript(script)).toThrow(expect.objectContaining({ code: 'too_large' }));
  });

  it.each([
    ['of more than 64 KiB', 'SHOW TABLES;\n'.repeat(6000), 6000],
    ['with 60,000 options', connection(Array.from({ length: 60_000 }, (_, i) => `k${i} = 1`).join()), 1],
    [
      'with a map of 60,000 keys',
      connection(`a = MAP {${Array.from({ length: 60_000 }, (_, i) => `'k${i}': 1`).join()}}`),
      1,
    ],
    ['with a query of 30,000 brackets that are not closed', `SELECT ${'a('.repeat(30_000)}`, 1],
  ])('is read where it is one %s', (_, script, statements) => {
    expect(parseScript(script)).toHaveLength(statements);
  });

  it('has names of objects as options, keys and columns, which pollute nothing', () => {
    for (const name of ['__proto__', 'constructor']) {
      const [defined] = parseScript(connection(`${name} = 1, m = MAP { '${name}': MAP { 'polluted': 1 } }`));
      const options = defined?.type === 'create_connection' ? defined.options : {};
      expect(Object.keys(options)).toEqual([name, 'm']);
      expect(Object.keys(options.m ?? {})).toEqual([name]);
      const [table] = parseScript(`CREATE TABLE t (${name} TEXT) WITH (${name} = 'a')`);
      expect(table).toMatchObject({ columns: [{ name, type: 'TEXT' }] });
    }
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe('a value of a message', () => {
  it.each([
    ['a number beyond doubles', 'a + 1', '{"a":1e400}', undefined],
    ['a number beyond doubles, handed on', 'a', '{"a":1e400}', '1e400'],
    ['a number beyond doubles, as a text', "a::text || ' ' || (payload->>'a')", '{"a":1e400}', '"Infinity Infinity"'],
    ['an integer beyond 2^53', 'a + 1', '{"a":9007199254740993}', '9007199254740994'],
    ['an integer beyond 2^53, handed on', 'a', '{"a":9007199254740993}', '9007199254740993'],
    ['the last of duplicate keys', 'a', '{"a":1,"a":2}', '2'],
    ['a key that is written with escapes', 'a', '{"\\u0061":3}', '3'],
    ['half of a surrogate pair', 'length(a)', '{"a":"\\ud800"}', '1'],
    ['a zero to divide by', '1 / a', '{"a":0}', undefined],
    ['a number that overflows INTEGER', 'a::integer', '{"a":3000000000}', undefined],
    ['a number that overflows BIGINT', 'a::bigint', '{"a":9223372036854775808}', undefined],
    ['a text that is no number', 'a::integer', '{"a":"12x"}', undefined],
    ['an object where a number is wanted', 'a + 1', '{"a":{}}', undefined],
    ['a time that there is not', 'a::timestamp', '{"a":"2026-02-30"}', undefined],
    ['a field named like what objects inherit', "a->'__proto__'", '{"a":{}}', 'null'],
  ])('%s: %s', (_, expression, payload, gives) => {
    if (gives === undefined) expect(() => evaluate(expression, payload)).toThrow(Error);
    else expect(evaluate(expression, payload)).toBe(gives);
  });

  it('may have a MiB', () => {
    const long = 'é'.repeat(512 * 1024);
    const payload = JSON.stringify({ a: long });
    expect(evaluate('length(a)', payload)).toBe(String(long.length));
    expect(evaluate("a LIKE '%x%y%z%'", payload)).toBe('false');
    expect(evaluate('upper(a) = a', payload)).toBe('false');
    expect(evaluate('a', payload)).toBe(JSON.stringify(long));
    expect(() => evaluate(`repeat(a, 1000)`, payload)).toThrow(RowError);
    expect(() => evaluate("array_to_string(string_to_array(a, NULL), repeat('x', 1000))", payload)).toThrow(RowError);
  });

  it.each(['%', '_%', '%a%', '%_a_%'])('is compared with a bomb of %s, which comes to an end', (piece) => {
    const payload = JSON.stringify({ a: 'a'.repeat(100_000), p: `${piece.repeat(500)}b` });
    expect(evaluate('a LIKE p', payload)).toBe('false');
    expect(evaluate('a ILIKE p', payload)).toBe('false');
  });
});

describe('a regular expression', () => {
  const long = 'a'.repeat(100_000);

  it.each(['(a+)+$', '(a|aa)+$', '(a*)*b', '(.*)*x', '^(([a-z])+.)+[A-Z]([a-z])+$', '(a?){200}a{200}b'])(
    '%s comes to an end on a long text',
    (pattern) => {
      expect(evaluate(`x ~ '${pattern}'`, JSON.stringify({ x: `${long}!` }))).toBe('false');
      expect(evaluate(`x ~ p`, JSON.stringify({ x: `${long}!`, p: pattern }))).toBe('false');
    },
  );

  it.each([
    '((((a{255}){255}){255}){255})',
    '(((a{2}){255}){255})*',
    `${'('.repeat(3000)}a${')'.repeat(3000)}`,
    'a'.repeat(10_001),
  ])('that is too large is refused (%#)', (pattern) => {
    expect(() => evaluate(`x ~ '${pattern}'`, '{"x":"a"}')).toThrow(SqlError);
    expect(() => evaluate('x ~ p', JSON.stringify({ x: 'a', p: pattern }))).toThrow(RowError);
  });

  it('weighs as much as its bounds repeat, and letters of all alphabets more', () => {
    const fits = (pattern: string) => () => evaluate('x ~ p', JSON.stringify({ x: 'a', p: pattern }));
    for (const pattern of ['a'.repeat(10_000), '(?:[a-z]{100}){10}', '\\w{250}', '(?:(?:ab|c){10}){10}'])
      expect(fits(pattern), pattern.slice(0, 30)).not.toThrow();
    for (const pattern of ['(?:[a-z]{200}){51}', '\\w'.repeat(5000), '[[:alpha:]]{250}'.repeat(3)])
      expect(fits(pattern), pattern.slice(0, 30)).toThrow(expect.objectContaining({ code: 'too_large' }));
  });

  it('is one of those that a query has room for, whether or not it was seen before', () => {
    const query = (count: number, test: (pattern: string) => string) =>
      `SELECT ${Array.from({ length: count }, (_, i) => `${test(`'x${i}[a-z]{200}'`)} AS c${i}`)} FROM orders`;
    const tests = [
      (pattern: string) => `a ~ ${pattern}`,
      (pattern: string) => `regexp_replace(a, ${pattern}, 'x')`,
      (pattern: string) => `a SIMILAR TO ${pattern}`,
    ];
    for (const test of tests) {
      expect(bindQuery(query(100, test), relations).status).toBe('bound');
      for (let again = 0; again < 2; again++)
        expect(() => bindQuery(query(300, test), relations)).toThrow(expect.objectContaining({ code: 'too_large' }));
    }
  });

  it('of any text is one, or an error', () => {
    const pieces = fc.constantFrom(
      'a',
      '(',
      ')',
      '[',
      ']',
      '^',
      '-',
      '*',
      '+',
      '?',
      '{',
      '}',
      '1',
      ',',
      '|',
      '.',
      '\\',
      'd',
      'w',
      '$',
      ':',
      '[:alpha:]',
      '😀',
      '(?:',
      '\\y',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), fc.string({ maxLength: 20 }), (pattern, x) => {
        try {
          evaluate(
            "JSON_ARRAY(x ~ p, to_json(regexp_match(x, p)), regexp_replace(x, p, '<\\\\&>', 'g'))",
            JSON.stringify({ x, p: pattern.join('') }),
          );
        } catch (error) {
          if (!(error instanceof RowError)) throw error;
        }
      }),
      { numRuns: cases(500) },
    );
  });
});
