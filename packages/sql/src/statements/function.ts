import type { Token } from '../text/lexer.js';
import { parseColumns, parseColumnType } from './columns.js';
import type { Cursor } from './cursor.js';

/** `name ( argument TYPE, ... ) RETURNS TYPE LANGUAGE language AS 'body'`, behind CREATE FUNCTION. */
export function parseFunction(cursor: Cursor, orReplace: boolean): object {
  const name = cursor.name('the name of a function');
  const parameters = parseColumns(cursor, { mayBeEmpty: true });
  cursor.expectWords('returns');
  const returns = parseColumnType(cursor, 'language');
  cursor.expectWords('language');
  const language = cursor.name('sql, nats or javascript').toLowerCase();
  cursor.expectWords('as');
  const { token } = cursor;
  if (token.kind !== 'string') throw cursor.unexpected("the body as a text: '...' or $$...$$");
  cursor.advance();
  return {
    type: 'create_function',
    name,
    orReplace,
    arguments: parameters,
    returns,
    language,
    body: token.value,
    placeInBody: (offset: number) => cursor.offset(placeInString(cursor.text, token, offset)),
  };
}

/** Where a place of a string's value (code points) stands in the text that writes it, as JavaScript's index. */
function placeInString(text: string, { value, start, end }: Token, offset: number): number {
  const written = text.slice(start, end);
  const before = [...value].slice(0, offset).join('').length;
  const dollar = /^\$[^$]*\$/.exec(written)?.[0];
  if (dollar !== undefined) return start + dollar.length + before;
  const escapes = /^e/i.test(written);
  let at = start + (escapes ? 2 : 1);
  for (let i = 0; i < before; i++) at += text[at] === "'" || (escapes && text[at] === '\\') ? 2 : 1;
  return at;
}
