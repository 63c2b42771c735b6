import type { Kind } from '@laminar/protocol';
import type {
  ConnectionDefinition,
  FunctionDefinition,
  PipelineDefinition,
  SecretDefinition,
  TableDefinition,
} from './definition.js';

export type ConnectionEvent =
  | { readonly type: 'ConnectionCreated'; readonly definition: ConnectionDefinition }
  | { readonly type: 'ConnectionChanged'; readonly definition: ConnectionDefinition }
  | { readonly type: 'ConnectionDropped' };

export type TableEvent =
  | { readonly type: 'TableCreated'; readonly definition: TableDefinition }
  | { readonly type: 'TableChanged'; readonly definition: TableDefinition }
  | { readonly type: 'TableDropped' };

export type PipelineEvent =
  | { readonly type: 'PipelineCreated'; readonly definition: PipelineDefinition }
  | { readonly type: 'PipelineChanged'; readonly definition: PipelineDefinition }
  | { readonly type: 'PipelineStarted' }
  | { readonly type: 'PipelineStopped' }
  | { readonly type: 'PipelineRolledBack'; readonly toVersion: number; readonly definition: PipelineDefinition }
  | { readonly type: 'PipelineDropped' };

export type FunctionEvent =
  | { readonly type: 'FunctionCreated'; readonly definition: FunctionDefinition }
  | { readonly type: 'FunctionChanged'; readonly definition: FunctionDefinition }
  | { readonly type: 'FunctionDropped' };

export type SecretEvent =
  | { readonly type: 'SecretCreated'; readonly definition: SecretDefinition }
  | { readonly type: 'SecretChanged'; readonly definition: SecretDefinition }
  | { readonly type: 'SecretDropped' };

export type DefinitionEventBody = ConnectionEvent | TableEvent | PipelineEvent | FunctionEvent | SecretEvent;

/** What the log says beside the fact itself. */
export interface EventMetadata {
  /** Also the message id of the append. */
  readonly eventId: string;
  readonly kind: Kind;
  readonly name: string;
  readonly version: number;
  /** Unix milliseconds. */
  readonly at: number;
  readonly actor: string;
  readonly traceparent: string;
}

/** One fact about one definition, as decided. */
export interface DefinitionEvent extends EventMetadata {
  readonly body: DefinitionEventBody;
}

/** The same with its position in the log. */
export interface RecordedEvent extends DefinitionEvent {
  readonly revision: number;
}
