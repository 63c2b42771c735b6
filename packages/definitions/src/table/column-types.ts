/** The types of columns that are no arrays, by PostgreSQL's names. */
export const columnTypes = [
  'TEXT',
  'BOOLEAN',
  'SMALLINT',
  'INTEGER',
  'BIGINT',
  'REAL',
  'DOUBLE PRECISION',
  'NUMERIC',
  'TIMESTAMP',
  'DATE',
  'BYTEA',
  'JSON',
] as const;
export type ScalarType = (typeof columnTypes)[number];
export type ArrayType = `${ScalarType}[]`;
export type ColumnType = ScalarType | ArrayType;

/** Other spellings that PostgreSQL takes for the same (https://www.postgresql.org/docs/18/datatype.html, table 8.1). */
const aliases: { readonly [alias: string]: ScalarType } = {
  VARCHAR: 'TEXT',
  'CHARACTER VARYING': 'TEXT',
  'CHAR VARYING': 'TEXT',
  STRING: 'TEXT',
  BOOL: 'BOOLEAN',
  INT2: 'SMALLINT',
  INT: 'INTEGER',
  INT4: 'INTEGER',
  INT8: 'BIGINT',
  FLOAT4: 'REAL',
  FLOAT8: 'DOUBLE PRECISION',
  FLOAT: 'DOUBLE PRECISION',
  DOUBLE: 'DOUBLE PRECISION',
  DECIMAL: 'NUMERIC',
  DEC: 'NUMERIC',
  'TIMESTAMP WITHOUT TIME ZONE': 'TIMESTAMP',
  'TIMESTAMP WITH TIME ZONE': 'TIMESTAMP',
  TIMESTAMPTZ: 'TIMESTAMP',
  JSONB: 'JSON',
};

/** One dimension: `TEXT[]`, `TEXT[3]`, whose size PostgreSQL ignores too, and `TEXT ARRAY`. */
const arrayPattern = /^(.+?)(?: ?\[ ?\d* ?\]| ARRAY)$/;

/** The canonical name of a type as a user writes it, or undefined where there is no such type. */
export function canonicalColumnType(written: string): ColumnType | undefined {
  const name = written.trim().replace(/\s+/g, ' ').toUpperCase();
  const element = arrayPattern.exec(name)?.[1];
  if (element === undefined) return canonicalScalarType(name);
  const scalar = canonicalScalarType(element);
  return scalar === undefined ? undefined : `${scalar}[]`;
}

const canonicalScalarType = (name: string): ScalarType | undefined =>
  columnTypes.find((type) => type === name) ?? (Object.hasOwn(aliases, name) ? aliases[name] : undefined);

/** Every spelling that `canonicalColumnType` takes, but for those of arrays. */
export const columnTypeNames: readonly string[] = [...columnTypes, ...Object.keys(aliases)];
