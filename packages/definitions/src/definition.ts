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

/** A continuous query. `reads` and `writes` are the relations that `query` names, `calls` the functions of users; derived when it was accepted. */
export interface PipelineDefinition {
  readonly query: string;
  readonly desired: Desired;
  readonly options: Options;
  readonly reads: readonly string[];
  readonly writes: string | undefined;
  readonly calls: readonly string[];
}

export type FunctionLanguage = 'sql' | 'nats' | 'javascript';

/**
 * A scalar function of a user. The body is, by language: one expression of SQL over the arguments; the subject of the mesh's bus that is asked; or the
 * body of a JavaScript function of the arguments. `calls` are the functions of users that a body of SQL names, derived when it was accepted.
 */
export interface FunctionDefinition {
  readonly arguments: readonly ColumnDefinition[];
  readonly returns: string;
  readonly language: FunctionLanguage;
  readonly body: string;
  readonly calls: readonly string[];
}

/** That a secret is stored. Its value is elsewhere, encrypted, under `valueId`, which is new with every value and says nothing of it. */
export interface SecretDefinition {
  readonly valueId: string;
}

export interface DefinitionOfKind {
  connection: ConnectionDefinition;
  table: TableDefinition;
  pipeline: PipelineDefinition;
  function: FunctionDefinition;
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
