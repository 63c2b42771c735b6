/** Pino's numbers (https://getpino.io/#/docs/api?id=logger-level). */
const warnLevel = 40;
const errorLevel = 50;

export interface Problem {
  readonly severity: 'warning' | 'error';
  readonly text: string;
}

/** What a person should see of a line that a service wrote; undefined where all is well. A line that is not of the logger is a problem. */
export function problemOf(line: string): Problem | undefined {
  const entry = parse(line);
  if (!entry) return line.trim() === '' ? undefined : { severity: 'error', text: line };
  if (entry.level < warnLevel) return undefined;
  const cause = entry.err?.message;
  const text = cause === undefined ? entry.msg : `${entry.msg}: ${cause}`;
  return { severity: entry.level >= errorLevel ? 'error' : 'warning', text };
}

interface Entry {
  readonly level: number;
  readonly msg: string;
  readonly err?: { readonly message?: string };
}

function parse(line: string): Entry | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isEntry(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isEntry(value: unknown): value is Entry {
  if (typeof value !== 'object' || value === null) return false;
  return 'level' in value && typeof value.level === 'number' && 'msg' in value && typeof value.msg === 'string';
}
