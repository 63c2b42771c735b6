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
      throw cursor.fail(token, 'syntax_error', `the option "${token.value}" is given twice`);
    cursor.expectSymbol('=');
    optionOffsets[token.value] = cursor.offset(token.start);
    options[token.value] = parseValue(cursor, 0);
    if (!cursor.takeSymbol(',') && !(cursor.token.kind === 'symbol' && cursor.token.value === ')'))
      throw cursor.unexpected('"," or ")"');
  }
  return { options: { ...options }, optionOffsets: { ...optionOffsets } };
}

function parseValue(cursor: Cursor, depth: number): OptionValue {
  const { token } = cursor;
  if (depth > nestingMax) throw cursor.fail(token, 'too_large', `values are nested deeper than ${nestingMax} levels`);
  if (token.kind === 'string') return cursor.advance().value;
  if (token.kind === 'number') return Number(cursor.advance().value.replaceAll('_', ''));
  if (token.value === '-' && cursor.peek(1).kind === 'number') {
    cursor.advance();
    return -Number(cursor.advance().value.replaceAll('_', ''));
  }
  if (cursor.takeWords('true')) return true;
  if (cursor.takeWords('false')) return false;
  if (cursor.takeSymbol('[')) return parseList(cursor, depth);
  if (cursor.takeWords('map')) return parseMap(cursor, depth);
  throw cursor.unexpected("a value ('text', a number, true, false, [...] or MAP {...})");
}

function parseList(cursor: Cursor, depth: number): OptionValue[] {
  const items: OptionValue[] = [];
  while (!cursor.takeSymbol(']')) {
    items.push(parseValue(cursor, depth + 1));
    if (!cursor.takeSymbol(',') && cursor.token.value !== ']') throw cursor.unexpected('"," or "]"');
  }
  return items;
}

function parseMap(cursor: Cursor, depth: number): { [key: string]: OptionValue } {
  const entries: [string, OptionValue][] = [];
  cursor.expectSymbol('{');
  while (!cursor.takeSymbol('}')) {
    if (cursor.token.kind !== 'string') throw cursor.unexpected("a key in single quotes, such as 'publish'");
    const { token } = cursor;
    const key = cursor.advance().value;
    if (entries.some(([known]) => known === key))
      throw cursor.fail(token, 'syntax_error', `the key "${key}" is given twice`, 'leave one of them out');
    cursor.expectSymbol(':');
    entries.push([key, parseValue(cursor, depth + 1)]);
    if (!cursor.takeSymbol(',') && cursor.token.value !== '}') throw cursor.unexpected('"," or "}"');
  }
  return Object.fromEntries(entries);
}
