import type { Lineage, Position, Sharer } from '@laminar/connectors';
import {
  type Catalog,
  hasConsumer,
  hasDurable,
  isPositioned,
  isSink,
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

  /** `position` is how far the mesh keeps that the connection was read without a durable. */
  of(spec: ConnectionSpec, position: () => Promise<Position | undefined>): Lineage {
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
      position,
    };
  }

  /** The same of the reader that a pipeline has of its own. */
  ofPipeline(
    connection: ConnectionSpec,
    { name, incarnation }: Pick<PipelineSpec, 'name' | 'incarnation'>,
    position: () => Promise<Position | undefined>,
  ): Lineage {
    const shared = this.of(connection, position);
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
      position,
    };
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
