import { Catalog, foldStoredEvent } from '@laminar/definitions';
import type { EventLog } from '@laminar/event-store';
import { parseDefinitionKey } from '@laminar/protocol';
import { type DesiredPipeline, desiredPipeline } from './desired.js';
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
