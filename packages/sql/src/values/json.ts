import { stringifyJson } from '@laminar/codecs';
import { RowError } from '../errors.js';
import { scalarText } from './convert.js';
import { followText } from './json-path.js';
import { sameJson } from './order.js';

/** The functions over JSON (https://www.postgresql.org/docs/18/functions-json.html). They throw `RowError`. */

type JsonObject = { readonly [key: string]: unknown };
const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** An object of keys and values, in turn. */
export function object(...parts: unknown[]): object {
  if (parts.length % 2 === 1) throw new RowError('invalid_argument', 'an object is built of keys and values in turn');
  const entries: [string, unknown][] = [];
  for (let i = 0; i < parts.length; i += 2) {
    const key = parts[i];
    if (key === null || key === undefined) throw new RowError('null_key', 'a key of JSON_OBJECT is NULL');
    entries.push([scalarText(key), parts[i + 1] ?? null]);
  }
  return Object.fromEntries(entries);
}

export function arrayLength(value: unknown): number {
  if (!Array.isArray(value)) throw new RowError('wrong_kind', 'an array is wanted here');
  return value.length;
}

export function typeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'bigint' ? 'number' : typeof value;
}

export const extractPath = (value: unknown, ...keys: string[]): unknown => followText(value, keys) ?? null;

export function extractPathText(value: unknown, ...keys: string[]): string | null {
  const found = followText(value, keys);
  return found === null || found === undefined ? null : scalarText(found);
}

export function stripNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(stripNulls);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) => (item === null ? [] : [[key, stripNulls(item)]])),
  );
}

export function set(target: unknown, path: readonly (string | null)[], value: unknown, create = true): unknown {
  if (typeof target !== 'object' || target === null)
    throw new RowError('wrong_kind', 'a path can only be set within an object or an array');
  if (!create && Object.keys(target).length === 0) return target;
  return setAt(target, path, 0, value, create);
}

function setAt(
  target: unknown,
  path: readonly (string | null)[],
  depth: number,
  value: unknown,
  create: boolean,
): unknown {
  const step = path[depth];
  if (step === null) throw new RowError('invalid_argument', 'a step of a path is NULL');
  if (step === undefined) return depth === 0 ? target : value;
  const last = depth === path.length - 1;
  if (Array.isArray(target)) return setElement(target, step, path, depth, value, create);
  if (!isObject(target)) return target;
  if (!Object.hasOwn(target, step)) return last && create ? withMember(target, step, value) : target;
  return withMember(target, step, last ? value : setAt(target[step], path, depth + 1, value, create));
}

/** Entries keep `__proto__` a member like others. */
const withMember = (target: JsonObject, key: string, value: unknown): object =>
  Object.fromEntries([...new Map(Object.entries(target)).set(key, value)]);

function setElement(
  target: readonly unknown[],
  step: string,
  path: readonly (string | null)[],
  depth: number,
  value: unknown,
  create: boolean,
): unknown {
  if (!/^[+-]?\d{1,9}$/.test(step)) throw new RowError('invalid_argument', 'a step into an array is a whole number');
  const written = Number(step);
  const index = written < 0 ? target.length + written : written;
  const last = depth === path.length - 1;
  if (index < 0) return last && create ? [value, ...target] : target;
  if (index >= target.length) return last && create ? [...target, value] : target;
  return target.with(index, last ? value : setAt(target[index], path, depth + 1, value, create));
}

export const pretty = (value: unknown): string => indented(value, '');

function indented(value: unknown, indent: string): string {
  const inner = `${indent}    `;
  const items = Array.isArray(value)
    ? value.map((item) => inner + indented(item, inner))
    : isObject(value)
      ? Object.entries(value).map(([key, item]) => `${inner}${JSON.stringify(key)}: ${indented(item, inner)}`)
      : undefined;
  if (!items) return stringifyJson(value);
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  return items.length === 0 ? `${open}\n${indent}${close}` : `${open}\n${items.join(',\n')}\n${indent}${close}`;
}

/** `@>`: every member and element of `part` is in `whole`; an array may contain a scalar. */
export function contains(whole: unknown, part: unknown): boolean {
  if (Array.isArray(whole) && !Array.isArray(part) && !isObject(part))
    return whole.some((item) => sameJson(item, part));
  return containsWithin(whole, part);
}

function containsWithin(whole: unknown, part: unknown): boolean {
  if (Array.isArray(part))
    return Array.isArray(whole) && part.every((item) => whole.some((candidate) => containsWithin(candidate, item)));
  if (isObject(part))
    return (
      isObject(whole) &&
      Object.entries(part).every(([key, item]) => Object.hasOwn(whole, key) && containsWithin(whole[key], item))
    );
  return sameJson(whole, part);
}

/** `?`: a key of an object, an element of an array, or the text itself. */
export function exists(value: unknown, key: string): boolean {
  if (isObject(value)) return Object.hasOwn(value, key);
  return Array.isArray(value) ? value.includes(key) : value === key;
}

export const existsAny = (value: unknown, keys: readonly (string | null)[]): boolean =>
  keys.some((key) => key !== null && exists(value, key));
export const existsAll = (value: unknown, keys: readonly (string | null)[]): boolean =>
  keys.every((key) => key === null || exists(value, key));
