import { kinds } from '@laminar/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Catalog, evolve, type Recorded, type RecordedEvent, referencesOf } from './index.js';
import { log } from './testing/arbitraries.js';

function fold(events: readonly RecordedEvent[], into = new Catalog()): Catalog {
  for (const event of events) into.apply(event);
  return into;
}

/** Everything that a catalog answers. */
const contents = (catalog: Catalog) => ({
  revision: catalog.revision,
  definitions: kinds.map((kind) => catalog.list(kind)),
  referrers: ['a', 'b', 'orders', 'out', '__proto__', 'hasOwnProperty'].map((name) => catalog.referrers(name)),
  quarantined: [...catalog.quarantined],
});

describe('the catalog', () => {
  it('is the fold of each definition by itself', () => {
    fc.assert(
      fc.property(log, (events) => {
        const catalog = fold(events);
        const states = new Map<string, Recorded>();
        for (const event of events) {
          const key = `${event.kind}.${event.name}`;
          const state = evolve(states.get(key), event);
          if (state) states.set(key, state);
          else states.delete(key);
        }
        const all = kinds.flatMap((kind): Recorded[] => catalog.list(kind));
        expect(new Map(all.map((record) => [`${record.kind}.${record.name}`, record]))).toEqual(states);
        for (const { kind, name } of all)
          expect(catalog.get(kind, name)).toBe(all.find((record) => record.kind === kind && record.name === name));
        for (const { kind, name } of events) {
          expect(catalog.version(kind, name)).toBe(
            events.filter((event) => event.kind === kind && event.name === name).length,
          );
        }
      }),
    );
  });

  it('knows who names a relation', () => {
    fc.assert(
      fc.property(log, (events) => {
        const catalog = fold(events);
        const all = kinds.flatMap((kind): Recorded[] => catalog.list(kind));
        for (const relation of ['a', 'b', 'orders', 'out', '__proto__', 'hasOwnProperty']) {
          const naming = all.filter((record) => referencesOf(record).includes(relation));
          expect(new Set(catalog.referrers(relation))).toEqual(new Set(naming));
          expect(catalog.referrers(relation)).toHaveLength(naming.length);
        }
      }),
    );
  });

  it('is the same when it is folded in parts, over a copy', () => {
    fc.assert(
      fc.property(log, fc.nat(40), (events, at) => {
        const half = fold(events.slice(0, at));
        const before = structuredClone(contents(half));
        const copy = half.clone();
        expect(contents(copy)).toEqual(before);
        fold(events.slice(at), copy);
        expect(contents(copy)).toEqual(contents(fold(events)));
        expect(contents(half)).toEqual(before);
      }),
    );
  });

  it('lists by name, in code-point order', () => {
    const names = ['b', 'B', 'a-1', 'a_1', 'a1', 'a'];
    const event = (name: string, index: number): RecordedEvent => ({
      eventId: name,
      kind: 'pipeline',
      name,
      version: 1,
      revision: index + 1,
      at: 0,
      actor: '',
      traceparent: '',
      body: {
        type: 'PipelineCreated',
        definition: { query: 'x', desired: 'running', options: {}, reads: [], writes: undefined, calls: [] },
      },
    });
    const catalog = fold(names.map(event));
    expect(catalog.list('pipeline').map(({ name }) => name)).toEqual(['B', 'a', 'a-1', 'a1', 'a_1', 'b']);
  });

  it('finds what rests on a relation, dependents first, and ends in a circle of tables', () => {
    const created = (name: string, body: RecordedEvent['body'], revision: number): RecordedEvent => ({
      eventId: name,
      kind: body.type.startsWith('Table') ? 'table' : 'pipeline',
      name,
      version: 1,
      revision,
      at: 0,
      actor: '',
      traceparent: '',
      body,
    });
    const table = (name: string, connector: string, revision: number) =>
      created(name, { type: 'TableCreated', definition: { connector, columns: [], options: {} } }, revision);
    const pipeline = (name: string, reads: string[], revision: number) =>
      created(
        name,
        {
          type: 'PipelineCreated',
          definition: { query: 'x', desired: 'running', options: {}, reads, writes: undefined, calls: [] },
        },
        revision,
      );
    const dependents = (catalog: Catalog, relation: string) =>
      catalog.dependents(relation, 'relation').map(({ name }) => name);
    const line = fold([table('t', 'c', 1), table('u', 't', 2), pipeline('p', ['u', 'c'], 3), pipeline('q', ['t'], 4)]);
    expect(dependents(line, 'c')).toEqual(['p', 'q', 'u', 't']);
    expect(dependents(line, 'u')).toEqual(['p']);
    const circle = fold([table('a', 'b', 1), table('b', 'a', 2), table('self', 'self', 3), pipeline('p', ['a'], 4)]);
    expect(dependents(circle, 'a')).toEqual(['p', 'b']);
    expect(dependents(circle, 'self')).toEqual([]);
  });
});
