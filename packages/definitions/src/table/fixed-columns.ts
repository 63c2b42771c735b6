import { type FormatName, formatNameOf } from '../connection/format.js';
import { type StoreKind, storeOf } from '../connection/stores.js';
import type { ColumnDefinition } from '../definition.js';
import type { Issue } from '../errors.js';
import { nearestName } from '../names.js';
import type { Options } from '../option-value.js';
import { type ColumnType, canonicalColumnType } from './column-types.js';
import { metadataColumns } from './metadata-columns.js';

/** What the messages of some sources are to a query, beside their metadata columns: no fields of a payload, but these. */
export interface FixedColumns {
  /** In words, such as `a message of format raw`. */
  readonly what: string;
  readonly columns: { readonly [name: string]: ColumnType };
}

/** `payload` is `data` by the name that it has in all formats. */
const raw: FixedColumns = {
  what: 'a message of format raw',
  columns: {
    data: 'BYTEA',
    payload: 'BYTEA',
    subject: 'TEXT',
    reply_to: 'TEXT',
    headers: 'JSON',
    timestamp: 'TIMESTAMP',
  },
};

/** `value` is what the format of the connection makes of an entry's value. */
const kvEntry = (value: ColumnType): FixedColumns => ({
  what: 'an entry of a KV bucket',
  columns: { key: 'TEXT', value, revision: 'BIGINT', operation: 'TEXT', timestamp: 'TIMESTAMP' },
});

const object: FixedColumns = {
  what: 'an object of an object store',
  columns: {
    name: 'TEXT',
    size: 'BIGINT',
    chunks: 'INTEGER',
    digest: 'TEXT',
    metadata: 'JSON',
    operation: 'TEXT',
    timestamp: 'TIMESTAMP',
  },
};

/** The columns of a source that has nothing else; undefined where columns are fields of the payload. */
export function fixedColumnsOf(format: FormatName, store: StoreKind | undefined): FixedColumns | undefined {
  if (store === 'kv') return kvEntry(format === 'raw' ? 'BYTEA' : 'JSON');
  if (store === 'object') return object;
  return format === 'raw' ? raw : undefined;
}

/** Columns that a table over a connection with these options cannot have. */
export function misfitColumnIssues(columns: readonly ColumnDefinition[], connection: Options): Issue[] {
  const fixed = fixedColumnsOf(formatNameOf(connection), storeOf(connection));
  return fixed === undefined ? [] : fixedColumnIssues(columns, fixed);
}

/** Columns that are none of the fixed ones, or of another type. */
export function fixedColumnIssues(columns: readonly ColumnDefinition[], fixed: FixedColumns): Issue[] {
  return columns.flatMap(({ name, type }, index): Issue[] => {
    const folded = name.toLowerCase();
    if (Object.hasOwn(metadataColumns, folded)) return [];
    const expected = Object.hasOwn(fixed.columns, folded) ? fixed.columns[folded] : undefined;
    if (expected === undefined) {
      const nearest = nearestName(folded, Object.keys(fixed.columns));
      const hint =
        nearest === undefined ? `there are ${Object.keys(fixed.columns).join(', ')}` : `did you mean "${nearest}"?`;
      const message = `${fixed.what} has no column "${name}"; ${hint}`;
      return [{ code: 'unknown_column', message, pointer: `/columns/${index}/name` }];
    }
    if (canonicalColumnType(type) === expected) return [];
    const message = `the column "${name}" of ${fixed.what} is of type ${expected}`;
    return [{ code: 'invalid_type', message, pointer: `/columns/${index}/type` }];
  });
}
