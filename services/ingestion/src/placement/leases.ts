import { buckets } from '@laminar/protocol';
import { type KV, Kvm, type KvWatchEntry } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/nats-core';
import type { Membership } from './membership.js';
import { preferred } from './rendezvous.js';

/** How long those who are not preferred leave a free slot to the one that is. */
const courtesyMs = 1000;

interface Lease {
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
    return this.#leases.get(key)?.session === this.options.session;
  }

  /** Claims what is wanted and free, and lets go of what is not wanted any more; the changes arrive by `onChange`. */
  pursue(wanted: ReadonlyMap<string, unknown>): void {
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
  }

  /** Lets go of a slot, once nothing of it runs here. */
  async release(key: string): Promise<void> {
    const lease = this.#leases.get(key);
    if (lease?.session !== this.options.session) return;
    this.#leases.delete(key);
    // Whoever took it meanwhile keeps it.
    await this.#kv?.delete(key, { previousSeq: lease.revision }).catch(() => undefined);
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
      if (revision !== undefined) this.#leases.set(key, { session, epoch, revision });
    } catch {
      // Somebody else was first, or the bus is away: the watch or the next pass tells.
    } finally {
      this.#claiming.delete(key);
      this.options.onChange();
    }
  }

  async #follow(watch: AsyncIterable<KvWatchEntry>): Promise<void> {
    for await (const entry of watch) {
      if (entry.operation === 'PUT') {
        const { session, epoch } = entry.json<{ session: string; epoch: number }>();
        this.#leases.set(entry.key, { session, epoch, revision: entry.revision });
      } else this.#leases.delete(entry.key);
      this.options.onChange();
    }
  }

  #comeBack(): void {
    this.#courtesyTimer ??= setTimeout(() => {
      this.#courtesyTimer = undefined;
      this.options.onChange();
    }, courtesyMs);
  }
}
