import type { Recorded } from '@laminar/definitions';
import type { Kind } from '@laminar/protocol';
import Type, { type Static } from 'typebox';
import { History } from '../definitions/history.js';
import { nothingNamed } from '../definitions/intent.js';
import { Refusal } from '../refusal.js';
import type { Mesh } from '../state/mesh.js';
import type { WaitQuery } from '../wait/wait-applied.js';

/** The query parameters that ask for the past. */
export const pastParameters = {
  version: Type.Optional(Type.Integer({ minimum: 1, description: 'As this version left it.' })),
  revision: Type.Optional(
    Type.Integer({ minimum: 1, description: 'As it was when the event log was at this revision.' }),
  ),
  at: Type.Optional(
    Type.String({
      description: 'As it was at this time: ISO 8601, UTC without a zone.',
      examples: ['2026-03-29T01:30:00Z'],
    }),
  ),
};
const pastSchema = Type.Object(pastParameters);
type PastQuery = Static<typeof pastSchema>;

/** The definition as it was when the query asks for; undefined where it asks for today's. Throws a `Refusal`. */
export async function pastDefinition(
  mesh: Mesh,
  kind: Kind,
  name: string,
  { version, revision, at, wait }: PastQuery & WaitQuery,
): Promise<Recorded | undefined> {
  const asked = Object.entries({ version, revision, at, wait }).filter(([, value]) => value !== undefined);
  if (asked.length > 1) {
    const names = asked.map(([parameter]) => `"${parameter}"`).join(' and ');
    throw new Refusal('invalid_parameter', `query parameters ${names} contradict each other; give one of them`);
  }
  const atMs = at === undefined ? undefined : parseTimestamp(at);
  if (version === undefined && revision === undefined && atMs === undefined) return undefined;
  if (mesh.catalog.version(kind, name) === 0) throw nothingNamed(kind, name, mesh.catalog);
  const history = new History(mesh.log, mesh.catalog, kind, name);
  if (version !== undefined) return history.atVersion(version);
  if (revision !== undefined) return history.atRevision(revision);
  return history.atTime(atMs ?? 0);
}

const timestamp = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|[+ -]\d{2}:\d{2})?)?$/i;

/** Unix milliseconds of an ISO 8601 timestamp. A `+` that was not escaped in the address has become a space. */
function parseTimestamp(text: string): number {
  const [, date, time = '00:00', zone = 'Z'] = timestamp.exec(text) ?? [];
  const ms = date === undefined ? Number.NaN : Date.parse(`${date}T${time}${zone.replace(' ', '+').toUpperCase()}`);
  if (!Number.isNaN(ms)) return ms;
  throw new Refusal('invalid_parameter', 'query parameter "at" must be a time such as 2026-03-29T01:30:00Z');
}
