import type { IssueCode } from './issue-codes.js';

/** One thing wrong with a request, for its author. */
export interface Issue {
  readonly code: IssueCode;
  /** What is wrong and what to do. */
  readonly message: string;
  /** JSON pointer (RFC 6901) into the definition's body, such as `/options/servers`. */
  readonly pointer?: string;
}

export type RejectionCode = 'invalid' | 'already_exists' | 'not_found' | 'in_use' | 'conflict' | 'precondition_failed';

/** A command that the catalog does not allow; nothing was written. */
export class DefinitionRejected extends Error {
  override readonly name = 'DefinitionRejected';
  constructor(
    readonly code: RejectionCode,
    message: string,
    readonly issues: readonly Issue[] = [],
  ) {
    super(message);
  }
}
