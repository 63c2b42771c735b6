import { readFile } from 'node:fs/promises';
import { connectionIssues, type Options, type ResolvedConnection, resolveConnection } from '@laminar/definitions';
import { type Connection, type ConnectionState, createConnection, type SecretSource } from '../index.js';

export interface TestConnection {
  readonly connection: Connection;
  readonly resolved: ResolvedConnection;
  /** Everything that the connection said of itself, in order. */
  readonly states: ConnectionState[];
}

const open: Connection[] = [];

const noSecrets: SecretSource = { find: (name) => ({ problem: `there is no secret "${name}"` }) };

/** A connection as a definition describes it, not open yet; `closeConnections` closes it. Reconnects at once unless `options` say otherwise. */
export function connectionOf(
  options: Options,
  name = 'orders',
  { incarnation = 7, secrets = noSecrets }: { incarnation?: number; secrets?: SecretSource } = {},
): TestConnection {
  const definition = {
    connector: 'nats',
    options: { format: 'json', reconnect_wait_ms: 20, reconnect_jitter_ms: 0, max_reconnects: -1, ...options },
  } as const;
  const [issue] = connectionIssues(definition);
  if (issue) throw new Error(issue.message);
  const resolved = resolveConnection(name, definition);
  const states: ConnectionState[] = [];
  const connection = createConnection('nats', {
    name,
    incarnation,
    resolved,
    clientName: `test of ${name}`,
    secrets,
    files: { read: (path) => readFile(path) },
    events: { onState: (state) => void states.push(state) },
  });
  open.push(connection);
  return { connection, resolved, states };
}

/** The same, open. */
export async function openConnection(
  options: Options,
  name?: string,
  more?: { incarnation?: number; secrets?: SecretSource },
): Promise<TestConnection> {
  const opened = connectionOf(options, name, more);
  await opened.connection.open();
  return opened;
}

export async function closeConnections(): Promise<void> {
  await Promise.all(open.splice(0).map((connection) => connection.close()));
}

/** A nats-server that takes everybody for a user who may use neither `forbidden.>` nor read the streams FORBIDDEN, KV_FORBIDDEN, OBJ_FORBIDDEN. */
export const limitedUser = `
  authorization {
    users = [{
      user: limited, password: limited
      permissions: { publish: { deny: [
        "forbidden.>", "$JS.API.CONSUMER.MSG.NEXT.FORBIDDEN.>", "$JS.API.CONSUMER.MSG.NEXT.KV_FORBIDDEN.>", "$JS.API.CONSUMER.MSG.NEXT.OBJ_FORBIDDEN.>"
      ] }, subscribe: { deny: "forbidden.>" } }
    }]
  }
  no_auth_user: limited
`;
