import { ConnectorError, type Position, type PositionStore } from '@laminar/connectors';
import type { PastPipelines } from '../desired/past-pipelines.js';
import type { PipelineSpec } from '../desired/slot.js';
import type { SinkPool } from './sink-pool.js';

export interface SoleWriterPositionsOptions {
  readonly sinks: SinkPool;
  readonly pastPipelines: PastPipelines;
  /** In whose name the sink is acquired. */
  readonly user: object;
  /** What the reader's messages go to at this moment; asked when the reader opens. */
  pipeline(): PipelineSpec | undefined;
}

/**
 * A reader's positions, from which it goes on only once it is known how far its pipeline came in the output that it writes alone; those of other
 * pipelines as they are.
 */
export function soleWriterPositions(store: PositionStore, options: SoleWriterPositionsOptions): PositionStore {
  return {
    load: async () => {
      const kept = await store.load();
      const written = await resumeWriting(kept, options);
      // What lies between the two is evaluated again, since something of it may have failed; its rows are not published again.
      return kept ?? written;
    },
    save: (position) => store.save(position),
  };
}

async function resumeWriting(
  kept: Position | undefined,
  { sinks, pastPipelines, user, pipeline }: SoleWriterPositionsOptions,
): Promise<Position | undefined> {
  const spec = pipeline();
  const sink = spec?.sink;
  if (!spec || sink?.soleWriter === undefined) return undefined;
  const { soleWriting, problem } = sinks.acquire(sink, user);
  if (!soleWriting) throw new ConnectorError('blocked', problem ?? `the sink "${sink.name}" is not open`);
  return await soleWriting.resume({
    kept,
    createdAtMs: spec.createdAtMs,
    gaveSameRows: (revision) => pastPipelines.gaveSameRows(spec, revision),
  });
}
