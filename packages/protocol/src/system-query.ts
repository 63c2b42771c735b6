/** What is asked on `subjects.querySql`, as JSON: one read-only statement for SQLite over `system.*`. */
export interface SystemQuery {
  readonly sql: string;
  /** The statement is ended after that long; from 1 to `systemQueryTimeoutMsMax`. */
  readonly timeout_ms: number;
}

export const systemQueryTimeoutMsMax = 60_000;

/** The answer, as JSON. Integers beyond 2^53 are written with all digits. */
export interface SystemRows {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly unknown[])[];
  /** False where the rows were cut at the limit of the answer's size. */
  readonly complete: boolean;
}

/**
 * Codes of the service protocol's error header (NATS ADR-32) on an answer without rows; the description beside them is for the person who
 * wrote the statement.
 */
export const systemQueryErrors = {
  /** Not JSON, or not of the form of a `SystemQuery`. */
  malformed: 400,
  /** The statement took longer than it may. */
  timeout: 408,
  /** SQLite refuses the statement, or it is more than a read of `system.*`. */
  invalid: 422,
  /** The service has not caught up yet. */
  notReady: 503,
} as const;
