import {
  type Catalog,
  type ConnectionDefinition,
  formatNameOf,
  storeOf,
  type TableDefinition,
} from '@laminar/definitions';
import type { Relation, Relations, SourceConnection } from './relations.js';

/** The catalog as queries see it: always what it holds at the moment of asking. */
export function catalogRelations(catalog: Catalog): Relations {
  return {
    get(name) {
      const connection = catalog.get('connection', name);
      if (connection) return connectionRelation(name, connection.definition);
      const table = catalog.get('table', name);
      return table && tableRelation(name, table.definition, catalog);
    },
    *names() {
      for (const { name } of catalog.values('connection')) yield name;
      for (const { name } of catalog.values('table')) yield name;
    },
  };
}

function connectionRelation(name: string, { options }: ConnectionDefinition): Relation {
  const common = { name, jetstream: options.jetstream === true, format: formatNameOf(options) };
  if (options.type === 'sink') return { kind: 'sink', ...common };
  return { kind: 'source', ...common, store: storeOf(options), enableReply: options.enable_reply === true };
}

function tableRelation(name: string, { connector, columns, options }: TableDefinition, catalog: Catalog): Relation {
  const connection = catalog.get('connection', connector);
  const relation = connection && connectionRelation(connector, connection.definition);
  const source: SourceConnection | undefined = relation?.kind === 'source' ? relation : undefined;
  return {
    kind: 'table',
    name,
    connection: connector,
    source,
    columns,
    includeMetadata: options.include_metadata === true,
  };
}
