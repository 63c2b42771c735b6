import { metadataColumns, rawColumnIssues, rawColumns } from '@laminar/definitions';
import { SqlError } from '../errors.js';
import type { Expression, Type } from './expression.js';
import { columnsScope, type Scope, type ScopeColumn } from './scope.js';

/** A connection of `format = 'raw'` read directly: its payload holds no fields, so that its columns are the message's own. */
export function rawConnectionScope(alias: string, connection: string): Scope {
  const columns = Object.entries({ ...rawColumns, ...metadataColumns }).map(([name, type]) => rawColumn(name, type));
  return { ...columnsScope(alias, columns, `a message of "${connection}", which is of format raw,`), star: 'payload' };
}

/** The columns of a table over such a connection. Throws `SqlError` where the table has others, as one that is older than its connection may. */
export function rawTableScope(
  alias: string,
  tableName: string,
  columns: readonly { readonly name: string; readonly type: string }[],
  offset: number,
): Scope {
  const [issue] = rawColumnIssues(columns);
  if (issue) throw new SqlError('unknown_column', `the table "${tableName}" does not fit: ${issue.message}`, offset);
  const bound = columns.map(({ name, type }) => rawColumn(name, type as Type));
  return columnsScope(alias, bound, `the table "${tableName}"`);
}

function rawColumn(name: string, type: Type): ScopeColumn {
  return { name, expression: { ...source(name.toLowerCase()), type, offset: 0 } as Expression };
}

function source(folded: string): { op: 'payload' } | { op: 'metadata'; name: string } {
  if (folded === 'data' || folded === 'payload') return { op: 'payload' };
  return { op: 'metadata', name: metadataBehind[folded] ?? folded };
}

/** What a raw message calls by shorter names. */
const metadataBehind: { readonly [column: string]: string | undefined } = {
  subject: '_nats_subject',
  reply_to: '_nats_reply',
  headers: '_nats_headers',
  timestamp: '_nats_timestamp',
};
