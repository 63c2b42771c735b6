import { SqlError } from '../errors.js';

/** Something that PostgreSQL knows and this dialect does not; `hint` is what to do instead. */
export function unsupported(what: string, offset: number, hint?: string): SqlError {
  return new SqlError('unsupported', `${what} is not supported`, offset, hint);
}

/** The syntax of SQL behind names that PostgreSQL's parser calls, and what to write. */
const syntaxes: { readonly [name: string]: readonly [syntax: string, hint: string] } = {
  is_normalized: ['IS NORMALIZED', 'texts are compared as they came'],
  normalize: ['NORMALIZE', 'texts are compared as they came'],
  overlaps: ['OVERLAPS', 'compare the ends: a_start < b_end AND b_start < a_end'],
  pg_collation_for: ['COLLATION FOR', 'there is one collation: texts are ordered by their code points'],
  system_user: ['SYSTEM_USER', 'a row is made by the mesh, not by a user'],
  xmlexists: ['XMLEXISTS', 'messages are JSON'],
};

/** The same for the function that some syntax of SQL stands for. */
export function unsupportedSyntax(name: string, offset: number): SqlError {
  const [syntax, hint] = Object.hasOwn(syntaxes, name) ? (syntaxes[name] ?? []) : [];
  return unsupported(syntax ?? `the function ${name}`, offset, hint ?? 'take another of docs/reference/sql.md');
}
