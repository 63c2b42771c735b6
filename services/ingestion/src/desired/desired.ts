import {
  type Catalog,
  type OnError,
  type PipelineDefinition,
  type Recorded,
  resolveConnection,
} from '@laminar/definitions';
import type { Kind } from '@laminar/protocol';
import { bindQuery, catalogRelations, SqlError } from '@laminar/sql';
import { type ConnectionSpec, type PipelineSpec, type SlotSpec, slotKeys } from './slot.js';

/** What is to become of a pipeline, before anybody runs it. */
export type DesiredPipeline =
  | { readonly state: 'running'; readonly spec: PipelineSpec; readonly revision: number }
  | { readonly state: 'stopped'; readonly revision: number }
  | { readonly state: 'blocked' | 'failed'; readonly reason: string; readonly revision: number };

/**
 * The desired state of the whole mesh, kept up to date with the catalog: only what a change touches is bound again. It is
 * the same in every instance; leases say who runs what.
 */
export class Desired {
  readonly pipelines = new Map<string, DesiredPipeline>();
  readonly #byConnection = new Map<string, Map<string, PipelineSpec>>();
  readonly #dirty = new Set<string>();

  constructor(readonly catalog: Catalog) {}

  /** Notes that a definition changed, and so whatever names it. */
  changed(kind: Kind, name: string): void {
    if (kind === 'pipeline') this.#dirty.add(name);
    else for (const referrer of this.catalog.referrers(name)) this.changed(referrer.kind, referrer.name);
  }

  /** Works off what changed for at most `budgetMs`; false where there is more to do. */
  refresh(budgetMs: number): boolean {
    const deadline = performance.now() + budgetMs;
    for (const name of this.#dirty) {
      if (performance.now() > deadline) return false;
      this.#dirty.delete(name);
      this.#replace(name, desiredPipeline(name, this.catalog));
    }
    return true;
  }

  /** Connections that somebody has to read, with what each of their slots runs. */
  slots(): Map<string, SlotSpec> {
    const slots = new Map<string, SlotSpec>();
    for (const [name, specs] of this.#byConnection) {
      const record = this.catalog.get('connection', name);
      if (!record || specs.size === 0) continue;
      const connection = connectionSpec(record);
      const pipelines = [...specs.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
      for (const key of slotKeys(connection)) slots.set(key, { key, connection, pipelines });
    }
    return slots;
  }

  #replace(name: string, next: DesiredPipeline | undefined): void {
    const before = this.pipelines.get(name);
    if (before?.state === 'running') this.#byConnection.get(before.spec.query.connection)?.delete(name);
    if (!next) {
      this.pipelines.delete(name);
      return;
    }
    this.pipelines.set(name, next);
    if (next.state !== 'running') return;
    const { connection } = next.spec.query;
    const specs = this.#byConnection.get(connection) ?? new Map<string, PipelineSpec>();
    specs.set(name, next.spec);
    this.#byConnection.set(connection, specs);
  }
}

export function connectionSpec(record: Recorded<'connection'>): ConnectionSpec {
  const { name, revision, incarnation, definition } = record;
  return { name, revision, incarnation, resolved: resolveConnection(name, definition) };
}

function desiredPipeline(name: string, catalog: Catalog): DesiredPipeline | undefined {
  const record = catalog.get('pipeline', name);
  if (!record) return undefined;
  const { revision, traceparent } = newest(record, catalog);
  if (record.definition.desired === 'stopped') return { state: 'stopped', revision };
  try {
    const bound = bindQuery(record.definition.query, catalogRelations(catalog));
    if (bound.status === 'blocked') return { state: 'blocked', reason: bound.reason, revision };
    const { query } = bound;
    const source = catalog.get('connection', query.connection);
    const sink = query.sink === undefined ? undefined : catalog.get('connection', query.sink);
    const spec: PipelineSpec = {
      name,
      incarnation: record.incarnation,
      definitionRevision: record.revision,
      revision,
      traceparent,
      query,
      onError: (record.definition.options.on_error ?? source?.definition.options.on_error ?? 'dead_letter') as OnError,
      sink: sink && connectionSpec(sink),
    };
    return { state: 'running', spec, revision };
  } catch (error) {
    // What bound when it was accepted may not bind any more, as when a column of its table is gone.
    if (!(error instanceof SqlError)) throw error;
    return { state: 'failed', reason: error.message, revision };
  }
}

/** The newest event among a pipeline and everything that it stands on. */
function newest(record: Recorded<'pipeline'>, catalog: Catalog): { revision: number; traceparent: string } {
  const { reads, writes }: PipelineDefinition = record.definition;
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
  return { revision: latest.revision, traceparent: latest.traceparent };
}
