import { Catalog, foldStoredEvent, sameData } from '@laminar/definitions';
import type { EventLog } from '@laminar/event-store';
import { parseDefinitionKey } from '@laminar/protocol';
import { catalogRelations } from '@laminar/sql';
import { type DesiredPipeline, desiredPipeline, functionsBehind } from './desired.js';
import type { PipelineSpec } from './slot.js';

/** Events that are read together. */
const pageSize = 1000;

/** Pipelines as the event log had them before. */
export class PastPipelines {
  constructor(readonly log: Pick<EventLog, 'readRange'>) {}

  /**
   * A pipeline over a connection as it was at a revision of its own definition, standing on everything else as it was last before its own next event, since that is what
   * it ended with. Throws where there was no such version, or where it did not bind.
   */
  async specOf({ name, connection, incarnation }: PipelineSpec, definitionRevision: number): Promise<PipelineSpec> {
    const catalog = await this.#catalogAt(name, definitionRevision);
    const record = catalog.get('pipeline', name);
    if (record?.revision !== definitionRevision || record.incarnation !== incarnation)
      throw new Error(`the log has no version of the pipeline "${name}" at revision ${definitionRevision}`);
    const desired = desiredPipeline(name, catalog);
    if (desired?.state !== 'running')
      throw new Error(
        `revision ${definitionRevision} of the pipeline "${name}" does not run any more: ${reasonOf(desired)}`,
      );
    const spec = desired.specs.find((candidate) => candidate.connection === connection);
    if (!spec) throw new Error(`at revision ${definitionRevision} it did not read the connection "${connection}"`);
    return spec;
  }

  /**
   * Whether a pipeline gave the same rows at a revision of its own definition as it gives now: by its query, and by what the query rests on. Any event of it makes a
   * revision, also a stop and a start. Throws where the log cannot be read.
   */
  async gaveSameRows({ name, incarnation, definitionRevision }: PipelineSpec, then: number): Promise<boolean> {
    if (then === definitionRevision) return true;
    const before = groundsOf(name, await this.#catalogAt(name, then));
    const now = groundsOf(name, await this.#catalogAt(name, definitionRevision));
    return before?.revision === then && before.incarnation === incarnation && sameData(before.rows, now?.rows);
  }

  async #catalogAt(name: string, definitionRevision: number): Promise<Catalog> {
    const catalog = new Catalog();
    for (let from = 1; ; from += pageSize) {
      const events = await this.log.readRange(from, pageSize);
      for (const stored of events) {
        const key = parseDefinitionKey(stored.key);
        if (stored.revision > definitionRevision && key?.kind === 'pipeline' && key.name === name) return catalog;
        foldStoredEvent(catalog, stored);
      }
      if (events.length < pageSize) return catalog;
    }
  }
}

const reasonOf = (desired: DesiredPipeline | undefined): string =>
  desired && 'reason' in desired ? desired.reason : 'it is stopped';

/** What the rows of a pipeline come from; undefined where there is none of the name. */
function groundsOf(name: string, catalog: Catalog) {
  const record = catalog.get('pipeline', name);
  if (!record) return undefined;
  const { revision, incarnation, definition } = record;
  const { query, reads, writes, calls } = definition;
  const relations = catalogRelations(catalog);
  const rows = {
    query,
    relations: [...reads, ...(writes === undefined ? [] : [writes])].map((relation) => relations.get(relation)),
    functions: functionsBehind(calls, catalog).map((called) => called.definition),
  };
  return { revision, incarnation, rows };
}
