import type { Node, ResTarget } from '@pgsql/types';
import { SqlError } from '../errors.js';
import { impliedName } from './column-name.js';
import { ownerIn, resolveColumn } from './column-reference.js';
import { bindExpression, type Context } from './expressions.js';
import { itemsOf } from './joined-scope.js';
import type { OutputColumn } from './plan.js';
import type { Identifier } from './scope.js';
import { unsupported } from './unsupported.js';

/** What a select list comes to: the whole message, columns, or both. Literals that nothing types are not typed yet. */
export interface SelectList {
  readonly star: boolean;
  readonly columns: readonly OutputColumn[];
}

/** Binds a select list, whose first columns, as many as are `renamed`, get other names, so that they need none. Throws `SqlError`. */
export function bindSelectList(targets: readonly Node[], context: Context, renamed: number): SelectList {
  const { source, scope } = context;
  const columns: OutputColumn[] = [];
  const taken = new Set<string>();
  let star = false;
  const isRenamed = () => columns.length < renamed;
  const add = (identifier: Identifier, expression: OutputColumn['expression'], offset: number) => {
    const { written: name, folded } = identifier;
    if (isRenamed()) return void columns.push({ name, expression });
    if (taken.has(name) || taken.has(folded))
      throw new SqlError(
        'duplicate_column',
        `two columns are named "${name}"`,
        offset,
        'give one of them another name with AS',
      );
    taken.add(name).add(folded);
    columns.push({ name, expression });
  };
  for (const target of targets) {
    const item: ResTarget = 'ResTarget' in target ? target.ResTarget : {};
    const offset = source.offset(item.location);
    if (isStar(item)) {
      const owner = isQualified(item) ? source.starOwner(item.location) : undefined;
      const items = owner ? [ownerIn(scope, owner, offset)] : itemsOf(scope);
      if (items.length === 0)
        throw new SqlError(
          'syntax_error',
          '* stands for what is in FROM, and there is no FROM',
          offset,
          'name columns',
        );
      for (const { star: all } of items) {
        if (all === 'mixed') throw unsupported('* over a SELECT *, ... AS ...', offset, 'name the columns');
        if (all === 'payload') star = true;
        else for (const { name, expression } of all) add(exactly(name), expression, offset);
      }
      continue;
    }
    const expression = bindExpression(item.val, context);
    add(isRenamed() ? exactly('') : columnName(item, context, offset), expression, offset);
  }
  return { star, columns };
}

/** PostgreSQL's names: the alias, the column, the function, the type of a cast. */
function columnName(item: ResTarget, context: Context, offset: number): Identifier {
  if (item.name !== undefined) return context.source.alias(item.location);
  const name = impliedName(item.val, (reference) => resolveColumn(reference, context).name);
  if (name !== undefined) return exactly(name);
  throw new SqlError('unnamed_column', 'a column has no name', offset, 'give it one: ... AS name');
}

/** A name that is not the user's own spelling at this place. */
const exactly = (name: string): Identifier => ({ written: name, folded: name, quoted: true });

function isStar({ val }: ResTarget): boolean {
  return val !== undefined && 'ColumnRef' in val && (val.ColumnRef.fields ?? []).some((field) => 'A_Star' in field);
}

/** Whether a star has a name before it. The star that PostgreSQL makes of `TABLE name` has neither a name nor a location. */
function isQualified({ val }: ResTarget): boolean {
  return val !== undefined && 'ColumnRef' in val && (val.ColumnRef.fields ?? []).length > 1;
}
