import type { Alias } from '@pgsql/types';
import { SqlError } from '../errors.js';
import type { Identifier, ScopeColumn } from './scope.js';
import type { SourceText } from './source-text.js';

/** The names of columns behind an alias, `AS x (a, b)`, which stands after a location. One that stands there again keeps the spelling first written. */
export function namesBehind(alias: Alias | undefined, source: SourceText, location: number | undefined): Identifier[] {
  const folded = (alias?.colnames ?? []).map((node) => ('String' in node ? (node.String.sval ?? '') : ''));
  const names = folded.length === 0 ? [] : source.columnsBehind(alias?.aliasname ?? '', folded, location);
  const first = new Map(names.toReversed().map((name) => [name.folded, name.written]));
  return names.map((name) => ({ ...name, written: first.get(name.folded) ?? name.written }));
}

/** Columns by other names, from the first on; those that no name is left for keep theirs. Throws `SqlError` where there are more names than columns. */
export function withNames<C extends ScopeColumn>(
  columns: readonly C[],
  owner: string,
  names: readonly Identifier[],
  offset: number,
): readonly C[] {
  if (names.length > columns.length)
    throw new SqlError(
      'syntax_error',
      `"${owner}" has ${columns.length} column${columns.length === 1 ? '' : 's'}, but ${names.length} are named`,
      offset,
      'leave the others out',
    );
  return columns.map((column, i) => ({ ...column, name: names[i]?.written ?? column.name }));
}
