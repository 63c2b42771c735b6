import type { Integer } from './integer.js';
import { jsonConverter, jsonNumber } from './json-scalar.js';
import { checkNumberFormat, formatJsonNumber } from './number-format.js';
import { checkFormat, formatTimestamp } from './time-format.js';
import { partsOfTemplate } from './time-template.js';

/** to_char of untyped JSON, which may be a time as well as a number: the template says which. It throws `RowError`. */

/** Patterns of times that templates of numbers have too. */
const shared: ReadonlySet<string> = new Set(['D', 'MI']);

/** Whether a number is meant: a time may have zeros beside its patterns, and a number has none of those but two. */
function isNumberTemplate(template: string): boolean {
  // FM stands before any pattern of a number, and there are letters within quotes.
  const unquoted = template.replace(/\\"|"(?:\\.|[^"\\])*"?|FM|fm/gs, '');
  if (!/[09]|RN|rn/.test(unquoted)) return false;
  return partsOfTemplate(unquoted).every((part) => 'literal' in part || shared.has(part.pattern));
}

export const checkJsonFormat = (template: string): void =>
  isNumberTemplate(template) ? checkNumberFormat(template) : checkFormat(template);

const toTimestamp = jsonConverter('TIMESTAMP');

export function formatJson(value: unknown, template: string): string | null {
  if (isNumberTemplate(template)) return formatJsonNumber(jsonNumber(value) as Integer, template);
  return formatTimestamp(toTimestamp(value) as Integer, template);
}
