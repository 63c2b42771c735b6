import { type Catalog, type ResolvedConnection, resolveConnection, selfRefusal } from '@laminar/definitions';
import { type BoundQuery, type LiveQuery, narrowed, type Warning } from '@laminar/sql';
import { checkLiveQuery } from '../definitions/query-check.js';
import { Refusal } from '../refusal.js';

/** What can be said of a live query before it is run: what its columns are, and why it cannot be. Throws `QueryRejected` and a `Refusal`. */
export function checkedLive(query: string, catalog: Catalog): LiveQuery {
  const bound = checkLiveQuery(query, catalog);
  const connection = connectionOf(bound.query, catalog);
  const refusal = connection && selfRefusal(connection);
  if (refusal !== undefined)
    throw new Refusal('not_permitted', refusal, { at: { text: query, offset: bound.relationOffset } });
  const isCore = connection?.role === 'source-core';
  return isCore && narrowed(bound.query).range ? { ...bound, warnings: [...bound.warnings, noPast] } : bound;
}

const noPast: Warning = {
  code: 'no_past',
  message: 'a connection without JetStream has no past and no sequences: only messages that come from now on are read',
};

/** Where a query over one connection would begin to read live, and end, as things are; for people. */
export function readingPlace(query: BoundQuery, catalog: Catalog): string {
  const connection = connectionOf(query, catalog);
  const { range } = narrowed(query);
  if (connection?.role === 'source-core') return 'messages from now on';
  const ends = range ? [sequenceEnd(range.toSequence), timeEnd(range.toMicros)].filter((end) => end !== '') : [];
  const begins =
    connection?.role === 'source-kv' || connection?.role === 'source-object'
      ? 'from the present entries'
      : range
        ? rangeStart(range.fromSequence, range.fromMicros)
        : startText(connection);
  return ends.length === 0 ? `${begins} on` : `${begins}, ${ends.join(' and ')}`;
}

/** The one that it reads: a live query over several is refused. */
function connectionOf({ connections: [name = ''] }: BoundQuery, catalog: Catalog): ResolvedConnection | undefined {
  const record = catalog.get('connection', name);
  return record && resolveConnection(record.name, record.definition);
}

function rangeStart(sequence: number | undefined, micros: number | undefined): string {
  // As readers do: with both bounds the sequence says where they begin.
  if (sequence !== undefined && sequence > 1) return `from sequence ${sequence}`;
  return micros === undefined ? 'from the beginning of the stream' : `from ${timeText(micros)}`;
}

const sequenceEnd = (sequence: number | undefined): string =>
  sequence === undefined ? '' : `to sequence ${sequence}, which ends it`;
const timeEnd = (micros: number | undefined): string =>
  micros === undefined ? '' : `to ${timeText(micros)}, which ends it`;

/** The last time that a date of JavaScript can say. */
const msMax = 8_640_000_000_000_000;

const timeText = (micros: number): string =>
  new Date(Math.max(-msMax, Math.min(msMax, Math.floor(micros / 1000)))).toISOString();

function startText(connection: ResolvedConnection | undefined): string {
  const start = connection && 'start' in connection ? connection.start : undefined;
  switch (start?.from) {
    case 'new':
      return 'from the next message (start)';
    case 'last':
      return 'from the last message (start)';
    case 'sequence':
      return `from sequence ${start.sequence} (start)`;
    case 'time':
      return `from ${timeText(start.atMs * 1000)} (start)`;
    default:
      return 'from the beginning of the stream';
  }
}
