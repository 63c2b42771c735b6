/** `invalid`: the statement is at fault. `timeout`: it took too long. `busy`: too many others are waiting. */
export type FailureCode = 'invalid' | 'timeout' | 'busy';

/** A statement that gave no rows; the message is for who wrote it. */
export class StatementFailed extends Error {
  override readonly name = 'StatementFailed';
  constructor(
    readonly code: FailureCode,
    message: string,
  ) {
    super(message);
  }
}
