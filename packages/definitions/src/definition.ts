import type { Kind } from '@laminar/protocol';
import type { Options } from './option-value.js';

/** How to reach a NATS system and what to read or write there. Options are checked against `connection/options.ts`. */
export interface ConnectionDefinition {
  readonly connector: 'nats';
  readonly options: Options;
}

/** A column as the user typed it; `type` is a type name in upper case as surface's list has it, such as `DOUBLE PRECISION` or `TEXT[]`. */
export interface ColumnDefinition {
  readonly name: string;
  readonly type: string;
}

/** Typed columns over the connection named by `connector`. */
export interface TableDefinition {
  readonly connector: string;
  readonly columns: readonly ColumnDefinition[];
  readonly options: Options;
}

export type Desired = 'running' | 'stopped';

/** A continuous query. `reads` and `writes` are the relations that `query` names, derived when it was accepted. */
export interface PipelineDefinition {
  readonly query: string;
  readonly desired: Desired;
  readonly options: Options;
  readonly reads: readonly string[];
  readonly writes: string | undefined;
}

/** That a secret is stored. Its value is elsewhere, encrypted, under `valueId`, which is new with every value and says nothing of it. */
export interface SecretDefinition {
  readonly valueId: string;
}

export interface DefinitionOfKind {
  connection: ConnectionDefinition;
  table: TableDefinition;
  pipeline: PipelineDefinition;
  secret: SecretDefinition;
}

/** A definition as the log has it now. */
export interface Recorded<K extends Kind = Kind> {
  readonly kind: K;
  readonly name: string;
  /** How many events this kind and name has. */
  readonly version: number;
  /** Position of its newest event in the log. */
  readonly revision: number;
  /** Position of the event that created it; tells it from a dropped namesake. */
  readonly incarnation: number;
  /** Unix milliseconds. */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly actor: string;
  /** Trace context of the newest event's request; empty where there was none. */
  readonly traceparent: string;
  readonly definition: DefinitionOfKind[K];
}
