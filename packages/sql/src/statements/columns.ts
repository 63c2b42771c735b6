import { type ColumnDefinition, canonicalColumnType } from '@laminar/definitions';
import type { Cursor } from './cursor.js';

/** `( name TYPE, ... )`, at least one unless `mayBeEmpty`. */
export function parseColumns(cursor: Cursor, { mayBeEmpty = false } = {}): ColumnDefinition[] {
  const columns: ColumnDefinition[] = [];
  cursor.expectSymbol('(');
  if (mayBeEmpty && cursor.takeSymbol(')')) return columns;
  do {
    const { token } = cursor;
    if (token.kind !== 'word' && token.kind !== 'quoted') throw cursor.unexpected("a column's name");
    cursor.advance();
    // The spelling first written is the payload's field; folding only serves to find it again.
    const name = token.kind === 'word' ? cursor.text.slice(token.start, token.end) : token.value;
    columns.push({ name, type: parseColumnType(cursor) });
  } while (cursor.takeSymbol(','));
  cursor.expectSymbol(')');
  return columns;
}

/** A type, which ends before the word `until` where one may follow. */
export function parseColumnType(cursor: Cursor, until?: string): string {
  const first = cursor.token;
  if (first.kind !== 'word' || first.value === until) throw cursor.unexpected('a type');
  const words: string[] = [];
  while (cursor.token.kind === 'word' && cursor.token.value !== until) words.push(cursor.advance().value);
  if (cursor.token.value === '(')
    throw cursor.fail(
      cursor.token,
      'unsupported',
      'types of columns take no length or precision',
      'leave the brackets out',
    );
  let type = words.join(' ');
  if (cursor.takeSymbol('[')) {
    // PostgreSQL takes a size and ignores it; here it would promise what nothing holds.
    cursor.expectSymbol(']');
    type += '[]';
  }
  const canonical = canonicalColumnType(type);
  // What is no type is refused with the rest of the table, where its column is known.
  return canonical ?? type.toUpperCase();
}
