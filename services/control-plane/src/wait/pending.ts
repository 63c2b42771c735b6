import type { Catalog } from '@laminar/definitions';
import type { Kind } from '@laminar/protocol';
import type { Report, StatusBoard } from '@laminar/status';
import { connectionsNaming } from '../definitions/secret-use.js';
import { runningPipelinesOver } from '../definitions/warnings.js';

/** A definition at the revision that is to be in effect. */
export interface Target {
  readonly kind: Kind;
  readonly name: string;
  readonly revision: number;
}

/** What the live instances say; the part of `StatusBoard` that is asked. */
export type Reports = Pick<StatusBoard, 'instances' | 'pipeline' | 'connection'>;

/**
 * What keeps a revision from being in effect everywhere, for people; undefined when nothing does. Every live instance must have acted on
 * it. Then, of a pipeline some instance must report and none be behind, and one that is to be stopped must be; of a connection, table or function the same holds for the
 * running pipelines over it, and no report on the connection may be behind; of a secret no connection that names it may still be trying it; of what is dropped no report may be left.
 */
export function pending(target: Target, catalog: Catalog, reports: Reports): string | undefined {
  const instances = reports.instances();
  if (instances.length === 0) return 'no ingestion instance is alive';
  const behind = instances.find(({ appliedRevision }) => appliedRevision < target.revision);
  if (behind)
    return `instance ${behind.instance} has acted on revision ${behind.appliedRevision} of ${target.revision}`;
  if (!catalog.get(target.kind, target.name)) return pendingRemoval(target, reports);
  if (target.kind === 'pipeline') {
    const { desired } = catalog.get('pipeline', target.name)?.definition ?? {};
    return (
      pendingPipeline(target.name, target.revision, reports) ??
      (desired === 'stopped' ? pendingStop(target.name, reports) : undefined)
    );
  }
  if (target.kind === 'secret') return pendingSecret(target.name, catalog, reports);
  const connection = target.kind === 'connection' ? reports.connection(target.name) : [];
  const running = runningPipelinesOver(target, catalog);
  return (
    pendingReport(`the connection "${target.name}"`, connection, target.revision) ??
    first(running, ({ name }) => pendingPipeline(name, target.revision, reports))
  );
}

/** Whoever could not connect tries a new value at once, and is connecting from when its instance has acted on it. */
function pendingSecret(secret: string, catalog: Catalog, reports: Reports): string | undefined {
  return first(connectionsNaming(secret, catalog), (name) => {
    const report = reports.connection(name).find(({ state }) => state === 'connecting');
    return report && `the connection "${name}" is connecting with it on ${report.instance}`;
  });
}

function pendingPipeline(name: string, revision: number, reports: Reports): string | undefined {
  const all = reports.pipeline(name);
  if (all.length === 0) return `no instance has taken up the pipeline "${name}" yet`;
  return pendingReport(`the pipeline "${name}"`, all, revision);
}

/** What still winds down may be blocked or have failed meanwhile, which is not the end of it. */
function pendingStop(name: string, reports: Reports): string | undefined {
  const report = reports.pipeline(name).find(({ state }) => state !== 'stopped');
  return report && `the pipeline "${name}" is still ${report.state} on ${report.instance}`;
}

function pendingReport(what: string, reports: readonly Report<string>[], revision: number): string | undefined {
  return first(reports, (report) => {
    if (isSettled(report, revision)) return undefined;
    const why = report.message === '' ? '' : `: ${report.message}`;
    return `${what} is ${report.state} at revision ${report.appliedRevision} on ${report.instance}${why}`;
  });
}

/** In effect, or known not to come into effect as things are. */
function isSettled({ appliedRevision, desiredRevision, state }: Report<string>, revision: number): boolean {
  if (appliedRevision >= revision) return true;
  return desiredRevision >= revision && (state === 'blocked' || state === 'stopped' || state === 'failed');
}

/** Reports that were made before the drop. */
function pendingRemoval({ kind, name, revision }: Target, reports: Reports): string | undefined {
  const left: readonly Report<string>[] =
    kind === 'pipeline' ? reports.pipeline(name) : kind === 'connection' ? reports.connection(name) : [];
  const report = left.find(({ desiredRevision }) => desiredRevision < revision);
  return report && `the ${kind} "${name}" is still ${report.state} on ${report.instance}`;
}

function first<T>(items: readonly T[], reason: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const found = reason(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
