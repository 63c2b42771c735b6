import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseServers } from './servers.js';
import { parseStart } from './start.js';
import { subjectProblem, subjectsOverlap } from './subjects.js';

describe('servers', () => {
  it.each([
    ['nats://localhost:4222', ['nats://localhost:4222']],
    ['localhost', ['nats://localhost:4222']],
    ['NATS://Host:80', ['nats://host:80']],
    ['nats://h/', ['nats://h:4222']],
    ['[::1]:4333', ['nats://[::1]:4333']],
    ['nats://[::1]', ['nats://[::1]:4222']],
    ['10.0.0.1 , b:1', ['nats://10.0.0.1:4222', 'nats://b:1']],
  ])('%s is read', (text, urls) => {
    expect(parseServers(text)).toEqual(urls.map((url) => ({ url, tls: false })));
  });

  it('says which of them are reached by TLS only', () => {
    expect(parseServers('tls://a,TLS://b:1,c')).toEqual([
      { url: 'nats://a:4222', tls: true },
      { url: 'nats://b:1', tls: true },
      { url: 'nats://c:4222', tls: false },
    ]);
  });

  it.each([
    ['', /empty/],
    ['a,,b', /empty/],
    ['ws://h', /scheme ws/],
    ['http://h', /scheme http/],
    ['nats://h:99999', /form nats:\/\/host:port/],
    ['nats://', /form nats:\/\/host:port/],
    ['nats://h:7422', /leaf/],
    ['nats://h/path', /after its port/],
    ['h?x', /after its port/],
    ['h#x', /after its port/],
    ['ann:secret@h', /credentials/],
    ['nats://token@h', /credentials/],
  ])('%j is refused, without a word of what was written in it', (text, problem) => {
    const problems = parseServers(text).flatMap((server) => ('problem' in server ? [server.problem] : []));
    expect(problems.join()).toMatch(problem);
    expect(problems.join()).not.toMatch(/secret|token@/);
  });
});

describe('a start position', () => {
  it.each([
    ['all', { from: 'all' }],
    ['new', { from: 'new' }],
    ['last', { from: 'last' }],
    [5, { from: 'sequence', sequence: 5 }],
    ['5', { from: 'sequence', sequence: 5 }],
    ['2026-03-29', { from: 'time', atMs: Date.UTC(2026, 2, 29) }],
    ['2026-03-29 01:30', { from: 'time', atMs: Date.UTC(2026, 2, 29, 1, 30) }],
    ['2026-03-29T01:30:00.25', { from: 'time', atMs: Date.UTC(2026, 2, 29, 1, 30, 0, 250) }],
    ['2026-03-29T01:30:00+02:00', { from: 'time', atMs: Date.UTC(2026, 2, 28, 23, 30) }],
  ])('%j is read', (value, position) => expect(parseStart(value)).toEqual(position));

  it.each([
    '',
    'ALL',
    'yesterday',
    0,
    -1,
    1.5,
    '0',
    '-1',
    '1e3',
    '2026-3-29',
    '2026-02-30T99:00',
    '99999999999999999',
    true,
    [],
    {},
  ])('%j is none', (value) => expect(parseStart(value)).toBeUndefined());
});

describe('subjects', () => {
  it.each(['a', 'a.b', '*', '>', 'a.*.b', 'a.>', '$JS.x', 'é', 'a-b_c', '*.>'])('%s is a pattern', (subject) =>
    expect(subjectProblem(subject, { wildcards: true })).toBeUndefined(),
  );
  it.each(['', '.', 'a.', '.a', 'a..b', 'a b', 'a\tb', 'a\r\nb', 'a\0', 'a.>.b', 'a*', '**', 'a.b>'])(
    '%j is none',
    (subject) => expect(subjectProblem(subject, { wildcards: true })).toEqual(expect.any(String)),
  );
  it.each(['*', '>', 'a.*', 'a.>'])('%s cannot be published to', (subject) =>
    expect(subjectProblem(subject, { wildcards: false })).toMatch(/exact/),
  );

  it('overlap where some subject matches both', () => {
    const alphabet = ['a', 'b'];
    const tokens = (units: string[]) => fc.array(fc.constantFrom(...units), { minLength: 1, maxLength: 3 });
    const pattern = fc
      .tuple(tokens([...alphabet, '*']), fc.boolean())
      .map(([all, open]) => (open ? [...all.slice(0, -1), '>'] : all).join('.'));
    // Of subjects up to one token longer than any pattern one matches both, or none does.
    const subjects = [1, 2, 3, 4].flatMap((length) =>
      Array.from({ length: alphabet.length ** length }, (_, n) =>
        Array.from({ length }, (_, i) => alphabet[(n >> i) & 1]).join('.'),
      ),
    );
    fc.assert(
      fc.property(pattern, pattern, (a, b) => {
        const expected = subjects.some((subject) => matches(a, subject) && matches(b, subject));
        expect(subjectsOverlap(a, b)).toBe(expected);
        expect(subjectsOverlap(b, a)).toBe(expected);
      }),
      { numRuns: 1000 },
    );
  });
});

function matches(pattern: string, subject: string): boolean {
  const source = pattern
    .split('.')
    .map((token) => (token === '*' ? '[^.]+' : token === '>' ? '.+' : token))
    .join('\\.');
  return new RegExp(`^${source}$`).test(subject);
}
