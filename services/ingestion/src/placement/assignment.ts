import { preferred } from './rendezvous.js';

/** What has to be known of a slot to place it. */
export interface PlacedSlot {
  readonly connection: { readonly name: string; readonly resolved: { readonly role: string } };
}

export interface Holdings {
  /** By slot key. */
  readonly slots: ReadonlyMap<string, PlacedSlot>;
  /** The instance that holds a slot, by slot key; none for a free one. Whoever is no member keeps what it holds: it is leaving. */
  readonly holders: ReadonlyMap<string, string>;
  /** Names of the instances that slots may go to. */
  readonly members: readonly string[];
  /** Slots that stay where they are. */
  readonly pinned: ReadonlySet<string>;
}

/**
 * Which member shall hold a slot, by slot key: free slots go to whoever has least, and then as many are moved as it takes until no two members differ by more than
 * one. What is balanced stays as it is. Where a gap loses messages a member keeps the last slot of a connection.
 */
export function assign({ slots, holders, members, pinned }: Holdings): ReadonlyMap<string, string> {
  const assigned = new Map<string, string>();
  const shares = new Map(members.map((name) => [name, new Share(name)]));
  const free: string[] = [];
  for (const [key, slot] of slots) {
    const holder = holders.get(key);
    if (holder === undefined) {
      free.push(key);
      continue;
    }
    const share = shares.get(holder);
    if (!share) continue;
    share.add(key, slot);
    assigned.set(key, holder);
  }
  if (members.length === 0) return assigned;
  const all = [...shares.values()];
  for (const key of free.sort()) {
    const slot = slots.get(key) as PlacedSlot;
    const share = neediest(all, key, slot);
    share.add(key, slot);
    assigned.set(key, share.member);
  }
  for (const share of all) share.order(pinned);
  for (;;) {
    const giver = richest(all);
    const given = giver?.next;
    if (!giver || !given) return assigned;
    const taker = neediest(all, given.key, given.slot);
    if (giver.load - taker.load < 2) return assigned;
    giver.give();
    taker.add(given.key, given.slot);
    assigned.set(given.key, taker.member);
  }
}

interface Movable {
  readonly key: string;
  readonly slot: PlacedSlot;
}

/** What is sent while nobody reads is lost. */
const missesGaps = ({ connection }: PlacedSlot): boolean => connection.resolved.role === 'source-core';

/** What one member has. */
class Share {
  load = 0;
  readonly #ofConnection = new Map<string, Movable[]>();
  /** What it can give, in the order in which it does, from the end. */
  #movable: Movable[] = [];

  constructor(readonly member: string) {}

  add(key: string, slot: PlacedSlot): void {
    this.load++;
    const siblings = this.#ofConnection.get(slot.connection.name);
    if (siblings) siblings.push({ key, slot });
    else this.#ofConnection.set(slot.connection.name, [{ key, slot }]);
  }

  count(connection: string): number {
    return this.#ofConnection.get(connection)?.length ?? 0;
  }

  /** Slots of connections of which it has most are given first. */
  order(pinned: ReadonlySet<string>): void {
    const ranked: (Movable & { readonly rank: number })[] = [];
    for (const siblings of this.#ofConnection.values()) {
      siblings.sort((a, b) => (a.key < b.key ? -1 : 1));
      for (const [rank, { key, slot }] of siblings.entries()) {
        if (!pinned.has(key) && !(rank === 0 && missesGaps(slot))) ranked.push({ key, slot, rank });
      }
    }
    this.#movable = ranked.sort((a, b) => a.rank - b.rank || (a.key < b.key ? -1 : 1));
  }

  get next(): Movable | undefined {
    return this.#movable.at(-1);
  }

  give(): void {
    const given = this.#movable.pop();
    if (!given) return;
    this.load--;
    const siblings = this.#ofConnection.get(given.slot.connection.name) ?? [];
    siblings.splice(
      siblings.findIndex(({ key }) => key === given.key),
      1,
    );
  }
}

/** The one with least, of these with least of the connection, of these the one that the slot prefers. */
function neediest(shares: readonly Share[], key: string, { connection }: PlacedSlot): Share {
  const least = Math.min(...shares.map(({ load }) => load));
  const idle = shares.filter(({ load }) => load === least);
  const fewest = Math.min(...idle.map((share) => share.count(connection.name)));
  const equal = idle.filter((share) => share.count(connection.name) === fewest);
  const name = preferred(
    key,
    equal.map(({ member }) => member),
  );
  return equal.find(({ member }) => member === name) as Share;
}

/** Of those that can give, the one with most. */
function richest(shares: readonly Share[]): Share | undefined {
  let best: Share | undefined;
  for (const share of shares) {
    if (!share.next) continue;
    if (!best || share.load > best.load || (share.load === best.load && share.member < best.member)) best = share;
  }
  return best;
}
