import type { OptionValue } from '@laminar/definitions';
import type { Cursor } from './cursor.js';

export interface ParsedOptions {
  readonly options: { readonly [name: string]: OptionValue };
  /** Where each option's name stands, in code points. */
  readonly optionOffsets: { readonly [name: string]: number };
}

const nestingMax = 16;

/** `( name = value, ... )`, the opening bracket still to come. */
export function parseOptions(cursor: Cursor): ParsedOptions {
  const options: { [name: string]: OptionValue } = Object.create(null);
  const optionOffsets: { [name: string]: number } = Object.create(null);
  cursor.expectSymbol('(');
  while (!cursor.takeSymbol(')')) {
    const { token } = cursor;
    if (token.kind !== 'word' && token.kind !== 'quoted') throw cursor.unexpected("an option's name");
    cursor.advance();
    if (Object.hasOwn(options, token.value))
      throw cursor.fail(token, 'syntax_error', `the option "${token.value}" is given twice`, 'leave one of them out');
    cursor.expectSymbol('=');
    optionOffsets[token.value] = cursor.offset(token.start);
    options[token.value] = parseValue(cursor, 0);
    if (!cursor.takeSymbol(',') && !cursor.atSymbol(')'))
      throw cursor.unexpected('"," or ")"', 'options are separated by commas, and ) closes their list');
  }
  return { options: { ...options }, optionOffsets: { ...optionOffsets } };
}

const valueHint =
  "values are 'text', numbers, true, false, ['a', 'b'] and MAP { 'key': value }; an option that is left out has its default";

function parseValue(cursor: Cursor, depth: number): OptionValue {
  const { token } = cursor;
  if (depth > nestingMax) throw cursor.fail(token, 'too_large', `values are nested deeper than ${nestingMax} levels`);
  if (token.kind === 'string') return cursor.advance().value;
  if (token.kind === 'number') return parseNumber(cursor);
  if (token.value === '-' && cursor.peek(1).kind === 'number') {
    cursor.advance();
    return -parseNumber(cursor);
  }
  if (cursor.takeWords('true')) return true;
  if (cursor.takeWords('false')) return false;
  if (cursor.takeSymbol('[')) return parseList(cursor, depth);
  if (cursor.takeWords('map')) return parseMap(cursor, depth);
  const hint = token.kind === 'word' && token.value !== 'null' ? "a text stands in single quotes: '...'" : valueHint;
  throw cursor.unexpected('a value', hint);
}

function parseNumber(cursor: Cursor): number {
  const token = cursor.advance();
  const value = Number(token.value.replaceAll('_', ''));
  if (Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value))) return value;
  throw cursor.fail(
    token,
    'syntax_error',
    `${token.value} is larger than a number of an option can be`,
    `numbers lie between -${Number.MAX_SAFE_INTEGER} and ${Number.MAX_SAFE_INTEGER}`,
  );
}

function parseList(cursor: Cursor, depth: number): OptionValue[] {
  const items: OptionValue[] = [];
  while (!cursor.takeSymbol(']')) {
    items.push(parseValue(cursor, depth + 1));
    if (!cursor.takeSymbol(',') && !cursor.atSymbol(']'))
      throw cursor.unexpected('"," or "]"', "a list is written ['a', 'b']");
  }
  return items;
}

const mapHint = "a map is written MAP { 'key': value, ... }";

function parseMap(cursor: Cursor, depth: number): { [key: string]: OptionValue } {
  const entries = new Map<string, OptionValue>();
  cursor.expectSymbol('{');
  while (!cursor.takeSymbol('}')) {
    if (cursor.token.kind !== 'string') throw cursor.unexpected('a key in single quotes', mapHint);
    const { token } = cursor;
    const key = cursor.advance().value;
    if (entries.has(key))
      throw cursor.fail(token, 'syntax_error', `the key "${key}" is given twice`, 'leave one of them out');
    cursor.expectSymbol(':');
    entries.set(key, parseValue(cursor, depth + 1));
    if (!cursor.takeSymbol(',') && !cursor.atSymbol('}')) throw cursor.unexpected('"," or "}"', mapHint);
  }
  return Object.fromEntries(entries);
}
