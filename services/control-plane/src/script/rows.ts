import { type Catalog, DefinitionRejected, nearestName, type Recorded } from '@laminar/definitions';
import { type DefinedKind, definedKinds } from '@laminar/protocol';
import type { Warning } from '@laminar/sql';
import type { StatusBoard } from '@laminar/status';
import { bodyOf } from '../definitions/kinds.js';
import { keptIn, subjectsOf } from '../definitions/place.js';
import { statusOf } from '../definitions/status.js';
import type { Plan } from './plan.js';

/** Rows as answers show them. */
export interface Rows {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly unknown[])[];
  /** False where there was more. */
  readonly complete: boolean;
  /** Of live queries. */
  readonly warnings?: readonly Warning[];
  /** Of a live query that is only explained. */
  readonly plan?: Plan;
}

const text = (name: string) => ({ name, type: 'TEXT' });
const bigint = (name: string) => ({ name, type: 'BIGINT' });

/** SHOW CONNECTIONS, TABLES, PIPELINES or FUNCTIONS. */
export function showRows(kind: DefinedKind, catalog: Catalog, board: StatusBoard): Rows {
  const facts = factsOf[kind];
  const rows = catalog.list(kind).map((record) => {
    const { state, message } = statusOf(record, catalog, board);
    return [record.name, ...facts.of(record), state, message, record.version, record.revision];
  });
  const columns = [
    text('name'),
    ...facts.columns,
    text('state'),
    text('message'),
    bigint('version'),
    bigint('revision'),
  ];
  return { columns, rows, complete: true };
}

interface Facts {
  readonly columns: Rows['columns'];
  of(record: Recorded): unknown[];
}

const factsOf: { readonly [K in DefinedKind]: Facts } = {
  connection: {
    columns: [text('connector'), text('type'), text('subject'), text('kept_in')],
    of: ({ definition }) => {
      const { connector, options } = definition as Recorded<'connection'>['definition'];
      return [connector, options.type ?? null, subjectsOf(options).join(', ') || null, keptIn(options) ?? null];
    },
  },
  table: {
    columns: [text('connector'), bigint('columns')],
    of: ({ definition }) => {
      const { connector, columns } = definition as Recorded<'table'>['definition'];
      return [connector, columns.length];
    },
  },
  pipeline: {
    columns: [text('desired'), text('reads'), text('writes')],
    of: ({ definition }) => {
      const { desired, reads, writes } = definition as Recorded<'pipeline'>['definition'];
      return [desired, reads.join(', '), writes ?? null];
    },
  },
  function: {
    columns: [text('arguments'), text('returns'), text('language')],
    of: ({ definition }) => {
      const { arguments: args, returns, language } = definition as Recorded<'function'>['definition'];
      return [args.map(({ name, type }) => `${name} ${type}`).join(', '), returns, language];
    },
  },
};

/** DESCRIBE: a property and its value, of every definition of that name. */
export function describeRows(name: string, catalog: Catalog, board: StatusBoard): Rows {
  const found = [catalog.relation(name), catalog.get('pipeline', name), catalog.get('function', name)];
  const records = found.filter((record) => record !== undefined);
  if (records.length === 0) throw nothingNamed(name, catalog);
  const rows = records.flatMap((record) => [
    [record.kind, record.name],
    ...propertiesOf(record),
    ['state', statusOf(record, catalog, board).state],
    ['version', String(record.version)],
    ['revision', String(record.revision)],
  ]);
  return { columns: [text('property'), text('value')], rows, complete: true };
}

function nothingNamed(name: string, catalog: Catalog): DefinitionRejected {
  const names = definedKinds.flatMap((kind) => Array.from(catalog.values(kind), (record) => record.name));
  const nearest = nearestName(name, names);
  const hint = nearest === undefined ? '' : `; did you mean "${nearest}"?`;
  return new DefinitionRejected('not_found', `there is no connection, table, pipeline or function "${name}"${hint}`);
}

function propertiesOf(record: Recorded): string[][] {
  const body = bodyOf(record);
  return Object.entries(body).flatMap(([property, value]): string[][] => {
    if (property === 'columns' && Array.isArray(value)) return value.map(({ name, type }) => [`column ${name}`, type]);
    if (property === 'arguments' && Array.isArray(value))
      return value.map(({ name, type }) => [`argument ${name}`, type]);
    if (property === 'options') return Object.entries(value).map(([option, set]) => [`option ${option}`, written(set)]);
    return [[property, written(value)]];
  });
}

const written = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

export const planRows = (plan: Plan): Rows => ({
  columns: [text('field'), text('value')],
  rows: plan,
  complete: true,
});
