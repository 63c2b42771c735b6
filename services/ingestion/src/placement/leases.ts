import { buckets } from '@laminar/protocol';
import { type KV, type KvEntry, Kvm, type KvWatchEntry } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/nats-core';
import { assign, type PlacedSlot } from './assignment.js';
import type { Membership } from './membership.js';

/** How long a free slot is left to the one that it is assigned to. */
const courtesyMs = 1000;
/** Slots move when they have been unevenly spread for that long, so that instances that start or end together cause one move. */
const settlingMs = 1000;
/** What is under way from here to others at once. */
const maxHandovers = 32;
const lookAgainMs = 250;

interface Lease {
  /** Empty where nobody knows. */
  readonly session: string;
  readonly epoch: number;
  readonly revision: number;
}

export interface LeasesOptions {
  readonly nc: NatsConnection;
  readonly instance: string;
  readonly session: string;
  readonly replicas: number;
  readonly membership: Membership;
  onChange(): void;
}

/**
 * The right to run reader slots: a key per slot, taken by compare-and-set, free when its holder is dead. Who has more than its share hands over: it drains a slot,
 * lets go of it, and leaves it to the one that it is assigned to.
 */
export class Leases {
  readonly #leases = new Map<string, Lease>();
  readonly #freeSince = new Map<string, number>();
  readonly #claiming = new Set<string>();
  readonly #releasing = new Map<string, Promise<void>>();
  /** Held slots that drain to go to others. */
  readonly #handingOver = new Set<string>();
  /** Slots that nobody else took when they could: they stay until the members change. */
  readonly #untaken = new Set<string>();
  #members = '';
  #unevenSince: number | undefined;
  #kv: KV | undefined;
  #watch: { stop(): void } | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(readonly options: LeasesOptions) {}

  async start(): Promise<void> {
    const { nc, replicas } = this.options;
    this.#kv = await new Kvm(nc).create(buckets.leases, { history: 1, replicas });
    const watch = await this.#kv.watch();
    this.#watch = watch;
    void this.#follow(watch);
  }

  holds(key: string): boolean {
    return this.#isOwn(key) && !this.#releasing.has(key) && !this.#handingOver.has(key);
  }

  /** Of the lease of a slot, while it is held: the newer one has the greater revision. */
  revisionOf(key: string): number | undefined {
    return this.#isOwn(key) ? this.#leases.get(key)?.revision : undefined;
  }

  /**
   * Claims what is wanted and free, begins to hand over what is more than this instance's share, and lets go of what shall not run here and does not
   * any more; the changes arrive by `onChange`.
   */
  pursue(wanted: ReadonlyMap<string, PlacedSlot>, isRunning: (key: string) => boolean): void {
    const { instance, membership } = this.options;
    this.#forgetOld(wanted);
    const holders = this.#holders(wanted);
    const members = membership.instances;
    const assigned = assign({ slots: wanted, holders, members, pinned: this.#untaken });
    for (const key of wanted.keys()) {
      if (holders.has(key) || this.#handingOver.has(key) || !membership.takesPart) continue;
      const since = this.#freeSince.get(key) ?? performance.now();
      this.#freeSince.set(key, since);
      const isLeftByOthers = performance.now() - since >= courtesyMs;
      if (assigned.get(key) !== instance && !isLeftByOthers) {
        this.#lookAgain();
        continue;
      }
      if (assigned.get(key) !== instance) this.#untaken.add(key);
      void this.#claim(key, this.#leases.get(key));
    }
    this.#handOver(
      [...assigned.keys()].filter((key) => holders.get(key) === instance && assigned.get(key) !== instance),
    );
    for (const key of this.#leases.keys()) {
      const isToGo = !wanted.has(key) || this.#handingOver.has(key);
      if (isToGo && this.#isOwn(key) && !isRunning(key)) void this.release(key);
    }
  }

  /** Lets go of a slot, once nothing of it runs here. Where the bus is away it is held, to be let go of later. */
  release(key: string): Promise<void> {
    const lease = this.#leases.get(key);
    if (!lease || !this.#isOwn(key)) return Promise.resolve();
    const releasing = this.#releasing.get(key) ?? this.#release(key, lease);
    this.#releasing.set(key, releasing);
    return releasing;
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#watch?.stop();
    await Promise.all([...this.#leases.keys()].map((key) => this.release(key)));
  }

  async #release(key: string, lease: Lease): Promise<void> {
    try {
      await this.#kv?.delete(key, { previousSeq: lease.revision });
      if (this.#leases.get(key) === lease) this.#leases.delete(key);
      this.#handingOver.delete(key);
    } catch {
      // Who took it meanwhile keeps it, which the watch tells.
      this.#lookAgain();
    } finally {
      this.#releasing.delete(key);
    }
  }

  #isOwn(key: string): boolean {
    return this.#leases.get(key)?.session === this.options.session;
  }

  /** The instance that has each slot, as far as any has; what is handed over is as good as free. */
  #holders(wanted: ReadonlyMap<string, unknown>): Map<string, string> {
    const { membership, instance } = this.options;
    const holders = new Map<string, string>();
    for (const key of wanted.keys()) {
      if (this.#handingOver.has(key)) continue;
      const lease = this.#leases.get(key);
      const isOwn = this.#isOwn(key) || this.#claiming.has(key);
      const holder = isOwn ? instance : lease && membership.instanceOf(lease.session);
      if (holder !== undefined) holders.set(key, holder);
    }
    return holders;
  }

  #handOver(excess: readonly string[]): void {
    if (excess.length === 0 || !this.options.membership.holdsItsOwn) {
      this.#unevenSince = undefined;
      return;
    }
    this.#unevenSince ??= performance.now();
    if (performance.now() - this.#unevenSince < settlingMs) {
      this.#lookAgain();
      return;
    }
    for (const key of excess) {
      if (this.#handingOver.size >= maxHandovers) return;
      // What is just being claimed is not held yet.
      if (this.holds(key)) this.#handingOver.add(key);
    }
  }

  /** What was remembered of slots that are not concerned any more, or of other members. */
  #forgetOld(wanted: ReadonlyMap<string, unknown>): void {
    const members = this.options.membership.instances.join('\n');
    if (members !== this.#members) {
      this.#members = members;
      this.#untaken.clear();
      this.#unevenSince = undefined;
    }
    for (const key of this.#handingOver) if (!this.#isOwn(key)) this.#handingOver.delete(key);
    for (const key of this.#untaken) if (!wanted.has(key)) this.#untaken.delete(key);
    const { membership } = this.options;
    for (const key of this.#freeSince.keys()) {
      const lease = this.#leases.get(key);
      const isHeld = lease && (this.#isOwn(key) || membership.instanceOf(lease.session) !== undefined);
      if (isHeld || !wanted.has(key)) this.#freeSince.delete(key);
    }
  }

  async #claim(key: string, lease: Lease | undefined): Promise<void> {
    if (this.#claiming.has(key)) return;
    this.#claiming.add(key);
    const { session, instance } = this.options;
    const epoch = (lease?.epoch ?? 0) + 1;
    const value = JSON.stringify({ session, instance, epoch });
    try {
      const revision = lease ? await this.#kv?.update(key, value, lease.revision) : await this.#kv?.create(key, value);
      if (revision !== undefined) this.#take(key, { session, epoch, revision });
      this.options.onChange();
    } catch {
      // Somebody else was first, or the acknowledgement was lost, or the bus is away.
      await this.#look(key);
    } finally {
      this.#claiming.delete(key);
    }
  }

  /** What the watch may not have told yet. */
  async #look(key: string): Promise<void> {
    const entry = await this.#kv?.get(key).catch(() => undefined);
    if (entry) this.#takeEntry(entry);
    this.#lookAgain();
  }

  async #follow(watch: AsyncIterable<KvWatchEntry>): Promise<void> {
    for await (const entry of watch) {
      this.#takeEntry(entry);
      this.options.onChange();
    }
  }

  #takeEntry(entry: KvEntry): void {
    const { key, revision } = entry;
    if (entry.operation === 'PUT') this.#take(key, { ...readLease(entry), revision });
    else if ((this.#leases.get(key)?.revision ?? 0) < revision) this.#leases.delete(key);
  }

  /** What the watch tells may be older than what was claimed since. */
  #take(key: string, lease: Lease): void {
    if ((this.#leases.get(key)?.revision ?? 0) < lease.revision) this.#leases.set(key, lease);
  }

  #lookAgain(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.options.onChange();
    }, lookAgainMs);
  }
}

/** What somebody else has written into the bucket is held by nobody. */
function readLease(entry: KvEntry): Omit<Lease, 'revision'> {
  try {
    const { session = '', epoch = 0 } = entry.json<{ session?: string; epoch?: number }>();
    return { session, epoch };
  } catch {
    return { session: '', epoch: 0 };
  }
}
