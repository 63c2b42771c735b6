import { readFileSync } from 'node:fs';
import {
  type Authenticator,
  credsAuthenticator,
  type NatsConnection,
  nkeyAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { busReconnects } from './bus-reconnects.js';
import type { BusConfig } from './config.js';
import { ConfigError } from './environment.js';

const pingIntervalMs = 5000;
/** A server that ends while it lets a client in leaves that waiting, which the client notices by this alone; by default it waits for 20 s, and others take over what runs here. */
const connectTimeoutMs = 5000;

/** Connects to the mesh's own bus; keeps trying for ever, at first and after each loss. `name` is shown by the server. */
export async function connectBus(bus: BusConfig, name: string): Promise<NatsConnection> {
  const authenticator = authenticators(bus);
  return connect({
    servers: bus.url.split(',').map((server) => server.trim()),
    name,
    timeout: connectTimeoutMs,
    waitOnFirstConnect: true,
    ...busReconnects(),
    pingInterval: pingIntervalMs,
    maxPingOut: 2,
    // A server that restarts may for a while not know its users.
    ignoreAuthErrorAbort: true,
    ...(authenticator.length > 0 ? { authenticator } : {}),
    ...(bus.caFile === undefined ? {} : { tls: { caFile: bus.caFile } }),
  });
}

/**
 * JetStream replicas of what the mesh makes on its bus: as configured, else three where the server is one of a cluster, and one where it stands alone. A
 * cluster that has fewer servers refuses three, rather than that less is taken in silence while one of them is down.
 */
export const busReplicas = (nc: NatsConnection, configured: number | undefined): number =>
  configured ?? (nc.info?.cluster === undefined ? 1 : 3);

function authenticators(bus: BusConfig): Authenticator[] {
  const found: Authenticator[] = [];
  if (bus.credsFile !== undefined) found.push(credsAuthenticator(readCredentials(bus.credsFile)));
  if (bus.user !== undefined) found.push(usernamePasswordAuthenticator(bus.user, bus.password ?? ''));
  if (bus.token !== undefined) found.push(tokenAuthenticator(bus.token));
  if (bus.nkeySeed !== undefined) found.push(nkeyAuthenticator(new TextEncoder().encode(bus.nkeySeed)));
  return found;
}

function readCredentials(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new ConfigError(
      `NATS_CREDS: the file cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
