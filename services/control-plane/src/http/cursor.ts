import Type from 'typebox';
import { Refusal } from '../refusal.js';

/** Items of one page, unless the request says otherwise, and at most. */
export const pageSizeDefault = 100;
const pageSizeMax = 1000;

/** The query parameters of every list. */
export const pageParameters = {
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: pageSizeMax, description: `Items of a page (${pageSizeDefault}).` }),
  ),
  cursor: Type.Optional(Type.String({ description: 'The next_cursor of the page before.' })),
};

/** A place in the list called `list`, as clients hand it back; they need not look inside. */
export function encodeCursor(list: string, position: string): string {
  return Buffer.from(JSON.stringify([list, position])).toString('base64url');
}

/** The position of a cursor that `list` gave out. Throws a `Refusal` for any other text. */
export function decodeCursor(list: string, cursor: string): string {
  const parts = parse(cursor);
  if (Array.isArray(parts) && parts.length === 2 && parts[0] === list && typeof parts[1] === 'string') return parts[1];
  throw new Refusal('invalid_parameter', 'query parameter "cursor" is none that this list gave out; begin without one');
}

/** The same for a position that is a whole number of at least 1. */
export function decodeNumericCursor(list: string, cursor: string): number {
  const position = decodeCursor(list, cursor);
  if (!/^[1-9]\d{0,14}$/.test(position))
    throw new Refusal('invalid_parameter', 'query parameter "cursor" is malformed');
  return Number(position);
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    // Not a cursor of any list, which the caller says.
    return undefined;
  }
}
