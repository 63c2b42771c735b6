import type { OptionValue } from '../option-value.js';

const unitsMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
const durationMsMax = 30 * 24 * 3_600_000;

/** Reads a list of durations, written `'1s,5s,10s'` or `['1s', '5s']` with the units ms, s, m and h, as milliseconds; undefined where it is none. */
export function parseDurations(value: OptionValue): number[] | undefined {
  const parts = typeof value === 'string' ? value.split(',') : Array.isArray(value) ? value : undefined;
  if (parts === undefined || parts.length === 0) return undefined;
  const durations = parts.map((part) => (typeof part === 'string' ? parseDuration(part.trim()) : undefined));
  return durations.every((ms) => ms !== undefined) ? durations : undefined;
}

function parseDuration(text: string): number | undefined {
  const [, amount, unit] = /^(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h)$/.exec(text) ?? [];
  if (amount === undefined) return undefined;
  const ms = Number(amount) * unitsMs[unit as keyof typeof unitsMs];
  return ms > 0 && ms <= durationMsMax ? ms : undefined;
}
