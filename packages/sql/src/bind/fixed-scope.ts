import { type FixedColumns, fixedColumnIssues, fixedColumnsOf, metadataColumns } from '@laminar/definitions';
import { SqlError } from '../errors.js';
import type { SourceConnection } from '../relations.js';
import type { Expression, Type } from './expression.js';
import { columnsScope, type Scope, type ScopeColumn } from './scope.js';

/** The columns of a source whose messages have no fields; undefined where columns are fields of the payload. */
export const fixedColumns = ({ format, store }: SourceConnection): FixedColumns | undefined =>
  fixedColumnsOf(format, store);

/** Such a connection read directly: its columns are what it is of. All of them are its star, but that of a raw message is the payload as it came. */
export function fixedConnectionScope(alias: string, connection: SourceConnection, fixed: FixedColumns): Scope {
  const own = Object.entries(fixed.columns).map(([name, type]) => fixedColumn(name, type));
  const metadata = Object.entries(metadataColumns).map(([name, type]) => fixedColumn(name, type));
  const owner =
    connection.store === undefined
      ? `a message of "${connection.name}", which is of format raw,`
      : `${fixed.what}, such as of "${connection.name}",`;
  return {
    ...columnsScope(alias, [...own, ...metadata], owner),
    star: connection.store === undefined ? 'payload' : own,
  };
}

/** The columns of a table over such a connection. Throws `SqlError` where the table has others, as one that is older than its connection may. */
export function fixedTableScope(
  alias: string,
  table: { readonly name: string; readonly columns: readonly { readonly name: string; readonly type: string }[] },
  fixed: FixedColumns,
  offset: number,
): Scope {
  const [issue] = fixedColumnIssues(table.columns, fixed);
  if (issue) throw new SqlError('unknown_column', `the table "${table.name}" does not fit: ${issue.message}`, offset);
  const bound = table.columns.map(({ name, type }) => fixedColumn(name, type as Type));
  return columnsScope(alias, bound, `the table "${table.name}"`);
}

function fixedColumn(name: string, type: Type): ScopeColumn {
  return { name, expression: { ...source(name.toLowerCase()), type, offset: 0 } as Expression };
}

function source(folded: string): { op: 'payload' } | { op: 'field' | 'metadata'; name: string } {
  if (folded === 'data' || folded === 'payload') return { op: 'payload' };
  const metadata = metadataBehind[folded] ?? (Object.hasOwn(metadataColumns, folded) ? folded : undefined);
  if (metadata !== undefined) return { op: 'metadata', name: metadata };
  // A member of what the store's codec gives, which has the column's type.
  return { op: 'field', name: folded };
}

/** What such messages call by shorter names. */
const metadataBehind: { readonly [column: string]: string | undefined } = {
  subject: '_nats_subject',
  reply_to: '_nats_reply',
  headers: '_nats_headers',
  timestamp: '_nats_timestamp',
  revision: '_nats_sequence',
};
