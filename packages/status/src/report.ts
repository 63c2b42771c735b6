export const pipelineStates = ['starting', 'running', 'blocked', 'stopped', 'failed'] as const;
export type PipelineState = (typeof pipelineStates)[number];

export const connectionStates = ['idle', 'connecting', 'connected', 'reconnecting', 'blocked', 'failed'] as const;
export type ConnectionState = (typeof connectionStates)[number];

/** What one instance says of one definition. */
export interface Report<State extends string> {
  readonly name: string;
  readonly instance: string;
  readonly session: string;
  readonly desiredRevision: number;
  /** What is really in effect there; 0 for nothing. */
  readonly appliedRevision: number;
  readonly state: State;
  readonly message: string;
  /** When the instance began to say this: Unix milliseconds, by its clock. */
  readonly sinceMs: number;
}

export type PipelineReport = Report<PipelineState>;
export type ConnectionReport = Report<ConnectionState>;

/** An ingestion instance that is alive. */
export interface InstanceReport {
  readonly instance: string;
  readonly session: string;
  /** The log position that it has folded and acted on. */
  readonly appliedRevision: number;
}
