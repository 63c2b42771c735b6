import type { ResolvedConnection } from '@laminar/definitions';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { ConnectorError } from '../contract.js';

const connectTimeoutMs = 5000;

/** Connects once, to any of the servers. Throws `ConnectorError` where none can be reached. */
export async function dial(connection: ResolvedConnection, name: string): Promise<NatsConnection> {
  try {
    return await connect({
      servers: [...connection.servers],
      name,
      timeout: connectTimeoutMs,
      noRandomize: !connection.randomizeServers,
      maxReconnectAttempts: connection.maxReconnects,
      reconnectTimeWait: connection.reconnectWaitMs,
      reconnectJitter: connection.reconnectJitterMs,
      pingInterval: connection.pingIntervalMs,
      maxPingOut: connection.pingMaxOutstanding,
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ConnectorError('blocked', `cannot connect to ${connection.servers.join(', ')}: ${why}`, { cause: error });
  }
}
