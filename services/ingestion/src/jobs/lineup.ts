import type { CounterRegistry } from '../delivery/counters.js';
import { RunningPipeline } from '../delivery/pipeline.js';
import type { ConnectionSpec, PipelineSpec } from '../desired/slot.js';
import type { RowTarget } from './shared-sink.js';
import type { SinkPool } from './sink-pool.js';

export interface Lineup {
  /** Pipelines whose sinks are open. */
  readonly ready: readonly RunningPipeline[];
  /** Those that wait for their sink, by name. */
  readonly waiting: ReadonlyMap<string, RowTarget>;
  /** Why a pipeline that runs cannot go on as it is: its sink is gone, and with it what was not confirmed. */
  readonly lost: string | undefined;
}

/** The pipelines of `specs` as far as they can run now; those of `current` that stay the same stay. Sinks are acquired for `user`. */
export function lineUp(
  specs: readonly PipelineSpec[],
  current: readonly RunningPipeline[],
  options: {
    readonly sinks: SinkPool;
    readonly user: object;
    readonly counters: CounterRegistry;
    readonly session: string;
  },
): Lineup {
  const { sinks, user, counters, session } = options;
  const ready: RunningPipeline[] = [];
  const waiting = new Map<string, RowTarget>();
  let lost: string | undefined;
  for (const spec of specs) {
    const target = sinks.acquire(spec.sink, user);
    const running = current.find((candidate) => sameVersion(candidate.spec, spec));
    if (target.sink && running?.sink === target.sink) ready.push(running);
    else if (running) lost = target.problem ?? `the sink of "${spec.name}" was opened anew`;
    if (!target.sink) waiting.set(spec.name, target);
    else if (running?.sink !== target.sink) {
      ready.push(new RunningPipeline(spec, counters.pipeline(spec.name, spec.incarnation), target.sink, session));
    }
  }
  return { ready, waiting, lost };
}

export function sameVersion(a: PipelineSpec, b: PipelineSpec): boolean {
  return a.name === b.name && a.revision === b.revision && a.incarnation === b.incarnation && sameSink(a.sink, b.sink);
}

const sameSink = (a: ConnectionSpec | undefined, b: ConnectionSpec | undefined): boolean =>
  a?.name === b?.name && a?.revision === b?.revision;
