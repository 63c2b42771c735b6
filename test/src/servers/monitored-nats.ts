import { freePort } from '../free-port.js';
import { startNats, type TestNats } from './nats.js';

/** A client as the server's `/connz` counts it. */
export interface ServerClient {
  readonly cid: number;
  readonly name: string;
  readonly subscriptions: number;
  /** What went out to the client. */
  readonly out_msgs: number;
  readonly out_bytes: number;
  readonly in_msgs: number;
}

/** A consumer as the server's `/jsz` counts it. */
export interface ServerConsumer {
  readonly stream_name: string;
  readonly name: string;
  readonly num_pending: number;
  readonly num_ack_pending: number;
  readonly num_redelivered: number;
  readonly num_waiting: number;
  readonly delivered: { readonly stream_seq: number };
}

/** A server that tells what it counts itself. */
export interface MonitoredNats extends TestNats {
  /** Its open clients whose name holds this text. */
  clients(name: string): Promise<ServerClient[]>;
  consumers(stream: string): Promise<ServerConsumer[]>;
  /** How many connections it has taken since its start. */
  connectionsEver(): Promise<number>;
}

export async function startMonitoredNats(
  options: { config?: string; jetstream?: boolean } = {},
): Promise<MonitoredNats> {
  const { config = '', jetstream = true } = options;
  const port = await freePort();
  const nats = await startNats({ jetstream, config: `http: "127.0.0.1:${port}"\n${config}` });
  const ask = async <T>(path: string): Promise<T> =>
    (await fetch(`http://127.0.0.1:${port}/${path}`)).json() as Promise<T>;
  return {
    ...nats,
    get pid() {
      return nats.pid;
    },
    async clients(name) {
      const { connections } = await ask<{ connections: ServerClient[] }>('connz?subs=1&limit=1000');
      return connections.filter((client) => client.name?.includes(name));
    },
    async consumers(stream) {
      interface Account {
        stream_detail?: { name: string; consumer_detail?: ServerConsumer[] }[];
      }
      const { account_details } = await ask<{ account_details?: Account[] }>('jsz?consumers=1');
      const streams = (account_details ?? []).flatMap(({ stream_detail }) => stream_detail ?? []);
      return streams.filter(({ name }) => name === stream).flatMap(({ consumer_detail }) => consumer_detail ?? []);
    },
    async connectionsEver() {
      return (await ask<{ total_connections: number }>('varz')).total_connections;
    },
  };
}
