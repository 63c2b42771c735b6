import { readFile } from 'node:fs/promises';
import { connectionIssues, type Options, type ResolvedConnection, resolveConnection } from '@laminar/definitions';
import {
  type Connection,
  type ConnectionState,
  createConnection,
  type Lineage,
  type LogDetails,
  type LogLevel,
  noLineage,
  type PositionMemory,
  type SecretSource,
} from '../index.js';

export interface TestConnection {
  readonly connection: Connection;
  readonly resolved: ResolvedConnection;
  /** Everything that the connection said of itself, in order. */
  readonly states: ConnectionState[];
  readonly lines: LoggedLine[];
  readonly remarks: string[];
}

export interface LoggedLine extends LogDetails {
  readonly level: LogLevel;
  readonly message: string;
}

export interface TestConnectionOptions {
  readonly incarnation?: number;
  readonly secrets?: SecretSource;
  readonly memory?: PositionMemory;
  readonly lineage?: Lineage;
}

const open: Connection[] = [];

const noSecrets: SecretSource = { find: (name) => ({ problem: `there is no secret "${name}"` }) };

/** A connection as a definition describes it, not open yet; `closeConnections` closes it. Reconnects at once unless `options` say otherwise. */
export function connectionOf(
  options: Options,
  name = 'orders',
  { incarnation = 7, secrets = noSecrets, memory, lineage = noLineage }: TestConnectionOptions = {},
): TestConnection {
  const definition = {
    connector: 'nats',
    options: { format: 'json', reconnect_wait_ms: 20, reconnect_jitter_ms: 0, max_reconnects: -1, ...options },
  } as const;
  const [issue] = connectionIssues(definition);
  if (issue) throw new Error(issue.message);
  const resolved = resolveConnection(name, definition);
  const states: ConnectionState[] = [];
  const lines: LoggedLine[] = [];
  const remarks: string[] = [];
  const connection = createConnection('nats', {
    name,
    incarnation,
    resolved,
    clientName: `test of ${name}`,
    secrets,
    files: { read: (path) => readFile(path) },
    events: { onState: (state) => void states.push(state), onRemark: (remark) => void remarks.push(remark) },
    log: { write: (level, message, details) => void lines.push({ level, message, ...details?.() }) },
    lineage,
    ...(memory === undefined ? {} : { memory }),
  });
  open.push(connection);
  return { connection, resolved, states, lines, remarks };
}

/** The same, open. */
export async function openConnection(
  options: Options,
  name?: string,
  more?: TestConnectionOptions,
): Promise<TestConnection> {
  const opened = connectionOf(options, name, more);
  await opened.connection.open();
  return opened;
}

export async function closeConnections(): Promise<void> {
  await Promise.all(open.splice(0).map((connection) => connection.close()));
}

/** A nats-server that takes everybody for a user who may use neither `forbidden.>` nor read the streams FORBIDDEN, KV_FORBIDDEN and OBJ_FORBIDDEN. */
export const limitedUser = `
  authorization {
    users = [{
      user: limited, password: limited
      permissions: {
        publish: { deny: [
          "forbidden.>", "$JS.API.CONSUMER.MSG.NEXT.FORBIDDEN.>", "$JS.API.CONSUMER.MSG.NEXT.KV_FORBIDDEN.>", "$JS.API.CONSUMER.MSG.NEXT.OBJ_FORBIDDEN.>"
        ] }
        subscribe: { deny: ["forbidden.>", "_INBOX.laminar.FORBIDDEN.>"] }
      }
    }]
  }
  no_auth_user: limited
`;
