import type { FormatName, StoreKind } from '@laminar/definitions';

/** What a query may read or write, as the binder sees it. Offered by the catalog (`catalogRelations`). */
export interface Relations {
  get(name: string): Relation | undefined;
  names(): Iterable<string>;
}

export type Relation = SourceConnection | TableRelation | SinkConnection;

export interface SourceConnection {
  readonly kind: 'source';
  readonly name: string;
  readonly jetstream: boolean;
  readonly format: FormatName;
  /** What it watches, where it does not read messages as they are. */
  readonly store?: StoreKind | undefined;
  /** Its messages are requests, which pipelines may reply to. */
  readonly enableReply?: boolean;
}

/** A table over the source connection `connection`, which may not exist yet. */
export interface TableRelation {
  readonly kind: 'table';
  readonly name: string;
  readonly connection: string;
  readonly source: SourceConnection | undefined;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly includeMetadata: boolean;
}

export interface SinkConnection {
  readonly kind: 'sink';
  readonly name: string;
  readonly jetstream: boolean;
  readonly format: FormatName;
}
