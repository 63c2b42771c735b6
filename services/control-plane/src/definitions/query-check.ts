import type { Catalog } from '@laminar/definitions';
import {
  type Bound,
  bindLiveQuery,
  bindQuery,
  catalogFunctions,
  catalogRelations,
  type LiveQuery,
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
  return checked(query, () => ({
    references: queryReferences(query),
    bound: bindQuery(query, catalogRelations(catalog), catalogFunctions(catalog)),
  }));
}

/** What a query that is to be answered with rows comes to in a catalog. Throws `QueryRejected`. */
export function checkLiveQuery(query: string, catalog: Catalog): LiveQuery {
  return checked(query, () => bindLiveQuery(query, catalogRelations(catalog), catalogFunctions(catalog)));
}

function checked<T>(query: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw error instanceof SqlError ? new QueryRejected(error, query) : error;
  }
}
