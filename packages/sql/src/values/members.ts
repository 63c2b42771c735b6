import { RowError } from '../errors.js';
import { scalarText } from './convert.js';
import { kindOfJson } from './json-scalar.js';

/** What JSON is made of, one after the other (https://www.postgresql.org/docs/18/functions-json.html). They throw `RowError`. */

/** What `unnest` has of an array. */
export const itself = (array: readonly unknown[]): readonly unknown[] => array;

export function elements(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new RowError('wrong_kind', `elements are those of an array, but the value is ${kindOfJson(value)}`);
}

export const elementTexts = (value: unknown): readonly (string | null)[] => elements(value).map(textOf);

/** The keys of an object as `json` has them: as they came, but that JavaScript puts whole numbers first. */
export function keys(value: unknown): readonly string[] {
  return Object.keys(objectOf(value));
}

/** The keys of an object as `jsonb` keeps them: the shorter ones first, those of one length by their bytes. */
export function sortedKeys(value: unknown): readonly string[] {
  return Object.keys(objectOf(value))
    .map((key) => ({ key, bytes: Buffer.from(key, 'utf8') }))
    .sort((a, b) => a.bytes.length - b.bytes.length || Buffer.compare(a.bytes, b.bytes))
    .map(({ key }) => key);
}

/** The values that belong to the keys, in their order. */
export const valuesBy =
  (keysOf: (value: unknown) => readonly string[]) =>
  (value: unknown): readonly unknown[] =>
    keysOf(value).map((key) => objectOf(value)[key]);

export const textsBy =
  (keysOf: (value: unknown) => readonly string[]) =>
  (value: unknown): readonly (string | null)[] =>
    valuesBy(keysOf)(value).map(textOf);

const textOf = (value: unknown): string | null => (value === null || value === undefined ? null : scalarText(value));

function objectOf(value: unknown): { readonly [key: string]: unknown } {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as { readonly [key: string]: unknown };
  throw new RowError('wrong_kind', `members are those of an object, but the value is ${kindOfJson(value)}`);
}
