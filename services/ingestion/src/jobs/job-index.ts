import type { SlotSpec } from '../desired/slot.js';
import type { PipelineStanding } from './pipeline-standing.js';
import type { SlotJob } from './slot-job.js';

/** Which jobs have something to say of a connection or pipeline: those that run, and those that are still draining. */
export class JobIndex {
  readonly #byConnection = new Map<string, Set<SlotJob>>();
  readonly #byPipeline = new Map<string, Set<SlotJob>>();

  /** A job runs, or is to run, what the spec says. */
  add(job: SlotJob, { connection, pipelines }: SlotSpec): void {
    addTo(this.#byConnection, connection.name, job);
    for (const { name } of pipelines) addTo(this.#byPipeline, name, job);
  }

  /** A job has ended. */
  remove(job: SlotJob): void {
    const { connection, pipelines } = job.spec;
    removeFrom(this.#byConnection, connection.name, job);
    for (const { name } of pipelines) removeFrom(this.#byPipeline, name, job);
  }

  ofConnection(name: string): readonly SlotJob[] {
    return [...(this.#byConnection.get(name) ?? [])];
  }

  /** What the jobs say of a pipeline. */
  standings(pipeline: string): PipelineStanding[] {
    const standings: PipelineStanding[] = [];
    for (const job of this.#byPipeline.get(pipeline) ?? []) {
      const standing = job.pipelineStanding(pipeline);
      if (standing) standings.push(standing);
      // It ran the pipeline once.
      else removeFrom(this.#byPipeline, pipeline, job);
    }
    return standings;
  }
}

function addTo(index: Map<string, Set<SlotJob>>, name: string, job: SlotJob): void {
  const jobs = index.get(name);
  if (jobs) jobs.add(job);
  else index.set(name, new Set([job]));
}

function removeFrom(index: Map<string, Set<SlotJob>>, name: string, job: SlotJob): void {
  const jobs = index.get(name);
  jobs?.delete(job);
  if (jobs?.size === 0) index.delete(name);
}
