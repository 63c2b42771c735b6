import { SqlError } from '../errors.js';
import type { Identifier, Scope, ScopeColumn } from './scope.js';

/** What stands in FROM beside the source: the columns of a function. */
export interface RowScope extends Scope {
  /** The one value that the function gives for a row, which its alias stands for; undefined where there are several. */
  readonly value: ScopeColumn | undefined;
}

/** A source and the functions behind it. */
export interface JoinedScope extends Scope {
  readonly items: readonly [Scope, ...RowScope[]];
}

const isJoined = (scope: Scope): scope is JoinedScope => 'items' in scope;

/** What stands in FROM, one by one. */
export const itemsOf = (scope: Scope): readonly Scope[] => (isJoined(scope) ? scope.items : [scope]);

/** The scope with a function's columns beside it. Throws `SqlError` where there is something of that name. */
export function joined(scope: Scope, rows: RowScope, offset: number): JoinedScope {
  const [source, ...others] = isJoined(scope) ? scope.items : ([scope] as const);
  const items = [source, ...others, rows] as const;
  if (itemsOf(scope).some(({ alias }) => alias === rows.alias))
    throw new SqlError(
      'duplicate_column',
      `"${rows.alias}" stands twice in FROM`,
      offset,
      'give one of them another name with AS',
    );
  const resolve = (identifier: Identifier, offset: number): ScopeColumn => {
    const [owner, second] = items.filter((item) => item.declares(identifier));
    if (owner && second) throw ambiguous(identifier, owner, second, offset);
    if (owner) return owner.resolve(identifier, offset);
    const value = [rows, ...others].find(({ alias, value }) => value && alias === identifier.folded)?.value;
    if (value) return { name: identifier.folded, expression: { ...value.expression, offset } };
    return source.resolve(identifier, offset);
  };
  return {
    alias: source.alias,
    items,
    declares: (identifier) => items.some((item) => item.declares(identifier)),
    resolve,
    star: source.star,
  };
}

function ambiguous({ written }: Identifier, a: Scope, b: Scope, offset: number): SqlError {
  return new SqlError(
    'unknown_column',
    `the column "${written}" is ambiguous`,
    offset,
    `write ${a.alias}.${written} or ${b.alias}.${written}`,
  );
}
