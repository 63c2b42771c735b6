import { RowError } from '../errors.js';
import { scalarText } from './convert.js';
import { kindOfJson } from './json-scalar.js';

/** JSON with parts taken out or put together (https://www.postgresql.org/docs/18/functions-json.html, table 9.48). They throw `RowError`. */

type JsonObject = { readonly [key: string]: unknown };
const isContainer = (value: unknown): value is object => typeof value === 'object' && value !== null;
const isObject = (value: unknown): value is JsonObject => isContainer(value) && !Array.isArray(value);

/** `-`: an object without members of these names, or an array without these texts. */
export function without(value: unknown, keys: readonly (string | null)[]): unknown {
  if (Array.isArray(value)) return value.filter((item) => typeof item !== 'string' || !keys.includes(item));
  if (isObject(value)) return Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key)));
  throw scalar(value);
}

export const withoutKey = (value: unknown, key: string): unknown => without(value, [key]);

/** `#-`: without what a path leads to; the same where it leads nowhere. */
export function withoutPath(value: unknown, path: readonly (string | null)[]): unknown {
  if (!isContainer(value)) throw scalar(value);
  // Where there is nothing, PostgreSQL does not look at the path.
  return path.length === 0 || Object.keys(value).length === 0 ? value : withoutStep(value, path);
}

function withoutStep(value: unknown, [step, ...rest]: readonly (string | null)[]): unknown {
  if (step === null || step === undefined) throw new RowError('invalid_argument', 'a step of a path is NULL');
  if (Array.isArray(value)) {
    const index = indexOf(step, value.length);
    if (index === undefined) return value;
    return rest.length === 0 ? value.toSpliced(index, 1) : value.with(index, withoutStep(value[index], rest));
  }
  if (!isObject(value) || !Object.hasOwn(value, step)) return value;
  if (rest.length === 0) return withoutKey(value, step);
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, key === step ? withoutStep(item, rest) : item]),
  );
}

/** Counts from 0, or from the end where it is negative; undefined beyond the array. */
function indexOf(step: string, length: number): number | undefined {
  if (!/^[+-]?\d{1,9}$/.test(step)) throw new RowError('invalid_argument', 'a step into an array is a whole number');
  const index = Number(step) < 0 ? length + Number(step) : Number(step);
  return index >= 0 && index < length ? index : undefined;
}

const scalar = (value: unknown): RowError =>
  new RowError('wrong_kind', `only an object or an array has parts to leave out, and this is ${kindOfJson(value)}`);

/**
 * `||` of two values of JSON: objects are merged, the second one's members winning; arrays are joined, and what is none counts as an array of one element.
 * Two scalars are joined as their texts, which is this dialect's own: fields are texts more often than parts of arrays.
 */
export function concatenated(left: unknown, right: unknown): unknown {
  if (!isContainer(left) && !isContainer(right)) return scalarText(left) + scalarText(right);
  if (isObject(left) && isObject(right))
    return Object.fromEntries(new Map([...Object.entries(left), ...Object.entries(right)]));
  return [...elements(left), ...elements(right)];
}

const elements = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value]);
