import type { ResolvedConnection } from '@laminar/definitions';
import type { ConnectionOptions, NatsConnection } from '@nats-io/nats-core';
import { ConnectorError, type FileSource, type SecretSource, Unprepared } from '../contract.js';
import { authenticatorOf } from './authenticator.js';
import { connect } from './client.js';
import { parseMessagesOf } from './message-parser.js';
import { ReconnectPlan } from './reconnect-plan.js';
import { refusalOf } from './refusal.js';
import { tlsHint, tlsOf } from './tls.js';

const connectTimeoutMs = 5000;

/** Connects once, to any of the servers. Throws `ConnectorError` where none can be reached, `Unprepared` where something is missing here. */
export async function dial(
  connection: ResolvedConnection,
  { name, secrets, files }: { readonly name: string; readonly secrets: SecretSource; readonly files: FileSource },
): Promise<NatsConnection> {
  const authenticator = authenticatorOf(connection.credentials, secrets);
  // What is missing here is said before a server is asked.
  authenticator?.();
  const plan = new ReconnectPlan(connection);
  const options: ConnectionOptions = {
    servers: [...connection.servers],
    name,
    timeout: connectTimeoutMs,
    noRandomize: !connection.randomizeServers,
    maxReconnectAttempts: connection.maxReconnects,
    ...plan.options,
    pingInterval: connection.pingIntervalMs,
    maxPingOut: connection.pingMaxOutstanding,
    // A refusal is not the end: the secret or the server's users may change.
    ignoreAuthErrorAbort: true,
    ...(authenticator === undefined ? {} : { authenticator }),
    ...(connection.tls === undefined ? {} : { tls: await tlsOf(connection.tls, connection.servers, files) }),
  };
  try {
    const nc = await connect(options, (atMs) => plan.dialled(atMs));
    parseMessagesOf(nc);
    return nc;
  } catch (error) {
    // A secret that went away meanwhile.
    if (error instanceof Unprepared) throw error;
    const said = error instanceof Error ? error.message : String(error);
    const why = refusalOf(connection, error) ?? `${said}${tlsHint(connection.tls, error)}`;
    throw new ConnectorError('blocked', `cannot connect to ${connection.servers.join(', ')}: ${why}`, { cause: error });
  }
}
