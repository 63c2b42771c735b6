import { ApplyTrace } from '../delivery/apply-trace.js';
import type { RunningPipeline } from '../delivery/pipeline.js';
import type { PipelineSpec } from '../desired/slot.js';
import { sameVersion } from './lineup.js';

interface Begun {
  readonly spec: PipelineSpec;
  /** Undefined where there is no request to belong to, and once the version is in effect. */
  trace: ApplyTrace | undefined;
}

/** The traces of the pipelines that a slot applies, one for each version, from the event to the first message. */
export class ApplyTraces {
  readonly #begun = new Map<string, Begun>();

  constructor(readonly instance: string) {}

  /** These are to be in effect from now on, and no others. */
  begin(specs: readonly PipelineSpec[]): void {
    const former = new Map(this.#begun);
    this.#begun.clear();
    for (const spec of specs) {
      const before = former.get(spec.name);
      if (before && sameVersion(before.spec, spec)) {
        former.delete(spec.name);
        this.#begun.set(spec.name, before);
        continue;
      }
      const { name, revision, cause } = spec;
      const trace = ApplyTrace.begin({ kind: 'pipeline', name, revision, cause, instance: this.instance });
      this.#begun.set(name, { spec, trace });
    }
    for (const { trace } of former.values()) trace?.end();
  }

  /** A reader was started for them, at `startedAtMs` (Unix milliseconds). */
  readerStarted(pipelines: readonly RunningPipeline[], connection: string, startedAtMs: number): void {
    for (const { spec } of pipelines) this.#begun.get(spec.name)?.trace?.readerStarted(connection, startedAtMs);
  }

  /** The pipelines are in effect: their first messages belong to what asked for them. */
  applied(pipelines: readonly RunningPipeline[]): void {
    for (const pipeline of pipelines) {
      const begun = this.#begun.get(pipeline.spec.name);
      if (!begun?.trace || !sameVersion(begun.spec, pipeline.spec)) continue;
      pipeline.pendingTrace = begun.trace.traceparent;
      begun.trace.end();
      begun.trace = undefined;
    }
  }

  /** What is not in effect by now was given up. */
  end(): void {
    for (const { trace } of this.#begun.values()) trace?.end();
    this.#begun.clear();
  }
}
