import type { Kind } from '@laminar/protocol';
import type { Catalog } from '../catalog.js';
import { isSink, type ResolvedConnection, resolveConnection, type Sink, type Source } from '../connection/resolve.js';
import { subjectsOverlap } from '../connection/subjects.js';
import type { ConnectionDefinition, DefinitionOfKind, PipelineDefinition, TableDefinition } from '../definition.js';

/**
 * Why a definition would make a pipeline feed itself: its sink publishes what its own source reads, so that
 * one message would go round for ever. Undefined where none does, or where relations are still missing.
 */
export function feedsItself(
  kind: Kind,
  name: string,
  definition: DefinitionOfKind[Kind],
  catalog: Catalog,
): string | undefined {
  const view = new View(kind, name, definition, catalog);
  for (const [pipeline, { reads, writes }] of view.pipelines()) {
    const sink = writes === undefined ? undefined : view.resolve(writes);
    if (!sink || !isSink(sink)) continue;
    for (const relation of reads) {
      const source = view.resolve(relation);
      if (source && !isSink(source) && feeds(sink, source)) {
        return `the pipeline "${pipeline}" would read what it writes: "${writes}" publishes to ${sink.subject}, which "${relation}" reads`;
      }
    }
  }
  return undefined;
}

/** The catalog as it would be with the definition. */
class View {
  constructor(
    readonly kind: Kind,
    readonly name: string,
    readonly definition: DefinitionOfKind[Kind],
    readonly catalog: Catalog,
  ) {}

  /** The pipelines that the definition may turn into loops. */
  *pipelines(): Iterable<[string, PipelineDefinition]> {
    if (this.kind === 'pipeline') {
      yield [this.name, this.definition as PipelineDefinition];
      return;
    }
    for (const { kind, name, definition } of this.catalog.dependents(this.name, 'relation')) {
      if (kind === 'pipeline') yield [name, definition as PipelineDefinition];
    }
  }

  resolve(relation: string): ResolvedConnection | undefined {
    const table =
      this.kind === 'table' && relation === this.name
        ? (this.definition as TableDefinition)
        : this.catalog.get('table', relation)?.definition;
    const connectionName = table?.connector ?? relation;
    const connection =
      this.kind === 'connection' && connectionName === this.name
        ? (this.definition as ConnectionDefinition)
        : this.catalog.get('connection', connectionName)?.definition;
    return connection && resolveConnection(connectionName, connection);
  }
}

function feeds(sink: Sink, source: Source): boolean {
  if (!sink.servers.some((server) => source.servers.includes(server))) return false;
  const read = subjectsOf(source);
  return read.some((pattern) => subjectsOverlap(pattern, sink.subject));
}

/** A sink publishes to nothing that a bucket keeps its entries under. */
function subjectsOf(source: Source): readonly string[] {
  if (source.role === 'source-core') return [source.subject];
  if (source.role === 'source-kv' || source.role === 'source-object') return [];
  return source.filterSubjects.length > 0 ? source.filterSubjects : (source.stream?.subjects ?? []);
}
