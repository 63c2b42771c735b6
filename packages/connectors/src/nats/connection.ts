import { clearInterval, setInterval } from 'node:timers';
import { isSink, type ResolvedConnection } from '@laminar/definitions';
import type { NatsConnection, ServerInfo } from '@nats-io/nats-core';
import {
  type Connection,
  type ConnectionEvents,
  type ConnectionSnapshot,
  ConnectorError,
  type FileSource,
  type Reader,
  type SecretSource,
  type ServerSnapshot,
  type Sink,
} from '../contract.js';
import { within } from '../within.js';
import { CoreReader } from './core-reader.js';
import { CoreSink } from './core-sink.js';
import { dial } from './dial.js';

import { JetStreamSink } from './jetstream-sink.js';
import { deprovision, provision } from './provision.js';
import { PullReader } from './pull-reader.js';
import { refusalOf } from './refusal.js';

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
}

/** One socket to the servers of a definition. */
export class NatsConnector implements Connection {
  #nc: NatsConnection | undefined;
  #reconnects = 0;
  #lastError: string | undefined;
  #rttMs: number | undefined;
  #rttTimer: NodeJS.Timeout | undefined;
  #closing = false;

  constructor(readonly options: NatsConnectorOptions) {}

  async open(): Promise<void> {
    try {
      const { resolved, clientName, secrets, files } = this.options;
      this.#nc = await dial(resolved, { name: clientName, secrets, files });
    } catch (error) {
      this.#lastError = error instanceof Error ? error.message : String(error);
      throw error;
    }
    void this.#follow(this.#nc);
    void this.#measureRtt(this.#nc);
    this.#rttTimer = setInterval(() => void this.#measureRtt(this.#nc), rttIntervalMs);
  }

  provision(): Promise<{ drift: string | undefined }> {
    return provision(this.#open(), this.options, this.options.resolved);
  }

  deprovision(): Promise<void> {
    return deprovision(this.#open(), this.options, this.options.resolved);
  }

  reader(): Reader {
    const { resolved, name, incarnation } = this.options;
    if (resolved.role === 'source-core')
      return new CoreReader(this.#open(), resolved, `laminar-${name}-${incarnation}`);
    if (resolved.role === 'source-pull') return new PullReader(this.#open(), resolved);
    if (isSink(resolved))
      throw new ConnectorError('failed', `the connection "${name}" is a sink, which cannot be read`);
    throw new ConnectorError('failed', `nothing reads ${resolved.role} yet`);
  }

  sink(): Sink {
    const { resolved, name } = this.options;
    if (resolved.role === 'sink-core') return new CoreSink(this.#open());
    if (resolved.role === 'sink-jetstream') return new JetStreamSink(this.#open());
    throw new ConnectorError('failed', `the connection "${name}" is a source, which takes no rows`);
  }

  responder(): Sink {
    const { resolved, name } = this.options;
    if (resolved.role === 'source-core' && resolved.enableReply) return new CoreSink(this.#open());
    throw new ConnectorError('failed', `the connection "${name}" takes no requests: it lacks enable_reply = true`);
  }

  snapshot(): ConnectionSnapshot {
    return {
      serverUrl: this.#nc ? `nats://${this.#nc.getServer()}` : (this.options.resolved.servers[0] ?? ''),
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
    if (!nc || nc.isClosed()) return;
    await within(flushTimeoutMs, nc.flush());
    await nc.close();
  }

  #open(): NatsConnection {
    if (!this.#nc) throw new ConnectorError('blocked', `the connection "${this.options.name}" is not open`);
    return this.#nc;
  }

  async #follow(nc: NatsConnection): Promise<void> {
    const { onState } = this.options.events;
    /** Why the server does not let it in, which stands until it does. */
    let refusal: string | undefined;
    let away = false;
    for await (const status of nc.status()) {
      if (this.#closing) return;
      if (status.type === 'disconnect') {
        away = true;
        onState({ state: 'reconnecting', reason: refusal ?? `the connection to ${status.server} was lost` });
      } else if (status.type === 'reconnect') {
        // The client says it once for each attempt that was refused.
        if (!away) continue;
        away = false;
        refusal = undefined;
        this.#reconnects++;
        onState({ state: 'connected' });
      } else if (status.type === 'error') {
        refusal = refusalOf(this.options.resolved, status.error) ?? refusal;
        this.#lastError = refusal ?? status.error.message;
        if (refusal !== undefined) onState({ state: 'reconnecting', reason: refusal });
      } else if (status.type === 'staleConnection') this.#lastError = refusal ?? 'the server did not answer pings';
    }
    if (this.#closing) return;
    const closed = await nc.closed();
    const error = this.#endOf(closed);
    this.#lastError = error.message;
    onState({ state: 'closed', error });
  }

  #endOf(closed: unknown): ConnectorError {
    if (closed instanceof ConnectorError) return closed;
    const refusal = refusalOf(this.options.resolved, closed);
    const unanswered = `the connection was not back after ${this.options.resolved.maxReconnects} attempts`;
    return new ConnectorError('failed', refusal ?? (closed instanceof Error ? closed.message : unanswered), {
      cause: closed,
    });
  }

  async #measureRtt(nc: NatsConnection | undefined): Promise<void> {
    if (!nc || nc.isClosed()) return;
    // While the connection is away there is no round trip; the last one stands.
    await nc.rtt().then(
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
