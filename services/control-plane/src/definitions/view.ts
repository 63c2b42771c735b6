import { type Catalog, type Delivery, deliveryOf, type PipelineDefinition, type Recorded } from '@laminar/definitions';
import { type Bound, bindQuery, catalogFunctions, catalogRelations, SqlError, type Warning } from '@laminar/sql';
import type { StatusBoard } from '@laminar/status';
import { bodyOf } from './kinds.js';
import type { StatusView } from './schemas.js';
import { statusOf } from './status.js';
import { bindingWarnings, standingWarnings, undeliverable } from './warnings.js';

/** A definition as answers show it: its body, and what is known of it. */
export interface DefinitionView {
  readonly name: string;
  readonly version: number;
  readonly revision: number;
  readonly created_at: string;
  readonly updated_at: string;
  readonly warnings: readonly Warning[];
  /** Null for a definition of the past, or one that is only rehearsed. */
  readonly status: StatusView | null;
  readonly delivery?: Delivery | null;
  readonly [member: string]: unknown;
}

/** One definition with everything that can be said of it. */
export function detailView(
  record: Recorded,
  catalog: Catalog,
  board: StatusBoard,
  also: readonly Warning[] = [],
): DefinitionView {
  const { warnings, delivery } = insight(record, catalog);
  return {
    ...head(record),
    warnings: [...warnings, ...also],
    status: statusOf(record, catalog, board),
    ...(record.kind === 'pipeline' ? { delivery } : {}),
  };
}

/** One of many: without what only binding its query tells. */
export function listView(record: Recorded, catalog: Catalog, board: StatusBoard): DefinitionView {
  return {
    ...head(record),
    warnings: standingWarnings(record, catalog, { nearNames: false }),
    status: statusOf(record, catalog, board),
  };
}

/** A definition as it was. */
export const pastView = (record: Recorded): DefinitionView => ({ ...head(record), warnings: [], status: null });

/** What may need attention, and how a pipeline delivers; null where that is not known yet. */
export function insight(record: Recorded, catalog: Catalog): { warnings: Warning[]; delivery: Delivery | null } {
  const warnings = standingWarnings(record, catalog, { nearNames: true });
  if (record.kind !== 'pipeline') return { warnings, delivery: null };
  const definition = record.definition as PipelineDefinition;
  const bound = bind(definition.query, catalog);
  if (bound instanceof SqlError) {
    warnings.push({ code: 'query_broken', message: bound.message });
    return { warnings, delivery: null };
  }
  warnings.push(...bindingWarnings(bound));
  if (bound.status === 'blocked') return { warnings, delivery: null };
  const pipeline = { name: record.name, options: definition.options };
  const broken = undeliverable(bound.query, pipeline, catalog);
  if (broken !== undefined) warnings.push({ code: 'delivery_not_kept', message: broken });
  return { warnings, delivery: broken === undefined ? deliveryOf(bound.query, pipeline, catalog) : null };
}

/** What was bound when it was accepted may not bind any more, as when a column of its table is gone. */
function bind(query: string, catalog: Catalog): Bound | SqlError {
  try {
    return bindQuery(query, catalogRelations(catalog), catalogFunctions(catalog));
  } catch (error) {
    if (error instanceof SqlError) return error;
    throw error;
  }
}

function head(record: Recorded) {
  return {
    name: record.name,
    ...bodyOf(record),
    version: record.version,
    revision: record.revision,
    created_at: new Date(record.createdAt).toISOString(),
    updated_at: new Date(record.updatedAt).toISOString(),
  };
}
