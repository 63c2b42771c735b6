import { type RowErrorCode, type SqlErrorCode, sqlErrorCodes } from './error-codes.js';

/** Something wrong with a text of SQL, at `offset` code points from the beginning of the text that was parsed. */
export class SqlError extends Error {
  override readonly name = 'SqlError';
  constructor(
    readonly code: SqlErrorCode,
    message: string,
    readonly offset: number,
    /** What to do about it. */
    readonly hint: string = sqlErrorCodes[code][1],
  ) {
    super(message);
  }
}

/** A value in a row that the query cannot work with; goes the way of the pipeline's `on_error`. */
export class RowError extends Error {
  override readonly name = 'RowError';
  constructor(
    readonly code: RowErrorCode,
    message: string,
    /** Where the expression stands, in code points of the query; undefined where nobody knows. */
    public offset?: number,
  ) {
    super(message);
  }
}
