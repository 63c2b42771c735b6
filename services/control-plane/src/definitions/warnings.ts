import {
  anySelfRefusal,
  type Catalog,
  callsOf,
  type DeliveringPipeline,
  deliveryRefusal,
  nameSpaceOf,
  nearestName,
  type PipelineDefinition,
  type QueryTraits,
  type Recorded,
  referencesOf,
  resolveConnection,
  retryRefusal,
  sameData,
  takenStreamRefusal,
} from '@laminar/definitions';
import type { Kind } from '@laminar/protocol';
import {
  type Bound,
  bindQuery,
  builtInNames,
  catalogFunctions,
  catalogRelations,
  SqlError,
  type Warning,
} from '@laminar/sql';
import type { Outcome } from '../state/decision.js';
import { missingSecrets } from './secret-use.js';
import { withoutEffect } from './without-effect.js';

/** Pipelines that a change of a relation is tried on; binding one takes about a third of a millisecond. */
const pipelinesTriedMax = 500;

/** What may need attention about a definition as it stands: relations, functions and secrets that it names and that are not there, what it forbids itself, what its source cannot give, and options without an effect. */
export function standingWarnings(record: Recorded, catalog: Catalog, { nearNames }: { nearNames: boolean }): Warning[] {
  const missing = referencesOf(record).filter((name) => !catalog.relation(name));
  const relations = missing.map((name): Warning => {
    const what = whatIsMissing(record, name);
    const nearest = nearNames ? nearestName(name, relationNames(catalog)) : undefined;
    const hint = nearest === undefined ? '' : `; did you mean "${nearest}"?`;
    return { code: 'missing_relation', message: `there is no ${what} "${name}"${hint}` };
  });
  const functions = callsOf(record)
    .filter((name) => !catalog.get('function', name))
    .map((name): Warning => {
      const nearest = nearNames ? nearestName(name, functionNames(catalog)) : undefined;
      const hint = nearest === undefined ? '' : `; did you mean "${nearest}"?`;
      return { code: 'missing_function', message: `there is no function "${name}"${hint}` };
    });
  return [
    ...relations,
    ...functions,
    ...missingSecrets(record, catalog),
    ...selfForbidden(record),
    ...withoutEffect(record, catalog),
    ...unretryable(record, catalog),
  ];
}

/** A pipeline over a connection that came later, and cannot give it what it asks for. */
function unretryable(record: Recorded, catalog: Catalog): Warning[] {
  if (record.kind !== 'pipeline') return [];
  const message = retryRefusal({ name: record.name, ...(record.definition as PipelineDefinition) }, catalog);
  return message === undefined ? [] : [{ code: 'never_redelivered', message }];
}

/** Why a pipeline that was accepted cannot deliver as it asks to, over connections as they are now. */
export const undeliverable = (query: QueryTraits, pipeline: DeliveringPipeline, catalog: Catalog): string | undefined =>
  deliveryRefusal(query, pipeline, catalog)?.reason ?? takenStreamRefusal(query.sink, pipeline, catalog);

/** A connection whose own permissions are at odds with its subjects is stored, so that they can be changed; it does not run. */
function selfForbidden(record: Recorded): Warning[] {
  if (record.kind !== 'connection') return [];
  const { name, definition } = record as Recorded<'connection'>;
  const refusal = anySelfRefusal(resolveConnection(name, definition));
  return refusal === undefined ? [] : [{ code: 'not_permitted', message: `"permissions": ${refusal}` }];
}

function whatIsMissing(record: Recorded, name: string): string {
  if (record.kind === 'table') return 'connection';
  return (record.definition as PipelineDefinition).writes === name ? 'sink' : 'connection or table';
}

function* relationNames(catalog: Catalog): Iterable<string> {
  for (const kind of ['connection', 'table'] as const) for (const { name } of catalog.values(kind)) yield name;
}

function* functionNames(catalog: Catalog): Iterable<string> {
  yield* builtInNames();
  for (const { name } of catalog.values('function')) yield name;
}

/** What binding says beside the relations and functions that are missing, which `standingWarnings` names all of. */
export const bindingWarnings = (bound: Bound): Warning[] =>
  bound.warnings.filter(({ code }) => code !== 'missing_relation' && code !== 'missing_function');

/** What a write met with and did to others: files that are missing, definitions that were dropped with this one, and pipelines that no longer hold. */
export function consequences(outcome: Outcome, catalog: Catalog): Warning[] {
  const { kind, name, before, after, events, warnings } = outcome;
  const dropped = events
    .filter((event) => event.kind !== kind || event.name !== name)
    .map(
      (event): Warning => ({ code: 'dropped_too', message: `the ${event.kind} "${event.name}" was dropped with it` }),
    );
  const known = [...warnings, ...dropped];
  if (kind === 'pipeline' || !after || sameData(before?.definition, after.definition)) return known;
  return [...known, ...brokenPipelines(after, before !== undefined, catalog)];
}

function brokenPipelines(changed: Recorded, existedBefore: boolean, catalog: Catalog): Warning[] {
  const running = runningPipelinesOver(changed, catalog);
  return running.slice(0, pipelinesTriedMax).flatMap(({ name, definition }) => {
    const reason =
      whyNotRun({ name, definition }, catalog, existedBefore) ?? retryRefusal({ name, ...definition }, catalog);
    return reason === undefined
      ? []
      : [{ code: 'pipeline_broken', message: `the pipeline "${name}" does not hold with it: ${reason}` }];
  });
}

/** Why a query cannot run, or not as its pipeline asks. What still waits for others is not the fault of a relation that is new. */
function whyNotRun(
  { name, definition }: Pick<Recorded<'pipeline'>, 'name' | 'definition'>,
  catalog: Catalog,
  countBlocked: boolean,
): string | undefined {
  const { query, options } = definition;
  try {
    const bound = bindQuery(query, catalogRelations(catalog), catalogFunctions(catalog));
    if (bound.status === 'bound') return undeliverable(bound.query, { name, options }, catalog);
    return countBlocked ? bound.reason : undefined;
  } catch (error) {
    if (error instanceof SqlError) return error.message;
    throw error;
  }
}

/** The pipelines that name a relation or function, or what stands on it, and are to run. */
export function runningPipelinesOver(
  { kind, name }: { readonly kind: Kind; readonly name: string },
  catalog: Catalog,
): Recorded<'pipeline'>[] {
  return catalog
    .dependents(name, nameSpaceOf(kind))
    .filter((record): record is Recorded<'pipeline'> => record.kind === 'pipeline')
    .filter(({ definition }) => definition.desired === 'running');
}
