import type { Kind } from '@laminar/protocol';
import type {
  ConnectionDefinition,
  Desired,
  FunctionDefinition,
  PipelineDefinition,
  SecretDefinition,
  TableDefinition,
} from './definition.js';
import type { DefinitionEventBody } from './event.js';

/** A pipeline as a command gives it: without `desired` it keeps the one it has, and a new one runs. */
export type PipelineDraft = Omit<PipelineDefinition, 'desired'> & { readonly desired?: Desired | undefined };

export interface DraftOfKind {
  connection: ConnectionDefinition;
  table: TableDefinition;
  pipeline: PipelineDraft;
  function: FunctionDefinition;
  secret: SecretDefinition;
}

/** Where `expectedRevision` is given, the definition must be at that revision still. */
interface Target<K extends Kind> {
  readonly kind: K;
  readonly name: string;
  readonly expectedRevision?: number | undefined;
}

type Define<K extends Kind> = Target<K> & {
  /** `Create` wants the name free, `Change` wants it taken, `Put` takes either. */
  readonly type: 'Create' | 'Change' | 'Put';
  readonly definition: DraftOfKind[K];
};

/** What someone asks of the catalog. Definitions must have passed their validation. */
export type Command =
  | Define<'connection'>
  | Define<'table'>
  | Define<'pipeline'>
  | Define<'function'>
  | Define<'secret'>
  | (Target<Kind> & { readonly type: 'Drop'; readonly cascade: boolean })
  | (Target<'pipeline'> & { readonly type: 'Start' | 'Stop' })
  | (Target<'pipeline'> & {
      readonly type: 'RollBack';
      readonly toVersion: number;
      readonly definition: PipelineDefinition;
    });

/** An event that a decision came to, before the log gives it a position. */
export interface DecidedEvent {
  readonly kind: Kind;
  readonly name: string;
  readonly version: number;
  readonly body: DefinitionEventBody;
}
