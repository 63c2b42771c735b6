import type { PipelineDefinition, QuarantineEntry, Recorded, RecordedEvent } from '@laminar/definitions';
import type { StoredEvent } from '@laminar/event-store';
import { parseDefinitionKey } from '@laminar/protocol';
import type { definitionEvents, definitions } from '../schema.js';
import { moment } from './moment.js';

type DefinitionRow = typeof definitions.$inferSelect;
type EventRow = typeof definitionEvents.$inferSelect;

/** What is defined. Secrets are references in a definition, so that it may be shown whole; of a secret itself there is its name. */
export function definitionRow(record: Recorded): DefinitionRow {
  return {
    kind: record.kind,
    name: record.name,
    version: record.version,
    revision: record.revision,
    incarnation: record.incarnation,
    created_at: moment(record.createdAt),
    updated_at: moment(record.updatedAt),
    actor: record.actor,
    desired: record.kind === 'pipeline' ? (record.definition as PipelineDefinition).desired : null,
    definition: record.kind === 'secret' ? null : JSON.stringify(record.definition),
    quarantined: null,
  };
}

/** A definition whose newest event cannot be read. */
export function quarantinedRow({ kind, name, version, revision, reason }: QuarantineEntry): DefinitionRow {
  return {
    kind,
    name,
    version,
    revision,
    incarnation: null,
    created_at: null,
    updated_at: null,
    actor: null,
    desired: null,
    definition: null,
    quarantined: reason,
  };
}

export function eventRow(event: RecordedEvent): EventRow {
  const { body } = event;
  return {
    revision: event.revision,
    kind: event.kind,
    name: event.name,
    version: event.version,
    type: body.type,
    at: moment(event.at),
    actor: event.actor,
    traceparent: event.traceparent === '' ? null : event.traceparent,
    definition: 'definition' in body && event.kind !== 'secret' ? JSON.stringify(body.definition) : null,
    to_version: 'toVersion' in body ? body.toVersion : null,
    event_id: event.eventId,
    problem: null,
  };
}

/** An entry of the log that cannot be read; `reason` is undefined where even its key says nothing. */
export function unreadableEventRow(stored: StoredEvent, reason: string | undefined): EventRow {
  const parts = parseDefinitionKey(stored.key);
  return {
    revision: stored.revision,
    kind: parts?.kind ?? null,
    name: parts?.name ?? null,
    version: parts?.version ?? null,
    type: null,
    at: moment(stored.storedAtMs),
    actor: null,
    traceparent: null,
    definition: null,
    to_version: null,
    event_id: null,
    problem: reason ?? `"${stored.key}" is not the key of a definition event`,
  };
}
