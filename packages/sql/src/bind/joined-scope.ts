import { SqlError } from '../errors.js';
import type { Identifier, Scope, ScopeColumn } from './scope.js';

/** What stands in FROM beside the source: the columns of a function. */
export interface RowScope extends Scope {
  /** The one value that the function gives for a row, which its alias stands for; undefined where there are several. */
  readonly value: ScopeColumn | undefined;
}

type Item = Scope & Partial<RowScope>;

/** What stands in one FROM. */
export interface JoinedScope extends Scope {
  readonly items: readonly Item[];
  /** In a subquery behind LATERAL what stands before that, which is seen too. */
  readonly outer: Scope | undefined;
}

const isJoined = (scope: Scope): scope is JoinedScope => 'items' in scope;

/** What stands in FROM, one by one. */
export const itemsOf = (scope: Scope): readonly Item[] => (isJoined(scope) ? scope.items : [scope]);

const outerOf = (scope: Scope): Scope | undefined => (isJoined(scope) ? scope.outer : undefined);

/** The same, and behind it what stands further out. */
export function visibleItems(scope: Scope): readonly Scope[] {
  const outer = outerOf(scope);
  return outer ? [...itemsOf(scope), ...visibleItems(outer)] : itemsOf(scope);
}

/** What a subquery behind LATERAL sees before anything stands in its own FROM. */
export const lateralScope = (outer: Scope): JoinedScope => ({
  alias: '',
  items: [],
  outer,
  declares: (identifier) => outer.declares(identifier),
  resolve: (identifier, offset) => outer.resolve(identifier, offset),
  star: [],
});

/** The scope with the columns of what stands beside it. Throws `SqlError` where there is something of that name. */
export function joined(scope: Scope, rows: RowScope, offset: number): JoinedScope {
  const before = itemsOf(scope);
  const items = [...before, rows];
  if (rows.alias !== '' && before.some(({ alias }) => alias === rows.alias))
    throw new SqlError(
      'duplicate_column',
      `"${rows.alias}" stands twice in FROM`,
      offset,
      'give one of them another name with AS',
    );
  const outer = outerOf(scope);
  const resolve = (identifier: Identifier, offset: number): ScopeColumn => {
    const [owner, second] = items.filter((item) => item.declares(identifier));
    if (owner && second) throw ambiguous(identifier, owner, second, offset);
    if (owner) return owner.resolve(identifier, offset);
    if (outer?.declares(identifier)) return outer.resolve(identifier, offset);
    for (const item of items)
      if (item.value && item.alias === identifier.folded)
        return { name: identifier.folded, expression: { ...item.value.expression, offset } };
    // Whole messages have any field, though they declare none.
    return (outer ?? items[0] ?? rows).resolve(identifier, offset);
  };
  return {
    alias: scope.alias,
    items,
    outer,
    declares: (identifier) => items.some((item) => item.declares(identifier)) || outer?.declares(identifier) === true,
    resolve,
    star: scope.star,
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
