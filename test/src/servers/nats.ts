import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findNatsServer, type NatsServerProcess, startNatsServer } from '@laminar/nats-server';
import { temporaryDirectory } from '../temporary-directory.js';
import { root } from './root.js';

export interface TestNatsOptions {
  /** On unless said otherwise. */
  readonly jetstream?: boolean;
  /** Text of a configuration file. */
  readonly config?: string;
  /** Chosen by the server unless said otherwise. */
  readonly port?: number;
  /** A JetStream store that outlives the server; without it the server has one of its own, removed by `stop`. */
  readonly storeDir?: string;
}

/** A real nats-server on a free port of 127.0.0.1. It ends with the test worker, however that one ends. */
export interface TestNats {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Ends the server and removes its folder. Idempotent. */
  stop(): Promise<void>;
  /** Ends the server; the port and the store stay for `up`. */
  down(): Promise<void>;
  /** Starts it again after `down`, or after `kill` ended it. */
  up(): Promise<void>;
  /** `down` and `up`. */
  restart(): Promise<void>;
  /** Gives it another configuration, which takes effect within moments; only where it was started with one. */
  reload(config: string): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

/** Starts a nats-server, found as `findNatsServer` says, and waits until it listens. */
export async function startNats(options: TestNatsOptions = {}): Promise<TestNats> {
  const binary = await natsServerBinary();
  const directory = await temporaryDirectory('nats');
  const configFile = options.config === undefined ? undefined : join(directory.path, 'nats.conf');
  if (configFile !== undefined) await writeFile(configFile, options.config ?? '');
  const { jetstream = true, storeDir = join(directory.path, 'store') } = options;
  const start = (port: number): Promise<NatsServerProcess> =>
    startNatsServer({ binary, host: '127.0.0.1', port, storeDir, jetstream, configFile });
  let server = await start(options.port ?? -1).catch(async (error: unknown) => {
    await directory.remove();
    throw error;
  });
  const { port, url } = server;
  const down = () => server.stop();
  const up = async () => {
    await server.exited;
    server = await start(port);
  };
  return {
    url,
    port,
    get pid() {
      return server.pid;
    },
    async stop() {
      await server.stop();
      await directory.remove();
    },
    down,
    up,
    async restart() {
      await down();
      await up();
    },
    async reload(config) {
      if (configFile === undefined) throw new Error('the server was started without a configuration');
      await writeFile(configFile, config);
      server.kill('SIGHUP');
    },
    kill: (signal) => server.kill(signal),
  };
}

let found: Promise<string> | undefined;

/** Path of the nats-server that tests run; looked for once per worker. */
export function natsServerBinary(): Promise<string> {
  found ??= findNatsServer({
    env: process.env,
    dataDir: join(root, '.laminar'),
    onProgress: (what) => console.error(what),
  });
  return found;
}
