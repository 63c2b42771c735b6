import { buckets } from '@laminar/protocol';
import { type KV, type KvEntry, Kvm, type KvWatchEntry } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/nats-core';
import type { Membership } from './membership.js';
import { preferred } from './rendezvous.js';

/** How long those who are not preferred leave a free slot to the one that is. */
const courtesyMs = 1000;

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

/** The right to run reader slots: a key per slot, taken by compare-and-set, free when its holder is dead. */
export class Leases {
  readonly #leases = new Map<string, Lease>();
  readonly #freeSince = new Map<string, number>();
  readonly #claiming = new Set<string>();
  readonly #releasing = new Set<string>();
  #kv: KV | undefined;
  #watch: { stop(): void } | undefined;
  #courtesyTimer: NodeJS.Timeout | undefined;

  constructor(readonly options: LeasesOptions) {}

  async start(): Promise<void> {
    const { nc, replicas } = this.options;
    this.#kv = await new Kvm(nc).create(buckets.leases, { history: 1, replicas });
    const watch = await this.#kv.watch();
    this.#watch = watch;
    void this.#follow(watch);
  }

  holds(key: string): boolean {
    return this.#leases.get(key)?.session === this.options.session && !this.#releasing.has(key);
  }

  /** Claims what is wanted and free, and lets go of what is neither wanted nor running here any more; the changes arrive by `onChange`. */
  pursue(wanted: ReadonlyMap<string, unknown>, isRunning: (key: string) => boolean): void {
    const { membership, session } = this.options;
    const sessions = membership.sessions;
    for (const key of wanted.keys()) {
      const lease = this.#leases.get(key);
      if (lease && (lease.session === session || membership.isAlive(lease.session))) {
        this.#freeSince.delete(key);
        continue;
      }
      const since = this.#freeSince.get(key) ?? performance.now();
      this.#freeSince.set(key, since);
      if (preferred(key, sessions) === session || performance.now() - since >= courtesyMs) void this.#claim(key, lease);
      else this.#comeBack();
    }
    for (const key of this.#freeSince.keys()) if (!wanted.has(key)) this.#freeSince.delete(key);
    for (const [key, lease] of this.#leases) {
      if (lease.session === session && !wanted.has(key) && !isRunning(key)) void this.release(key);
    }
  }

  /** Lets go of a slot, once nothing of it runs here. Where the bus is away it is held, to be let go of later. */
  async release(key: string): Promise<void> {
    const lease = this.#leases.get(key);
    if (lease?.session !== this.options.session || this.#releasing.has(key)) return;
    this.#releasing.add(key);
    try {
      await this.#kv?.delete(key, { previousSeq: lease.revision });
      if (this.#leases.get(key) === lease) this.#leases.delete(key);
    } catch {
      // Who took it meanwhile keeps it, which the watch tells.
      this.#comeBack();
    } finally {
      this.#releasing.delete(key);
    }
  }

  async stop(): Promise<void> {
    clearTimeout(this.#courtesyTimer);
    this.#watch?.stop();
    await Promise.all([...this.#leases.keys()].map((key) => this.release(key)));
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
    this.#comeBack();
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

  #comeBack(): void {
    this.#courtesyTimer ??= setTimeout(() => {
      this.#courtesyTimer = undefined;
      this.options.onChange();
    }, courtesyMs);
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
