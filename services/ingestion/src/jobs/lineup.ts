import type { ConnectionLog } from '@laminar/connectors';
import type { FunctionCaller } from '../delivery/awaited-evaluations.js';
import type { CounterRegistry } from '../delivery/counters.js';
import { RunningPipeline } from '../delivery/pipeline.js';
import type { ConnectionSpec, PipelineSpec } from '../desired/slot.js';
import type { RowTarget } from './shared-sink.js';
import type { SinkPool } from './sink-pool.js';

export interface Lineup {
  /** Pipelines whose sinks are open. A changed one whose new sink is not open yet goes on as the version before. */
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
    /** Takes the rows of pipelines that reply to requests. */
    readonly responder: RowTarget;
    readonly user: object;
    /** Who withdraws rows; undefined where what they are made of does not come again. */
    readonly publisher: object | undefined;
    readonly counters: CounterRegistry;
    readonly functions: FunctionCaller;
    readonly session: string;
    /** Told of every message that goes out; undefined where nobody wants to know. */
    readonly log: ConnectionLog | undefined;
  },
): Lineup {
  const { sinks, responder, user, publisher, counters, functions, session, log } = options;
  const targetOf = ({ query, sink }: PipelineSpec) => (query.replies ? responder : sinks.acquire(sink, user));
  const ready: RunningPipeline[] = [];
  const waiting = new Map<string, RowTarget>();
  let lost: string | undefined;
  const byName = new Map(current.map((pipeline) => [pipeline.spec.name, pipeline]));
  for (const spec of specs) {
    const namesake = byName.get(spec.name);
    const running = namesake && isVersionOf(namesake.spec, spec) ? namesake : undefined;
    const written = running && targetOf(running.spec);
    const goesOn = running !== undefined && written?.sink === running.sink;
    if (running && !goesOn) lost = written?.problem ?? `the sink of "${spec.name}" was opened anew`;
    const target = targetOf(spec);
    if (!target.sink) waiting.set(spec.name, target);
    if (goesOn && (!target.sink || sameVersion(running.spec, spec))) ready.push(running);
    else if (target.sink) {
      const counted = counters.pipeline(spec.name, spec.incarnation);
      ready.push(new RunningPipeline(spec, counted, target.sink, publisher, session, functions, log));
    }
  }
  return { ready, waiting, lost };
}

/** Both are the same pipeline, not a dropped namesake. */
const isVersionOf = (a: PipelineSpec, b: PipelineSpec): boolean => a.name === b.name && a.incarnation === b.incarnation;

export function sameVersion(a: PipelineSpec, b: PipelineSpec): boolean {
  return isVersionOf(a, b) && a.revision === b.revision && sameSink(a.sink, b.sink);
}

const sameSink = (a: ConnectionSpec | undefined, b: ConnectionSpec | undefined): boolean =>
  a?.name === b?.name && a?.revision === b?.revision;
