import { hasConsumer, isSink, type OnError, type ResolvedConnection } from '@laminar/definitions';
import type { BoundQuery } from '@laminar/sql';

/** The request behind a revision. */
export interface Cause {
  /** Trace context of its append; empty where there was none. */
  readonly traceparent: string;
  /** Unix milliseconds. */
  readonly atMs: number;
}

/** A connection as a slot or sink runs it. */
export interface ConnectionSpec {
  readonly name: string;
  readonly revision: number;
  readonly incarnation: number;
  readonly cause: Cause;
  readonly resolved: ResolvedConnection;
  /** Of a sink: with what the message ids of the pipeline begin that writes to it alone. */
  readonly soleWriter?: string;
}

/** A pipeline as a slot runs it: what its query makes of the messages of one connection. */
export interface PipelineSpec {
  readonly name: string;
  /** The source connection. */
  readonly connection: string;
  readonly incarnation: number;
  /** When it was created, in Unix milliseconds: no row of it is older. */
  readonly createdAtMs: number;
  /** It has a reader of its own: the source as that one reads it. */
  readonly ownReading: ResolvedConnection | undefined;
  /** Of the pipeline's own definition; goes out with every row. */
  readonly definitionRevision: number;
  /** The newest among its own and those of all relations that it names: what `applied` means. */
  readonly revision: number;
  /** What made `revision`. */
  readonly cause: Cause;
  readonly query: BoundQuery;
  readonly onError: OnError;
  /** Undefined: its own output subject on the mesh's bus. */
  readonly sink: ConnectionSpec | undefined;
}

/** What one slot of a connection runs: all of its running pipelines that share a reader, or one that has its own. */
export interface SlotSpec {
  readonly key: string;
  /** As it is read here. */
  readonly connection: ConnectionSpec;
  /** Whose durable and position it is: the connection's, or where a pipeline has its own those of that name. */
  readonly reader: { readonly name: string; readonly incarnation: number };
  /** Sorted by name. */
  readonly pipelines: readonly PipelineSpec[];
}

/** Slots of these are never run by two at once, and stop when the lease cannot be renewed. */
export function isExclusive({ resolved }: ConnectionSpec): boolean {
  if (resolved.role === 'source-core') return resolved.queueGroup === undefined;
  if (hasConsumer(resolved)) return !resolved.consumer.durable;
  return !isSink(resolved);
}

/** The reader of a pipeline of its own, as a connection; neither a connection nor a pipeline has a dot in its name. */
export const ownReaderSpec = (
  connection: ConnectionSpec,
  { name, incarnation, ownReading }: Pick<PipelineSpec, 'name' | 'incarnation' | 'ownReading'>,
): ConnectionSpec | undefined =>
  ownReading && { ...connection, name: `${connection.name}.${name}`, incarnation, resolved: ownReading };

export function slotKeys({ name, resolved }: ConnectionSpec): string[] {
  const parallelism = 'parallelism' in resolved ? resolved.parallelism : 1;
  return Array.from({ length: parallelism }, (_, slot) => `${name}.${slot}`);
}

/** Of all slots of a reader one does what is to be done once. */
export const answersForReader = ({ key, reader }: SlotSpec): boolean => key === `${reader.name}.0`;

/** The pipeline whose own reader the slot runs, which is concerned by whatever comes by it. */
export const ownerOf = ({ pipelines }: SlotSpec): PipelineSpec | undefined =>
  pipelines.find(({ ownReading }) => ownReading !== undefined);
