import type { SelectStmt } from '@pgsql/types';
import { oneMessage } from './several-messages.js';
import type { SourceText } from './source-text.js';
import { unsupported } from './unsupported.js';

interface Clause {
  readonly name: string;
  /** What the clause begins with. */
  readonly words: readonly string[];
  /** The clause within the tree, or something right behind its first word; undefined where the query has none. */
  find(select: SelectStmt): unknown;
  readonly hint?: string;
}

const endless =
  'a pipeline goes on until it is stopped; a query that is answered with rows has LIMIT n as the last of all';
const filled = <T>(list: readonly T[] | undefined): readonly T[] | undefined => (list?.length ? list : undefined);

/** Clauses that PostgreSQL's parser takes and a pipeline has no use for. */
const clauses: readonly Clause[] = [
  {
    name: 'VALUES',
    words: ['values'],
    find: ({ valuesLists }) => valuesLists,
    hint: 'a pipeline reads a connection or a table',
  },
  {
    name: 'DISTINCT',
    words: ['distinct'],
    find: ({ distinctClause, targetList }) => (filled(distinctClause) ? targetList : undefined),
    hint: oneMessage,
  },
  { name: 'GROUP BY', words: ['group'], find: ({ groupClause }) => filled(groupClause), hint: oneMessage },
  { name: 'HAVING', words: ['having'], find: ({ havingClause }) => havingClause, hint: oneMessage },
  { name: 'WINDOW', words: ['window'], find: ({ windowClause }) => filled(windowClause), hint: oneMessage },
  {
    name: 'ORDER BY',
    words: ['order'],
    find: ({ sortClause }) => filled(sortClause),
    hint: 'rows go out in the order in which messages come in',
  },
  { name: 'LIMIT', words: ['limit', 'fetch'], find: ({ limitCount }) => limitCount, hint: endless },
  {
    name: 'OFFSET',
    words: ['offset'],
    find: ({ limitOffset }) => limitOffset,
    hint: 'leave it out: messages come one by one, and have no place in a result',
  },
  {
    name: 'FOR UPDATE',
    words: ['for'],
    find: ({ lockingClause }) => filled(lockingClause),
    hint: 'leave it out: messages are not locked',
  },
  {
    name: 'SELECT INTO',
    words: ['into'],
    find: ({ intoClause }) => intoClause,
    hint: 'write INSERT INTO sink SELECT ...',
  },
];

/** Throws `SqlError` for the first clause that a pipeline cannot have, where it stands. */
export function refuseClauses(select: SelectStmt, source: SourceText): void {
  for (const { name, words, find, hint } of clauses) {
    const clause = find(select);
    if (clause === undefined) continue;
    const at = firstLocation(clause);
    const offset =
      at === undefined ? source.wordAfter(placesOf(select).last, ...words) : source.wordBefore(at, ...words);
    throw unsupported(name, offset, hint);
  }
}

/** Where a part of the tree begins; undefined where it does not say. */
export function firstLocation(tree: unknown): number | undefined {
  const { first } = placesOf(tree);
  return Number.isFinite(first) ? first : undefined;
}

/** The first and the last place of the text that a part of the tree names. A tree may be as deep as it likes: nothing here calls itself. */
function placesOf(tree: unknown): { readonly first: number; readonly last: number } {
  let first = Number.POSITIVE_INFINITY;
  let last = 0;
  const stack: unknown[] = [tree];
  while (stack.length > 0) {
    const node = stack.pop();
    if (typeof node !== 'object' || node === null) continue;
    for (const [key, value] of Object.entries(node)) {
      if (key !== 'location') stack.push(value);
      else if (typeof value === 'number' && value >= 0) {
        first = Math.min(first, value);
        last = Math.max(last, value);
      }
    }
  }
  return { first, last };
}
