import fc from 'fast-check';
import { expect, it } from 'vitest';
import { assign, type PlacedSlot } from './assignment.js';

const slot = (connection: string, role = 'source-jetstream'): PlacedSlot => ({
  connection: { name: connection, resolved: { role } },
});

const none: ReadonlySet<string> = new Set();
const members: fc.Arbitrary<string[]> = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 1 });
const connections = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom('k', 'l', 'm', 'n', 'o', 'p'),
    role: fc.constantFrom('source-core', 'source-jetstream'),
    parallelism: fc.integer({ min: 1, max: 6 }),
  }),
  { selector: ({ name }) => name },
);

/** Slots with whoever has them, among members and others. */
const placed = connections.chain((defined) => {
  const keys = defined.flatMap(({ name, role, parallelism }) =>
    Array.from({ length: parallelism }, (_, i) => [`${name}.${i}`, slot(name, role)] as [string, PlacedSlot]),
  );
  const holders = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e', undefined), {
    minLength: keys.length,
    maxLength: keys.length,
  });
  return holders.map((names) => ({
    slots: new Map(keys),
    holders: new Map(keys.flatMap(([key], i) => (names[i] === undefined ? [] : [[key, names[i]] as [string, string]]))),
  }));
});

const loadsOf = (assigned: ReadonlyMap<string, string>, names: readonly string[]) =>
  names.map((name) => [...assigned.values()].filter((member) => member === name).length);
const spread = (loads: readonly number[]) => Math.max(...loads) - Math.min(...loads);
const lossless = ({ slots, holders }: { slots: Map<string, PlacedSlot>; holders: Map<string, string> }) => ({
  slots: new Map([...slots].map(([key, { connection }]) => [key, slot(connection.name)])),
  holders,
});

it('places every slot on a member, except those of who is leaving', () => {
  fc.assert(
    fc.property(placed, members, ({ slots, holders }, names) => {
      const assigned = assign({ slots, holders, members: names, pinned: none });
      for (const key of slots.keys()) {
        const holder = holders.get(key);
        if (holder !== undefined && !names.includes(holder)) expect(assigned.has(key)).toBe(false);
        else expect(names).toContain(assigned.get(key));
      }
    }),
  );
});

it('leaves no two members more than one slot apart, by as few moves as that takes', () => {
  fc.assert(
    fc.property(placed.map(lossless), members, ({ slots, holders }, names) => {
      const assigned = assign({ slots, holders, members: names, pinned: none });
      const loads = loadsOf(assigned, names);
      expect(spread(loads)).toBeLessThanOrEqual(1);
      const moved = [...assigned].filter(([key, member]) => holders.has(key) && holders.get(key) !== member).length;
      const most = Math.max(...loads);
      const before = loadsOf(new Map([...holders].filter(([, name]) => names.includes(name))), names).sort(
        (x, y) => y - x,
      );
      const ends = [...loads].sort((x, y) => y - x);
      const needed = before.reduce((sum, load, i) => sum + Math.max(0, load - (ends[i] ?? most)), 0);
      expect(moved).toBe(needed);
    }),
  );
});

it('moves nothing any more once it is done, whatever the order of slots and members', () => {
  fc.assert(
    fc.property(placed, members, ({ slots, holders }, names) => {
      const assigned = assign({ slots, holders, members: names, pinned: none });
      const again = assign({
        slots: new Map([...slots].reverse()),
        holders: new Map([...holders, ...assigned]),
        members: [...names].reverse(),
        pinned: none,
      });
      expect(new Map(again)).toEqual(assigned);
    }),
  );
});

it('keeps what is pinned, and the last slot that a member has of a core source', () => {
  fc.assert(
    fc.property(placed, members, fc.array(fc.nat(40)), ({ slots, holders }, names, chosen) => {
      const keys = [...slots.keys()];
      const pinned = new Set(chosen.flatMap((i) => keys[i] ?? []));
      const assigned = assign({ slots, holders, members: names, pinned });
      for (const [key, member] of assigned)
        if (pinned.has(key) && holders.has(key)) expect(member).toBe(holders.get(key));
      for (const [key, { connection }] of slots) {
        const holder = holders.get(key);
        if (holder === undefined || !names.includes(holder) || connection.resolved.role !== 'source-core') continue;
        const kept = keys.filter(
          (other) =>
            slots.get(other)?.connection.name === connection.name &&
            holders.get(other) === holder &&
            assigned.get(other) === holder,
        );
        expect(kept.length).toBeGreaterThan(0);
      }
    }),
  );
});

it('gives a member that joins slots of those connections of which others have several', () => {
  const keys = ['wide.0', 'wide.1', 'wide.2', 'wide.3', 'one.0', 'two.0'];
  const slots = new Map(keys.map((key) => [key, slot(key.split('.')[0] as string)]));
  const assigned = assign({
    slots,
    holders: new Map(keys.map((key) => [key, 'a'])),
    members: ['a', 'b'],
    pinned: none,
  });
  expect([...assigned].filter(([, member]) => member === 'b').map(([key]) => key)).toEqual([
    'wide.1',
    'wide.2',
    'wide.3',
  ]);
});

it('assigns nothing where nobody is', () => {
  expect(assign({ slots: new Map([['k.0', slot('k')]]), holders: new Map(), members: [], pinned: none }).size).toBe(0);
});
