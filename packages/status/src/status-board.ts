import { laminar, subjects } from '@laminar/protocol';
import type { Msg, NatsConnection, Subscription } from '@nats-io/nats-core';
import {
  type ConnectionReport,
  connectionStates,
  type InstanceReport,
  type PipelineReport,
  pipelineStates,
  type Report,
} from './report.js';

const { InstanceStatus } = laminar.v1;
type Message = laminar.v1.InstanceStatus;

/** A session that says nothing for that long counts as dead; it gives a sign of life every second. */
const silenceMaxMs = 4000;
const expiryCheckIntervalMs = 250;
/** Gaps within that time are mended by one request for everything. */
const requestIntervalMs = 250;

export interface StatusBoardOptions {
  readonly nc: NatsConnection;
  /** Called after each change of what the board says; must not throw. */
  onChange(): void;
  /** Told of messages that cannot be read, which are left out. */
  onUnreadable(subject: string, reason: string): void;
}

interface Reports {
  pipelines: Map<string, PipelineReport>;
  connections: Map<string, ConnectionReport>;
}

interface Session extends Reports {
  readonly instance: string;
  sequence: number;
  appliedRevision: number;
  seenAtMs: number;
  /** Parts of a whole status that has begun to arrive. */
  incoming: Reports | undefined;
}

/**
 * The last word of every live ingestion instance on what it runs. Deltas are folded as they come; a gap in an
 * instance's sequence, or an instance not met before, is mended by asking for everything.
 */
export class StatusBoard {
  /** Sessions whose whole status is known. */
  readonly #sessions = new Map<string, Session>();
  /** Sessions whose first whole status is on its way. */
  readonly #arriving = new Map<string, Session>();
  #subscription: Subscription | undefined;
  #expiryTimer: NodeJS.Timeout | undefined;
  #requestTimer: NodeJS.Timeout | undefined;

  constructor(readonly options: StatusBoardOptions) {}

  /** Resolves when nothing that is said from now on is missed. */
  async start(): Promise<void> {
    const { nc } = this.options;
    this.#subscription = nc.subscribe(subjects.everyStatus, {
      callback: (error, message) => {
        if (!error) this.#take(message);
      },
    });
    this.#expiryTimer = setInterval(() => this.#expire(), expiryCheckIntervalMs);
    nc.publish(subjects.statusRequest);
    await nc.flush();
  }

  stop(): void {
    clearInterval(this.#expiryTimer);
    clearTimeout(this.#requestTimer);
    this.#subscription?.unsubscribe();
  }

  /** Instances that are alive and whose whole status is known. */
  instances(): InstanceReport[] {
    return [...this.#sessions].map(([session, { instance, appliedRevision }]) => ({
      instance,
      session,
      appliedRevision,
    }));
  }

  isAlive(session: string): boolean {
    return this.#sessions.has(session);
  }

  /** What the live instances say of a pipeline; empty where none says anything. */
  pipeline(name: string): PipelineReport[] {
    return [...this.#sessions.values()].flatMap(({ pipelines }) => pipelines.get(name) ?? []);
  }

  connection(name: string): ConnectionReport[] {
    return [...this.#sessions.values()].flatMap(({ connections }) => connections.get(name) ?? []);
  }

  /** Every report on pipelines by live instances. */
  *pipelines(): Iterable<PipelineReport> {
    for (const { pipelines } of this.#sessions.values()) yield* pipelines.values();
  }

  *connections(): Iterable<ConnectionReport> {
    for (const { connections } of this.#sessions.values()) yield* connections.values();
  }

  #take(received: Msg): void {
    const message = this.#decode(received);
    if (!message) return;
    if (message.leaving) {
      this.#arriving.delete(message.session);
      if (this.#sessions.delete(message.session)) this.options.onChange();
      return;
    }
    const sequence = Number(message.sequence);
    const known = this.#sessions.get(message.session);
    if (message.snapshot) {
      this.#takePart(message, sequence, known);
      return;
    }
    this.#takeDelta(message, sequence, known);
  }

  #takeDelta(message: Message, sequence: number, known: Session | undefined): void {
    const session = known ?? this.#arriving.get(message.session);
    if (session && sequence <= session.sequence) return;
    if (!session || sequence !== session.sequence + 1) {
      this.#askForEverything();
      return;
    }
    session.sequence = sequence;
    session.seenAtMs = performance.now();
    // The parts of a whole status that are still to come may have been made before this.
    if (session.incoming) addReports(session.incoming, message);
    if (!known) return;
    const appliedRevision = Number(message.appliedRevision);
    const changed =
      message.pipelines.length > 0 || message.connections.length > 0 || known.appliedRevision !== appliedRevision;
    known.appliedRevision = appliedRevision;
    addReports(known, message);
    if (changed) this.options.onChange();
  }

  #takePart(message: Message, sequence: number, known: Session | undefined): void {
    const session = known ?? this.#arriving.get(message.session) ?? newSession(message.instance);
    const part = message.snapshot?.part ?? 0;
    const follows = part === 0 || (session.incoming !== undefined && sequence === session.sequence + 1);
    session.sequence = sequence;
    session.seenAtMs = performance.now();
    if (part === 0) session.incoming = noReports();
    const { incoming } = session;
    if (!follows || !incoming) {
      session.incoming = undefined;
      this.#askForEverything();
      return;
    }
    addReports(incoming, message);
    if (message.snapshot?.last !== true) {
      if (!known) this.#arriving.set(message.session, session);
      return;
    }
    Object.assign(session, incoming, { incoming: undefined, appliedRevision: Number(message.appliedRevision) });
    this.#arriving.delete(message.session);
    // A process that was started again is its own successor.
    for (const [id, { instance }] of this.#sessions) {
      if (instance === message.instance && id !== message.session) this.#sessions.delete(id);
    }
    this.#sessions.set(message.session, session);
    this.options.onChange();
  }

  #askForEverything(): void {
    this.#requestTimer ??= setTimeout(() => {
      this.#requestTimer = undefined;
      // While the bus is away the next sign of life asks again.
      if (!this.options.nc.isClosed()) this.options.nc.publish(subjects.statusRequest);
    }, requestIntervalMs);
  }

  #expire(): void {
    const before = performance.now() - silenceMaxMs;
    let changed = false;
    for (const [id, { seenAtMs }] of this.#arriving) if (seenAtMs < before) this.#arriving.delete(id);
    for (const [id, { seenAtMs }] of this.#sessions) {
      if (seenAtMs < before) changed = this.#sessions.delete(id) || changed;
    }
    if (changed) this.options.onChange();
  }

  #decode(received: Msg): Message | undefined {
    try {
      const message = InstanceStatus.decode(received.data);
      if (message.session !== '' && subjects.status(message.instance) === received.subject) return message;
      this.options.onUnreadable(received.subject, 'it does not say which session of this instance it is from');
    } catch (error) {
      this.options.onUnreadable(received.subject, error instanceof Error ? error.message : String(error));
    }
    return undefined;
  }
}

const noReports = (): Reports => ({ pipelines: new Map(), connections: new Map() });

const newSession = (instance: string): Session => ({
  instance,
  sequence: 0,
  appliedRevision: 0,
  seenAtMs: 0,
  incoming: undefined,
  ...noReports(),
});

function addReports(reports: Reports, message: Message): void {
  for (const entry of message.pipelines) {
    const name = entry.name ?? '';
    if (entry.removed === true) reports.pipelines.delete(name);
    else reports.pipelines.set(name, { ...reportOf(entry, message), state: stateOf(pipelineStates, entry.state) });
  }
  for (const entry of message.connections) {
    const name = entry.name ?? '';
    if (entry.removed === true) reports.connections.delete(name);
    else reports.connections.set(name, { ...reportOf(entry, message), state: stateOf(connectionStates, entry.state) });
  }
}

type Entry = laminar.v1.PipelineStatus.$Properties | laminar.v1.ConnectionStatus.$Properties;

function reportOf(entry: Entry, message: Message): Omit<Report<string>, 'state'> {
  return {
    name: entry.name ?? '',
    instance: message.instance,
    session: message.session,
    desiredRevision: Number(entry.desiredRevision ?? 0),
    appliedRevision: Number(entry.appliedRevision ?? 0),
    message: entry.message ?? '',
    sinceMs: Number(entry.sinceUnixMs ?? 0),
  };
}

/** A state that this program does not know is one of a newer instance, of which only that it is not well can be said. */
const stateOf = <S extends string>(known: readonly S[], state: string | null | undefined): S =>
  known.find((candidate) => candidate === state) ?? (known.find((candidate) => candidate === 'failed') as S);
