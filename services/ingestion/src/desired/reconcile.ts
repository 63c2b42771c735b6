import { sameData } from '@laminar/definitions';
import type { SlotSpec } from './slot.js';

/** One step from what runs to what should. */
export type Action =
  | { readonly type: 'start'; readonly spec: SlotSpec }
  | { readonly type: 'stop'; readonly key: string }
  /** The same connection with other pipelines: drained and swapped, the reader stays. */
  | { readonly type: 'change'; readonly spec: SlotSpec }
  /** The connection, or whose reader it is, changed: stopped and started anew. */
  | { readonly type: 'restart'; readonly spec: SlotSpec };

/** The actions that turn `running` into `wanted`, by slot key; none where they are alike. */
export function reconcile(wanted: ReadonlyMap<string, SlotSpec>, running: ReadonlyMap<string, SlotSpec>): Action[] {
  const actions: Action[] = [];
  for (const key of running.keys()) if (!wanted.has(key)) actions.push({ type: 'stop', key });
  for (const [key, spec] of wanted) {
    const current = running.get(key);
    if (!current) actions.push({ type: 'start', spec });
    else if (!sameReader(current, spec)) actions.push({ type: 'restart', spec });
    else if (!samePipelines(current, spec)) actions.push({ type: 'change', spec });
  }
  return actions;
}

const sameReader = (a: SlotSpec, b: SlotSpec): boolean =>
  a.connection.revision === b.connection.revision &&
  a.reader.name === b.reader.name &&
  a.reader.incarnation === b.reader.incarnation &&
  sameData(a.connection.resolved, b.connection.resolved);

function samePipelines(a: SlotSpec, b: SlotSpec): boolean {
  return (
    a.pipelines.length === b.pipelines.length &&
    a.pipelines.every((pipeline, i) => {
      const other = b.pipelines[i];
      return (
        pipeline.name === other?.name &&
        pipeline.revision === other.revision &&
        pipeline.incarnation === other.incarnation
      );
    })
  );
}
