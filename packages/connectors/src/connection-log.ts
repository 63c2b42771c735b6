export type LogLevel = 'error' | 'warn' | 'info' | 'debug' | 'trace';

/** What belongs to a line beside its text. */
export interface LogDetails {
  /** Names, subjects, counts and sizes; never payloads, values of headers or secrets. */
  readonly attributes?: { readonly [name: string]: string | number | undefined };
  /** Of the trace that the line belongs to. */
  readonly traceparent?: string | undefined;
}

/** Where a connection says what it does. */
export interface ConnectionLog {
  /** Never throws and never waits. What is too much is counted instead, without asking for its `details`. */
  write(level: LogLevel, message: string, details?: () => LogDetails): void;
}

export const noLog: ConnectionLog = { write: () => undefined };
