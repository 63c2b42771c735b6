import type { Catalog, RecordedEvent } from '@laminar/definitions';
import type { StoredEvent } from '@laminar/event-store';
import type { Kind } from '@laminar/protocol';
import type { StatusBoard } from '@laminar/status';
import type { SystemDatabase } from '../database.js';
import type { MetricsBoard, TouchedDefinitions } from '../mesh/metrics-board.js';
import type { WorkerBoard } from '../mesh/worker-board.js';
import { prepareRowWriter } from '../row-writer.js';
import * as tables from '../schema.js';
import { connectionRow } from './connection-rows.js';
import { consumerRows } from './consumer-rows.js';
import { definitionRow, eventRow, quarantinedRow, unreadableEventRow } from './definition-rows.js';
import { MirroredTable } from './mirrored-table.js';
import { pipelineInstanceRows, pipelineRow } from './pipeline-rows.js';
import { serverRows } from './server-rows.js';
import { workerRow } from './worker-row.js';

/** What the tables are functions of. */
export interface Sources {
  readonly catalog: Catalog;
  readonly status: StatusBoard;
  readonly metrics: MetricsBoard;
  readonly workers: WorkerBoard;
}

/** Keeps the derived tables what they should be: notes what may have changed, and writes what did, all in one transaction. */
export class Projector {
  readonly #appendEvent: (row: typeof tables.definitionEvents.$inferSelect) => unknown;
  #events: (typeof tables.definitionEvents.$inferSelect)[] = [];
  readonly #definitions: MirroredTable<typeof tables.definitions>;
  readonly #connections: MirroredTable<typeof tables.natsConnections>;
  readonly #consumers: MirroredTable<typeof tables.natsJetstreamConsumers>;
  readonly #servers: MirroredTable<typeof tables.natsServerInfo>;
  readonly #pipelines: MirroredTable<typeof tables.pipelines>;
  readonly #pipelineInstances: MirroredTable<typeof tables.pipelineInstances>;
  readonly #workers: MirroredTable<typeof tables.workers>;
  readonly #mirrors: readonly { write(): number; settle(committed: boolean): void }[];

  readonly #changedDefinitions = new Map<string, { kind: Kind; name: string }>();
  readonly #changedConnections = new Set<string>();
  readonly #changedPipelines = new Set<string>();
  #everyStatusChanged = false;
  #workersChanged = false;
  /** Rows written or removed since the start. */
  rowsTouched = 0;

  /** Empties the derived tables: whatever they hold is of another run, and possibly of another log. */
  constructor(
    readonly database: SystemDatabase,
    readonly sources: Sources,
  ) {
    const { client } = database;
    database.emptyDerivedTables();
    this.#appendEvent = prepareRowWriter(client, tables.definitionEvents, 'REPLACE');
    this.#definitions = new MirroredTable(client, tables.definitions);
    this.#connections = new MirroredTable(client, tables.natsConnections);
    this.#consumers = new MirroredTable(client, tables.natsJetstreamConsumers);
    this.#servers = new MirroredTable(client, tables.natsServerInfo);
    this.#pipelines = new MirroredTable(client, tables.pipelines);
    this.#pipelineInstances = new MirroredTable(client, tables.pipelineInstances);
    this.#workers = new MirroredTable(client, tables.workers);
    this.#mirrors = [
      this.#definitions,
      this.#connections,
      this.#consumers,
      this.#servers,
      this.#pipelines,
      this.#pipelineInstances,
      this.#workers,
    ];
  }

  /** An entry of the log that the catalog has folded; `event` is undefined where it could not be read. */
  logged(
    stored: StoredEvent,
    event: RecordedEvent | undefined,
    definition: { kind: Kind; name: string } | undefined,
  ): void {
    const key = definition && `${definition.kind}.${definition.name}`;
    const reason = key === undefined ? undefined : this.sources.catalog.quarantined.get(key)?.reason;
    this.#events.push(event ? eventRow(event) : unreadableEventRow(stored, reason));
    if (!definition || key === undefined) return;
    this.#changedDefinitions.set(key, definition);
    if (definition.kind === 'connection') this.#changedConnections.add(definition.name);
    if (definition.kind === 'pipeline') this.#changedPipelines.add(definition.name);
  }

  metricsChanged({ connections, pipelines }: TouchedDefinitions): void {
    for (const name of connections) this.#changedConnections.add(name);
    for (const name of pipelines) this.#changedPipelines.add(name);
  }

  /** What any instance reports, or who is alive, changed. */
  statusChanged(): void {
    this.#everyStatusChanged = true;
  }

  workersChanged(): void {
    this.#workersChanged = true;
  }

  /** Brings the tables up to date. Throws what SQLite throws; then nothing is written, and nothing is forgotten. */
  flush(): void {
    this.#stage();
    let committed = false;
    try {
      this.rowsTouched += this.database.transaction(() => {
        for (const row of this.#events) this.#appendEvent(row);
        return this.#mirrors.reduce((touched, mirror) => touched + mirror.write(), this.#events.length);
      });
      committed = true;
    } finally {
      for (const mirror of this.#mirrors) mirror.settle(committed);
    }
    this.#events = [];
    this.#changedDefinitions.clear();
    this.#changedConnections.clear();
    this.#changedPipelines.clear();
    this.#everyStatusChanged = false;
    this.#workersChanged = false;
  }

  #stage(): void {
    const { catalog } = this.sources;
    if (this.#everyStatusChanged) {
      for (const { name } of catalog.values('connection')) this.#changedConnections.add(name);
      for (const { name } of catalog.values('pipeline')) this.#changedPipelines.add(name);
    }
    for (const [key, { kind, name }] of this.#changedDefinitions) this.#stageDefinition(key, kind, name);
    for (const name of this.#changedConnections) this.#stageConnection(name);
    for (const name of this.#changedPipelines) this.#stagePipeline(name);
    if (this.#workersChanged) this.#stageWorkers();
  }

  #stageDefinition(key: string, kind: Kind, name: string): void {
    const { catalog } = this.sources;
    const quarantine = catalog.quarantined.get(key);
    const record = catalog.get(kind, name);
    if (quarantine) this.#definitions.stage(key, [quarantinedRow(quarantine)]);
    else this.#definitions.stage(key, record ? [definitionRow(record)] : []);
  }

  #stageConnection(name: string): void {
    const { catalog, status, metrics } = this.sources;
    const isAlive = (session: string) => status.isAlive(session);
    const record = catalog.get('connection', name);
    if (!record) {
      for (const mirror of [this.#connections, this.#consumers, this.#servers]) mirror.stage(name, []);
      return;
    }
    const reports = ofThisLife(record, status.connection(name));
    const figures = metrics.connection(name, record.incarnation);
    this.#connections.stage(name, [connectionRow(record, reports, figures, isAlive)]);
    this.#consumers.stage(name, consumerRows(metrics.consumers(name, record.incarnation), figures, isAlive));
    this.#servers.stage(name, serverRows(metrics.servers(name), isAlive));
  }

  #stagePipeline(name: string): void {
    const { catalog, status, metrics } = this.sources;
    const record = catalog.get('pipeline', name);
    const reports = record ? ofThisLife(record, status.pipeline(name)) : [];
    const isAlive = (session: string) => status.isAlive(session);
    const figures = record ? metrics.pipeline(name, record.incarnation) : [];
    this.#pipelines.stage(name, record ? [pipelineRow(record, reports, figures, isAlive)] : []);
    this.#pipelineInstances.stage(name, pipelineInstanceRows(reports));
  }

  #stageWorkers(): void {
    const workers = this.sources.workers.workers();
    for (const instance of this.#workers.entities()) if (!workers.has(instance)) this.#workers.stage(instance, []);
    for (const [instance, worker] of workers) this.#workers.stage(instance, [workerRow(worker)]);
  }
}

/** Without what instances that have not folded the newest events yet say of a dropped namesake. */
function ofThisLife<R extends { readonly desiredRevision: number }>(
  record: { readonly incarnation: number },
  reports: readonly R[],
): R[] {
  return reports.filter(({ desiredRevision }) => desiredRevision >= record.incarnation);
}
