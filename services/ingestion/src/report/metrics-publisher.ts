import type { Connection, ConsumerSnapshot } from '@laminar/connectors';
import { laminar, subjects } from '@laminar/protocol';
import type { NatsConnection } from '@nats-io/nats-core';
import type { ConnectionCounters, CounterRegistry, PipelineCounters } from '../delivery/counters.js';
import type { ConnectionStanding } from '../jobs/connection-loop.js';

const { InstanceMetrics } = laminar.v1;

const intervalMs = 1000;
/** What did not change is said again that often, so that a stream that was lost fills again. */
const repeatIntervalMs = 30_000;
/** A longer error is cut, so that a message stays far below a server's `max_payload`. */
const errorCharsMax = 500;

/** One socket of this process, as its metrics see it. */
export interface MeasuredConnection {
  readonly name: string;
  readonly incarnation: number;
  readonly standing: ConnectionStanding;
  readonly connection: Connection | undefined;
  readonly lastError: string | undefined;
  /** Undefined where there is none, or where it does not answer. */
  consumer(): Promise<ConsumerSnapshot | undefined>;
}

export interface MetricsPublisherOptions {
  readonly nc: NatsConnection;
  readonly instance: string;
  readonly session: string;
  readonly counters: CounterRegistry;
  /** Brings the counters up to date, and gives the sockets of this process. */
  measure(): Iterable<MeasuredConnection>;
}

type Parts = Map<number, laminar.v1.InstanceMetrics.$Properties>;

/** Sends the counters and gauges of this instance once a second, part by part, where a part changed. */
export class MetricsPublisher {
  readonly #published = new Map<number, { readonly content: Uint8Array; readonly atMs: number }>();
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> = Promise.resolve();
  #busy = false;

  constructor(readonly options: MetricsPublisherOptions) {}

  start(): void {
    this.#timer = setInterval(() => {
      // A consumer that answers slowly must not pile up rounds.
      if (!this.#busy) void this.publish();
    }, intervalMs);
  }

  /** Sends what stands at the end, too. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#round;
    await this.publish();
  }

  publish(): Promise<void> {
    this.#busy = true;
    this.#round = this.#publishAll().finally(() => {
      this.#busy = false;
    });
    return this.#round;
  }

  async #publishAll(): Promise<void> {
    const { nc, instance } = this.options;
    if (nc.isClosed()) return;
    const nowMs = performance.now();
    for (const [part, content] of await this.#parts()) {
      const encoded = InstanceMetrics.encode(content).finish();
      const before = this.#published.get(part);
      if (before && nowMs - before.atMs < repeatIntervalMs && Buffer.compare(before.content, encoded) === 0) continue;
      this.#published.set(part, { content: encoded, atMs: nowMs });
      // Fields that are written one behind the other are one message: the time needs no second encoding of all the rest.
      const time = InstanceMetrics.encode({ atUnixMs: Date.now() }).finish();
      nc.publish(subjects.metrics(instance, part), Buffer.concat([encoded, time]));
    }
  }

  async #parts(): Promise<Parts> {
    const { counters, instance, session } = this.options;
    const measured = [...this.options.measure()];
    const consumers = await Promise.all(measured.map((connection) => connection.consumer()));
    const parts: Parts = new Map();
    const count = Math.max(counters.parts, ...[...this.#published.keys()].map((part) => part + 1));
    for (let part = 0; part < count; part++) {
      parts.set(part, { instance, session, part, connections: [], pipelines: [], consumers: [], servers: [] });
    }
    const nowMs = performance.now();
    for (const pipeline of counters.pipelines.values()) {
      parts.get(pipeline.part)?.pipelines?.push(pipelineMetrics(pipeline, nowMs));
    }
    const subscriptions = new Map<string, number>();
    for (const { name, connection } of measured) {
      subscriptions.set(name, (subscriptions.get(name) ?? 0) + (connection?.snapshot().subscriptions ?? 0));
    }
    const gauged = new Set<string>();
    for (const [i, connection] of measured.entries()) {
      const total = counters.connections.get(connection.name);
      const target = parts.get(total?.part ?? 0);
      if (!target || gauged.has(connection.name)) continue;
      gauged.add(connection.name);
      target.connections?.push(connectionMetrics(total, connection, subscriptions.get(connection.name) ?? 0));
      const consumer = consumers[i];
      if (consumer) target.consumers?.push(consumerMetrics(connection, consumer));
      const server = connection.connection?.snapshot().server;
      if (server) target.servers?.push({ connection: connection.name, ...server });
    }
    for (const total of counters.connections.values()) {
      if (!gauged.has(total.name)) parts.get(total.part)?.connections?.push({ ...total });
    }
    return parts;
  }
}

function pipelineMetrics(counters: PipelineCounters, nowMs: number): laminar.v1.PipelineMetrics.$Properties {
  const { name, incarnation, messagesIn, messagesOut, errors, deadLetters, duplicates, latency } = counters;
  const lastError = counters.lastError.slice(0, errorCharsMax);
  const latencyBuckets = latency.buckets(nowMs);
  return { name, incarnation, messagesIn, messagesOut, errors, deadLetters, duplicates, lastError, latencyBuckets };
}

function connectionMetrics(
  total: ConnectionCounters | undefined,
  { name, incarnation, standing, connection, lastError }: MeasuredConnection,
  subscriptions: number,
): laminar.v1.ConnectionMetrics.$Properties {
  const snapshot = connection?.snapshot();
  return {
    name,
    incarnation,
    serverUrl: snapshot?.serverUrl ?? '',
    state: standing.state,
    lastError: (lastError ?? '').slice(0, errorCharsMax),
    subscriptions,
    messagesReceived: total?.messagesReceived ?? 0,
    bytesReceived: total?.bytesReceived ?? 0,
    messagesDropped: total?.messagesDropped ?? 0,
    reconnects: total?.reconnects ?? 0,
    exhausted: total?.exhausted ?? 0,
    rttMs: snapshot?.rttMs ?? 0,
  };
}

function consumerMetrics(
  { name, incarnation }: MeasuredConnection,
  snapshot: ConsumerSnapshot,
): laminar.v1.ConsumerMetrics.$Properties {
  return { connection: name, incarnation, ...snapshot };
}
