import { laminar } from '@laminar/protocol';

const { InstanceMetrics } = laminar.v1;

/** What an instance's newest message says of one entity. */
export interface Figures {
  readonly name: string;
  /** Where the message has it: an older life of the same name has a smaller one. */
  readonly incarnation: number;
  readonly instance: string;
  readonly session: string;
  /** Unix milliseconds, by the instance's clock. */
  readonly atMs: number;
}

export interface ConnectionFigures extends Figures {
  readonly serverUrl: string;
  readonly lastError: string;
  readonly subscriptions: number;
  readonly messagesReceived: number;
  readonly bytesReceived: number;
  readonly messagesDropped: number;
  readonly reconnects: number;
  readonly exhausted: number;
  readonly rttMs: number;
}

export interface PipelineFigures extends Figures {
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly errors: number;
  readonly deadLetters: number;
  readonly lastError: string;
  /** As `metrics.proto` says. */
  readonly latencyBuckets: readonly number[];
}

/** `name` is the connection. */
export interface ConsumerFigures extends Figures {
  readonly stream: string;
  readonly consumer: string;
  readonly pending: number;
  readonly ackPending: number;
  readonly redelivered: number;
  readonly waitingPulls: number;
  readonly lastDelivered: number;
}

/** `name` is the connection, and of its life nothing is said. */
export interface ServerFigures extends Omit<Figures, 'incarnation'> {
  readonly serverId: string;
  readonly serverName: string;
  readonly version: string;
  readonly host: string;
  readonly port: number;
  readonly cluster: string;
  readonly jetstream: boolean;
  readonly tlsRequired: boolean;
  readonly authRequired: boolean;
  readonly maxPayload: number;
  readonly clientId: number;
}

/** The definitions of which a message may have changed what is known. */
export interface TouchedDefinitions {
  readonly connections: ReadonlySet<string>;
  readonly pipelines: ReadonlySet<string>;
}

/** The last words of every instance that ever ran on what it has counted and measured, dead ones included. */
export class MetricsBoard {
  readonly #connections = new Figure<ConnectionFigures>();
  readonly #pipelines = new Figure<PipelineFigures>();
  readonly #consumers = new Figure<ConsumerFigures>();
  readonly #servers = new Figure<ServerFigures>();

  /** Takes a message, which replaces the one on the same subject before it. Throws where it cannot be read. */
  take(subject: string, data: Uint8Array): TouchedDefinitions {
    const message = InstanceMetrics.decode(data);
    const connections = new Set<string>();
    const pipelines = new Set<string>();
    this.#connections.replace(subject, connectionFigures(message), connections);
    this.#consumers.replace(subject, consumerFigures(message), connections);
    this.#servers.replace(subject, serverFigures(message), connections);
    this.#pipelines.replace(subject, pipelineFigures(message), pipelines);
    return { connections, pipelines };
  }

  connection(name: string, incarnation: number): ConnectionFigures[] {
    return this.#connections.of(name).filter((figures) => figures.incarnation === incarnation);
  }

  pipeline(name: string, incarnation: number): PipelineFigures[] {
    return this.#pipelines.of(name).filter((figures) => figures.incarnation === incarnation);
  }

  consumers(connection: string, incarnation: number): ConsumerFigures[] {
    return this.#consumers.of(connection).filter((figures) => figures.incarnation === incarnation);
  }

  servers(connection: string): ServerFigures[] {
    return this.#servers.of(connection);
  }
}

/** Figures of one sort by entity, and for each entity by the subject that they came on. */
class Figure<F extends { readonly name: string }> {
  readonly #byName = new Map<string, Map<string, F[]>>();
  readonly #namesOf = new Map<string, ReadonlySet<string>>();

  /** Puts what a subject says now in the place of what it said; the names in both are added to `touched`. */
  replace(subject: string, figures: readonly F[], touched: Set<string>): void {
    for (const name of this.#namesOf.get(subject) ?? []) {
      touched.add(name);
      const bySubject = this.#byName.get(name);
      bySubject?.delete(subject);
      if (bySubject?.size === 0) this.#byName.delete(name);
    }
    const names = new Set<string>();
    for (const entry of figures) {
      names.add(entry.name);
      touched.add(entry.name);
      const bySubject = this.#byName.get(entry.name) ?? new Map<string, F[]>();
      this.#byName.set(entry.name, bySubject);
      const entries = bySubject.get(subject);
      if (entries) entries.push(entry);
      else bySubject.set(subject, [entry]);
    }
    this.#namesOf.set(subject, names);
  }

  of(name: string): F[] {
    return [...(this.#byName.get(name)?.values() ?? [])].flat();
  }
}

type Message = laminar.v1.InstanceMetrics;

const source = ({ instance, session, atUnixMs }: Message) => ({ instance, session, atMs: Number(atUnixMs) });

function connectionFigures(message: Message): ConnectionFigures[] {
  return message.connections.map((entry) => ({
    ...source(message),
    name: entry.name ?? '',
    incarnation: Number(entry.incarnation ?? 0),
    serverUrl: entry.serverUrl ?? '',
    lastError: entry.lastError ?? '',
    subscriptions: entry.subscriptions ?? 0,
    messagesReceived: Number(entry.messagesReceived ?? 0),
    bytesReceived: Number(entry.bytesReceived ?? 0),
    messagesDropped: Number(entry.messagesDropped ?? 0),
    reconnects: Number(entry.reconnects ?? 0),
    exhausted: Number(entry.exhausted ?? 0),
    rttMs: entry.rttMs ?? 0,
  }));
}

function pipelineFigures(message: Message): PipelineFigures[] {
  return message.pipelines.map((entry) => ({
    ...source(message),
    name: entry.name ?? '',
    incarnation: Number(entry.incarnation ?? 0),
    messagesIn: Number(entry.messagesIn ?? 0),
    messagesOut: Number(entry.messagesOut ?? 0),
    errors: Number(entry.errors ?? 0),
    deadLetters: Number(entry.deadLetters ?? 0),
    lastError: entry.lastError ?? '',
    latencyBuckets: (entry.latencyBuckets ?? []).map(Number),
  }));
}

function consumerFigures(message: Message): ConsumerFigures[] {
  return message.consumers.map((entry) => ({
    ...source(message),
    name: entry.connection ?? '',
    incarnation: Number(entry.incarnation ?? 0),
    stream: entry.stream ?? '',
    consumer: entry.consumer ?? '',
    pending: Number(entry.pending ?? 0),
    ackPending: Number(entry.ackPending ?? 0),
    redelivered: Number(entry.redelivered ?? 0),
    waitingPulls: Number(entry.waitingPulls ?? 0),
    lastDelivered: Number(entry.lastDelivered ?? 0),
  }));
}

function serverFigures(message: Message): ServerFigures[] {
  return message.servers.map((entry) => ({
    ...source(message),
    name: entry.connection ?? '',
    serverId: entry.serverId ?? '',
    serverName: entry.serverName ?? '',
    version: entry.version ?? '',
    host: entry.host ?? '',
    port: entry.port ?? 0,
    cluster: entry.cluster ?? '',
    jetstream: entry.jetstream ?? false,
    tlsRequired: entry.tlsRequired ?? false,
    authRequired: entry.authRequired ?? false,
    maxPayload: Number(entry.maxPayload ?? 0),
    clientId: Number(entry.clientId ?? 0),
  }));
}
