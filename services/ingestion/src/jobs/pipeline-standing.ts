import type { RunningPipeline } from '../delivery/pipeline.js';
import type { SlotSpec } from '../desired/slot.js';
import type { ConnectionStanding } from './connection-loop.js';
import type { Lineup } from './lineup.js';
import type { Reading } from './reading.js';

/** What a job says of one of its pipelines. */
export interface PipelineStanding {
  readonly state: 'starting' | 'running' | 'blocked' | 'failed';
  readonly message: string;
  /** In effect now; 0 for nothing. */
  readonly appliedRevision: number;
}

/** What a job knows of all of its pipelines. */
export interface PipelineCircumstances {
  readonly spec: SlotSpec;
  readonly connection: ConnectionStanding;
  readonly isStopping: boolean;
  /** Undefined while nothing is read. */
  readonly reading: Reading | undefined;
  readonly waiting: Lineup['waiting'];
  /** Why no letter can be kept; undefined when all is well. */
  readonly lettersProblem: string | undefined;
  /** Why it is not known which rows of a pipeline are out; undefined when all is well. */
  repeatsProblemOf(pipeline: RunningPipeline): string | undefined;
}

/** How a pipeline of a job stands; undefined where the job has nothing to do with it. */
export function pipelineStandingOf(name: string, circumstances: PipelineCircumstances): PipelineStanding | undefined {
  const { spec, connection, isStopping, reading, waiting, lettersProblem, repeatsProblemOf } = circumstances;
  const active = reading?.pipelines.find((pipeline) => pipeline.spec.name === name);
  if (!active && !spec.pipelines.some((pipeline) => pipeline.name === name)) return undefined;
  const appliedRevision = active?.spec.revision ?? 0;
  const { state, message } = connection;
  if (state === 'reconnecting' || state === 'blocked' || state === 'failed') {
    const reason = `the connection "${spec.connection.name}" is ${state}${message === '' ? '' : `: ${message}`}`;
    return { state: state === 'failed' ? 'failed' : 'blocked', message: reason, appliedRevision };
  }
  const goesOn = active !== undefined && reading?.suspended !== true;
  const awaited = waiting.get(name) ?? (goesOn ? undefined : waiting.values().next().value);
  const problem = awaited ? awaited.problem : (active?.sink.problem ?? lettersProblem);
  if (problem !== undefined && !awaited?.opening) return { state: 'blocked', message: problem, appliedRevision };
  if (!active && isStopping)
    return { state: 'running', message: 'it ends: what it has published is being confirmed', appliedRevision };
  if (!active || awaited) return { state: 'starting', message: '', appliedRevision };
  return { state: 'running', message: repeatsProblemOf(active) ?? '', appliedRevision };
}
