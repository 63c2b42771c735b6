/** The types of columns, by PostgreSQL's names. */
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
export type ColumnType = (typeof columnTypes)[number];

/** Other spellings that PostgreSQL takes for the same (https://www.postgresql.org/docs/18/datatype.html, table 8.1). */
const aliases: { readonly [alias: string]: ColumnType } = {
  VARCHAR: 'TEXT',
  'CHARACTER VARYING': 'TEXT',
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
  'TIMESTAMP WITHOUT TIME ZONE': 'TIMESTAMP',
  'TIMESTAMP WITH TIME ZONE': 'TIMESTAMP',
  TIMESTAMPTZ: 'TIMESTAMP',
  JSONB: 'JSON',
};

/** The canonical name of a type as a user writes it, or undefined where there is no such type. */
export function canonicalColumnType(written: string): ColumnType | undefined {
  const name = written.trim().replace(/\s+/g, ' ').toUpperCase();
  return columnTypes.find((type) => type === name) ?? (Object.hasOwn(aliases, name) ? aliases[name] : undefined);
}

/** Every spelling that `canonicalColumnType` takes. */
export const columnTypeNames: readonly string[] = [...columnTypes, ...Object.keys(aliases)];
