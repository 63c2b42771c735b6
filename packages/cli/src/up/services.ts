import { join } from 'node:path';
import type { Config, ServiceName } from '@laminar/runtime';
import { LogFile } from './log-file.js';
import { choosePorts, type WantedPort } from './ports.js';
import { startServiceProcess } from './service-process.js';
import { Supervised } from './supervised.js';

/** All have drained by then, or are ended; with the bus after them that stays within the ten seconds that a stop may take. */
const drainTimeoutMs = 7500;
/** The query service goes after the others, whose last spans it takes; when they are slow it can wait no longer. */
const queryStopMs = 5000;

/** A service of the mesh that is kept running. */
export interface MeshService {
  readonly instance: string;
  readonly service: ServiceName;
  /** `http://host:port` of its API and its `/readyz`. */
  readonly url: string;
  readonly logPath: string;
  readonly process: Supervised;
}

/** The services of a mesh on this machine. */
export interface MeshServices {
  readonly all: readonly MeshService[];
  /** Base URL of the control plane. */
  readonly controlUrl: string;
  /** Base URL of the query service. */
  readonly queryUrl: string;
  /** Drains all, within eight seconds. */
  stop(): Promise<void>;
  kill(): void;
}

export interface ServicesOptions {
  readonly env: NodeJS.ProcessEnv;
  /** `dataDir` must be absolute. */
  readonly config: Config;
  readonly busUrl: string;
  say(line: string): void;
}

/** Starts every service as a process of its own; they may not be ready yet. A port that is taken is said, and another one is used. */
export async function startServices(options: ServicesOptions): Promise<MeshServices> {
  const { config, env, busUrl, say } = options;
  const places = servicePlaces(config);
  const ports = await choosePorts(config.host, places);
  for (const [index, { instance, variable, port }] of places.entries()) {
    const chosen = ports[index];
    if (chosen?.taken)
      say(`port ${port} is taken; ${instance} takes ${chosen.port} instead (${variable} names another)`);
  }
  const portOf = (wanted: ServiceName) => ports[places.findIndex(({ service }) => service === wanted)]?.port;
  const shared = {
    ...env,
    NATS_URL: busUrl,
    LAMINAR_DATA_DIR: config.dataDir,
    LAMINAR_CONTROL_PORT: String(portOf('control-plane')),
    LAMINAR_QUERY_PORT: String(portOf('query')),
  };
  const logs: LogFile[] = [];
  const all = places.map(({ instance, service }, index): MeshService => {
    const log = new LogFile(join(config.dataDir, 'logs', `${instance}.log`));
    logs.push(log);
    const port = ports[index]?.port;
    const serviceEnv = { ...shared, LAMINAR_INSTANCE: instance, LAMINAR_HEALTH_PORT: String(port) };
    const process = new Supervised({
      name: instance,
      say,
      start: () =>
        startServiceProcess({
          service,
          env: serviceEnv,
          log,
          onProblem: ({ severity, text }) => say(`${severity} from ${instance}: ${text}`),
        }),
    });
    return { instance, service, url: `http://${reachable(config.host)}:${port}`, logPath: log.path, process };
  });
  const urlOf = (wanted: ServiceName) => all.find(({ service }) => service === wanted)?.url ?? '';
  return {
    all,
    controlUrl: urlOf('control-plane'),
    queryUrl: urlOf('query'),
    kill() {
      for (const { process } of all) process.kill();
    },
    async stop() {
      await drain(all);
      for (const log of logs) log.close();
    },
  };
}

interface ServicePlace extends WantedPort {
  readonly instance: string;
  readonly service: ServiceName;
}

function servicePlaces(config: Config): ServicePlace[] {
  const { controlPort, queryPort, healthPort, ingestionInstances } = config;
  return [
    { instance: 'control-plane-1', service: 'control-plane', variable: 'LAMINAR_CONTROL_PORT', port: controlPort },
    { instance: 'query-1', service: 'query', variable: 'LAMINAR_QUERY_PORT', port: queryPort },
    ...Array.from({ length: ingestionInstances }, (_, index): ServicePlace => {
      // Several on one machine need a port each: the one that is named, and those that follow it.
      const port = healthPort === 0 ? 0 : healthPort + index;
      return { instance: `ingestion-${index + 1}`, service: 'ingestion', variable: 'LAMINAR_HEALTH_PORT', port };
    }),
  ];
}

async function drain(all: readonly MeshService[]): Promise<void> {
  const stopAll = (services: readonly MeshService[]) => Promise.all(services.map(({ process }) => process.stop()));
  const others = stopAll(all.filter(({ service }) => service !== 'query'));
  await within(queryStopMs, others);
  const everyone = Promise.all([others, stopAll(all.filter(({ service }) => service === 'query'))]);
  await within(drainTimeoutMs - queryStopMs, everyone);
  for (const { process } of all) process.kill();
  await everyone;
}

/** Waits for `work`, but no longer than that. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, limit]);
  clearTimeout(timer);
}

/** An address at which this machine reaches what listens on `host`. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}
