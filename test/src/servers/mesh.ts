import { join } from 'node:path';
import { freePort } from '../free-port.js';
import { temporaryDirectory } from '../temporary-directory.js';
import { startNats, type TestNats } from './nats.js';
import { type ServiceName, type ServiceProcess, startService } from './service.js';

export interface MeshOptions {
  /** How many ingestion processes, named `ingestion-1`, ...; 1 unless said otherwise. */
  readonly ingestion?: number;
  /** How many control planes; 1 unless said otherwise. */
  readonly controlPlanes?: number;
  /** Whether a query service runs; it does unless said otherwise. */
  readonly query?: boolean;
  /** Added to the environment of every service. */
  readonly env?: Record<string, string>;
}

/** A whole mesh: a nats-server and the services on it, each a process of its own, on free ports. */
export interface TestMesh {
  readonly nats: TestNats;
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
  const nats = await startNats();
  const directory = await temporaryDirectory('mesh');
  const environment = {
    NATS_URL: nats.url,
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
    await nats.stop();
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
    return { nats, controlPlanes, ingestion, query, start, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
