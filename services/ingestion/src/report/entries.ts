import type { DesiredPipeline } from '../desired/desired.js';
import type { ConnectionSpec } from '../desired/slot.js';
import type { ConnectionStanding } from '../jobs/connection-loop.js';
import type { PipelineStanding } from '../jobs/pipeline-standing.js';
import type { Provisioned } from '../jobs/provisioner.js';
import type { StatusEntry } from './status-publisher.js';

interface Job {
  readonly spec: { readonly connection: ConnectionSpec };
  readonly standing: ConnectionStanding;
}

/** What needs attention most comes first. */
const pipelineOrder = ['failed', 'blocked', 'starting', 'running'] as const;
const connectionOrder = ['failed', 'blocked', 'reconnecting', 'connecting', 'connected'] as const;

/** What this instance says of a pipeline: what its jobs do, else what the catalog alone decides; undefined where that is others' business. */
export function pipelineEntry(
  desired: DesiredPipeline | undefined,
  standings: readonly PipelineStanding[],
): StatusEntry | undefined {
  const [worst] = [...standings].sort((a, b) => pipelineOrder.indexOf(a.state) - pipelineOrder.indexOf(b.state));
  if (worst) {
    const appliedRevision = Math.min(...standings.map((standing) => standing.appliedRevision));
    return { ...worst, desiredRevision: desired?.revision ?? 0, appliedRevision };
  }
  if (!desired || desired.state === 'running') return undefined;
  const { state, revision } = desired;
  return {
    state,
    message: 'reason' in desired ? desired.reason : '',
    desiredRevision: revision,
    appliedRevision: revision,
  };
}

/** What this instance says of a connection: its readers' standing, else its sink's, else how far its stream and durable are. */
export function connectionEntry(
  desiredRevision: number | undefined,
  parts: {
    readonly jobs: readonly Job[];
    readonly sink: { readonly spec: ConnectionSpec; readonly standing: ConnectionStanding } | undefined;
    readonly provisioned: Provisioned | undefined;
  },
): StatusEntry | undefined {
  const { jobs, sink, provisioned } = parts;
  const users =
    jobs.length > 0 ? jobs.map(({ spec, standing }) => ({ spec: spec.connection, standing })) : sink && [sink];
  if (users) {
    const [worst] = [...users].sort(
      (a, b) => connectionOrder.indexOf(a.standing.state) - connectionOrder.indexOf(b.standing.state),
    );
    const settled = users.filter(({ standing }) => standing.state !== 'connecting');
    const appliedRevision = settled.length < users.length ? 0 : Math.min(...settled.map(({ spec }) => spec.revision));
    return {
      state: worst?.standing.state ?? 'connecting',
      message: worst?.standing.message || (provisioned?.note ?? ''),
      desiredRevision: desiredRevision ?? 0,
      appliedRevision,
    };
  }
  if (!provisioned || desiredRevision === undefined) return undefined;
  const { state, message, revision } = provisioned;
  return { state, message, desiredRevision, appliedRevision: revision };
}
