import type { OptionValue } from '../option-value.js';

/** Where a new consumer begins to read. */
export type StartPosition =
  | { readonly from: 'all' | 'new' | 'last' }
  | { readonly from: 'sequence'; readonly sequence: number }
  | { readonly from: 'time'; readonly atMs: number };

const isoTimestamp = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?)?$/;

/** Reads the option `start`; undefined where it is none of its forms. A timestamp without a zone is UTC. */
export function parseStart(value: OptionValue): StartPosition | undefined {
  if (typeof value === 'number')
    return Number.isSafeInteger(value) && value > 0 ? { from: 'sequence', sequence: value } : undefined;
  if (typeof value !== 'string') return undefined;
  if (value === 'all' || value === 'new' || value === 'last') return { from: value };
  if (/^[1-9]\d{0,15}$/.test(value)) return { from: 'sequence', sequence: Number(value) };
  if (!isoTimestamp.test(value)) return undefined;
  const zoned = /(Z|[+-]\d{2}:\d{2})$/.test(value) || value.length === 10 ? value : `${value}Z`;
  const atMs = Date.parse(zoned.replace(' ', 'T'));
  return Number.isNaN(atMs) ? undefined : { from: 'time', atMs };
}
