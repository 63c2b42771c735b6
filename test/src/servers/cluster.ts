import { freePort } from '../free-port.js';
import { startNats, type TestNats, type TestNatsOptions } from './nats.js';

/** Servers that know each other by routes; their names are `n1`, `n2`, ... in the order in which they stand here. */
export interface TestCluster {
  readonly servers: readonly TestNats[];
  /** As the option `servers` takes them. */
  readonly urls: string;
  /** By its name, as JetStream names leaders. */
  server(name: string): TestNats;
  stop(): Promise<void>;
}

/** Starts nats-servers that are one cluster; with JetStream they elect a leader, for which whoever makes streams on it waits. */
export async function startCluster(count: number, { jetstream = false } = {}): Promise<TestCluster> {
  const routePorts = await Promise.all(Array.from({ length: count }, () => freePort()));
  const routes = routePorts.map((port) => `nats://127.0.0.1:${port}`).join(', ');
  const names = routePorts.map((_, i) => `n${i + 1}`);
  const configs = routePorts.map(
    (port, i) => `server_name: ${names[i]}\ncluster { name: test, listen: "127.0.0.1:${port}", routes: [${routes}] }\n`,
  );
  const servers = await startAll(configs.map((config) => ({ config, jetstream })));
  return {
    servers,
    urls: servers.map(({ url }) => url).join(','),
    server(name) {
      const found = servers[names.indexOf(name)];
      if (!found) throw new Error(`the cluster has no server "${name}"`);
      return found;
    },
    stop: () => stopAll(servers),
  };
}

export interface TestLeaf {
  readonly hub: TestNats;
  /** Where clients connect to it. */
  readonly leaf: TestNats;
  /** Where other leaf nodes would. */
  readonly leafPort: number;
  stop(): Promise<void>;
}

/** Starts a hub and a leaf node of it. `tls` is the text of the `tls` block that both show, to each other and to clients of the leaf. */
export async function startLeaf(tls: string, caFile: string): Promise<TestLeaf> {
  const [hubPort, leafPort] = await Promise.all([freePort(), freePort()]);
  const servers = await startAll([
    { config: `leafnodes { listen: "127.0.0.1:${hubPort}", tls { ${tls} } }\n`, jetstream: false },
    {
      config: `
        tls { ${tls} }
        leafnodes {
          listen: "127.0.0.1:${leafPort}"
          remotes [{ url: "tls://127.0.0.1:${hubPort}", tls { ca_file: "${caFile}" } }]
        }
      `,
      jetstream: false,
    },
  ]);
  const [hub, leaf] = servers;
  if (!hub || !leaf) throw new Error('a hub and a leaf were started');
  return { hub, leaf, leafPort, stop: () => stopAll(servers) };
}

/** All of them, or none is left. */
async function startAll(options: readonly TestNatsOptions[]): Promise<TestNats[]> {
  const started = await Promise.allSettled(options.map(startNats));
  const servers = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const failure = started.find((result) => result.status === 'rejected');
  if (!failure) return servers;
  await stopAll(servers);
  throw failure.reason;
}

async function stopAll(servers: readonly TestNats[]): Promise<void> {
  await Promise.all(servers.map((server) => server.stop()));
}
