import type { Catalog } from '@laminar/definitions';
import {
  type Bound,
  bindQuery,
  catalogFunctions,
  catalogRelations,
  type QueryReferences,
  queryReferences,
  SqlError,
} from '@laminar/sql';

/** A query, or a body of a function, that does not parse or does not bind. */
export class QueryRejected extends Error {
  override readonly name = 'QueryRejected';
  constructor(
    readonly error: SqlError,
    readonly query: string,
    /** Where it stands in the body of a request. */
    readonly pointer = '/query',
  ) {
    super(error.message, { cause: error });
  }
}

/** What a query names and what it comes to in a catalog. Throws `QueryRejected`. */
export function checkQuery(query: string, catalog: Catalog): { references: QueryReferences; bound: Bound } {
  try {
    return {
      references: queryReferences(query),
      bound: bindQuery(query, catalogRelations(catalog), catalogFunctions(catalog)),
    };
  } catch (error) {
    throw error instanceof SqlError ? new QueryRejected(error, query) : error;
  }
}
