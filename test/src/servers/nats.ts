import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findNatsServer, type NatsServerProcess, startNatsServer } from '@laminar/nats-server';

export interface TestNatsOptions {
  /** On unless said otherwise. */
  readonly jetstream?: boolean;
  /** Text of a configuration file. */
  readonly config?: string;
  /** Chosen by the server unless said otherwise. */
  readonly port?: number;
}

/** A real nats-server on a free port with a store of its own. */
export interface TestNats {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Ends the server and removes its folder. */
  stop(): Promise<void>;
  /** Ends the server; the port and the store stay for `start`. */
  down(): Promise<void>;
  /** Starts it again after `down`. */
  up(): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

export async function startNats(options: TestNatsOptions = {}): Promise<TestNats> {
  const binary = await findNatsServer({
    env: process.env,
    dataDir: '.laminar',
    onProgress: (what) => console.error(what),
  });
  const folder = await mkdtemp(join(tmpdir(), 'laminar-test-nats-'));
  const configFile = options.config === undefined ? undefined : join(folder, 'nats.conf');
  if (configFile !== undefined) await writeFile(configFile, options.config ?? '');
  const storeDir = options.jetstream === false ? undefined : join(folder, 'store');
  const start = (port: number): Promise<NatsServerProcess> =>
    startNatsServer({ binary, host: '127.0.0.1', port, storeDir, configFile });
  let server = await start(options.port ?? -1);
  const { port, url } = server;
  return {
    url,
    port,
    get pid() {
      return server.pid;
    },
    async stop() {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
    down: () => server.stop(),
    async up() {
      server = await start(port);
    },
    kill: (signal) => server.kill(signal),
  };
}
