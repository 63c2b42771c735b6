import type { ServerFigures } from '../mesh/metrics-board.js';
import type { natsServerInfo } from '../schema.js';
import { moment } from './moment.js';

/** The servers that a connection's open sockets are connected to. */
export function serverRows(
  figures: readonly ServerFigures[],
  isAlive: (session: string) => boolean,
): (typeof natsServerInfo.$inferSelect)[] {
  return figures
    .filter(({ session }) => isAlive(session))
    .map((entry) => ({
      connection: entry.name,
      server_id: entry.serverId,
      server_name: entry.serverName,
      version: entry.version,
      host: entry.host,
      port: entry.port,
      cluster: entry.cluster,
      jetstream: Number(entry.jetstream),
      tls_required: Number(entry.tlsRequired),
      auth_required: Number(entry.authRequired),
      max_payload: entry.maxPayload,
      client_id: entry.clientId,
      updated_at: moment(entry.atMs),
    }));
}
