import { join } from 'node:path';
import { findNatsServer, NatsServerFailed, type NatsServerProcess, startNatsServer } from '@laminar/nats-server';
import { type Config, ConfigError } from '@laminar/runtime';
import { type Run, Supervised } from './supervised.js';

const host = '127.0.0.1';
const anyPort = -1;

/** The mesh's own bus as this command sees it. */
export interface Bus {
  /** As clients connect to it; a list of servers is separated by commas. */
  readonly url: string;
  /** Ends a server that this command started. */
  stop(): Promise<void>;
  kill(): void;
}

export interface BusOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly config: Config;
  /** Ends a download that is under way. */
  readonly signal: AbortSignal;
  say(line: string): void;
}

/** The bus that NATS_URL names, else a nats-server of its own, which is started again when it dies. */
export async function startBus(options: BusOptions): Promise<Bus> {
  const { config, say } = options;
  if (config.externalBus) {
    say('the bus is the NATS server of NATS_URL');
    return { url: config.bus.url, stop: async () => undefined, kill: () => undefined };
  }
  if (config.replicas !== undefined && config.replicas > 1)
    throw new ConfigError(
      `LAMINAR_REPLICAS: ${config.replicas} replicas need a cluster, named by NATS_URL; the embedded bus is one server`,
    );
  return startEmbedded(options);
}

async function startEmbedded({ env, config, signal, say }: BusOptions): Promise<Bus> {
  const binary = await findNatsServer({ env, dataDir: config.dataDir, onProgress: say, signal });
  const storeDir = join(config.dataDir, 'bus');
  const startOn = (port: number) => startNatsServer({ binary, host, port, storeDir, jetstream: true });
  const first = await startOn(config.natsPort === 0 ? anyPort : config.natsPort).catch((error: unknown) => {
    if (!(error instanceof NatsServerFailed && error.portTaken)) throw error;
    say(`port ${config.natsPort} is taken; the bus takes a free one (LAMINAR_NATS_PORT names another)`);
    return startOn(anyPort);
  });
  let started: NatsServerProcess | undefined = first;
  const server = new Supervised({
    name: 'the bus',
    say,
    async start() {
      const next = started ?? (await startOn(first.port));
      started = undefined;
      return asRun(next);
    },
  });
  return { url: first.url, stop: () => server.stop(), kill: () => server.kill() };
}

function asRun(server: NatsServerProcess): Run {
  return {
    ended: server.exited.then(() => ({ how: 'ended', hopeless: false })),
    stop: () => void server.stop(),
    kill: () => server.kill('SIGKILL'),
  };
}
