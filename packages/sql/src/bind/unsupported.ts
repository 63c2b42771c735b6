import { SqlError } from '../errors.js';

/** Something that PostgreSQL knows and this dialect does not; `hint` is what to do instead. */
export function unsupported(what: string, offset: number, hint?: string): SqlError {
  return new SqlError('unsupported', `${what} is not supported`, offset, hint);
}
