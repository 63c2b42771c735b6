import { StatementFailed } from './failure.js';

/** Characters of a statement at most. */
const statementCharsMax = 100_000;

/** White space and comments, as SQLite skips them before the first word. */
const blank = String.raw`(?:[ \t\n\f\r]|--[^\n]*(?:\n|$)|/\*[^]*?(?:\*/|$))*`;
const reads = new RegExp(
  `^${blank}(?:EXPLAIN\\b${blank}(?:QUERY\\b${blank}PLAN\\b${blank})?)?(?:SELECT|WITH|VALUES)\\b`,
  'i',
);
const firstWord = new RegExp(`^${blank}([A-Za-z]+)`);

/**
 * Refuses what does not begin as a query, which keeps out ATTACH, PRAGMA, VACUUM and the like: SQLite knows them only as the first word of a
 * statement. What begins with WITH may still write; SQLite itself tells, in the child. Throws `StatementFailed`.
 */
export function checkStatement(sql: string): void {
  if (sql.length > statementCharsMax) {
    throw new StatementFailed(
      'invalid',
      `the statement has ${sql.length} characters, the limit is ${statementCharsMax}`,
    );
  }
  // SQLite's text ends there, so that what follows would not be looked at.
  if (sql.includes('\0')) throw new StatementFailed('invalid', 'the statement holds a NUL character');
  if (reads.test(sql)) return;
  const found = firstWord.exec(sql)?.[1];
  throw new StatementFailed(
    'invalid',
    `only a SELECT, WITH ... SELECT, VALUES, or EXPLAIN of one can be run over system.*${found === undefined ? '' : `, not ${found.toUpperCase()}`}`,
  );
}
