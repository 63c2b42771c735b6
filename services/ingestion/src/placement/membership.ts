import { hostname } from 'node:os';
import { buckets } from '@laminar/protocol';
import { type KV, Kvm, type KvWatchEntry } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/nats-core';

/** A session without a heartbeat for that long is dead; the bucket forgets it by itself. */
const heartbeatTtlMs = 4000;
const heartbeatIntervalMs = 1000;
const expiryCheckIntervalMs = 250;

export interface MembershipOptions {
  readonly nc: NatsConnection;
  readonly instance: string;
  readonly session: string;
  readonly replicas: number;
  readonly startedAtMs: number;
  /** Slots that this session runs now. */
  readers(): number;
  onChange(): void;
}

interface Heartbeat {
  readonly instance: string;
  /** Unix milliseconds. */
  readonly startedAtMs: number;
  /** It ends as soon as what it holds is drained, and takes nothing any more. */
  readonly leaving: boolean;
}

interface Peer extends Heartbeat {
  seenAtMs: number;
}

/**
 * Who is alive: one heartbeat key per session. A key that expires raises no watch event, so that each member times the others itself, by
 * its own monotonic clock. A process that was started again under its name is the successor of its former session, which needs not be waited for.
 */
export class Membership {
  readonly #peers = new Map<string, Peer>();
  #kv: KV | undefined;
  #leaving = false;
  #lastRenewalSentMs = Number.NEGATIVE_INFINITY;
  #timers: NodeJS.Timeout[] = [];
  #watch: { stop(): void } | undefined;

  constructor(readonly options: MembershipOptions) {}

  /** Resolves when the others are known and this session is. */
  async start(): Promise<void> {
    const { nc, replicas } = this.options;
    this.#kv = await new Kvm(nc).create(buckets.workers, { history: 1, ttl: heartbeatTtlMs, replicas });
    await this.#beat();
    const watch = await this.#kv.watch();
    this.#watch = watch;
    void this.#follow(watch);
    this.#timers = [
      setInterval(() => void this.#beat().catch(() => undefined), heartbeatIntervalMs),
      setInterval(() => this.#expire(), expiryCheckIntervalMs),
    ];
    // Its own heartbeat comes back on the watch after all that were there before.
    await new Promise<void>((resolve) => {
      this.#known = resolve;
      if (this.#peers.has(this.options.session)) resolve();
    });
  }

  #known: () => void = () => undefined;

  /** Names of the instances that work may go to, in order: all that are alive and not about to leave. */
  get instances(): readonly string[] {
    const names = new Set<string>();
    for (const [session, peer] of this.#peers) {
      if (!peer.leaving && !this.#hasSuccessor(session, peer)) names.add(peer.instance);
    }
    return [...names].sort();
  }

  /** Says whether this session is one of those that work may go to: not while its instance has a newer one. */
  get takesPart(): boolean {
    return !this.#leaving && this.instanceOf(this.options.session) !== undefined;
  }

  /** Whose session it is; undefined where that is not alive. */
  instanceOf(session: string): string | undefined {
    const peer = this.#peers.get(session);
    return peer === undefined || this.#hasSuccessor(session, peer) ? undefined : peer.instance;
  }

  /** Says whether others still take this session for alive: counted from when its last successful heartbeat was sent. */
  get holdsItsOwn(): boolean {
    const { session } = this.options;
    const own = this.#peers.get(session);
    if (own && this.#hasSuccessor(session, own)) return false;
    return this.#hearsOthers;
  }

  /** The bus was in reach so shortly ago that the silence of others means something. */
  get #hearsOthers(): boolean {
    return performance.now() - this.#lastRenewalSentMs < heartbeatTtlMs;
  }

  /** Tells the others to take what becomes free here; what is held stays held. Resolves when it is said, or cannot be. */
  async leave(): Promise<void> {
    this.#leaving = true;
    await this.#beat().catch(() => undefined);
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#watch?.stop();
    // While the bus is away it expires by itself.
    await this.#kv?.delete(this.options.session).catch(() => undefined);
  }

  async #beat(): Promise<void> {
    const { instance, session, startedAtMs, readers } = this.options;
    const sentMs = performance.now();
    const value = {
      instance,
      session,
      host: hostname(),
      pid: process.pid,
      started_at: startedAtMs,
      readers: readers(),
      leaving: this.#leaving,
    };
    await this.#kv?.put(session, JSON.stringify(value));
    // Who could not reach the bus could not hear the others either: their time begins anew.
    if (!this.#hearsOthers) for (const peer of this.#peers.values()) peer.seenAtMs = performance.now();
    this.#lastRenewalSentMs = sentMs;
  }

  async #follow(watch: AsyncIterable<KvWatchEntry>): Promise<void> {
    for await (const entry of watch) {
      if (entry.operation !== 'PUT') {
        if (this.#peers.delete(entry.key)) this.options.onChange();
        continue;
      }
      const known = this.#peers.get(entry.key);
      const heartbeat = readHeartbeat(entry);
      this.#peers.set(entry.key, { ...heartbeat, seenAtMs: performance.now() });
      if (!known && entry.key === this.options.session) this.#known();
      if (known?.leaving !== heartbeat.leaving) this.options.onChange();
    }
  }

  #hasSuccessor(session: string, { instance, startedAtMs }: Peer): boolean {
    for (const [other, peer] of this.#peers) {
      if (other !== session && peer.instance === instance && peer.startedAtMs > startedAtMs) return true;
    }
    return false;
  }

  #expire(): void {
    if (!this.#hearsOthers) return;
    const deadline = performance.now() - heartbeatTtlMs;
    for (const [session, { seenAtMs }] of this.#peers) {
      if (seenAtMs >= deadline) continue;
      this.#peers.delete(session);
      this.options.onChange();
    }
  }
}

/** What somebody else has written into the bucket is a member that nobody succeeds. */
function readHeartbeat(entry: KvWatchEntry): Heartbeat {
  try {
    const {
      instance = entry.key,
      started_at = 0,
      leaving = false,
    } = entry.json<{ instance?: string; started_at?: number; leaving?: boolean }>();
    return { instance, startedAtMs: started_at, leaving };
  } catch {
    return { instance: entry.key, startedAtMs: 0, leaving: false };
  }
}
