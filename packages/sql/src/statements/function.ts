import { canonicalColumnType } from '@laminar/definitions';
import type { Token } from '../text/lexer.js';
import { parseColumns, parseColumnType } from './columns.js';
import type { Cursor } from './cursor.js';
import { Places } from './places.js';

/** What stands behind RETURNS, in either order. */
interface Parts {
  language?: string;
  body?: Token;
}

/** `name ( argument TYPE, ... ) RETURNS TYPE LANGUAGE language AS 'body'`, behind CREATE FUNCTION. */
export function parseFunction(cursor: Cursor, orReplace: boolean): object {
  const at = cursor.token;
  if (cursor.takeWords('if', 'not', 'exists'))
    throw cursor.fail(at, 'unsupported', 'a function has no IF NOT EXISTS', 'write CREATE OR REPLACE FUNCTION');
  const places = new Places(cursor);
  const name = places.mark('/name', () => cursor.name('the name of a function'));
  const parameters = parseColumns(cursor, places, { at: '/arguments', mayBeEmpty: true, before: checkMode });
  cursor.expectWords('returns');
  checkResult(cursor);
  const returns = places.mark('/returns', () => parseColumnType(cursor, endsResult));
  const { language, body } = parseParts(cursor, places);
  return {
    type: 'create_function',
    name,
    orReplace,
    arguments: parameters,
    returns,
    language,
    body: body.value,
    places: places.offsets,
    placeInBody: (offset: number) => cursor.offset(placeInString(cursor.text, body, offset)),
  };
}

/** PostgreSQL's modes of arguments. IN is that of all arguments here. */
function checkMode(cursor: Cursor): void {
  const { token } = cursor;
  const [name, type] = [cursor.peek(1), cursor.peek(2)];
  const isMode = token.kind === 'word' && ['in', 'out', 'inout', 'variadic'].includes(token.value);
  // An argument may be called so: then its type follows, whose words may be two.
  if (!isMode || type.kind !== 'word' || canonicalColumnType(`${name.value} ${type.value}`) !== undefined) return;
  if (token.value === 'in') {
    cursor.advance();
    return;
  }
  const mode = token.value.toUpperCase();
  const hint =
    mode === 'VARIADIC'
      ? 'take an array: (items TEXT[])'
      : 'a function gives the one value behind RETURNS, JSON for several';
  throw cursor.fail(token, 'unsupported', `an argument that is ${mode} is not supported`, hint);
}

/** A function gives one value. */
function checkResult(cursor: Cursor): void {
  const { token } = cursor;
  const what = cursor.takeWords('setof') ? 'SETOF' : cursor.takeWords('table') ? 'TABLE' : undefined;
  if (what === undefined) return;
  throw cursor.fail(
    token,
    'unsupported',
    `a function that RETURNS ${what} is not supported: it gives one value`,
    'give an array, or JSON, and take it apart in FROM with unnest or jsonb_array_elements',
  );
}

/** What PostgreSQL knows of a function that it cannot find out by itself. */
const properties: ReadonlySet<string> = new Set(
  'immutable stable volatile strict called parallel security cost rows leakproof window support set'.split(' '),
);

const endsResult: ReadonlySet<string> = new Set(['language', 'as', ...properties]);

function parseParts(cursor: Cursor, places: Places): Required<Parts> {
  const parts: Parts = {};
  for (;;) {
    if (parts.language === undefined && cursor.takeWords('language'))
      parts.language = places.mark('/language', () => cursor.name('sql, nats or javascript').toLowerCase());
    else if (parts.body === undefined && cursor.takeWords('as')) {
      if (cursor.token.kind !== 'string') throw cursor.unexpected("the body as a text: '...' or $$...$$");
      parts.body = places.mark('/body', () => cursor.advance());
    } else if (parts.language === undefined || parts.body === undefined) {
      throw properties.has(cursor.token.value)
        ? property(cursor)
        : cursor.unexpected(parts.language === undefined ? 'LANGUAGE' : 'AS');
    } else {
      if (properties.has(cursor.token.value)) throw property(cursor);
      return { language: parts.language, body: parts.body };
    }
  }
}

const property = (cursor: Cursor) =>
  cursor.fail(
    cursor.token,
    'unsupported',
    `${cursor.token.value.toUpperCase()} of a function is not supported`,
    'leave it out: what a function is, is seen from its language and body',
  );

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
