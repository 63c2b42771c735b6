import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bodyProblem, loadCheck, Sandbox } from './index.js';

let sandbox: Sandbox;
beforeAll(async () => {
  await loadCheck();
  sandbox = new Sandbox();
});
afterAll(() => sandbox.close());

/** What a body gives for arguments, by the names a, b, ... */
const run = (body: string, ...args: unknown[]): Promise<string> => runText(body, JSON.stringify(args), args.length);
const runText = (body: string, request: string, count = 1): Promise<string> =>
  sandbox.call({ parameters: ['a', 'b', 'c'].slice(0, count), body }, request);

describe('values', () => {
  it('are JSON, in and out', async () => {
    expect(await run('return { sum: a + b, same: c };', 1, 2, { x: [null, true, 'ü😀\u0000"'] })).toBe(
      JSON.stringify({ sum: 3, same: { x: [null, true, 'ü😀\u0000"'] } }),
    );
  });

  it('keep every digit of an integer, as BigInt', async () => {
    expect(await runText('return { a, next: a.n + 1n, type: typeof a.n };', '[{"n":9007199254740993}]')).toBe(
      '{"a":{"n":9007199254740993},"next":9007199254740994,"type":"bigint"}',
    );
    // Digits within a text or behind a point are no integers.
    expect(await runText('return a;', '[["9007199254740993",1.2345678901234567]]')).toBe(
      '["9007199254740993",1.2345678901234567]',
    );
  });

  it('of no result are null, and of no finite number a text', async () => {
    expect(await run('a;', 1)).toBe('null');
    expect(await run('return a / 0;', 1)).toBe('"Infinity"');
    expect(await run('return Number(a);', 'x')).toBe('"NaN"');
  });

  it('are refused where JSON has none', async () => {
    await expect(run('return () => a;', 1)).rejects.toThrow('it returned a function, which is no value of JSON');
    await expect(run('return (async () => a)();', 1)).rejects.toThrow('it is asynchronous');
    await expect(run('a.self = a; return a;', {})).rejects.toThrow('circular');
  });

  it('may have members of any name', async () => {
    const hostile = '{"__proto__":{"x":1},"constructor":2,"toJSON":3,"toString":4}';
    expect(await runText('return a;', `[${hostile}]`)).toBe(hostile);
    expect(await run('const o = {}; o.toString = 1; o.constructor = a; return o;', 2)).toBe(
      '{"toString":1,"constructor":2}',
    );
  });
});

describe('errors', () => {
  it('say what was thrown, whatever it is', async () => {
    await expect(run('throw new RangeError("too " + a);', 'far')).rejects.toThrow('RangeError: too far');
    await expect(run('throw "text";')).rejects.toThrow('it threw text');
    await expect(run('throw { code: 7 };')).rejects.toThrow('it threw {"code":7}');
    await expect(run('throw undefined;')).rejects.toThrow('it threw undefined');
    await expect(run('throw { toJSON() { throw 1; } };')).rejects.toThrow('it threw something that cannot be shown');
    await expect(run('return a.b.c;', {})).rejects.toThrow('TypeError: cannot read property');
  });

  it('of one call are none of the next', async () => {
    const body = 'if (a) throw new Error("odd"); return a;';
    const calls = [0, 1, 0, 1].map((n) => run(body, n));
    expect((await Promise.allSettled(calls)).map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'rejected',
    ]);
  });
});

describe('limits', () => {
  it('end what goes on for ever', async () => {
    await expect(run('for (;;);')).rejects.toThrow('it ran longer than 100 ms');
    await expect(run('try { for (;;); } catch { return 1; } finally { for (;;); }')).rejects.toThrow('longer than');
    await expect(run('return /(a*)*b/.test("a".repeat(100));')).rejects.toThrow('longer than');
    await expect(run('return { get x() { for (;;); } };')).rejects.toThrow('longer than');
  });

  it('end the loops of built-in functions, which the interpreter cannot, and make the other calls all the same', async () => {
    const body = 'return a === 1 ? Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1) : a;';
    const calls = await Promise.allSettled([0, 1, 2].map((n) => run(body, n)));
    expect(calls.map((call) => (call.status === 'fulfilled' ? call.value : String(call.reason)))).toEqual([
      '0',
      expect.stringContaining('it ran longer than'),
      '2',
    ]);
  });

  it('end what calls itself for ever', async () => {
    await expect(run('const f = (n) => f(n + 1) + 1; return f(0);')).rejects.toThrow('stack overflow');
    await expect(run('return JSON.parse("[".repeat(1e6));')).rejects.toThrow('stack overflow');
    await expect(run('let o = 1; for (let i = 0; i < 1e4; i++) o = [o]; return o;')).rejects.toThrow(
      /stack overflow|longer than/,
    );
    await expect(run('return [2, 1].sort(function f(x, y) { return [x, y].sort(f); });')).rejects.toThrow(
      'stack overflow',
    );
    await expect(run(`return ${'('.repeat(2e4)}1${')'.repeat(2e4)};`)).rejects.toThrow('stack overflow');
  });

  it('end what takes all memory', async () => {
    await expect(run('return "x".repeat(2 ** 29);')).rejects.toThrow('out of memory');
    await expect(run('return new Uint8Array(1e9).length;')).rejects.toThrow('out of memory');
    await expect(run('const list = []; for (;;) list.push([list.length, {}]);')).rejects.toThrow(
      /out of memory|longer than/,
    );
    await expect(run('let s = "x"; for (;;) s += s;')).rejects.toThrow(/out of memory|string too long/);
    expect(await run('return a;', 'still here')).toBe('"still here"');
  });

  it('of one function do not keep others waiting', async () => {
    const endless = Array.from({ length: 20 }, () => run('for (;;);').catch(String));
    await endless[0];
    let ended = 0;
    for (const call of endless) void call.then(() => ended++);
    expect(await run('return a;', 'mine')).toBe('"mine"');
    expect(ended).toBeLessThan(10);
    await Promise.all(endless);
  }, 30_000);
});

describe('a function that does not compile', () => {
  it('fails at each call, and nothing else does', async () => {
    for (let i = 0; i < 100; i++) await expect(run('return (;')).rejects.toThrow('unexpected token');
    expect(await run('return a;', 1)).toBe('1');
  });
});

describe('nothing', () => {
  it('of the host is there', async () => {
    const names = [
      'process',
      'require',
      'fetch',
      'setTimeout',
      'console',
      'WebAssembly',
      'eval',
      'performance',
      'std',
      'os',
    ];
    expect(await run('return a.filter((name) => name in globalThis);', names)).toBe('[]');
    await expect(run('return import("fs");')).rejects.toThrow();
  });

  it('but the arguments makes a difference', async () => {
    await expect(run('return Date.now();')).rejects.toThrow('there is no clock in a function');
    await expect(run('return new Date();')).rejects.toThrow('there is no clock in a function');
    await expect(run('return new (new Date(0).constructor)();')).rejects.toThrow('there is no clock in a function');
    await expect(run('return Math.random();')).rejects.toThrow('there is no chance in a function');
    expect(await run('return [new Date(a).toISOString(), new Date(a) instanceof Date];', 0)).toBe(
      '["1970-01-01T00:00:00.000Z",true]',
    );
  });

  it('is left from one call to the next', async () => {
    const left = [
      'globalThis.n = (globalThis.n ?? 0) + 1; return n;',
      'n = 1; return n;',
      'Array.prototype.n = 1; return [].n;',
      'Object.prototype.n = 1; return n;',
      'JSON.stringify = () => "1"; return 2;',
      '({}).__proto__.toString = () => 1; return 1;',
      '(function* () {}).constructor.prototype.n = 1;',
      'Object.getPrototypeOf([][Symbol.iterator]()).next = () => 1;',
      'arguments.callee.n = 1;',
      'Object.prototype.toJSON = () => 1; return {};',
      'Promise.resolve().constructor.n = 1;',
    ];
    for (const body of left)
      await expect(run(body), body).rejects.toThrow(/TypeError|ReferenceError|cannot be changed/);
    expect(await run('return { a: [1] };')).toBe('{"a":[1]}');
  });
});

describe('a body', () => {
  const problem = (body: string) => bodyProblem({ parameters: ['a'], body });

  it('is checked without being run', () => {
    expect(problem('return a;')).toBeUndefined();
    expect(problem('return a; // a remark')).toBeUndefined();
    expect(problem('for (;;);')).toBeUndefined();
    expect(problem('const x = 1;\nreturn x +;')).toMatchObject({ message: expect.stringContaining("';'"), line: 2 });
    expect(problem('return a')).toBeUndefined();
    expect(problem('with (a) return b;')).toBeDefined();
  });

  it('cannot end its function early', () => {
    expect(problem('return 1; }), (function () {')).toMatchObject({
      message: expect.stringContaining('ends its function early'),
    });
    expect(problem('return 1 } , x: function () {')).toBeDefined();
    expect(problem('}')).toBeDefined();
  });

  it('may be as deep or as long as it likes, and is refused at worst', () => {
    expect(problem(`return ${'('.repeat(3e4)}1${')'.repeat(3e4)};`)).toMatchObject({
      message: 'it is nested too deeply',
    });
    expect(problem(`return ${'['.repeat(3e4)}`)).toBeDefined();
    expect(problem(`return "${'x'.repeat(6e4)}";`)).toBeUndefined();
  });
});
