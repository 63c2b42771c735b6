import { randomUUID } from 'node:crypto';
import {
  type DefinitionEventBody,
  type DefinitionOfKind,
  encodeEvent,
  type Options,
  type PipelineDefinition,
} from '@laminar/definitions';
import { type EventLog, openEventLog } from '@laminar/event-store';
import { buckets, type DeadLetter, formatDefinitionKey, type Kind, readDeadLetter, streams } from '@laminar/protocol';
import { loadSql, queryReferences } from '@laminar/sql';
import { StatusBoard, summarizeConnection, summarizePipeline } from '@laminar/status';
import { eventually, type ServiceProcess, startMesh, type TestMesh } from '@laminar/test';
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';

export type PipelineState = ReturnType<typeof summarizePipeline>;

/** Ingestion processes on a bus of their own, whose definitions the test writes itself, event by event. */
export class IngestionMesh {
  readonly #versions = new Map<string, number>();
  readonly #revisions = new Map<string, number>();
  #position = 0;

  private constructor(
    readonly mesh: TestMesh,
    readonly nc: NatsConnection,
    readonly js: JetStreamClient,
    readonly jsm: JetStreamManager,
    readonly log: EventLog,
    readonly board: StatusBoard,
  ) {}

  static async start(options: { instances?: number; env?: Record<string, string> } = {}): Promise<IngestionMesh> {
    await loadSql();
    const { instances = 1, env = {} } = options;
    const mesh = await startMesh({ ingestion: instances, controlPlanes: 0, query: false, env });
    const nc = await connect({ servers: mesh.nats.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
    const log = await openEventLog(nc, { bucket: buckets.definitions, replicas: 1 });
    const board = new StatusBoard({ nc, onChange: () => undefined, onUnreadable: () => undefined });
    await board.start();
    return new IngestionMesh(mesh, nc, jetstream(nc), await jetstreamManager(nc), log, board);
  }

  /** Of the newest event. */
  get position(): number {
    return this.#position;
  }

  get process(): ServiceProcess {
    const [first] = this.mesh.ingestion;
    if (!first) throw new Error('there is no ingestion process');
    return first;
  }

  async stop(): Promise<void> {
    this.board.stop();
    await this.nc.close();
    await this.mesh.stop();
  }

  /** Ends the bus and starts it again; resolves when this client is back. */
  async restartBus(): Promise<void> {
    await this.mesh.nats.restart();
    await eventually(async () => (await this.nc.rtt()) >= 0, { what: 'the bus to be back' });
  }

  /** Defines a connection, or changes it; gives the revision. */
  connection(name: string, options: Options, servers = this.mesh.nats.url): Promise<number> {
    const type = this.#versions.has(`connection.${name}`) ? 'ConnectionChanged' : 'ConnectionCreated';
    return this.append('connection', name, {
      type,
      definition: { connector: 'nats', options: { servers, ...options } },
    });
  }

  pipeline(name: string, query: string, options: Options = {}): Promise<number> {
    const definition: PipelineDefinition = { query, desired: 'running', options, ...queryReferences(query) };
    const type = this.#versions.has(`pipeline.${name}`) ? 'PipelineChanged' : 'PipelineCreated';
    return this.append('pipeline', name, { type, definition });
  }

  /** Defines a function, or changes it; gives the revision. */
  function(name: string, definition: DefinitionOfKind['function']): Promise<number> {
    const type = this.#versions.has(`function.${name}`) ? 'FunctionChanged' : 'FunctionCreated';
    return this.append('function', name, { type, definition });
  }

  async append(kind: Kind, name: string, body: DefinitionEventBody, traceparent = ''): Promise<number> {
    return this.#append(kind, name, (eventId, version) =>
      encodeEvent({ eventId, kind, name, version, at: Date.now(), actor: 'test', traceparent, body }),
    );
  }

  /** Appends an event that nobody can read. */
  corrupt(kind: Kind, name: string): Promise<number> {
    return this.#append(kind, name, () => new TextEncoder().encode('not an event'));
  }

  async #append(kind: Kind, name: string, encode: (eventId: string, version: number) => Uint8Array): Promise<number> {
    const version = (this.#versions.get(`${kind}.${name}`) ?? 0) + 1;
    const eventId = randomUUID();
    const key = formatDefinitionKey({ kind, name, version });
    const data = encode(eventId, version);
    this.#position = await this.log.append({ key, data, expectedRevision: this.#position, eventId });
    this.#versions.set(`${kind}.${name}`, version);
    this.#revisions.set(`${kind}.${name}`, this.#position);
    return this.#position;
  }

  pipelineState(name: string): PipelineState {
    return summarizePipeline(this.board.pipeline(name), 'running');
  }

  connectionState(name: string): ReturnType<typeof summarizeConnection> {
    return summarizeConnection(this.board.connection(name));
  }

  /** Waits until every live instance has acted on the newest event and the pipeline's newest version is in this state. */
  async settled(name: string, state: PipelineState['state'], timeoutMs = 40_000): Promise<PipelineState> {
    const wanted = state === 'running' ? (this.#revisions.get(`pipeline.${name}`) ?? 0) : 0;
    return eventually(
      () => {
        const instances = this.board.instances();
        const behind = instances.filter(({ appliedRevision }) => appliedRevision < this.#position);
        const reports = this.board.pipeline(name);
        const summary = summarizePipeline(reports, 'running');
        if (instances.length === 0 || behind.length > 0) throw new Error(`behind: ${JSON.stringify(behind)}`);
        if (reports.length === 0 || summary.state !== state || summary.appliedRevision < wanted) {
          throw new Error(`it is ${JSON.stringify(reports)}`);
        }
        return summary;
      },
      { what: `${name} to be ${state}`, timeoutMs },
    );
  }

  /** Publishes one message for each number from `from` up to `to`, not included. */
  async feed(subject: string, from: number, to: number): Promise<void> {
    const window = 500;
    for (let start = from; start < to; start += window) {
      const numbers = Array.from({ length: Math.min(window, to - start) }, (_, i) => start + i);
      await Promise.all(numbers.map((n) => this.js.publish(subject, JSON.stringify({ n }))));
    }
  }

  /** The field `n` of every message of a stream, in order. */
  async numbers(stream: string): Promise<number[]> {
    const total = await this.count(stream);
    const numbers: number[] = [];
    if (total === 0) return numbers;
    const consumer = await this.js.consumers.get(stream, { deliver_policy: 'all' });
    const messages = await consumer.fetch({ max_messages: total });
    for await (const message of messages) numbers.push(message.json<{ n: number }>().n);
    return numbers;
  }

  /** How many messages a stream holds. */
  async count(stream: string): Promise<number> {
    return (await this.jsm.streams.info(stream)).state.messages;
  }

  /** The dead letters of a connection, as they stand. */
  async deadLetters(connection: string): Promise<(DeadLetter & { readonly payload: string })[]> {
    const letters: (DeadLetter & { readonly payload: string })[] = [];
    const { first_seq, last_seq } = (await this.jsm.streams.info(streams.deadLetters)).state;
    for (let seq = first_seq; seq <= last_seq; seq++) {
      const stored = await this.jsm.streams.getMessage(streams.deadLetters, { seq }).catch(() => null);
      const letter = stored && readDeadLetter(stored.subject, (name) => stored.header.get(name) || undefined);
      if (letter?.connection === connection) letters.push({ ...letter, payload: stored?.string() ?? '' });
    }
    return letters;
  }
}
