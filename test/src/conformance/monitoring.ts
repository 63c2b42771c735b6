import { freePort } from '../free-port.js';
import { startNats, type TestNats } from '../servers/nats.js';

/** A nats-server that says of itself what its monitoring port says (https://docs.nats.io/running-a-nats-service/nats_admin/monitoring). */
export interface MonitoredNats {
  readonly nats: TestNats;
  /** What an address such as `/varz` answers. */
  // biome-ignore lint/suspicious/noExplicitAny: what it holds is what the tests are about.
  monitor(path: string): Promise<any>;
  /** The clients of that kind of name that are connected. */
  clients(name: RegExp): Promise<{ readonly name: string; readonly subscriptions_list?: readonly string[] }[]>;
  /** Every consumer, as `stream consumer`. */
  consumers(): Promise<string[]>;
}

export async function startMonitoredNats(config = ''): Promise<MonitoredNats> {
  const port = await freePort();
  const nats = await startNats({ config: `http: "127.0.0.1:${port}"\n${config}` });
  // biome-ignore lint/suspicious/noExplicitAny: what it holds is what the tests are about.
  const monitor = async (path: string): Promise<any> => (await fetch(`http://127.0.0.1:${port}${path}`)).json();
  return {
    nats,
    monitor,
    async clients(name) {
      const { connections } = await monitor('/connz?subs=1');
      return connections.filter((client: { name?: string }) => name.test(client.name ?? ''));
    },
    async consumers() {
      const { account_details: accounts = [] } = await monitor('/jsz?consumers=1');
      const streams = accounts.flatMap(({ stream_detail }: { stream_detail?: object[] }) => stream_detail ?? []);
      return streams.flatMap(({ name, consumer_detail = [] }: { name: string; consumer_detail?: { name: string }[] }) =>
        consumer_detail.map((consumer) => `${name} ${consumer.name}`),
      );
    },
  };
}
