import { issueCodes } from '@laminar/definitions';
import { rowErrorCodes, sqlErrorCodes, warningCodes } from '@laminar/sql';
import { problemCodes } from './problem-codes.js';

/** `docs/reference/errors.md`: every code that an answer, a warning or a dead letter may have, from the tables that give them. */
export function errorsReference(): string {
  const own = Object.entries(problemCodes).filter(([code]) => !Object.hasOwn(sqlErrorCodes, code));
  return [
    '# Errors',
    '<!-- Made by `npm run docs` of the tables in the code: change those. -->',
    'An answer that says no is a problem (RFC 9457, `application/problem+json`): `code` is one of those below, `detail` says what is wrong and what to do. A fault of a body has `errors`, each with its `code` and a JSON `pointer`; a fault of SQL has a `position` (`line` and `column` from 1, `offset` from 0, in characters of the text that was sent) and an `excerpt` with a caret. The problem of a script has `statement_index`, from 0, and the `results` of the statements before it, which stay applied.',
    '## Problems',
    table(
      ['code', 'status', 'means', 'what to do'],
      own.map(([code, { status, meaning, remedy }]) => [`\`${code}\``, String(status), meaning, remedy]),
    ),
    '## Errors of SQL',
    'Problems with status 422, of `/sql`, `/validate`, the query of a pipeline and the body of a function.',
    notes(sqlErrorCodes),
    '## Faults of a body',
    'The `code` of each of the `errors` of a problem, beside those of SQL.',
    notes(issueCodes),
    '## Warnings',
    'The `code` of each of the `warnings` of a definition, a statement or a live query. None keeps anything from being stored.',
    notes(warningCodes),
    '## Errors of a row',
    'These are found when a message is processed, and go the way of `on_error`. They stand in dead letters and in `last_error`, and never hold the value itself.',
    notes(rowErrorCodes),
    '',
  ]
    .join('\n\n')
    .trimEnd()
    .concat('\n');
}

const notes = (codes: { readonly [code: string]: readonly [meaning: string, remedy: string] }): string =>
  table(
    ['code', 'means', 'what to do'],
    Object.entries(codes).map(([code, note]) => [`\`${code}\``, ...note]),
  );

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');
