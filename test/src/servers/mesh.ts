import { join } from 'node:path';
import { freePort } from '../free-port.js';
import { temporaryDirectory } from '../temporary-directory.js';
import { startCluster, type TestCluster } from './cluster.js';
import { startNats, type TestNats } from './nats.js';
import { type ServiceName, type ServiceProcess, startService } from './service.js';

export interface MeshOptions {
  /** How many nats-servers the bus is, a cluster where it is more than one; 1 unless said otherwise. */
  readonly servers?: number;
  /** How many ingestion processes, named `ingestion-1`, ...; 1 unless said otherwise. */
  readonly ingestion?: number;
  /** How many control planes; 1 unless said otherwise. */
  readonly controlPlanes?: number;
  /** Whether a query service runs; it does unless said otherwise. */
  readonly query?: boolean;
  /** Added to the environment of every service. */
  readonly env?: Record<string, string>;
}

/** A whole mesh: its nats-server or servers and the services on it, each a process of its own, on free ports. */
export interface TestMesh {
  /** The bus, or the first server of it. */
  readonly nats: TestNats;
  /** The bus, where it is several servers. */
  readonly cluster: TestCluster | undefined;
  /** Of all servers, as the option `servers` takes them. */
  readonly urls: string;
  readonly controlPlanes: ServiceProcess[];
  readonly ingestion: ServiceProcess[];
  readonly query: ServiceProcess | undefined;
  /** Starts one more service of this mesh, for example after a kill. `env` is added to the mesh's. */
  start(service: ServiceName, instance: string, env?: Record<string, string>): Promise<ServiceProcess>;
  /** Ends everything, the bus last, and removes all folders. */
  stop(): Promise<void>;
}

/** Starts a mesh and waits until every service is ready. */
export async function startMesh(options: MeshOptions = {}): Promise<TestMesh> {
  const bus = await startBus(options.servers ?? 1);
  const directory = await temporaryDirectory('mesh');
  const environment = {
    NATS_URL: bus.urls,
    LAMINAR_DATA_DIR: join(directory.path, 'data'),
    // Spans of all services go there by default.
    LAMINAR_QUERY_PORT: String(await freePort()),
    ...options.env,
  };
  const services: ServiceProcess[] = [];
  const start = async (service: ServiceName, instance: string, env: Record<string, string> = {}) => {
    const running = await startService({
      service,
      env: { ...environment, LAMINAR_INSTANCE: instance, ...env },
    });
    services.push(running);
    return running;
  };
  const stop = async () => {
    await Promise.all(services.map((service) => service.stop()));
    await bus.stop();
    await directory.remove();
  };
  const several = (service: ServiceName, count: number) =>
    Promise.all(Array.from({ length: count }, (_, index) => start(service, `${service}-${index + 1}`)));
  try {
    const [[query], controlPlanes, ingestion] = await Promise.all([
      several('query', options.query === false ? 0 : 1),
      several('control-plane', options.controlPlanes ?? 1),
      several('ingestion', options.ingestion ?? 1),
    ]);
    return { ...bus, controlPlanes, ingestion, query, start, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startBus(count: number): Promise<Pick<TestMesh, 'nats' | 'cluster' | 'urls' | 'stop'>> {
  if (count === 1) {
    const nats = await startNats();
    return { nats, cluster: undefined, urls: nats.url, stop: () => nats.stop() };
  }
  const cluster = await startCluster(count, { jetstream: true });
  return { nats: cluster.servers[0] as TestNats, cluster, urls: cluster.urls, stop: () => cluster.stop() };
}
