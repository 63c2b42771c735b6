import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Options } from '../option-value.js';
import { permissionRefusal } from './permissions.js';
import { resolveConnection } from './resolve.js';
import { anySelfRefusal, selfRefusal } from './subject-uses.js';
import { covers } from './subjects.js';

const tokensMax = 3;

/** Patterns over two letters, with `*` anywhere and `>` at the end. */
const pattern = fc
  .tuple(fc.array(fc.constantFrom('a', 'b', '*'), { maxLength: tokensMax - 1 }), fc.constantFrom('a', 'b', '*', '>'))
  .map(([front, last]) => [...front, last].join('.'));

/** Every subject of one token more than a pattern has at most; `z` stands for all that no pattern spells. */
const everySubject: readonly (readonly string[])[] = (() => {
  let longest: string[][] = [[]];
  const all: string[][] = [];
  for (let length = 1; length <= tokensMax + 1; length++) {
    longest = longest.flatMap((tokens) => ['a', 'b', 'z'].map((token) => [...tokens, token]));
    all.push(...longest);
  }
  return all;
})();

/** NATS documentation, "Subject-Based Messaging": `*` is one token, `>` is one or more at the end. */
function matches([first, ...rest]: readonly string[], [token, ...others]: readonly string[]): boolean {
  if (first === '>') return token !== undefined;
  if (first === undefined || token === undefined) return first === token;
  return (first === '*' || first === token) && matches(rest, others);
}

describe('a pattern covers another', () => {
  it('when it matches everything that the other one matches', () => {
    fc.assert(
      fc.property(pattern, pattern, (outer, inner) => {
        const [wide, narrow] = [outer.split('.'), inner.split('.')];
        const model = everySubject.every((subject) => !matches(narrow, subject) || matches(wide, subject));
        expect(covers(outer, inner)).toBe(model);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('permissions', () => {
  const allowed = { publish: ['responses.>'], subscribe: ['requests.>', 'events.*'] };
  it.each([
    ['subscribe', 'requests.>'],
    ['subscribe', 'requests.a.b'],
    ['subscribe', 'events.*'],
    ['publish', 'responses.x'],
  ] as const)('allow to %s %s', (operation, subject) => {
    expect(permissionRefusal(allowed, { operation, subject })).toBeUndefined();
  });

  it.each([
    ['subscribe', 'requests'],
    ['subscribe', 'events.>'],
    ['subscribe', '>'],
    ['subscribe', 'responses.x'],
    ['publish', 'requests.a'],
  ] as const)('refuse to %s %s, and say what they allow', (operation, subject) => {
    const refusal = permissionRefusal(allowed, { operation, subject });
    expect(refusal).toContain(`"${subject}"`);
    expect(refusal).toContain((allowed[operation] as string[]).join(', '));
  });

  it('that are left out allow everything, and an empty list nothing', () => {
    const use = { operation: 'publish', subject: 'a' } as const;
    expect(permissionRefusal(undefined, use)).toBeUndefined();
    expect(permissionRefusal({ publish: undefined, subscribe: [] }, use)).toBeUndefined();
    expect(permissionRefusal({ publish: [], subscribe: undefined }, use)).toContain('they allow none');
  });
});

describe('a connection that its own permissions keep from what it is for', () => {
  const refusalOf = (options: Options, which = selfRefusal) =>
    which(resolveConnection('c', { connector: 'nats', options: { servers: 'nats://h:4222', ...options } }));
  const source = { type: 'source', format: 'json' };
  const stream = { ...source, jetstream: true, stream_name: 'S' };

  it.each<[string, Options]>([
    ['a plain subject', { ...source, subject: 'x.>', permissions: { subscribe: ['x.*'] } }],
    ['a filter of a stream', { ...stream, subject: 'x.a', permissions: { subscribe: ['x.b'] } }],
    ['the second of two filters', { ...stream, filter_subjects: ['x.a', 'x.b'], permissions: { subscribe: ['x.a'] } }],
    ['all of a stream', { ...stream, stream_subjects: 'x.>', permissions: { subscribe: ['x.a'] } }],
    ['keys', { ...source, jetstream: true, kv_bucket: 'B', kv_keys: 'k.>', permissions: { subscribe: ['$KV.B.k.a'] } }],
    ['objects', { ...source, jetstream: true, object_bucket: 'O', permissions: { subscribe: ['$O.P.>'] } }],
    ["a sink's subject", { type: 'sink', format: 'json', subject: 'y', permissions: { publish: [] } }],
  ])('by %s', (_, options) => {
    expect(refusalOf(options)).toContain('its own permissions do not allow');
  });

  it.each<[string, Options]>([
    ['a subject that is covered', { ...source, subject: 'x.>', permissions: { subscribe: ['>'] } }],
    ['a source that may not publish', { ...source, subject: 'x', permissions: { publish: [] } }],
    ['keys', { ...source, jetstream: true, kv_bucket: 'B', kv_keys: 'k.>', permissions: { subscribe: ['$KV.B.>'] } }],
  ])('is not one with %s', (_, options) => {
    expect(refusalOf(options)).toBeUndefined();
  });

  it('still works where only its dead letters have nowhere to go, of which one is told', () => {
    const options = { ...source, subject: 'x', dead_letter_subject: 'dead.x', permissions: { publish: ['y'] } };
    expect(refusalOf(options)).toBeUndefined();
    expect(refusalOf(options, anySelfRefusal)).toContain('publishing to "dead.x"');
  });
});
