/** What the child is asked, one statement at a time. */
export interface RunRequest {
  readonly sql: string;
  readonly rowsMax: number;
  /** Bytes of the answer's JSON. */
  readonly bytesMax: number;
}

export interface Column {
  readonly name: string;
  readonly type: string;
}

export interface Rows {
  readonly columns: readonly Column[];
  /** A JSON array of arrays; text, since numbers of more than 53 bits could not be carried as JavaScript values through JSON. */
  readonly rows: string;
  /** False where rows were left out. */
  readonly complete: boolean;
}

/** What the child says: that it is open for statements, or an answer to one. */
export type ChildMessage = { readonly ready: true } | { readonly result: Rows } | { readonly error: string };
