import { type ColumnDefinition, declaredTypeName, isTypeProblem, parseDeclaredType } from '@laminar/definitions';
import type { Cursor } from './cursor.js';
import type { Places } from './places.js';

interface ColumnList {
  /** The pointer of the list in the definition. */
  readonly at: string;
  readonly mayBeEmpty: boolean;
  /** Takes or refuses what may stand before a name. */
  before?(cursor: Cursor): void;
}

/** `( name TYPE, ... )`. */
export function parseColumns(
  cursor: Cursor,
  places: Places,
  { at, mayBeEmpty, before }: ColumnList,
): ColumnDefinition[] {
  const columns: ColumnDefinition[] = [];
  places.mark(at, () => cursor.expectSymbol('('));
  if (mayBeEmpty && cursor.takeSymbol(')')) return columns;
  do {
    before?.(cursor);
    const pointer = `${at}/${columns.length}`;
    const name = places.mark(`${pointer}/name`, () => columnName(cursor));
    const type = places.mark(`${pointer}/type`, () => parseColumnType(cursor, constraints));
    refuseConstraint(cursor);
    columns.push({ name, type });
  } while (cursor.takeSymbol(','));
  cursor.expectSymbol(')');
  return columns;
}

/** The spelling first written is the payload's field; folding only serves to find it again. */
function columnName(cursor: Cursor): string {
  const { token } = cursor;
  if (token.kind !== 'word' && token.kind !== 'quoted') throw cursor.unexpected("a column's name");
  cursor.advance();
  return token.kind === 'word' ? cursor.text.slice(token.start, token.end) : token.value;
}

/** What may follow a type in PostgreSQL, and says more of a column or argument than its type. */
const constraints: ReadonlySet<string> = new Set(
  'not null primary unique default check references generated collate constraint'.split(' '),
);

function refuseConstraint(cursor: Cursor): void {
  const { token } = cursor;
  const isDefault = token.kind === 'symbol' && token.value === '=';
  if (!isDefault && !(token.kind === 'word' && constraints.has(token.value))) return;
  const what = isDefault ? 'a default' : token.value.toUpperCase();
  throw cursor.fail(
    token,
    'unsupported',
    `${what} behind a type is not supported`,
    'write the name and the type alone; conditions and defaults stand in the query: WHERE ... IS NOT NULL, COALESCE(...)',
  );
}

/** A type, which ends before the words `until`: words, numbers in brackets between or behind them, and `[]`. */
export function parseColumnType(cursor: Cursor, until: ReadonlySet<string>): string {
  const start = cursor.token;
  const ends = () => cursor.token.kind !== 'word' || until.has(cursor.token.value);
  if (ends()) throw cursor.unexpected('a type');
  const takeWords = (): string[] => {
    const words: string[] = [];
    while (!ends()) words.push(cursor.advance().value);
    return words;
  };
  const name = takeWords().join(' ');
  const bounds = cursor.takeSymbol('(') ? `(${parseBounds(cursor).join(',')})` : '';
  let type = [name + bounds, ...takeWords()].join(' ');
  if (cursor.takeSymbol('[')) {
    // PostgreSQL takes a size and ignores it; here it would promise what nothing holds.
    cursor.expectSymbol(']');
    type += '[]';
  }
  const parsed = parseDeclaredType(type);
  if (!isTypeProblem(parsed)) return declaredTypeName(parsed);
  // What is no type is refused with the rest of the table, where its column is known.
  if (bounds === '') return type.toUpperCase();
  throw cursor.fail(start, 'unknown_type', parsed.problem, parsed.hint);
}

/** Whole numbers, behind the bracket that opens. */
function parseBounds(cursor: Cursor): string[] {
  const numbers: string[] = [];
  do {
    const sign = cursor.takeSymbol('-') ? '-' : '';
    const { token } = cursor;
    if (token.kind !== 'number' || !/^\d{1,9}$/.test(token.value)) throw cursor.unexpected('a whole number');
    cursor.advance();
    numbers.push(`${sign}${token.value}`);
  } while (cursor.takeSymbol(','));
  cursor.expectSymbol(')');
  return numbers;
}
