import { SqlError } from '../errors.js';
import { tokenize } from '../text/lexer.js';
import { codePointOffset } from '../text/positions.js';

/** Known to the grammar of statements alone; no function can have its name. */
export const connectionTestName = 'test_connection';

/**
 * What `SELECT test_connection('name')`, or `SELECT * FROM test_connection('name')`, tests; undefined for any other query. It stands alone: its rows are made by asking servers, which
 * no other expression can. Throws `SqlError` where it does not.
 */
export function connectionTest(
  query: string,
  queryOffset: number,
): { readonly name: string; readonly nameOffset: number } | undefined {
  const tokens = tokenize(query);
  const at = tokens.findIndex(
    ({ kind, value }, i) => kind === 'word' && value === connectionTestName && tokens[i + 1]?.value === '(',
  );
  if (at === -1) return undefined;
  const before = tokens.slice(0, at).map(({ value }) => value);
  const [, open, name, close, end] = tokens.slice(at);
  const standsAlone = ['select', 'select * from'].includes(before.join(' '));
  if (standsAlone && open && name?.kind === 'string' && close?.value === ')' && end?.kind === 'end')
    return { name: name.value, nameOffset: queryOffset + codePointOffset(query, name.start) };
  throw new SqlError(
    'unsupported',
    `${connectionTestName} stands alone, with the name of a connection as a text`,
    queryOffset + codePointOffset(query, tokens[at]?.start ?? 0),
    `write SELECT ${connectionTestName}('name')`,
  );
}
