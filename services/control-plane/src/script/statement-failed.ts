import type { Issue } from '@laminar/definitions';

interface FailureDetails {
  /** Counts from 0. */
  readonly index: number;
  /** Where in the script, in code points. */
  readonly offset: number;
  readonly issuePlaces: readonly { readonly issue: Issue; readonly offset: number }[];
  /** What the statements before it came to. */
  readonly results: readonly unknown[];
  /** What to write instead, where the cause does not say it. */
  readonly hint?: string | undefined;
}

/** A statement of a script that could not be applied; those before it were. */
export class StatementFailed extends Error {
  override readonly name = 'StatementFailed';
  constructor(
    override readonly cause: unknown,
    readonly script: string,
    readonly details: FailureDetails,
  ) {
    super(`statement ${details.index + 1} of the script failed`, { cause });
  }
}
