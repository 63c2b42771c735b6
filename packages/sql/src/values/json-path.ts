import type { JsonStep } from '@laminar/codecs';

/** A member or an element, on the way into a JSON value. */
export type PathStep = string | number;

/** `$.a.b[0]["c d"]`: the steps of a simple path, or undefined where it is none. */
export function parseJsonPath(path: string): PathStep[] | undefined {
  if (!path.startsWith('$')) return undefined;
  const steps: PathStep[] = [];
  const step =
    /\.([A-Za-z_\u0080-\uffff][\w\u0080-\uffff-]*)|\["((?:[^"\\]|\\.)*)"\]|\.'?"((?:[^"\\]|\\.)*)"|\[(\d{1,9})\]/y;
  step.lastIndex = 1;
  while (step.lastIndex < path.length) {
    const match = step.exec(path);
    if (!match) return undefined;
    const quoted = match[2] ?? match[3];
    if (match[4] !== undefined) steps.push(Number(match[4]));
    else {
      const name = quoted === undefined ? match[1] : unescaped(quoted);
      if (name === undefined) return undefined;
      steps.push(name);
    }
  }
  return steps;
}

/** The text that JSON's escapes write, or undefined where one is none. */
function unescaped(quoted: string): string | undefined {
  try {
    return JSON.parse(`"${quoted}"`);
  } catch {
    return undefined;
  }
}

/** What stands at the end of the steps; undefined where one leads nowhere. Only own members count. */
export function follow(value: unknown, steps: readonly PathStep[]): unknown {
  let current = value;
  for (const step of steps) current = typeof step === 'number' ? element(current, step) : member(current, step);
  return current;
}

export function member(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, key))
    return undefined;
  return (value as { [key: string]: unknown })[key];
}

/** Counts from 0; negative from the end. */
function element(value: unknown, index: number): unknown {
  return Array.isArray(value) ? value.at(index) : undefined;
}

/** The same by `->` and `->>`, to which a scalar is its own only element, as PostgreSQL keeps it in a `jsonb`. */
export function elementOrItself(value: unknown, index: number): unknown {
  if (typeof value === 'object') return element(value, index);
  return keepsScalar(index) ? value : undefined;
}

/** Whether `->` and `->>` give a scalar itself for that place. */
export const keepsScalar = (index: number): boolean => index === 0 || index === -1;

/** Whether a step of `#>` can be one into an array. */
export const isElementText = (step: string): boolean => /^-?\d{1,9}$/.test(step);

/** What steps lead to that were settled before; undefined where one leads nowhere. */
export function followSteps(value: unknown, steps: readonly JsonStep[]): unknown {
  let current = value;
  for (const step of steps) {
    if (Array.isArray(current)) current = step.element === undefined ? undefined : element(current, step.element);
    else if (typeof current === 'object' || !step.keepsScalar)
      current = step.member && member(current, step.member.text);
  }
  return current;
}

/** A step of `#>`: a member of an object, an element of an array. */
export function followText(value: unknown, steps: readonly string[]): unknown {
  let current = value;
  for (const step of steps) {
    if (Array.isArray(current)) current = isElementText(step) ? element(current, Number(step)) : undefined;
    else current = member(current, step);
  }
  return current;
}
