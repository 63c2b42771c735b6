export type SqlErrorCode =
  | 'syntax_error'
  | 'unsupported'
  | 'unknown_option'
  | 'unknown_column'
  | 'unknown_type'
  | 'invalid_name'
  | 'type_mismatch'
  | 'duplicate_column'
  | 'unnamed_column'
  | 'unknown_table'
  | 'unknown_function'
  | 'too_large';

/** Something wrong with a text of SQL, at `offset` code points from the beginning of the text that was parsed. */
export class SqlError extends Error {
  override readonly name = 'SqlError';
  constructor(
    readonly code: SqlErrorCode,
    message: string,
    readonly offset: number,
    /** What to do about it. */
    readonly hint?: string,
  ) {
    super(message);
  }
}

/** A value in a row that the query cannot work with; goes the way of the pipeline's `on_error`. */
export class RowError extends Error {
  override readonly name = 'RowError';
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}
