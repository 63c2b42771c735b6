import { type DefinitionOfKind, decodeEvent, EventUnreadable, type RecordedEvent } from '@laminar/definitions';
import type { StoredEvent } from '@laminar/event-store';
import { type Kind, parseDefinitionKey } from '@laminar/protocol';
import type { Moment } from './history.js';
import { bodyOf } from './kinds.js';

/** An event of the log as the audit log shows it; one that cannot be read shows that. */
export function eventView(stored: StoredEvent): object {
  const place = { revision: stored.revision, ...namedBy(stored.key) };
  try {
    const event = decodeEvent(stored.key, stored.revision, stored.data);
    const { eventId, traceparent } = event;
    const carried = 'definition' in event.body ? event.body.definition : undefined;
    return { ...place, ...factOf(event), event_id: eventId, traceparent, definition: body(event.kind, carried) };
  } catch (error) {
    if (!(error instanceof EventUnreadable)) throw error;
    const unknown = { type: 'Unreadable', at: iso(stored.storedAtMs), actor: '', event_id: '', traceparent: '' };
    return { ...place, ...unknown, definition: null, error: error.message };
  }
}

/** One item of a definition's history. */
export function historyView(kind: Kind, { version, revision, event, unreadable, record, storedAtMs }: Moment): object {
  const fact = event ? factOf(event) : { type: 'Unreadable', at: iso(storedAtMs), actor: '', error: unreadable };
  return { version, revision, ...fact, definition: body(kind, record?.definition) };
}

const factOf = ({ at, actor, body: { type } }: RecordedEvent) => ({ type, at: iso(at), actor });

function body(kind: Kind, definition: DefinitionOfKind[Kind] | undefined): object | null {
  return definition === undefined || kind === 'secret' ? null : bodyOf({ kind, definition });
}

function namedBy(key: string): object {
  const { kind, name, version } = parseDefinitionKey(key) ?? { kind: null, name: key, version: 0 };
  return { kind, name, version };
}

const iso = (ms: number): string => new Date(ms).toISOString();
