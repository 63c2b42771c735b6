import type { Recorded } from '@laminar/definitions';
import { type ConnectionReport, summarizeConnection } from '@laminar/status';
import type { ConnectionFigures } from '../mesh/metrics-board.js';
import type { natsConnections } from '../schema.js';
import { newest, sum } from './figures.js';
import { moment } from './moment.js';

/**
 * The row of a connection. Counters are summed over what all instances ever said, dead ones included, so that they never go back when work
 * moves; everything else is what the `live` ones say.
 */
export function connectionRow(
  record: Recorded<'connection'>,
  reports: readonly ConnectionReport[],
  figures: readonly ConnectionFigures[],
  isAlive: (session: string) => boolean,
): typeof natsConnections.$inferSelect {
  const { state, message } = summarizeConnection(reports);
  const live = figures.filter(({ session }) => isAlive(session));
  const needsAttention = state === 'failed' || state === 'blocked' || state === 'reconnecting';
  const lastError =
    needsAttention && message !== '' ? message : newest(figures, ({ lastError }) => lastError)?.lastError;
  const rttMs = Math.max(0, ...live.map((entry) => entry.rttMs));
  return {
    connection_name: record.name,
    server_url:
      newest(live, ({ serverUrl }) => serverUrl)?.serverUrl ?? String(record.definition.options.servers ?? ''),
    state,
    subscriptions_count: sum(live, (entry) => entry.subscriptions),
    messages_received: sum(figures, (entry) => entry.messagesReceived),
    bytes_received: sum(figures, (entry) => entry.bytesReceived),
    messages_dropped: sum(figures, (entry) => entry.messagesDropped),
    reconnects: sum(figures, (entry) => entry.reconnects),
    last_error: lastError ?? null,
    instance: [...new Set(reports.map(({ instance }) => instance))].sort().join(','),
    // No round trip takes no time: nothing was measured.
    rtt_ms: rttMs > 0 ? rttMs : null,
    updated_at: moment(
      Math.max(record.updatedAt, ...reports.map(({ sinceMs }) => sinceMs), ...figures.map(({ atMs }) => atMs)),
    ),
  };
}
