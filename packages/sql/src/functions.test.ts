import { jsonCodec } from '@laminar/codecs';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  bindFunction,
  bindQuery,
  CallResults,
  compileQuery,
  decodedMessage,
  type Functions,
  functionCalls,
  loadSql,
  type MissingCall,
  PendingCall,
  parseScript,
  queryReferences,
  SqlError,
  type UserFunction,
} from './index.js';
import { message, relations, relationsOf } from './testing.js';

beforeAll(() => loadSql());

type Argument = UserFunction['arguments'][number];
const named = (
  name: string,
  language: UserFunction['language'],
  args: string,
  returns: UserFunction['returns'],
  body: string,
): UserFunction => ({
  name,
  language,
  returns,
  body,
  arguments:
    args === ''
      ? []
      : args.split(', ').map((arg) => {
          const [argument = '', type] = arg.split(' ');
          return { name: argument, type: type as Argument['type'] };
        }),
});

const functionsOf = (...list: UserFunction[]): Functions => ({
  get: (name) => list.find((one) => one.name === name),
  names: () => list.map(({ name }) => name),
});

const library = functionsOf(
  named('gross', 'sql', 'net NUMERIC, rate NUMERIC', 'NUMERIC', 'net * (1 + rate)'),
  named('twice', 'sql', 'x TEXT', 'TEXT', 'x || x'),
  named('four', 'sql', 'x TEXT', 'TEXT', 'twice(twice(x))'),
  named('nothing', 'sql', '', 'BIGINT', 'NULL'),
  named('kind', 'sql', 'value JSON', 'TEXT', 'json_typeof(value)'),
  named('moment', 'sql', '', 'TIMESTAMP', 'now()'),
  named('ask', 'nats', 'id JSON', 'BIGINT', 'data.ask'),
  named('more', 'sql', 'id JSON', 'BIGINT', 'ask(id) + 1'),
);

const bind = (query: string, functions: Functions = library) => bindQuery(query, relations, functions);

function bound(query: string, functions: Functions = library) {
  const result = bind(query, functions);
  if (result.status !== 'bound') throw new Error(result.reason);
  return result.query;
}

const textOf = (data: Uint8Array | undefined) => new TextDecoder().decode(data);

/** The JSON of an expression over a payload, with functions that answer at once. */
function evaluate(expression: string, payload = '{}', answer = (_: MissingCall): string => 'null'): string {
  const compiled = compileQuery(bound(`SELECT ${expression} AS x FROM orders`));
  const results = new CallResults();
  for (;;) {
    try {
      const [row] = compiled.process(decodedMessage(message(payload), jsonCodec), results);
      return textOf(row?.data).slice('{"x":'.length, -1);
    } catch (error) {
      if (!(error instanceof PendingCall)) throw error;
      for (const call of error.calls) results.answered(call, Buffer.from(answer(call)));
    }
  }
}

/** The error of binding something, as `code at offset: message`. */
function errorOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof SqlError) return `${error.code} at ${error.offset}: ${error.message}`;
    throw error;
  }
  throw new Error('it binds');
}

describe('a function in SQL', () => {
  it('is an expression over its arguments', () => {
    expect(evaluate('gross(100, 0.19)')).toBe('119.00');
    expect(evaluate("gross((payload->>'net')::numeric, rate)", '{"net":"1.10","rate":1}')).toBe('2.20');
    expect(evaluate("four('ab')")).toBe('"abababab"');
    expect(evaluate('nothing()')).toBe('null');
    expect(evaluate('kind(a)', '{"a":[1]}')).toBe('"array"');
    expect(evaluate("kind('a')")).toBe('"string"');
    expect(evaluate('twice(NULL)')).toBe('null');
  });

  it('knows its arguments and nothing else, whatever the query calls its columns', () => {
    expect(evaluate('twice(y)', '{"x":"of the message","y":"1"}')).toBe('"11"');
    const closed = named('closed', 'sql', 'a INTEGER', 'INTEGER', 'a + b');
    expect(errorOf(() => bindFunction(closed, library))).toBe(
      'unknown_column at 4: the function "closed" has no column "b"',
    );
  });

  it('gives the query what it depends on', () => {
    expect(bound('SELECT moment() AS m FROM orders').deterministic).toBe(false);
    expect(bound('SELECT twice(a) AS m FROM orders')).toMatchObject({
      deterministic: true,
      awaitsCalls: false,
      asks: [],
    });
    expect(bound('SELECT more(a) AS m FROM orders')).toMatchObject({
      deterministic: false,
      awaitsCalls: true,
      asks: ['ask'],
      calls: ['more'],
    });
    // Also where the column comes through a CTE.
    expect(bound('WITH a AS (SELECT now() AS t FROM orders) SELECT t FROM a').deterministic).toBe(false);
  });

  it.each([
    ['a +', 'syntax_error at 3'],
    ['a, 2', 'unsupported at 3: the body of a function in SQL is one expression over its arguments'],
    ['1 AS x', 'unsupported at'],
    ['a FROM orders', 'unsupported at'],
    ['1 WHERE a = 1', 'unsupported at'],
    ['1 UNION SELECT 2', 'unsupported at'],
    ['1; SELECT 2', 'unsupported at 1: the body of a function in SQL is one expression over its arguments'],
    ['a;', 'unsupported at 1'],
    ['SELECT a', 'unsupported at 0'],
    [' select a;', 'unsupported at 1'],
    ['1 LIMIT 1', 'unsupported at'],
    ['*', 'unsupported at 0'],
    ['count(a)', 'unsupported at 0: count(...) over several messages is not supported'],
    ['(SELECT 1)', 'unsupported at'],
    ["'x' || (a +", 'syntax_error at 11'],
    ["'2' || 'x' || '😀' || a || nope", 'unknown_column at 26'],
    ["'text'::timestamp", 'type_mismatch at'],
    ['a::timestamp', 'type_mismatch at 0'],
  ])('with the body %s is refused', (body, expected) => {
    const one = named('one', 'sql', 'a INTEGER', 'INTEGER', body);
    expect(errorOf(() => bindFunction(one, library))).toContain(expected);
  });

  it('has to give what it declares', () => {
    const wrong = named('wrong', 'sql', 'a TEXT', 'BIGINT', 'a || a');
    expect(errorOf(() => bindFunction(wrong, library))).toBe(
      'type_mismatch at 2: a BIGINT is wanted here, but this is a TEXT',
    );
  });

  it('waits for what it calls', () => {
    const waiting = named('waiting', 'sql', 'a TEXT', 'TEXT', 'later(a)');
    expect(bindFunction(waiting, library)).toEqual({ status: 'blocked', reason: 'there is no function "later"' });
    expect(functionCalls(waiting)).toEqual(['later']);
    expect(bind('SELECT waiting(a) AS x FROM orders', functionsOf(waiting))).toMatchObject({
      status: 'blocked',
      reason: 'there is no function "later"',
    });
  });

  it('that calls itself ends, as do those that double with each level', () => {
    const endless = functionsOf(
      named('f', 'sql', 'a TEXT', 'TEXT', 'g(a)'),
      named('g', 'sql', 'a TEXT', 'TEXT', 'f(a)'),
    );
    expect(errorOf(() => bind('SELECT f(a) AS x FROM orders', endless))).toContain('deeper than 32 levels');
    const levels = Array.from({ length: 30 }, (_, i) =>
      named(`f${i}`, 'sql', 'a TEXT', 'TEXT', i === 0 ? 'a' : `f${i - 1}(a) || f${i - 1}(a)`),
    );
    expect(errorOf(() => bind('SELECT f29(a) AS x FROM orders', functionsOf(...levels)))).toContain('too_large');
  });
});

describe('a call', () => {
  it.each([
    ['gross(1)', 'type_mismatch at 7: the function is gross(net NUMERIC, rate NUMERIC), but is called with 1 argument'],
    ['nothing(1)', 'the function is nothing(), but is called with 1 argument'],
    ['gross(true, 1)', 'type_mismatch at 13: a NUMERIC is wanted here, but this is a BOOLEAN'],
    ["gross('x', 1)", "type_mismatch at 13: 'x' is no NUMERIC"],
  ])('%s is refused', (call, expected) => {
    expect(errorOf(() => bind(`SELECT ${call} AS x FROM orders`))).toContain(expected);
  });

  it('of a function whose body does not hold any more is refused where it stands', () => {
    const broken = functionsOf(
      named('broken', 'sql', 'a TEXT', 'TEXT', 'gross(a)'),
      named('gross', 'sql', '', 'TEXT', "''"),
    );
    expect(errorOf(() => bind('SELECT 1 AS y, broken(a) AS x FROM orders', broken))).toBe(
      'type_mismatch at 15: in the function "broken": the function is gross(), but is called with 1 argument',
    );
  });

  it('of a missing function names a near one, built in or not', () => {
    expect(bind("SELECT twise('a') AS x FROM orders")).toMatchObject({
      status: 'blocked',
      reason: 'there is no function "twise"; did you mean "twice"?',
    });
    expect(bind("SELECT lowr('a') AS x FROM orders")).toMatchObject({
      reason: 'there is no function "lowr"; did you mean "lower"?',
    });
  });

  it('of a built-in function is no call of a user, whatever the catalog holds', () => {
    const shadow = functionsOf(named('lower', 'sql', 'a TEXT', 'TEXT', "'stolen'"));
    expect(bound("SELECT lower('A') AS x FROM orders", shadow)).toMatchObject({ awaitsCalls: false, calls: [] });
    expect(
      queryReferences("SELECT trim(LOWER(a)), MOD(HASH(b), 2), f(g(1)) FROM c WHERE h(1) LIKE 'x' ESCAPE '!'").calls,
    ).toEqual(['f', 'g', 'h']);
  });
});

describe('a call that is awaited', () => {
  const asked: string[] = [];
  const answer = ({ called, request }: MissingCall): string => {
    asked.push(`${called.name}${request}`);
    return '7';
  };
  const run = (expression: string, payload: string): [result: string, ...asked: string[]] => {
    asked.length = 0;
    return [evaluate(expression, payload, answer), ...asked];
  };

  it('hands over its arguments as a JSON array, and is made once for a message', () => {
    expect(run('ask(a) + ask(a) * ask(b)', '{"a":9007199254740993,"b":{"x":"ü"}}')).toEqual([
      '56',
      'ask[9007199254740993]',
      'ask[{"x":"ü"}]',
    ]);
    expect(run('more(ask(missing))', '{}')).toEqual(['8', 'ask[null]', 'ask[7]']);
  });

  it('is made only where it is reached', () => {
    expect(run("CASE WHEN a = 1 THEN ask('yes') ELSE ask('no') END", '{"a":1}')).toEqual(['7', 'ask["yes"]']);
    expect(run("COALESCE(a, ask('x'))", '{"a":1}')).toEqual(['1']);
    expect(run("a = 1 OR ask('x') = 1", '{"a":1}')).toEqual(['true']);
  });

  it.each([
    ['not JSON', 'the function "ask" failed: its result is not valid JSON'],
    ['', 'its result is not valid JSON'],
    ['NaN', 'its result is not valid JSON'],
    ['"seven"', 'its result does not fit: a text of 5 characters is no BIGINT'],
    ['1e40', 'its result does not fit'],
    ['[1]', 'an array cannot be read as BIGINT'],
    [`${'['.repeat(300)}${']'.repeat(300)}`, 'its result is not valid JSON'],
  ])('and answered with %s is an error of the row', (reply, expected) => {
    expect(() => evaluate("ask('x')", '{}', () => reply)).toThrow(expected);
  });

  /** The calls of each evaluation of a message until there are rows, and the rows. */
  const evaluations = (select: string, payload: string) => {
    const compiled = compileQuery(bound(select));
    const results = new CallResults();
    const rounds: string[][] = [];
    for (;;) {
      try {
        const rows = compiled.process(decodedMessage(message(payload), jsonCodec), results);
        return { rounds, rows: rows.map(({ data }) => textOf(data)) };
      } catch (error) {
        if (!(error instanceof PendingCall)) throw error;
        rounds.push(error.calls.map(({ request }) => request));
        for (const call of error.calls) results.answered(call, Buffer.from('7'));
      }
    }
  };

  it('goes out together with all others of its message that do not depend on one another', () => {
    const numbers = Array.from({ length: 250 }, (_, n) => n);
    const requests = numbers.map((n) => `[${n}]`);
    const list = JSON.stringify({ l: numbers });
    const { rounds, rows } = evaluations('SELECT ask(n) AS x, n FROM orders, unnest(l) AS n', list);
    expect(rounds).toEqual([requests]);
    expect(rows).toEqual(numbers.map((n) => `{"x":7,"n":${n}}`));
    const filtered = 'SELECT n FROM orders, unnest(l) AS n WHERE ask(n) > 6';
    expect(evaluations(filtered, list)).toMatchObject({ rounds: [requests], rows: { length: 250 } });
    const left =
      'SELECT n, m FROM orders, unnest(l) AS n LEFT JOIN unnest(ARRAY[n::integer, n::integer + 1000]) AS m ON ask(m) = 8';
    expect(evaluations(left, '{"l":[1,2]}')).toEqual({
      rounds: [['[1]', '[1001]', '[2]', '[1002]']],
      rows: ['{"n":1,"m":null}', '{"n":2,"m":null}'],
    });
    const columns = 'SELECT ask(a) AS x, ask(ask(b)) AS y, ask(a) + 1 AS z FROM orders';
    expect(evaluations(columns, '{"a":1,"b":2}')).toEqual({
      rounds: [['[1]', '[2]'], ['[7]']],
      rows: ['{"x":7,"y":7,"z":8}'],
    });
    const both = 'SELECT ask(a) AS x FROM orders UNION ALL SELECT ask(b) FROM orders WHERE ask(0) = 7';
    expect(evaluations(both, '{"a":1,"b":2}').rounds).toEqual([['[1]', '[0]'], ['[2]']]);
  });

  it('goes out with as many others as fit', () => {
    const numbers = Array.from({ length: 600 }, (_, n) => n);
    const select = 'SELECT m FROM orders, unnest(l) AS n, unnest(ARRAY[ask(n)]) AS m';
    const { rounds, rows } = evaluations(select, JSON.stringify({ l: numbers }));
    expect(rounds.map(({ length }) => length)).toEqual([256, 256, 88]);
    expect(rows).toHaveLength(600);
    const large = JSON.stringify({ l: numbers.slice(0, 5), t: 'x'.repeat(600_000) });
    expect(evaluations('SELECT ask(t || n::text) AS x FROM orders, unnest(l) AS n', large).rounds).toHaveLength(3);
  });

  it('says why it failed, in a few words', () => {
    const results = new CallResults();
    const compiled = compileQuery(bound("SELECT ask('x') AS x FROM orders"));
    const process = () => compiled.process(decodedMessage(message('{}'), jsonCodec), results);
    const pending = (() => {
      try {
        return process();
      } catch (error) {
        return error;
      }
    })() as PendingCall;
    results.failed(pending.calls[0] as MissingCall, 'x'.repeat(10_000));
    expect(process).toThrow(/^the function "ask" failed: x{500}\.\.\.$/);
  });
});

describe('a reply', () => {
  const requests = relationsOf([
    { kind: 'source', name: 'requests', jetstream: false, format: 'json', enableReply: true },
    { kind: 'source', name: 'plain', jetstream: false, format: 'json' },
    { kind: 'source', name: 'stored', jetstream: true, format: 'json' },
  ]);
  const replyTo = (select: string, reply: string | undefined) => {
    const result = bindQuery(`INSERT INTO nats_responder ${select} FROM requests`, requests);
    if (result.status !== 'bound') throw new Error(result.reason);
    expect(result.query).toMatchObject({ replies: true, sink: undefined, writes: 'nats_responder' });
    const rows = compileQuery(result.query).process(decodedMessage(message('{"a":1,"to":"x"}', { reply }), jsonCodec));
    return rows.map(({ subject, data }) => [subject, textOf(data)]);
  };

  it('goes to the reply subject, whatever the row is', () => {
    expect(replyTo('SELECT _nats_reply AS subject, a AS payload', '_INBOX.1')).toEqual([['_INBOX.1', '1']]);
    expect(replyTo('SELECT a AS payload', '_INBOX.1')).toEqual([['_INBOX.1', '1']]);
    expect(replyTo('SELECT a, 2 AS b', '_INBOX.1')).toEqual([['_INBOX.1', '{"a":1,"b":2}']]);
    expect(replyTo('SELECT *', '_INBOX.1')).toEqual([['_INBOX.1', '{"a":1,"to":"x"}']]);
  });

  it('goes nowhere else', () => {
    expect(() => replyTo('SELECT to AS subject, a AS payload'.replace('to AS', '"to" AS'), '_INBOX.1')).toThrow(
      'a reply goes to the reply subject of its request, and to no other',
    );
    expect(() => replyTo('SELECT a AS payload', undefined)).toThrow('without a reply subject');
    for (const reply of ['$JS.API.STREAM.DELETE.X', 'laminar.status_request', 'a.*', 'a b'])
      expect(() => replyTo('SELECT a AS payload', reply)).toThrow('none that may be published to');
  });

  it('needs a connection that takes requests', () => {
    const refused = (from: string) =>
      errorOf(() => bindQuery(`INSERT INTO nats_responder SELECT payload FROM ${from}`, requests));
    expect(refused('plain')).toBe(
      'unsupported at 12: nats_responder cannot reply on the connection "plain": it lacks enable_reply = true',
    );
    expect(refused('stored')).toContain('it reads with JetStream, where nobody waits for a reply');
  });
});

describe('CREATE FUNCTION', () => {
  it('is read with its body, and its places are those of the script', () => {
    const script = `SHOW FUNCTIONS; CREATE OR REPLACE FUNCTION "Add" (a BIGINT, customerId DOUBLE PRECISION) RETURNS DOUBLE PRECISION LANGUAGE SQL AS 'a || ''😀'' || nope';
      DROP FUNCTION IF EXISTS "Add" CASCADE; CREATE FUNCTION zero () RETURNS INT LANGUAGE javascript AS $body$ return '$$'; $body$; DROP FUNCTION zero`;
    const [show, add, drop, zero, last] = parseScript(script);
    expect(show).toMatchObject({ type: 'show', kind: 'function' });
    expect(add).toMatchObject({
      type: 'create_function',
      name: 'Add',
      orReplace: true,
      arguments: [
        { name: 'a', type: 'BIGINT' },
        { name: 'customerId', type: 'DOUBLE PRECISION' },
      ],
      returns: 'DOUBLE PRECISION',
      language: 'sql',
      body: "a || '😀' || nope",
    });
    expect(drop).toMatchObject({ type: 'drop', kind: 'function', name: 'Add', ifExists: true, cascade: true });
    expect(zero).toMatchObject({
      name: 'zero',
      orReplace: false,
      arguments: [],
      returns: 'INTEGER',
      body: " return '$$'; ",
    });
    expect(last).toMatchObject({ type: 'drop', kind: 'function', name: 'zero', ifExists: false, cascade: false });
    const placed = (statement: typeof add, part: string) => {
      if (statement?.type !== 'create_function') throw new Error('it is no function');
      const at = [...statement.body].join('').indexOf(part);
      const offset = [...statement.body.slice(0, at)].length;
      return [...script].slice(statement.placeInBody(offset)).join('').slice(0, part.length);
    };
    expect(placed(add, 'nope')).toBe('nope');
    expect(placed(zero, "'$$'")).toBe("'$$'");
  });

  it('is read with language and body in either order, and with arguments that have names of modes', () => {
    const [first, second] = parseScript(
      'CREATE FUNCTION f (IN a INT, out TEXT, inout DOUBLE PRECISION) RETURNS INT AS $$1$$ LANGUAGE sql; CREATE FUNCTION f (a INT, out TEXT, inout DOUBLE PRECISION) RETURNS INT LANGUAGE sql AS $$1$$',
    );
    const { text, offset, places, placeInBody, ...one } = first as Extract<typeof first, { type: 'create_function' }>;
    expect(second).toMatchObject(one);
    expect(one.arguments.map(({ name }) => name)).toEqual(['a', 'out', 'inout']);
  });

  it('says where its parts stand', () => {
    const script = "/* 😀 */ CREATE FUNCTION f (a INTT, b INT) RETURNS TXT LANGUAGE perl AS ' '";
    const [statement] = parseScript(script);
    if (statement?.type !== 'create_function') throw new Error('it is no function');
    const at = (pointer: string) => [...script].slice(statement.places[pointer]).join('');
    expect(at('/name')).toMatch(/^f \(/);
    expect(at('/arguments')).toMatch(/^\(a/);
    expect(at('/arguments/0/type')).toMatch(/^INTT/);
    expect(at('/arguments/1/name')).toMatch(/^b INT/);
    expect(at('/returns')).toMatch(/^TXT/);
    expect(at('/language')).toMatch(/^perl/);
    expect(at('/body')).toBe("' '");
  });

  it.each([
    ['CREATE FUNCTION f RETURNS INT LANGUAGE sql AS $$1$$', 'expected "(", found "RETURNS"'],
    ['CREATE FUNCTION f (a) RETURNS INT LANGUAGE sql AS $$1$$', 'expected a type, found ")"'],
    ['CREATE FUNCTION f () LANGUAGE sql AS $$1$$', 'expected RETURNS, found "LANGUAGE"'],
    ['CREATE FUNCTION f () RETURNS LANGUAGE sql AS $$1$$', 'expected a type'],
    ['CREATE FUNCTION f () RETURNS INT AS $$1$$', 'expected LANGUAGE'],
    [
      'CREATE FUNCTION f () RETURNS INT LANGUAGE sql AS 1',
      'expected the body as a text: \'...\' or $$...$$, found "1"',
    ],
    ['CREATE FUNCTION IF NOT EXISTS f () RETURNS INT LANGUAGE sql AS $$1$$', 'a function has no IF NOT EXISTS'],
    ['CREATE FUNCTION f (OUT a INT) RETURNS INT LANGUAGE sql AS $$1$$', 'an argument that is OUT is not supported'],
    ['CREATE FUNCTION f (INOUT a INT) RETURNS INT LANGUAGE sql AS $$1$$', 'an argument that is INOUT'],
    ['CREATE FUNCTION f (VARIADIC a INT[]) RETURNS INT LANGUAGE sql AS $$1$$', 'an argument that is VARIADIC'],
    ['CREATE FUNCTION f (a INT DEFAULT 1) RETURNS INT LANGUAGE sql AS $$1$$', 'DEFAULT behind a type is not supported'],
    ['CREATE FUNCTION f (a INT = 1) RETURNS INT LANGUAGE sql AS $$1$$', 'a default behind a type is not supported'],
    [
      'CREATE FUNCTION f (a INT) RETURNS SETOF INT LANGUAGE sql AS $$1$$',
      'a function that RETURNS SETOF is not supported',
    ],
    ['CREATE FUNCTION f (a INT) RETURNS TABLE (b INT) LANGUAGE sql AS $$1$$', 'a function that RETURNS TABLE is not'],
    ['CREATE FUNCTION f (a INT) RETURNS INT IMMUTABLE LANGUAGE sql AS $$1$$', 'IMMUTABLE of a function is not'],
    [
      'CREATE FUNCTION f (a INT) RETURNS INT LANGUAGE sql IMMUTABLE AS $$1$$',
      'IMMUTABLE of a function is not supported',
    ],
    ['CREATE FUNCTION f (a INT) RETURNS INT LANGUAGE sql AS $$1$$ STRICT', 'STRICT of a function is not supported'],
    ['CREATE FUNCTION f (a INT) RETURNS INT LANGUAGE sql', 'expected AS, found the end of the text'],
    ['CREATE TABLE t (a INT NOT NULL) WITH ()', 'NOT behind a type is not supported'],
    ['CREATE TABLE t (a INT PRIMARY KEY) WITH ()', 'PRIMARY behind a type is not supported'],
    ['ALTER FUNCTION f SET (a = 1)', 'expected CONNECTION, TABLE or PIPELINE, found "FUNCTION"'],
    ['DROP CLOUD x', 'expected CONNECTION, TABLE, PIPELINE or FUNCTION, found "CLOUD"'],
  ])('%s is refused', (script, expected) => {
    expect(errorOf(() => parseScript(script))).toContain(expected);
  });
});
