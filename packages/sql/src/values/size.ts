import { RowError } from '../errors.js';

/** Characters of a text, bytes of a BYTEA, characters and elements of an array or of JSON that an expression may come to; as many as the message has bytes where that is more. */
export const valueSizeMax = 1_000_000;

const tooLarge = (what: string, limit: number): RowError =>
  new RowError('too_large', `${what} is larger than ${limit}`);

/** Throws `RowError` for a text that is longer than `limit`; where a function looks before it builds the text, than it may build. */
export function checkLength(length: number, limit = valueSizeMax): void {
  if (length > limit) throw tooLarge(`a text of ${length} characters`, limit);
}

/** The same for a BYTEA. */
export function checkBytes(length: number, limit = valueSizeMax): void {
  if (length > limit) throw tooLarge(`a BYTEA of ${length} bytes`, limit);
}

/** The same for an array whose elements are of no size worth counting. */
export function checkElements(length: number, limit: number): void {
  if (length > limit) throw tooLarge(`an array of ${length} elements`, limit);
}

/** The value itself, where its texts, keys and elements are no more than `limit`. Throws `RowError`. Parts that stand in it several times count each time. */
export function checkedSize<T>(value: T, limit: number): T {
  if (sizeOf(value, limit) > limit)
    throw tooLarge('an array, or a value of JSON, by its characters and elements,', limit);
  return value;
}

/** How large a value is; beyond `limit` nothing more is counted. */
function sizeOf(value: unknown, limit: number): number {
  if (typeof value === 'string' || value instanceof Uint8Array) return value.length;
  if (typeof value !== 'object' || value === null) return 1;
  let size = 1;
  if (Array.isArray(value)) {
    if (value.length > limit) return value.length;
    for (let i = 0; i < value.length && size <= limit; i++) size += sizeOf(value[i], limit - size);
    return size;
  }
  for (const key in value) {
    size += key.length + sizeOf((value as { readonly [key: string]: unknown })[key], limit - size);
    if (size > limit) return size;
  }
  return size;
}
