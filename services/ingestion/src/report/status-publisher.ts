import { laminar, subjects } from '@laminar/protocol';
import type { NatsConnection, Subscription } from '@nats-io/nats-core';

const { InstanceStatus } = laminar.v1;

const signOfLifeIntervalMs = 1000;
/** Changes within that time go out together. */
const flushDelayMs = 5;
/** Entries of one message, so that it stays far below a server's `max_payload`. */
const entriesMax = 500;
/** The same for what one entry says; a reason that is longer is cut. */
const messageCharsMax = 500;

/** What this instance says of a definition. */
export interface StatusEntry {
  readonly desiredRevision: number;
  readonly appliedRevision: number;
  readonly state: string;
  readonly message: string;
}

export interface StatusPublisherOptions {
  readonly nc: NatsConnection;
  readonly instance: string;
  readonly session: string;
}

type Kind = 'pipelines' | 'connections';
type DatedEntry = StatusEntry & { readonly sinceUnixMs: number };

/** Tells the mesh what this instance has made true: changes as they happen, everything when asked, a sign of life every second. */
export class StatusPublisher {
  /** The log position that this instance has folded and acted on. */
  #appliedRevision = 0;
  #publishedRevision = 0;
  #sequence = 0;
  readonly #entries = { pipelines: new Map<string, DatedEntry>(), connections: new Map<string, DatedEntry>() };
  readonly #dirty = { pipelines: new Set<string>(), connections: new Set<string>() };
  #flushTimer: NodeJS.Timeout | undefined;
  #signOfLife: NodeJS.Timeout | undefined;
  #requests: Subscription | undefined;
  #connected = true;

  constructor(readonly options: StatusPublisherOptions) {}

  start(): void {
    const { nc } = this.options;
    this.#requests = nc.subscribe(subjects.statusRequest, {
      callback: (error) => {
        if (!error) this.#publishEverything();
      },
    });
    this.#signOfLife = setInterval(() => {
      if (this.#connected) this.#publish({});
    }, signOfLifeIntervalMs);
    void this.#follow();
    this.#publishEverything();
  }

  set(kind: Kind, name: string, said: StatusEntry | undefined): void {
    const entry = said && { ...said, message: said.message.slice(0, messageCharsMax) };
    const entries = this.#entries[kind];
    const before = entries.get(name);
    if (entry === undefined ? before === undefined : before && sameEntry(before, entry)) return;
    if (entry) entries.set(name, { ...entry, sinceUnixMs: Date.now() });
    else entries.delete(name);
    this.#dirty[kind].add(name);
    this.#flushSoon();
  }

  set appliedRevision(revision: number) {
    if (revision === this.#appliedRevision) return;
    this.#appliedRevision = revision;
    this.#flushSoon();
  }

  /** Says that all of it is void from now on. */
  async stop(): Promise<void> {
    clearInterval(this.#signOfLife);
    clearTimeout(this.#flushTimer);
    this.#requests?.unsubscribe();
    if (!this.#connected) return;
    this.#publish({ leaving: true });
    await this.options.nc.flush();
  }

  #flushSoon(): void {
    this.#flushTimer ??= setTimeout(() => {
      this.#flushTimer = undefined;
      this.#flush();
    }, flushDelayMs);
  }

  #flush(): void {
    // Whoever missed it finds the gap, or is told everything when the bus is back.
    if (!this.#connected) return;
    const pipelines = this.#takeDirty('pipelines');
    const connections = this.#takeDirty('connections');
    const parts = inParts(pipelines, connections);
    for (const part of parts.slice(0, -1)) this.#publish(part);
    this.#publishedRevision = this.#appliedRevision;
    this.#publish(parts.at(-1) ?? {});
  }

  #publishEverything(): void {
    for (const names of Object.values(this.#dirty)) names.clear();
    this.#publishedRevision = this.#appliedRevision;
    const parts = inParts(
      [...this.#entries.pipelines].map(([name, entry]) => ({ name, ...entry })),
      [...this.#entries.connections].map(([name, entry]) => ({ name, ...entry })),
    );
    for (const [part, entries] of parts.entries()) {
      this.#publish({ ...entries, snapshot: { part, last: part === parts.length - 1 } });
    }
  }

  #takeDirty(kind: Kind): laminar.v1.PipelineStatus.$Properties[] {
    const changes = [...this.#dirty[kind]].map((name) => ({
      name,
      ...(this.#entries[kind].get(name) ?? { removed: true }),
    }));
    this.#dirty[kind].clear();
    return changes;
  }

  #publish(content: laminar.v1.InstanceStatus.$Properties): void {
    const { nc, instance, session } = this.options;
    const message = {
      instance,
      session,
      sequence: ++this.#sequence,
      atUnixMs: Date.now(),
      appliedRevision: this.#publishedRevision,
      ...content,
    };
    nc.publish(subjects.status(instance), InstanceStatus.encode(message).finish());
  }

  async #follow(): Promise<void> {
    for await (const { type } of this.options.nc.status()) {
      if (type === 'disconnect') this.#connected = false;
      if (type !== 'reconnect') continue;
      this.#connected = true;
      this.#publishEverything();
    }
  }
}

const sameEntry = (a: StatusEntry, b: StatusEntry): boolean =>
  a.state === b.state &&
  a.message === b.message &&
  a.appliedRevision === b.appliedRevision &&
  a.desiredRevision === b.desiredRevision;

type Entries = Pick<laminar.v1.InstanceStatus.$Properties, 'pipelines' | 'connections'>;

/** At least one part, which may be empty. */
function inParts(
  pipelines: readonly laminar.v1.PipelineStatus.$Properties[],
  connections: readonly laminar.v1.ConnectionStatus.$Properties[],
): Entries[] {
  const parts: Entries[] = [];
  for (let i = 0; i < pipelines.length; i += entriesMax) parts.push({ pipelines: pipelines.slice(i, i + entriesMax) });
  for (let i = 0; i < connections.length; i += entriesMax) {
    parts.push({ connections: connections.slice(i, i + entriesMax) });
  }
  return parts.length > 0 ? parts : [{}];
}
