import type { Catalog } from '@laminar/definitions';
import { subjects } from '@laminar/protocol';
import type { Bound } from '@laminar/sql';
import { deliveryOf } from '../definitions/delivery.js';
import { placeOf } from '../definitions/place.js';
import { bindingWarnings } from '../definitions/warnings.js';

/** What a query would do, as rows of EXPLAIN: a field and its value, fields in reading order. */
export type Plan = readonly (readonly [field: string, value: string])[];

/** Explains a query that was bound in this catalog; `pipeline` runs it. */
export function planOf(bound: Bound, catalog: Catalog, pipeline = '<pipeline>'): Plan {
  if (bound.status === 'blocked') return [['blocked', bound.reason]];
  const { query } = bound;
  const tables = query.reads.filter((name) => name !== query.connection);
  const delivery = deliveryOf(query, catalog);
  return [
    ['source', placeOf(query.connection, catalog)],
    ...tables.map((name) => ['table', name] as const),
    [
      'sink',
      query.replies
        ? 'the reply subject of each request'
        : query.sink === undefined
          ? `subject ${subjects.output(pipeline)} of the mesh's bus`
          : placeOf(query.sink, catalog),
    ],
    ...query.calls.map((name) => ['function', name] as const),
    ...columnsOf(query.columns).map((column) => ['column', column] as const),
    ['delivery', delivery.guarantee],
    ['because', delivery.because],
    ...bindingWarnings(bound).map(({ message }) => ['warning', message] as const),
  ];
}

/** A select list of `*` alone has no columns of its own. */
function columnsOf(columns: readonly { readonly name: string; readonly type: string }[]): string[] {
  if (columns.length === 0) return ['* (the payload as it came)'];
  return columns.map(({ name, type }) => `${name} ${type}`);
}
