import { Catalog, foldStoredEvent } from '@laminar/definitions';
import { type LogSubscription, openEventLog, type StoredEvent } from '@laminar/event-store';
import { buckets, parseDefinitionKey, streamOfBucket } from '@laminar/protocol';
import type { Logger } from '@laminar/runtime';
import { StatusBoard } from '@laminar/status';
import { JetStreamApiError, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import type { SystemDatabase } from '../database.js';
import type { LogStore } from '../logs/log-store.js';
import { DeadLetterTable } from '../projections/dead-letter-table.js';
import { Projector } from '../projections/projector.js';
import { type DeadLetterFeed, followDeadLetters } from './dead-letter-feed.js';
import { followLogs } from './log-feed.js';
import { MetricsBoard } from './metrics-board.js';
import { followMetrics, type MetricsFeed } from './metrics-feed.js';
import { WorkerBoard } from './worker-board.js';
import { followWorkers } from './worker-feed.js';

/** What changes within that time is written in one transaction. */
const flushDelayMinMs = 250;
/** Large meshes take longer to write and get pauses of this many times as long, so that writing is not all that is done; yet fresh they stay. */
const pausePerFlush = 4;
const flushDelayMaxMs = 1000;
/** A file that could not be written is tried again after that long. */
const flushRetryMs = 1000;
const identityRetryMs = 250;
const streamNotFound = 10059;

export interface MeshViewOptions {
  readonly nc: NatsConnection;
  readonly replicas: number;
  readonly database: SystemDatabase;
  readonly logs: LogStore;
  readonly logger: Logger;
  /** Told why the file cannot be written, and with undefined that it can again. */
  onDatabase(reason: string | undefined): void;
  /** Told after every event what there is to say of definitions that cannot be read. */
  onUnreadable(warnings: readonly string[]): void;
}

/** The mesh as its bus tells it, kept in the database: one reading of one event log from its beginning. */
export class MeshView {
  readonly #catalog = new Catalog();
  readonly #metrics = new MetricsBoard();
  readonly #workers = new WorkerBoard();
  readonly #status: StatusBoard;
  readonly #projector: Projector;
  readonly #deadLetters: DeadLetterTable;
  #identity: string | undefined;
  #workerFeed: { close(): void } | undefined;
  #logFeed: { close(): void } | undefined;
  #metricsFeed: MetricsFeed | undefined;
  #deadLetterFeed: DeadLetterFeed | undefined;
  #log: LogSubscription | undefined;
  #flushTimer: NodeJS.Timeout | undefined;
  #flushDelayMs = flushDelayMinMs;
  #stopped = false;
  #replace: () => void = () => undefined;
  /** Resolves when the bus is found to hold another log than the one that was read. */
  readonly replaced = new Promise<void>((resolve) => {
    this.#replace = resolve;
  });

  constructor(readonly options: MeshViewOptions) {
    const { nc, database } = options;
    this.#status = new StatusBoard({
      nc,
      onChange: () => {
        this.#projector.statusChanged();
        this.#scheduleFlush();
      },
      onUnreadable: (subject, reason) => this.#warn(subject, reason),
    });
    this.#projector = new Projector(database, {
      catalog: this.#catalog,
      status: this.#status,
      metrics: this.#metrics,
      workers: this.#workers,
    });
    this.#deadLetters = new DeadLetterTable(database);
  }

  /** Rows written or removed so far. */
  get rowsTouched(): number {
    return this.#projector.rowsTouched + this.#deadLetters.rowsTouched;
  }

  /** Resolves when everything that the bus holds is in the tables. */
  async start(): Promise<void> {
    const { nc, replicas, logs, logger } = this.options;
    await this.#status.start();
    this.#logFeed = followLogs({
      nc,
      store: logs,
      onError: (error) => logger.error({ err: error }, 'the logs of connections cannot be written'),
      onUnreadable: (subject, reason) => this.#warn(subject, reason),
    });
    this.#workerFeed = followWorkers({
      nc,
      board: this.#workers,
      onChange: () => {
        this.#projector.workersChanged();
        this.#scheduleFlush();
      },
      onUnreadable: (subject, reason) => this.#warn(subject, reason),
    });
    const log = await openEventLog(nc, { bucket: buckets.definitions, replicas });
    this.#identity = await identityOfLog(nc);
    this.#log = await log.subscribe((stored) => this.#takeEvent(stored));
    this.#metricsFeed = await followMetrics({
      nc,
      replicas,
      onMessage: (subject, data) => this.#takeMetrics(subject, data),
    });
    this.#deadLetterFeed = await followDeadLetters({
      nc,
      replicas,
      onMessage: (message) => {
        this.#deadLetters.take(message);
        this.#scheduleFlush();
      },
      onFirst: (sequence) => {
        if (this.#deadLetters.forgetBefore(sequence)) this.#scheduleFlush();
      },
      onUnreadable: (subject, reason) => this.#warn(subject, reason),
    });
    await Promise.all([this.#log.caughtUp, this.#metricsFeed.caughtUp, this.#deadLetterFeed.caughtUp]);
    this.#projector.flush();
    this.#deadLetters.flush();
  }

  /** To be called after the connection was lost: the server may have come back with another store. */
  async checkLog(): Promise<void> {
    const { nc, logger } = this.options;
    while (!this.#stopped && !nc.isClosed()) {
      try {
        if ((await identityOfLog(nc)) !== this.#identity) this.#replace();
        return;
      } catch (error) {
        logger.debug({ err: error }, 'the event log cannot be looked at yet');
        await new Promise((resolve) => setTimeout(resolve, identityRetryMs));
      }
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#flushTimer);
    this.#status.stop();
    this.#workerFeed?.close();
    this.#logFeed?.close();
    await this.#log?.close();
    await this.#metricsFeed?.close();
    await this.#deadLetterFeed?.close();
  }

  #takeEvent(stored: StoredEvent): void {
    const event = foldStoredEvent(this.#catalog, stored);
    this.options.onUnreadable(this.#catalog.unreadable);
    this.#projector.logged(stored, event, event ?? parseDefinitionKey(stored.key));
    this.#scheduleFlush();
  }

  #takeMetrics(subject: string, data: Uint8Array): void {
    try {
      this.#projector.metricsChanged(this.#metrics.take(subject, data));
      this.#scheduleFlush();
    } catch (error) {
      this.#warn(subject, error instanceof Error ? error.message : String(error));
    }
  }

  #scheduleFlush(delayMs = this.#flushDelayMs): void {
    if (this.#stopped) return;
    this.#flushTimer ??= setTimeout(() => {
      this.#flushTimer = undefined;
      this.#flush();
    }, delayMs);
  }

  #flush(): void {
    const { onDatabase, logger } = this.options;
    const startedMs = performance.now();
    try {
      this.#projector.flush();
      this.#deadLetters.flush();
      onDatabase(undefined);
      const tookMs = performance.now() - startedMs;
      this.#flushDelayMs = Math.min(flushDelayMaxMs, Math.max(flushDelayMinMs, tookMs * pausePerFlush));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      logger.error({ err: error }, 'the system tables cannot be written');
      onDatabase(`the system tables cannot be written: ${reason}`);
      this.#scheduleFlush(flushRetryMs);
    }
  }

  #warn(subject: string, reason: string): void {
    this.options.logger.warn({ subject, reason }, 'a message cannot be read and is left out');
  }
}

/** Tells a log from another that came into its place; undefined where there is none. */
async function identityOfLog(nc: NatsConnection): Promise<string | undefined> {
  try {
    const { created } = await (await jetstreamManager(nc)).streams.info(streamOfBucket(buckets.definitions));
    return String(created);
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === streamNotFound) return undefined;
    throw error;
  }
}
