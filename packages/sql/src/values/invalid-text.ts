import { RowError } from '../errors.js';

/** A text that is none of a type. The value itself stays out: errors reach logs and tables, payloads do not. */
export function invalidText(text: string, type: string): RowError {
  return new RowError('invalid_value', `a text of ${text.length} characters is no ${type}`);
}
