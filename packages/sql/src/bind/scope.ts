import {
  type DeclaredType,
  isTypeProblem,
  metadataColumns,
  metadataPrefix,
  nearestName,
  parseDeclaredType,
} from '@laminar/definitions';
import { SqlError } from '../errors.js';
import { cast } from './coerce.js';
import type { Expression } from './expression.js';
import { boundedTo } from './type-name.js';

/** A name in a query: folded unless quoted, with the spelling in which it stands there. */
export interface Identifier {
  readonly folded: string;
  readonly written: string;
  readonly quoted: boolean;
}

export interface ScopeColumn {
  readonly name: string;
  readonly expression: Expression;
}

/** What the names in a SELECT mean. */
export interface Scope {
  /** The name by which its columns may be qualified. */
  readonly alias: string;
  /** Whether a column of this name is declared; whole messages have more, any field. */
  declares(identifier: Identifier): boolean;
  /** The column, by the name that goes out. Throws `SqlError` where there is none. */
  resolve(identifier: Identifier, offset: number): ScopeColumn;
  /** What `*` stands for: the payload as it came, the payload beside columns, or columns. */
  readonly star: 'payload' | 'mixed' | readonly ScopeColumn[];
}

/**
 * A connection read directly: every name is a top-level field, but for `payload` and those of metadata columns, which begin with `_nats_`. `spellings` holds the fields by
 * their folded names as the query first wrote them, and grows.
 */
export function connectionScope(alias: string, spellings: Map<string, string>): Scope {
  return {
    alias,
    star: 'payload',
    declares: ({ folded }) => folded === 'payload' || Object.hasOwn(metadataColumns, folded),
    resolve({ folded, written, quoted }, offset) {
      if (folded === 'payload') return { name: folded, expression: { op: 'payload', type: 'JSON', offset } };
      const metadata = Object.hasOwn(metadataColumns, folded) ? metadataColumns[folded] : undefined;
      if (metadata !== undefined)
        return { name: folded, expression: { op: 'metadata', name: folded, type: metadata, offset } };
      if (written.toLowerCase().startsWith(metadataPrefix)) throw noMetadata(written, offset);
      // The spelling first written names the field, however it is spelled after that.
      const first = spellings.get(written.toLowerCase());
      if (first === undefined) spellings.set(written.toLowerCase(), written);
      return field(quoted ? written : (first ?? written), offset);
    },
  };
}

/** A name of the mesh's own is never a field: one that is misspelt would read as a field that no message has. */
function noMetadata(written: string, offset: number): SqlError {
  const names = Object.keys(metadataColumns);
  const nearest = nearestName(written.toLowerCase(), names);
  const meant = nearest === undefined ? `the metadata columns are ${names.join(', ')}` : `did you mean "${nearest}"?`;
  return new SqlError(
    'unknown_column',
    `there is no metadata column "${written}"`,
    offset,
    `${meant}; a field of the payload that has the name is payload->'${written.replaceAll("'", "''")}'`,
  );
}

const field = (name: string, offset: number): ScopeColumn => ({
  name,
  expression: { op: 'field', name, type: 'JSON', offset },
});

/** The columns of a table over a connection: fields converted to their types, declared metadata, and `payload` as the whole message. */
export function tableScope(
  alias: string,
  tableName: string,
  columns: readonly { readonly name: string; readonly type: string }[],
): Scope {
  const bound = columns.map(({ name, type }) => ({ name, expression: tableColumn(name, declaredType(type)) }));
  return { ...columnsScope(alias, bound, `the table "${tableName}"`) };
}

/** The types of a table were checked when it was accepted. */
function declaredType(type: string): DeclaredType {
  const parsed = parseDeclaredType(type);
  if (isTypeProblem(parsed)) throw new Error(parsed.problem);
  return parsed;
}

function tableColumn(name: string, declared: DeclaredType): Expression {
  const { type } = declared;
  const folded = name.toLowerCase();
  if (Object.hasOwn(metadataColumns, folded)) return { op: 'metadata', name: folded, type, offset: 0 };
  if (folded === 'payload' && type === 'JSON') return { op: 'payload', type, offset: 0 };
  const op = type === 'NUMERIC' || type === 'NUMERIC[]' ? 'written' : 'field';
  return boundedTo(cast({ op, name, type: 'JSON', offset: 0 }, type), declared, 'column');
}

/** Columns by name, such as those of a subquery, where several may have one: a list behind an alias may name them so. */
export function columnsScope(alias: string, columns: readonly ScopeColumn[], owner: string): Scope {
  const find = (identifier: Identifier) => columnsNamed(columns, identifier);
  return {
    alias,
    star: columns,
    declares: (identifier) => find(identifier).length > 0,
    resolve(identifier, offset) {
      const { written } = identifier;
      const [column, ...others] = find(identifier);
      if (column && others.length > 0) throw ambiguousIn(owner, written, [column, ...others], offset);
      if (column) return { name: column.name, expression: { ...column.expression, offset } };
      const nearest = nearestName(
        written,
        columns.map(({ name }) => name),
      );
      const hint =
        nearest === undefined
          ? `its columns are ${columns.map(({ name }) => name).join(', ')}`
          : `did you mean "${nearest}"?`;
      throw new SqlError('unknown_column', `${owner} has no column "${written}"`, offset, hint);
    },
  };
}

/** Those that a name may mean. Without quotes it is first that which PostgreSQL means by it, in lower case. */
function columnsNamed(columns: readonly ScopeColumn[], { folded, written, quoted }: Identifier): ScopeColumn[] {
  if (quoted) return columns.filter(({ name }) => name === written);
  const alike = columns.filter(({ name }) => name.toLowerCase() === folded);
  const exact = alike.length > 1 ? alike.filter(({ name }) => name === folded) : [];
  return exact.length > 0 ? exact : alike;
}

function ambiguousIn(owner: string, written: string, meant: readonly ScopeColumn[], offset: number): SqlError {
  const names = [...new Set(meant.map(({ name }) => name))];
  return new SqlError(
    'unknown_column',
    `the column "${written}" is ambiguous: ${owner} has ${meant.length} of that name`,
    offset,
    names.length === meant.length
      ? `write ${names.map((name) => `"${name}"`).join(' or ')}, with the quotes`
      : 'give each a name of its own, in the list behind the alias or with AS',
  );
}
