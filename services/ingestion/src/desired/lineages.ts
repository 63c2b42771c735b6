import type { Lineage, Position, Sharer } from '@laminar/connectors';
import {
  type Catalog,
  hasConsumer,
  hasDurable,
  isPositioned,
  isSink,
  nameSpaceOf,
  ownReading,
  type Recorded,
  type ResolvedConnection,
  resolveConnection,
  sameData,
  sharesDurable,
} from '@laminar/definitions';
import type { ConnectionSpec, PipelineSpec } from './slot.js';

/** Forms of a connection that are remembered; whoever changes one more often before anything of it was ever run starts anew. */
const predecessorsMax = 8;

interface Past {
  readonly incarnation: number;
  /** Newest first. */
  readonly forms: readonly ResolvedConnection[];
  readonly beginsAnew: boolean;
}

/** What the mesh keeps of how far a definition was read. */
export interface KeptPositions {
  /** Of its reader without a durable. Throws `ConnectorError`. */
  position(): Promise<Position | undefined>;
  /** Of its durable, as it was last seen under this revision of what is read. Throws `ConnectorError`. */
  lastSeen(revision: number): Promise<Position | undefined>;
  /** The same, under whatever revision. Throws `ConnectorError`. */
  seen(): Promise<Position | undefined>;
}

/** What the log says of where the readers of each connection go on, beside its definition: by what means it was read before, and who shares its durable. */
export class Lineages {
  readonly #pasts = new Map<string, Past>();

  constructor(readonly catalog: Catalog) {}

  /** A connection was changed from one form to another; either is undefined where it was not defined. */
  changed(name: string, before: Recorded<'connection'> | undefined, after: Recorded<'connection'> | undefined): void {
    if (!before || before.incarnation !== after?.incarnation) {
      this.#pasts.delete(name);
      return;
    }
    const { incarnation } = after;
    const old = resolveConnection(name, before.definition);
    if (sameData(meansOf(old), meansOf(resolveConnection(name, after.definition)))) return;
    const beginsAnew = !sameData(before.definition.options.start, after.definition.options.start);
    const forms = beginsAnew ? [] : [old, ...(this.#pasts.get(name)?.forms ?? [])].slice(0, predecessorsMax);
    this.#pasts.set(name, { incarnation, forms, beginsAnew });
  }

  of(spec: ConnectionSpec, kept: KeptPositions): Lineage {
    const { name, incarnation } = spec;
    const past = (): Past | undefined => {
      const known = this.#pasts.get(name);
      return known?.incarnation === incarnation ? known : undefined;
    };
    return {
      isCurrent: () => this.catalog.get('connection', name)?.incarnation === incarnation,
      sharers: (form, owner) => this.#sharers(owner.name, form),
      predecessors: () => past()?.forms ?? [],
      beginsAnew: () => past()?.beginsAnew ?? false,
      position: () => kept.position(),
      lastSeen: async () => {
        const revision = this.readingRevision(spec, undefined);
        return revision === undefined ? undefined : kept.lastSeen(revision);
      },
      seen: () => kept.seen(),
    };
  }

  /** The same of the reader that a pipeline has of its own. */
  ofPipeline(
    connection: ConnectionSpec,
    { name, incarnation }: Pick<PipelineSpec, 'name' | 'incarnation'>,
    kept: KeptPositions,
  ): Lineage {
    const shared = this.of(connection, kept);
    const current = () => {
      const record = this.catalog.get('pipeline', name);
      return record?.incarnation === incarnation ? record : undefined;
    };
    return {
      isCurrent: () => shared.isCurrent() && current() !== undefined,
      sharers: () => [],
      predecessors: () => {
        const options = current()?.definition.options ?? {};
        return shared.predecessors().flatMap((form) => ownReading({ name, options }, form) ?? []);
      },
      beginsAnew: shared.beginsAnew,
      position: shared.position,
      lastSeen: async () => {
        const revision = current() && this.readingRevision(connection, name);
        return revision === undefined ? undefined : kept.lastSeen(revision);
      },
      seen: shared.seen,
    };
  }

  /**
   * The newest revision among a connection of this form and all that stands on it, while a pipeline is to read by its reader (`own`: by the one of this pipeline). As long as it is the same
   * nobody has stopped or changed the reading: what is started again has a newer one, and what was dropped took only itself away. Undefined where nothing is to be read.
   */
  readingRevision({ name, revision, resolved }: ConnectionSpec, own: string | undefined): number | undefined {
    if (this.catalog.get('connection', name)?.revision !== revision) return undefined;
    let newest = revision;
    let isRead = false;
    for (const dependent of this.catalog.dependents(name, nameSpaceOf('connection'))) {
      newest = Math.max(newest, dependent.revision);
      if (dependent.kind !== 'pipeline') continue;
      const { desired, options } = (dependent as Recorded<'pipeline'>).definition;
      const isOwn = ownReading({ name: dependent.name, options }, resolved) !== undefined;
      isRead ||= desired === 'running' && (own === undefined ? !isOwn : isOwn && own === dependent.name);
    }
    return isRead ? newest : undefined;
  }

  /** Whether pipelines share the reader of a connection, or none is there yet: running or not, each that has no reader of its own does. */
  isShared({ name, resolved }: ConnectionSpec): boolean {
    const pipelines = this.catalog
      .dependents(name, nameSpaceOf('connection'))
      .filter((dependent) => dependent.kind === 'pipeline') as Recorded<'pipeline'>[];
    const hasOwn = (pipeline: Recorded<'pipeline'>) =>
      ownReading({ name: pipeline.name, options: pipeline.definition.options }, resolved) !== undefined;
    return pipelines.length === 0 || !pipelines.every(hasOwn);
  }

  /** The form that a connection has now; undefined where it was dropped. */
  current({ name, incarnation }: ConnectionSpec): ResolvedConnection | undefined {
    const record = this.catalog.get('connection', name);
    return record?.incarnation === incarnation ? resolveConnection(name, record.definition) : undefined;
  }

  #sharers(name: string, form: ResolvedConnection): Sharer[] {
    if (!hasDurable(form)) return [];
    const sharers: Sharer[] = [];
    for (const other of this.catalog.values('connection')) {
      // A connection that cannot share a durable by its options alone is not worth resolving.
      if (other.name === name || other.definition.options.stream_name !== form.streamName) continue;
      if (sharesDurable(form, resolveConnection(other.name, other.definition))) sharers.push(other);
    }
    return sharers;
  }
}

/** By what a source is read, where another one has to find the place of the one before. */
function meansOf(connection: ResolvedConnection) {
  if (isSink(connection) || !(hasDurable(connection) || isPositioned(connection))) return undefined;
  const { role } = connection;
  const stream = 'streamName' in connection ? connection.streamName : connection.bucket;
  const consumer = hasConsumer(connection) ? connection.consumer : undefined;
  return { role, stream, durable: consumer?.durable, name: consumer?.name, ackPolicy: consumer?.ackPolicy };
}
