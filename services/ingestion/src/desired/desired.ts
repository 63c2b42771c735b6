import {
  type Catalog,
  deliveryRefusal,
  isSoleWriter,
  nameSpaceOf,
  type OnError,
  ownReading,
  type Recorded,
  resolveConnection,
  retryRefusal,
  takenStreamRefusal,
} from '@laminar/definitions';
import type { Kind } from '@laminar/protocol';
import { bindQuery, catalogFunctions, catalogRelations, SqlError } from '@laminar/sql';
import { type Cause, type ConnectionSpec, ownReaderSpec, type PipelineSpec, type SlotSpec, slotKeys } from './slot.js';

/** What is to become of a pipeline, before anybody runs it. */
export type DesiredPipeline = {
  readonly revision: number;
  readonly cause: Cause;
} /** One for each connection that it reads. */ & (
  | { readonly state: 'running'; readonly specs: readonly PipelineSpec[] }
  | { readonly state: 'stopped' }
  | { readonly state: 'blocked' | 'failed'; readonly reason: string }
);

/**
 * The desired state of the whole mesh, kept up to date with the catalog: only what a change touches is bound again. It is
 * the same in every instance; leases say who runs what.
 */
export class Desired {
  readonly pipelines = new Map<string, DesiredPipeline>();
  /** Every slot that somebody has to run, by key. */
  readonly slots = new Map<string, SlotSpec>();
  readonly #byConnection = new Map<string, Map<string, PipelineSpec>>();
  readonly #slotKeys = new Map<string, readonly string[]>();
  readonly #dirtyPipelines = new Set<string>();
  readonly #dirtyConnections = new Set<string>();

  constructor(readonly catalog: Catalog) {}

  /** Notes that a definition changed, and so whatever names it. */
  changed(kind: Kind, name: string): void {
    if (kind === 'pipeline') {
      this.#dirtyPipelines.add(name);
      return;
    }
    if (kind === 'connection') this.#dirtyConnections.add(name);
    for (const dependent of this.catalog.dependents(name, nameSpaceOf(kind))) {
      if (dependent.kind === 'pipeline') this.#dirtyPipelines.add(dependent.name);
    }
  }

  /** Works off what changed for at most `budgetMs`. Whether that was all, and the pipelines that were looked at. */
  refresh(budgetMs: number): { readonly complete: boolean; readonly pipelines: readonly string[] } {
    const deadline = performance.now() + budgetMs;
    const refreshed: string[] = [];
    for (const name of this.#dirtyPipelines) {
      this.#dirtyPipelines.delete(name);
      this.#replace(name, desiredPipeline(name, this.catalog));
      refreshed.push(name);
      if (performance.now() > deadline) break;
    }
    for (const name of this.#dirtyConnections) this.#arrange(name);
    this.#dirtyConnections.clear();
    return { complete: this.#dirtyPipelines.size === 0, pipelines: refreshed };
  }

  #replace(name: string, next: DesiredPipeline | undefined): void {
    const before = this.pipelines.get(name);
    for (const { connection } of before?.state === 'running' ? before.specs : []) {
      this.#byConnection.get(connection)?.delete(name);
      this.#dirtyConnections.add(connection);
    }
    if (!next) {
      this.pipelines.delete(name);
      return;
    }
    this.pipelines.set(name, next);
    for (const spec of next.state === 'running' ? next.specs : []) {
      const { connection } = spec;
      const specs = this.#byConnection.get(connection) ?? new Map<string, PipelineSpec>();
      specs.set(name, spec);
      this.#byConnection.set(connection, specs);
      this.#dirtyConnections.add(connection);
    }
  }

  /** The slots of one connection, which is read only while a pipeline needs it. */
  #arrange(name: string): void {
    for (const key of this.#slotKeys.get(name) ?? []) this.slots.delete(key);
    this.#slotKeys.delete(name);
    const record = this.catalog.get('connection', name);
    const specs = this.#byConnection.get(name);
    if (!record || !specs || specs.size === 0) return;
    const connection = connectionSpec(record);
    const pipelines = [...specs.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    const slots = [
      ...slotsOf(
        connection,
        connection,
        pipelines.filter(({ ownReading }) => !ownReading),
      ),
      ...pipelines.flatMap((pipeline) => slotsOf(ownReaderSpec(connection, pipeline), connection, [pipeline])),
    ];
    this.#slotKeys.set(
      name,
      slots.map(({ key }) => key),
    );
    for (const slot of slots) this.slots.set(slot.key, slot);
  }
}

/** The slots of one reader; none where it has nothing to do. */
function slotsOf(
  reader: ConnectionSpec | undefined,
  { name, incarnation }: ConnectionSpec,
  pipelines: readonly PipelineSpec[],
): SlotSpec[] {
  if (!reader || pipelines.length === 0) return [];
  const connection = { ...reader, name, incarnation };
  return slotKeys(reader).map((key) => ({ key, connection, reader, pipelines }));
}

/** The readers that a pipeline has of its own, also while it is stopped. */
export function ownReadersOf(
  { name, incarnation, definition }: Recorded<'pipeline'>,
  catalog: Catalog,
): ConnectionSpec[] {
  return definition.reads.flatMap((relation) => {
    const source = catalog.get('connection', catalog.get('table', relation)?.definition.connector ?? relation);
    if (!source) return [];
    const connection = connectionSpec(source);
    const reading = ownReading({ name, options: definition.options }, connection.resolved);
    return ownReaderSpec(connection, { name, incarnation, ownReading: reading }) ?? [];
  });
}

export function connectionSpec(record: Recorded<'connection'>): ConnectionSpec {
  const { name, revision, incarnation, traceparent, updatedAt, definition } = record;
  return {
    name,
    revision,
    incarnation,
    cause: { traceparent, atMs: updatedAt },
    resolved: resolveConnection(name, definition),
  };
}

/** What a catalog wants of a pipeline; undefined where it has none of this name. */
export function desiredPipeline(name: string, catalog: Catalog): DesiredPipeline | undefined {
  const record = catalog.get('pipeline', name);
  if (!record) return undefined;
  const newest = newestOf(record, catalog);
  const { revision } = newest;
  const cause = { traceparent: newest.traceparent, atMs: newest.updatedAt };
  if (record.definition.desired === 'stopped') return { state: 'stopped', revision, cause };
  try {
    const bound = bindQuery(record.definition.query, catalogRelations(catalog), catalogFunctions(catalog));
    if (bound.status === 'blocked') return { state: 'blocked', reason: bound.reason, revision, cause };
    const refusal = retryRefusal({ name, ...record.definition }, catalog);
    if (refusal !== undefined) return { state: 'blocked', reason: refusal, revision, cause };
    const { query } = bound;
    const { options } = record.definition;
    const pipeline = { name, options };
    const undeliverable =
      deliveryRefusal(query, pipeline, catalog)?.reason ?? takenStreamRefusal(query.sink, pipeline, catalog);
    if (undeliverable !== undefined) return { state: 'blocked', reason: undeliverable, revision, cause };
    const sink = query.sink === undefined ? undefined : catalog.get('connection', query.sink);
    const ofEach = (connection: string): PipelineSpec => {
      const source = catalog.get('connection', connection);
      const resolved = source && resolveConnection(connection, source.definition);
      return {
        name,
        connection,
        incarnation: record.incarnation,
        createdAtMs: record.createdAt,
        ownReading: resolved && ownReading(pipeline, resolved),
        definitionRevision: record.revision,
        revision,
        cause,
        query,
        onError:
          (options.on_error as OnError | undefined) ??
          (resolved && 'onError' in resolved ? resolved.onError : 'dead_letter'),
        sink: sink && {
          ...connectionSpec(sink),
          ...(isSoleWriter(options) ? { soleWriter: `${name}.${record.incarnation}` } : {}),
        },
      };
    };
    return { state: 'running', specs: query.connections.map(ofEach), revision, cause };
  } catch (error) {
    // What bound when it was accepted may not bind any more, as when a column of its table is gone.
    if (!(error instanceof SqlError)) throw error;
    return { state: 'failed', reason: error.message, revision, cause };
  }
}

/** The newest record among a pipeline and everything that it stands on. */
function newestOf(record: Recorded<'pipeline'>, catalog: Catalog): Recorded {
  const { reads, writes, calls } = record.definition;
  let latest: Recorded = record;
  for (const name of writes === undefined ? reads : [...reads, writes]) {
    const relation: Recorded | undefined = catalog.relation(name);
    if (!relation) continue;
    if (relation.revision > latest.revision) latest = relation;
    const under =
      relation.kind === 'table'
        ? catalog.get('connection', (relation as Recorded<'table'>).definition.connector)
        : undefined;
    if (under && under.revision > latest.revision) latest = under;
  }
  for (const called of functionsBehind(calls, catalog)) if (called.revision > latest.revision) latest = called;
  return latest;
}

/** The functions of these names, and all that they call. */
export function functionsBehind(names: readonly string[], catalog: Catalog): Recorded[] {
  const seen = new Set(names);
  const found: Recorded[] = [];
  for (const name of seen) {
    const record = catalog.get('function', name);
    if (!record) continue;
    found.push(record);
    for (const called of record.definition.calls) seen.add(called);
  }
  return found;
}
