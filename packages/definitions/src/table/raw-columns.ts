import type { ColumnDefinition } from '../definition.js';
import type { Issue } from '../errors.js';
import { nearestName } from '../names.js';
import { type ColumnType, canonicalColumnType } from './column-types.js';
import { metadataColumns } from './metadata-columns.js';

/** What a message of `format = 'raw'` is to a query, beside its metadata columns; `payload` is `data` by the name that it has in all formats. */
export const rawColumns: { readonly [name: string]: ColumnType } = {
  data: 'BYTEA',
  payload: 'BYTEA',
  subject: 'TEXT',
  reply_to: 'TEXT',
  headers: 'JSON',
  timestamp: 'TIMESTAMP',
};

/** Columns that a table over a raw connection cannot have. */
export function rawColumnIssues(columns: readonly ColumnDefinition[]): Issue[] {
  return columns.flatMap(({ name, type }, index) => {
    const folded = name.toLowerCase();
    if (Object.hasOwn(metadataColumns, folded)) return [];
    const expected = Object.hasOwn(rawColumns, folded) ? rawColumns[folded] : undefined;
    if (expected === undefined) {
      const nearest = nearestName(folded, Object.keys(rawColumns));
      const hint =
        nearest === undefined ? `there are ${Object.keys(rawColumns).join(', ')}` : `did you mean "${nearest}"?`;
      const message = `a message of format raw has no column "${name}"; ${hint}`;
      return [{ code: 'unknown_column', message, pointer: `/columns/${index}/name` }];
    }
    if (canonicalColumnType(type) === expected) return [];
    const message = `the column "${name}" of a raw message is of type ${expected}`;
    return [{ code: 'invalid_type', message, pointer: `/columns/${index}/type` }];
  });
}
