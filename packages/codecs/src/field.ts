/** The name of a top-level field as it is looked for. */
export class FieldName {
  /** The bytes that a key of JSON without escapes has, none of which are a quote or a backslash; undefined where no such key can be it. */
  readonly bytes: Uint8Array | undefined;

  constructor(readonly text: string) {
    // A lone surrogate has no bytes of its own.
    this.bytes = /["\\\p{Cs}]/u.test(text) ? undefined : new TextEncoder().encode(text);
  }
}

/** All values that a field may have, as far as a look at the message says so that is cheaper than reading it. The first `count` count. */
export interface FieldCandidates {
  readonly values: readonly unknown[];
  readonly count: number;
}
