import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type NatsServerProcess, startNatsServer } from '@laminar/nats-server';
import { freePort } from '../free-port.js';
import { temporaryDirectory } from '../temporary-directory.js';
import { natsServerBinary } from './nats.js';

/** Servers of one JetStream cluster, on this machine. */
export interface JetStreamCluster {
  /** Client addresses of all, separated by commas. */
  readonly urls: string;
  /** Ends the server of this name at once, as a crash does. */
  kill(name: string): void;
  stop(): Promise<void>;
}

/** Three nats-servers, `n1` to `n3`, that elect a leader among them; whoever makes streams on it waits for that. */
export async function startJetStreamCluster(): Promise<JetStreamCluster> {
  const binary = await natsServerBinary();
  const directory = await temporaryDirectory('nats-cluster');
  const names = ['n1', 'n2', 'n3'];
  const ports = await Promise.all(names.map(() => freePort()));
  const routes = ports.map((port) => `nats://127.0.0.1:${port}`).join(', ');
  const servers = new Map<string, NatsServerProcess>();
  const stop = async () => {
    await Promise.all([...servers.values()].map((server) => server.stop()));
    await directory.remove();
  };
  try {
    for (const [index, name] of names.entries()) {
      const storeDir = join(directory.path, name);
      const configFile = join(directory.path, `${name}.conf`);
      await writeFile(
        configFile,
        `server_name: ${name}
         jetstream { store_dir: "${join(storeDir, 'js')}" }
         cluster { name: test, host: 127.0.0.1, port: ${ports[index]}, routes: [${routes}] }`,
      );
      const options = { binary, host: '127.0.0.1', port: -1, storeDir, jetstream: false, configFile };
      servers.set(name, await startNatsServer(options));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    urls: [...servers.values()].map(({ url }) => url).join(','),
    kill: (name) => servers.get(name)?.kill('SIGKILL'),
    stop,
  };
}
