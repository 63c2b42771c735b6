import { coerce } from './coerce.js';
import type { Expression } from './expression.js';
import { unsupported } from './unsupported.js';

/** Names of the zone that a TIMESTAMP is in, as PostgreSQL has them, which minds no case. */
const utc = /^(?:utc|uct|gmt|z|zulu|etc\/(?:utc|gmt))$/i;

/**
 * `time AT TIME ZONE 'UTC'`, which PostgreSQL's parser hands on as `timezone('UTC', time)`
 * (https://www.postgresql.org/docs/18/functions-datetime.html#FUNCTIONS-DATETIME-ZONECONVERT): a TIMESTAMP is in UTC already. Throws `SqlError` for every other zone.
 */
export function bindTimeZone([zone, time]: readonly Expression[], offset: number): Expression {
  if (!time)
    throw unsupported(
      'AT LOCAL',
      zone?.offset ?? offset,
      'there is no time zone of a session: a TIMESTAMP is in UTC, as it stands',
    );
  const isUtc = zone?.op === 'constant' && typeof zone.value === 'string' && utc.test(zone.value);
  if (!isUtc)
    throw unsupported(
      'a time zone other than UTC',
      zone?.offset ?? offset,
      "a TIMESTAMP is in UTC; for the clock of a place add what it is ahead: at + INTERVAL '1 hour'",
    );
  return { ...coerce(time, 'TIMESTAMP'), offset };
}
