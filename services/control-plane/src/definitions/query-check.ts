import type { Catalog } from '@laminar/definitions';
import {
  type Bound,
  bindLiveQuery,
  bindQuery,
  catalogRelations,
  type LiveQuery,
  type QueryReferences,
  queryReferences,
  SqlError,
} from '@laminar/sql';

/** A query that does not parse or does not bind. */
export class QueryRejected extends Error {
  override readonly name = 'QueryRejected';
  constructor(
    readonly error: SqlError,
    readonly query: string,
  ) {
    super(error.message, { cause: error });
  }
}

/** What a query names and what it comes to in a catalog. Throws `QueryRejected`. */
export function checkQuery(query: string, catalog: Catalog): { references: QueryReferences; bound: Bound } {
  return checked(query, () => ({
    references: queryReferences(query),
    bound: bindQuery(query, catalogRelations(catalog)),
  }));
}

/** What a query that is to be answered with rows comes to in a catalog. Throws `QueryRejected`. */
export function checkLiveQuery(query: string, catalog: Catalog): LiveQuery {
  return checked(query, () => bindLiveQuery(query, catalogRelations(catalog)));
}

function checked<T>(query: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw error instanceof SqlError ? new QueryRejected(error, query) : error;
  }
}
