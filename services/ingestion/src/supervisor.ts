import {
  type Catalog,
  hasDurable,
  isPositioned,
  type Recorded,
  type RecordedEvent,
  secretsOf,
} from '@laminar/definitions';
import type { Kind } from '@laminar/protocol';
import { ApplyTrace } from './delivery/apply-trace.js';
import type { CounterRegistry } from './delivery/counters.js';
import { connectionSpec, Desired, ownReadersOf } from './desired/desired.js';
import { reconcile } from './desired/reconcile.js';
import { type Cause, type ConnectionSpec, isExclusive, type SlotSpec } from './desired/slot.js';
import { JobIndex } from './jobs/job-index.js';
import type { Provisioner } from './jobs/provisioner.js';
import type { SinkPool } from './jobs/sink-pool.js';
import { SlotJob, type SlotJobOptions } from './jobs/slot-job.js';
import type { Leases } from './placement/leases.js';
import type { Membership } from './placement/membership.js';
import { connectionEntry, pipelineEntry } from './report/entries.js';
import type { StatusPublisher } from './report/status-publisher.js';

/** A pass binds changed queries for that long at most, so that readers get their turn. */
const passBudgetMs = 20;

export interface SupervisorOptions extends Omit<SlotJobOptions, 'spec' | 'leaseOf' | 'onReport'> {
  readonly catalog: Catalog;
  readonly membership: Membership;
  readonly leases: Leases;
  readonly sinks: SinkPool;
  readonly provisioner: Provisioner;
  readonly counters: CounterRegistry;
  readonly status: StatusPublisher;
  /** Resolves when the value of a stored secret has arrived; undefined where it is here. */
  secretArrival(name: string): Promise<void> | undefined;
  /** Of all instances one does what has to be done once. */
  isMine(definition: string): boolean;
}

/**
 * Makes the catalog true: one pass at a time, from what is desired and held to what runs. Whatever happens - an event, a lease, a sink - only
 * asks for a pass; nothing is started or stopped anywhere else.
 */
export class Supervisor {
  readonly #desired: Desired;
  readonly #jobs = new Map<string, SlotJob>();
  /** Slots whose job is still draining. */
  readonly #stopping = new Map<string, SlotJob>();
  readonly #index = new JobIndex();
  /** Forms of connections that are gone from the catalog, until nothing of them runs here. */
  readonly #retired = new Set<ConnectionSpec>();
  /** Secrets of which the event is here and the value is not. */
  #secretsUnderWay = 0;
  #requested = false;
  #started = false;
  #stopped = false;

  constructor(readonly options: SupervisorOptions) {
    this.#desired = new Desired(options.catalog);
  }

  /** Slots that run here. */
  get readers(): number {
    return this.#jobs.size;
  }

  get jobs(): Iterable<SlotJob> {
    return this.#jobs.values();
  }

  /** The catalog has taken in an event; `before` is the definition as it was, `event` is undefined where it could not be read. */
  changed(kind: Recorded['kind'], name: string, before: Recorded | undefined, event: RecordedEvent | undefined): void {
    const { catalog, counters, lineages, provisioner } = this.options;
    if (kind === 'secret') {
      this.#takeSecret(name);
      return;
    }
    this.#desired.changed(kind, name);
    const record: Recorded | undefined = catalog.get(kind, name);
    if (kind === 'connection') {
      if (record) provisioner.define(connectionSpec(record as Recorded<'connection'>));
      else provisioner.undefine(name);
      lineages.changed(name, before as Recorded<'connection'>, record as Recorded<'connection'>);
      // What is quarantined is not dropped, and what was dropped before this process ran was the business of others.
      if (before && event && this.#started)
        this.#retireIfGone(connectionSpec(before as Recorded<'connection'>), record);
    }
    if (kind === 'pipeline' && before && event && this.#started) this.#retireOwnReaders(before, record);
    const isNoted = kind === 'table' || kind === 'function';
    if (!record && event && !isNoted) counters.forget(kind, name, event.revision);
    const appliedByFolding = !record || isNoted || (kind === 'connection' && !provisioner.standing(name));
    if (event && appliedByFolding) {
      this.#traceApplied(kind, name, {
        revision: event.revision,
        cause: { traceparent: event.traceparent, atMs: event.at },
      });
    }
    this.request();
  }

  /** The catalog is complete: from now on it is made true. */
  start(): void {
    this.#started = true;
    this.options.provisioner.start();
    this.request();
  }

  /** Asks for a pass. */
  request(): void {
    if (this.#requested || this.#stopped || !this.#started) return;
    this.#requested = true;
    setImmediate(() => {
      this.#requested = false;
      if (!this.#stopped) this.#pass();
    });
  }

  /** The sink of this name came or went. */
  sinkChanged(connection: string): void {
    for (const job of this.#jobs.values()) {
      if (job.writesTo(connection)) job.rearrange();
    }
    this.#reportConnection(connection);
  }

  /** Whoever could not connect for want of this secret, or with its old value, tries again now. */
  secretChanged(secret: string): void {
    for (const user of [...this.#jobs.values(), ...this.options.sinks.values()]) {
      const { resolved } = 'connection' in user.spec ? user.spec.connection : user.spec;
      if (secretsOf(resolved.credentials).includes(secret)) user.retry();
    }
  }

  /** A secret is in effect when whoever could not connect tries again with its value, which may come behind the event. */
  #takeSecret(name: string): void {
    const arrival = this.#started ? this.options.secretArrival(name) : undefined;
    if (arrival) {
      this.#secretsUnderWay++;
      void arrival.then(() => {
        this.#secretsUnderWay--;
        this.secretChanged(name);
        this.request();
      });
      return;
    }
    this.secretChanged(name);
    this.request();
  }

  /** Reports anew what a connection and pipelines are doing here. */
  report(connection: string, pipelines: Iterable<string>): void {
    for (const name of pipelines) this.#reportPipeline(name);
    this.#reportConnection(connection);
  }

  /** What changes without an event of its own, such as an output that does not get confirmed. */
  reportAll(): void {
    for (const { spec } of this.#running())
      this.report(
        spec.connection.name,
        spec.pipelines.map(({ name }) => name),
      );
  }

  /** Drains all jobs, and lets go of each slot as soon as its own is drained. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(
      this.#running().map(async (job) => {
        await job.stop();
        // The bus may be away, for which no other slot waits.
        void this.options.leases.release(job.spec.key);
      }),
    );
    await this.options.sinks.closed();
  }

  #pass(): void {
    const { catalog, leases, status } = this.options;
    const { revision } = catalog;
    const { complete, pipelines } = this.#desired.refresh(passBudgetMs);
    const { slots } = this.#desired;
    leases.pursue(slots, (key) => this.#jobs.has(key) || this.#stopping.has(key));
    for (const action of reconcile(this.#held(), this.#specs())) {
      switch (action.type) {
        case 'start':
          this.#start(action.spec);
          break;
        case 'change':
          this.#change(action.spec);
          break;
        case 'restart':
          this.#stop(action.spec.key);
          break;
        case 'stop':
          this.#stop(action.key);
      }
    }
    this.#retire();
    for (const name of pipelines) {
      this.#reportPipeline(name);
      const desired = this.#desired.pipelines.get(name);
      if (desired && desired.state !== 'running') this.#traceApplied('pipeline', name, desired);
    }
    if (!complete) this.request();
    else if (this.#secretsUnderWay === 0) status.appliedRevision = revision;
  }

  /** The slots that this instance may run now. */
  #held(): ReadonlyMap<string, SlotSpec> {
    const { leases, membership } = this.options;
    const held = new Map<string, SlotSpec>();
    const alive = membership.holdsItsOwn;
    for (const [key, spec] of this.#desired.slots) {
      // When the bus is away others may have taken the lease: what two must not run stops, the rest goes on.
      if (leases.holds(key) && (alive || !isExclusive(spec.connection))) held.set(key, spec);
    }
    return held;
  }

  #specs(): ReadonlyMap<string, SlotSpec> {
    return new Map([...this.#jobs].map(([key, { spec }]) => [key, spec]));
  }

  #start(spec: SlotSpec): void {
    // The old job's end asks for the next pass.
    if (this.#stopping.has(spec.key)) return;
    const job = new SlotJob({
      ...this.options,
      spec,
      leaseOf: (key) => this.options.leases.revisionOf(key),
      onReport: (connection, pipelines) => this.report(connection, pipelines),
    });
    this.#jobs.set(spec.key, job);
    this.#index.add(job, spec);
    job.start();
    this.report(
      spec.connection.name,
      spec.pipelines.map(({ name }) => name),
    );
  }

  #change(spec: SlotSpec): void {
    const job = this.#jobs.get(spec.key);
    if (!job) return;
    this.#index.add(job, spec);
    job.change(spec);
  }

  #stop(key: string): void {
    const job = this.#jobs.get(key);
    if (!job) return;
    this.#jobs.delete(key);
    this.#stopping.set(key, job);
    void job.stop().then(() => {
      this.#stopping.delete(key);
      this.#index.remove(job);
      const { connection, pipelines } = job.spec;
      this.report(
        connection.name,
        pipelines.map(({ name }) => name),
      );
      this.request();
    });
  }

  /** What starts no reader and provisions nothing is applied as soon as it is folded. */
  #traceApplied(kind: Kind, name: string, { revision, cause }: { revision: number; cause: Cause }): void {
    const { instance, isMine } = this.options;
    if (isMine(name)) ApplyTrace.begin({ kind, name, revision, cause, instance })?.end();
  }

  #retireIfGone(before: ConnectionSpec, record: Recorded | undefined): void {
    const after = record && connectionSpec(record as Recorded<'connection'>);
    if (isPositioned(before.resolved)) {
      const goesOn = after?.incarnation === before.incarnation && isPositioned(after.resolved);
      if (!goesOn) this.#retired.add(before);
      return;
    }
    if (!hasDurable(before.resolved)) return;
    const sameDurable =
      after !== undefined &&
      hasDurable(after.resolved) &&
      after.resolved.streamName === before.resolved.streamName &&
      after.resolved.consumer.name === before.resolved.consumer.name;
    if (!sameDurable) this.#retired.add(before);
  }

  /** A pipeline was dropped or changed: the readers of its own that it has no more leave nothing behind. */
  #retireOwnReaders(before: Recorded, record: Recorded | undefined): void {
    const now = record ? this.#ownReaders(record) : [];
    for (const spec of this.#ownReaders(before))
      if (!now.some((other) => sameReader(spec, other))) this.#retired.add(spec);
  }

  #ownReaders(record: Recorded): ConnectionSpec[] {
    return ownReadersOf(record as Recorded<'pipeline'>, this.options.catalog);
  }

  #retire(): void {
    for (const spec of this.#retired) {
      if (
        this.#running().some(
          (job) => job.spec.connection.revision === spec.revision && sameReader(job.spec.reader, spec),
        )
      )
        continue;
      this.#retired.delete(spec);
      this.options.provisioner.retire(spec);
    }
  }

  /** An older form of the connection is still read here. */
  isDraining({ name, revision }: ConnectionSpec): boolean {
    return this.#index.ofConnection(name).some(({ spec }) => spec.connection.revision < revision);
  }

  #running(): SlotJob[] {
    return [...this.#jobs.values(), ...this.#stopping.values()];
  }

  #reportPipeline(name: string): void {
    const entry = pipelineEntry(this.#desired.pipelines.get(name), this.#index.standings(name));
    this.options.status.set('pipelines', name, entry);
  }

  #reportConnection(name: string): void {
    const { catalog, provisioner, sinks, status } = this.options;
    const revision = catalog.get('connection', name)?.revision;
    const jobs = this.#index.ofConnection(name);
    status.set(
      'connections',
      name,
      connectionEntry(revision, { jobs, sink: sinks.find(name), provisioned: provisioner.standing(name) }),
    );
  }

  /** A connection was provisioned, or could not be. */
  provisioned(connection: string): void {
    this.#reportConnection(connection);
  }
}

const sameReader = (a: SlotSpec['reader'], b: SlotSpec['reader']): boolean =>
  a.name === b.name && a.incarnation === b.incarnation;
