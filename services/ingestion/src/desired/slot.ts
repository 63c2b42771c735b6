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
}

/** A pipeline as a slot runs it: what its query makes of the messages of one connection. */
export interface PipelineSpec {
  readonly name: string;
  /** The source connection. */
  readonly connection: string;
  readonly incarnation: number;
  /** When it was created, in Unix milliseconds: no row of it is older. */
  readonly createdAtMs: number;
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

/** What one slot of a connection runs: all of the connection's running pipelines. */
export interface SlotSpec {
  readonly key: string;
  readonly connection: ConnectionSpec;
  /** Sorted by name. */
  readonly pipelines: readonly PipelineSpec[];
}

/** Slots of these are never run by two at once, and stop when the lease cannot be renewed. */
export function isExclusive({ resolved }: ConnectionSpec): boolean {
  if (resolved.role === 'source-core') return resolved.queueGroup === undefined;
  if (hasConsumer(resolved)) return !resolved.consumer.durable;
  return !isSink(resolved);
}

/** Its messages are processed in the order of their stream, whatever becomes of them. */
export const isReadInOrder = ({ role }: ResolvedConnection): boolean =>
  role === 'source-ordered' || role === 'source-kv' || role === 'source-object';

export function slotKeys({ name, resolved }: ConnectionSpec): string[] {
  const parallelism = 'parallelism' in resolved ? resolved.parallelism : 1;
  return Array.from({ length: parallelism }, (_, slot) => `${name}.${slot}`);
}

/** Of all slots of a connection one does what is to be done once. */
export const answersForConnection = ({ key, connection }: SlotSpec): boolean => key === `${connection.name}.0`;
