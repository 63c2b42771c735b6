import { clearInterval, setInterval } from 'node:timers';
import { hasDurable, isPositioned, type ResolvedConnection, selfRefusal } from '@laminar/definitions';
import { type NatsConnection, PermissionViolationError, type ServerInfo } from '@nats-io/nats-core';
import { type ConnectionLog, noLog } from '../connection-log.js';
import {
  type Connection,
  type ConnectionEvents,
  type ConnectionSnapshot,
  ConnectorError,
  type Exhausted,
  type ExhaustedWatch,
  type FileSource,
  NotPermitted,
  type Position,
  type PositionStore,
  type Provision,
  type Reader,
  type SecretSource,
  type ServerSnapshot,
  type Sink,
  type SoleWriting,
  type Tap,
  type TapRange,
} from '../contract.js';
import { within } from '../within.js';
import { ConsumerReader } from './consumer-reader.js';
import { CoreReader } from './core-reader.js';
import { CoreSink } from './core-sink.js';
import { dial } from './dial.js';
import { connectorError } from './errors.js';
import { countsDeliveries } from './exhausted-capture.js';
import { NatsExhaustedWatch } from './exhausted-watch.js';
import { guardedSink } from './guarded-sink.js';
import { inheritedPosition, inheriting, notInherited } from './inherited-position.js';
import { managerOf } from './jetstream-manager.js';
import { JetStreamSink } from './jetstream-sink.js';
import { type Lineage, noLineage } from './lineage.js';
import { LoggedReader } from './logged-reader.js';
import { LoggedSink } from './logged-sink.js';
import { Outbound } from './outbound.js';
import { StreamReader } from './positioned/stream-reader.js';
import { viewOf } from './positioned/stream-view.js';
import { unkeptPosition } from './positioned/unkept-position.js';
import { dialDetails, followProtocol } from './protocol-log.js';
import { deprovision, provision, provisionStream, standing } from './provision.js';
import { PositionMemory } from './read-position.js';
import { refusalOf } from './refusal.js';
import { roundTripMs } from './round-trip.js';
import { SoleWriterSink } from './sole-writer/sole-writer-sink.js';
import { StallWatch } from './stall-watch.js';
import { subscriptionsOf } from './subscriptions.js';
import { tapOf } from './tap.js';

const rttIntervalMs = 1000;
/** What a close waits for a server that is away. */
const flushTimeoutMs = 1000;

export interface NatsConnectorOptions {
  readonly name: string;
  /** Tells the definition from a dropped namesake; part of the internal queue group. */
  readonly incarnation: number;
  readonly resolved: ResolvedConnection;
  /** Shown by the server as the client's name. */
  readonly clientName: string;
  readonly secrets: SecretSource;
  readonly files: FileSource;
  readonly events: ConnectionEvents;
  /** Where it says what it does; nowhere unless given. */
  readonly log?: ConnectionLog;
  /** Outlives the connection, where its reader's successor shall know how far it came. */
  readonly memory?: PositionMemory;
  /** What the log says beside the definition; nothing unless given. */
  readonly lineage?: Lineage;
}

/** One socket to the servers of a definition. */
export class NatsConnector implements Connection {
  #nc: NatsConnection | undefined;
  #reconnects = 0;
  #lastError: string | undefined;
  #rttMs: number | undefined;
  #rttTimer: NodeJS.Timeout | undefined;
  #away = false;
  #closing = false;
  readonly #log: ConnectionLog;
  readonly #memory: PositionMemory;
  readonly #lineage: Lineage;
  readonly #stalls = new StallWatch(rttIntervalMs);
  #endProtocolLog: () => void = () => undefined;

  constructor(readonly options: NatsConnectorOptions) {
    this.#log = options.log ?? noLog;
    this.#memory = options.memory ?? new PositionMemory();
    this.#lineage = options.lineage ?? noLineage;
  }

  async open(): Promise<void> {
    const { resolved, clientName, secrets, files } = this.options;
    try {
      const refusal = selfRefusal(resolved);
      if (refusal !== undefined) throw new NotPermitted(refusal);
      if (resolved.debug) this.#log.write('debug', 'connecting', () => dialDetails(resolved));
      this.#nc = await dial(resolved, { name: clientName, secrets, files });
    } catch (error) {
      this.#lastError = error instanceof Error ? error.message : String(error);
      throw error;
    }
    void this.#follow(this.#nc);
    if (resolved.debug) this.#endProtocolLog = followProtocol(this.#nc, this.#log);
    void this.#measureRtt(this.#nc);
    this.#stalls.tick();
    this.#rttTimer = setInterval(() => {
      this.#stalls.tick();
      void this.#measureRtt(this.#nc);
    }, rttIntervalMs);
  }

  provision(): Promise<Provision> {
    return provision(this.#open(), this.options, this.options.resolved, this.#memory, this.#lineage);
  }

  provisionStream(): Promise<Provision> {
    return provisionStream(this.#open(), this.options, this.options.resolved);
  }

  deprovision(): Promise<void> {
    return deprovision(this.#open(), this.options, this.options.resolved, this.#lineage);
  }

  standing(): Promise<Position | undefined> {
    return standing(this.#open(), this.options, this.options.resolved);
  }

  reader(positions: PositionStore = unkeptPosition()): Reader {
    const { resolved } = this.options;
    const reader = this.#reader(positions);
    return resolved.debug || resolved.trace ? new LoggedReader(reader, resolved, this.#log) : reader;
  }

  tap(range?: TapRange): Tap {
    return tapOf(this.#open(), this.options.resolved, range);
  }

  sink(): Sink {
    return this.#watched(this.#sink());
  }

  soleWriting(writer: string): SoleWriting {
    const { resolved, name } = this.options;
    if (resolved.role !== 'sink-jetstream' || resolved.streamName === undefined)
      throw new ConnectorError('failed', `the connection "${name}" names no stream that a pipeline could write alone`);
    const sink = new SoleWriterSink(this.#open(), resolved.streamName, writer);
    return {
      sink: this.#watched(sink),
      broken: sink.broken,
      resume: async (beginning) => (await sink.resume(beginning))?.position,
    };
  }

  besides(): Sink {
    return this.#watched(new CoreSink(this.#open()));
  }

  async watchExhausted(
    onExhausted: (exhausted: Exhausted) => void,
    signal: AbortSignal,
  ): Promise<ExhaustedWatch | undefined> {
    const { resolved } = this.options;
    if (!hasDurable(resolved) || !countsDeliveries(resolved)) return undefined;
    try {
      const known = { memory: this.#memory, lineage: this.#lineage };
      return await NatsExhaustedWatch.open(this.#open(), resolved, known, onExhausted, signal);
    } catch (error) {
      throw connectorError('looking for messages that ran out of deliveries', error);
    }
  }

  responder(): Sink {
    const { resolved, name } = this.options;
    if (resolved.role === 'source-core' && resolved.enableReply) return this.#watched(new CoreSink(this.#open()));
    throw new ConnectorError('failed', `the connection "${name}" takes no requests: it lacks enable_reply = true`);
  }

  snapshot(): ConnectionSnapshot {
    return {
      serverUrl: this.#nc ? `nats://${this.#nc.getServer()}` : (this.options.resolved.servers[0] ?? ''),
      subscriptions: this.#nc && !this.#away ? subscriptionsOf(this.#nc) : 0,
      rttMs: this.#rttMs,
      reconnects: this.#reconnects,
      lastError: this.#lastError,
      server: this.#nc?.info && serverSnapshot(this.#nc.info),
    };
  }

  async close(): Promise<void> {
    this.#closing = true;
    clearInterval(this.#rttTimer);
    const nc = this.#nc;
    if (nc && !nc.isClosed()) {
      Outbound.of(nc).write();
      await within(flushTimeoutMs, nc.flush());
      await nc.close();
    }
    this.#endProtocolLog();
  }

  #reader(positions: PositionStore): Reader {
    const { resolved, name, incarnation } = this.options;
    const onRemark = (remark: string) => {
      this.#lastError = remark;
      this.options.events.onRemark(remark);
    };
    if (resolved.role === 'source-core')
      return new CoreReader(this.#open(), resolved, `laminar-${name}-${incarnation}`);
    if (hasDurable(resolved)) {
      return new ConsumerReader({
        nc: this.#open(),
        maker: this.options,
        source: resolved,
        memory: this.#memory,
        lineage: this.#lineage,
        positions,
        log: resolved.debug ? this.#log : noLog,
        onRemark,
      });
    }
    if (isPositioned(resolved)) {
      const { batchSize, batchTimeoutMs } = resolved;
      const view = viewOf(resolved);
      const store = inheriting(positions, () => this.#inherit(view.source, onRemark));
      return new StreamReader({
        nc: this.#open(),
        view,
        name,
        batchSize,
        batchTimeoutMs,
        positions: store,
        onRemark,
      });
    }
    throw new ConnectorError('failed', `the connection "${name}" is a sink, which cannot be read`);
  }

  /** Where a reader without a position goes on after one by other means. */
  async #inherit(streamName: string, onRemark: (remark: string) => void): Promise<Position | undefined> {
    const lineage = this.#lineage;
    if (lineage.predecessors().length === 0) return undefined;
    const jsm = await managerOf(this.#open());
    const position = await inheritedPosition({ jsm, maker: this.options, lineage, streamName });
    const remark = position === undefined ? notInherited({ lineage, streamName }) : undefined;
    if (remark !== undefined) onRemark(remark);
    return position;
  }

  /** With the definition's own permissions before it, and its messages in the log where that is wanted. */
  #watched(inner: Sink): Sink {
    const { permissions, trace } = this.options.resolved;
    const sink = guardedSink(inner, permissions);
    return trace ? new LoggedSink(sink, this.#log) : sink;
  }

  #sink(): Sink {
    const { resolved, name } = this.options;
    if (resolved.role === 'sink-core') return new CoreSink(this.#open());
    if (resolved.role === 'sink-jetstream') return new JetStreamSink(this.#open());
    throw new ConnectorError('failed', `the connection "${name}" is a source, which takes no rows`);
  }

  #open(): NatsConnection {
    if (!this.#nc) throw new ConnectorError('blocked', `the connection "${this.options.name}" is not open`);
    return this.#nc;
  }

  async #follow(nc: NatsConnection): Promise<void> {
    const { onState } = this.options.events;
    /** Why the server does not let it in, which stands until it does. */
    let refusal: string | undefined;
    /** What was said before the socket ended. */
    let lastWords: string | undefined;
    for await (const status of nc.status()) {
      if (this.#closing) return;
      if (status.type === 'disconnect') {
        this.#away = true;
        this.#lastError = refusal ?? `the connection to ${status.server} was lost${lastWords ?? this.#stalls.hint()}`;
        onState({ state: 'reconnecting', reason: this.#lastError });
      } else if (status.type === 'reconnect') {
        // The client says it once for each attempt that was refused.
        if (!this.#away) continue;
        this.#away = false;
        refusal = undefined;
        lastWords = undefined;
        this.#reconnects++;
        onState({ state: 'connected' });
      } else if (status.type === 'error') {
        const { error } = status;
        refusal = refusalOf(this.options.resolved, error) ?? refusal;
        this.#lastError = refusal ?? error.message;
        if (refusal !== undefined) onState({ state: 'reconnecting', reason: refusal });
        else if (error instanceof PermissionViolationError) this.#logViolation(error);
        else {
          lastWords = `: the server said "${error.message}"`;
          this.#log.write('warn', `the server said "${error.message}"`);
        }
      } else if (status.type === 'staleConnection') {
        lastWords = ': the server did not answer pings';
      }
    }
    if (this.#closing) return;
    const closed = await nc.closed();
    const error = this.#endOf(closed);
    this.#lastError = error.message;
    onState({ state: 'closed', error });
  }

  #logViolation({ operation, subject, queue }: PermissionViolationError): void {
    this.#log.write(
      'error',
      `the server does not permit to ${operation === 'publish' ? 'publish' : 'subscribe'}`,
      () => ({
        attributes: { subject, queue_group: queue },
      }),
    );
  }

  #endOf(closed: unknown): ConnectorError {
    if (closed instanceof ConnectorError) return closed;
    const refusal = refusalOf(this.options.resolved, closed);
    const why = closed instanceof Error ? `: ${closed.message}` : '';
    const unanswered = `the connection was not back after ${this.options.resolved.maxReconnects} attempts at each server${why}`;
    return new ConnectorError('failed', refusal ?? unanswered, {
      cause: closed,
    });
  }

  async #measureRtt(nc: NatsConnection | undefined): Promise<void> {
    if (!nc || nc.isClosed()) return;
    // While the connection is away there is no round trip; the last one stands.
    await roundTripMs(nc).then(
      (ms) => {
        this.#rttMs = ms;
      },
      () => undefined,
    );
  }
}

function serverSnapshot(info: ServerInfo): ServerSnapshot {
  return {
    serverId: info.server_id,
    serverName: info.server_name,
    version: info.version,
    host: info.host,
    port: info.port,
    cluster: info.cluster ?? '',
    jetstream: info.jetstream === true,
    tlsRequired: info.tls_required === true,
    authRequired: info.auth_required === true,
    maxPayload: info.max_payload,
    clientId: info.client_id,
  };
}
