import type { Issue } from '@laminar/definitions';
import type { ProblemCode } from './http/problem-codes.js';

export interface RefusalDetails {
  /** Each thing that is wrong, where there may be several. */
  readonly issues?: readonly Issue[];
  /** The text in which something is wrong, and where: code points from its beginning. */
  readonly at?: { readonly text: string; readonly offset: number };
  /** Members of the problem beside those that every problem has. */
  readonly members?: { readonly [name: string]: unknown };
  readonly headers?: { readonly [name: string]: string };
  readonly cause?: unknown;
}

/** Something that keeps a request from being carried out; the message is for its author. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  constructor(
    readonly code: ProblemCode,
    message: string,
    readonly details: RefusalDetails = {},
  ) {
    super(message, { cause: details.cause });
  }
}

const issuesToldMax = 5;

/** Several issues in one sentence, for those who read nothing else. */
export function told(issues: readonly Issue[]): string {
  const messages = issues.slice(0, issuesToldMax).map(({ message }) => message);
  const more = issues.length > issuesToldMax ? [`and ${issues.length - issuesToldMax} more`] : [];
  return [...messages, ...more].join('; ');
}
