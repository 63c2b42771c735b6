import { type Kind, subjects } from '@laminar/protocol';
import type { Catalog } from '../catalog.js';
import { isSink, type ResolvedConnection, resolveConnection, type Source } from '../connection/resolve.js';
import { subjectsOverlap } from '../connection/subjects.js';
import type { ConnectionDefinition, DefinitionOfKind, PipelineDefinition, TableDefinition } from '../definition.js';

/** The mesh's own bus, which takes the rows of pipelines without a sink. */
export interface OwnBus {
  /** Its servers, as `parseServers` gives them. */
  readonly servers: readonly string[];
  /** It asks nobody who they are, so that whoever reads by wildcards there reads those rows, too; else that depends on accounts and permissions. */
  readonly isOpen: boolean;
}

/** Rows on their way out. */
interface Output {
  /** Who publishes them, for people. */
  readonly by: string;
  readonly subject: string;
  readonly servers: readonly string[];
}

/**
 * Why a definition would make a pipeline feed itself: its sink, or without one the mesh's own bus, gets what its own source reads, so that
 * one message would go round for ever. Undefined where none does, or where relations are still missing.
 */
export function feedsItself(
  kind: Kind,
  name: string,
  definition: DefinitionOfKind[Kind],
  catalog: Catalog,
  bus: OwnBus,
): string | undefined {
  const view = new View(kind, name, definition, catalog);
  for (const [pipeline, { reads, writes }] of view.pipelines()) {
    const output = writes === undefined ? ownOutput(pipeline, bus) : outputOf(writes, view);
    if (!output) continue;
    for (const relation of reads) {
      const source = view.resolve(relation);
      if (!source || isSink(source) || !feeds(output, source)) continue;
      if (writes === undefined && !surelyReads(source, bus)) continue;
      return `the pipeline "${pipeline}" would read what it writes: ${output.by} publishes to ${output.subject}, which "${relation}" reads${hintOf(source)}`;
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

function outputOf(writes: string, view: View): Output | undefined {
  const sink = view.resolve(writes);
  return sink && isSink(sink) ? { by: `"${writes}"`, subject: sink.subject, servers: sink.servers } : undefined;
}

/** Nobody can tell what a stream takes that is read whole. */
const hintOf = (source: Source): string =>
  'streamName' in source && subjectsOf(source).includes('>')
    ? " by the subject >; say the stream's own subjects there"
    : '';

const ownOutput = (pipeline: string, { servers }: OwnBus): Output => ({
  by: 'without INSERT INTO it',
  subject: subjects.output(pipeline),
  servers,
});

/**
 * Whether wildcards that cover a pipeline's own output are about it. In another account of the bus, or over a whole stream, they are hardly ever: there only those count that name the mesh's
 * subjects.
 */
const surelyReads = (source: Source, { isOpen }: OwnBus): boolean =>
  (isOpen && source.role === 'source-core') || subjectsOf(source).some((pattern) => pattern.startsWith('laminar.'));

function feeds(output: Output, source: Source): boolean {
  const read = source.servers.map(byOneName);
  if (!output.servers.some((server) => read.includes(byOneName(server)))) return false;
  const reads = (patterns: readonly string[]) => patterns.some((pattern) => subjectsOverlap(pattern, output.subject));
  return (
    reads(subjectsOf(source)) && (!('stream' in source) || source.stream === undefined || reads(source.stream.subjects))
  );
}

/** A machine calls itself by several names. */
const byOneName = (server: string): string => server.replace(/^nats:\/\/(127\.0\.0\.1|\[::1\]):/, 'nats://localhost:');

/** A sink publishes to nothing that a bucket keeps its entries under. */
function subjectsOf(source: Source): readonly string[] {
  if (source.role === 'source-core') return [source.subject];
  if (source.role === 'source-kv' || source.role === 'source-object') return [];
  return source.filterSubjects.length > 0 ? source.filterSubjects : (source.stream?.subjects ?? []);
}
