import type { Issue } from '@laminar/definitions';

/** A statement of a script that could not be applied; those before it were. */
export class StatementFailed extends Error {
  override readonly name = 'StatementFailed';
  constructor(
    override readonly cause: unknown,
    readonly script: string,
    /** Counts from 0. */
    readonly index: number,
    /** Where in the script, in code points. */
    readonly offset: number,
    readonly issuePlaces: readonly { readonly issue: Issue; readonly offset: number }[],
    /** What the statements before it came to. */
    readonly results: readonly unknown[],
  ) {
    super(`statement ${index + 1} of the script failed`, { cause });
  }
}
