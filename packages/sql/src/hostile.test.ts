import { jsonCodec } from '@laminar/codecs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  bindQuery,
  compileQuery,
  decodedMessage,
  loadSql,
  parseScript,
  queryReferences,
  RowError,
  SqlError,
} from './index.js';
import { evaluate, message, relations, run } from './testing.js';

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
      { numRuns: 1000 },
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
      { numRuns: 1500 },
    );
  });
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
  ])('is refused where it %s', (_, query) => {
    expect(() => bindQuery(query, relations)).toThrow(expect.objectContaining({ code: 'too_large' }));
    expect(evaluate('1 + 1')).toBe('2');
  });

  it('is looked through for its relations in no time, however often it names them', () => {
    const twice = Array.from({ length: 15 }, (_, i) => {
      const before = i === 0 ? 'orders' : `c${i - 1}`;
      return `c${i} AS (SELECT * FROM ${before} UNION ALL SELECT * FROM ${before})`;
    });
    expect(queryReferences(`WITH ${twice.join(', ')} SELECT * FROM c14`).reads).toEqual(['orders']);
  });

  it('binds in time where it only has many columns', () => {
    const names = Array.from({ length: 8000 }, (_, i) => `a${i}`);
    const before = performance.now();
    expect(bindQuery(`SELECT '😀' AS e, ${names.join(',')} FROM orders`, relations).status).toBe('bound');
    expect(performance.now() - before).toBeLessThan(5000);
  });
});

describe('a regular expression', () => {
  const long = 'a'.repeat(100_000);

  it.each(['(a+)+$', '(a|aa)+$', '(a*)*b', '(.*)*x', '^(([a-z])+.)+[A-Z]([a-z])+$', '(a?){200}a{200}b'])(
    '%s takes time linear to the text',
    (pattern) => {
      const before = performance.now();
      expect(evaluate(`x ~ '${pattern}'`, JSON.stringify({ x: `${long}!` }))).toBe('false');
      expect(evaluate(`x ~ p`, JSON.stringify({ x: `${long}!`, p: pattern }))).toBe('false');
      expect(performance.now() - before).toBeLessThan(10_000);
    },
  );

  it.each([
    '((((a{255}){255}){255}){255})',
    '(((a{2}){255}){255})*',
    `${'('.repeat(3000)}a${')'.repeat(3000)}`,
    'a'.repeat(10_001),
  ])('that is too large is refused in no time (%#)', (pattern) => {
    const before = performance.now();
    expect(() => evaluate(`x ~ '${pattern}'`, '{"x":"a"}')).toThrow(SqlError);
    expect(() => evaluate('x ~ p', JSON.stringify({ x: 'a', p: pattern }))).toThrow(RowError);
    expect(performance.now() - before).toBeLessThan(5000);
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
      { numRuns: 500 },
    );
  });
});
