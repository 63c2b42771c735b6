import type { ColumnRef } from '@pgsql/types';
import { SqlError } from '../errors.js';
import type { Context } from './expressions.js';
import { visibleItems } from './joined-scope.js';
import type { Identifier, Scope, ScopeColumn } from './scope.js';

/** The column that a reference names. Throws `SqlError`. */
export function resolveColumn(node: ColumnRef, { source, scope }: Context): ScopeColumn {
  const offset = source.offset(node.location);
  const fields = node.fields ?? [];
  if (fields.some((field) => 'A_Star' in field)) throw new SqlError('unsupported', '* is for select lists', offset);
  const [first, second, third] = source.identifiers(node.location, fields.length);
  if (!first || third)
    throw new SqlError(
      'unknown_table',
      'a column is named by itself or behind one alias',
      offset,
      "reach into JSON with ->: customer->'address'->'city'",
    );
  if (!second) return scope.resolve(first, offset);
  return ownerIn(scope, first, offset, second).resolve(second, offset);
}

/** What `owner`, which stands before a dot, means in FROM. Throws `SqlError` where the query reads nothing of that name. */
export function ownerIn(scope: Scope, owner: Identifier, offset: number, column?: Identifier): Scope {
  const items = visibleItems(scope);
  const found = items.find(({ alias }) => alias === owner.folded);
  if (found) return found;
  const hint =
    items[0]?.star === 'payload' && column
      ? `reach into JSON with ->: ${owner.written}->'${column.written}'`
      : `the query reads ${items.map(({ alias }) => `"${alias}"`).join(', ')}`;
  throw new SqlError(
    'unknown_table',
    `there is no "${owner.written}" to take ${column ? `the column "${column.written}"` : 'columns'} from`,
    offset,
    hint,
  );
}
