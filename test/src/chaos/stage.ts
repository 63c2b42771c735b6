import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { freePort } from '../free-port.js';
import { startCluster, type TestCluster } from '../servers/cluster.js';
import { startNats, type TestNats } from '../servers/nats.js';
import { root } from '../servers/root.js';
import { TcpProxy } from '../servers/tcp-proxy.js';
import { type TemporaryDirectory, temporaryDirectory } from '../temporary-directory.js';
import { Services, type UnwantedEnd } from './services.js';
import { unlessAborted } from './unless-aborted.js';

/** One server whose paths can be disturbed, or three whose leaders can be killed. */
export type StageKind = 'single' | 'cluster';

export const ingestionNames = ['ingestion-1', 'ingestion-2', 'ingestion-3'] as const;
/** The process that comes and goes. */
export const guestName = 'ingestion-4';
export const serviceNames = ['control-plane', 'query', ...ingestionNames] as const;
/** What definitions name as servers: of sources, of sinks over JetStream, of sinks without. */
export const dataPaths = ['source', 'sink', 'receiver'] as const;
export type DataPath = (typeof dataPaths)[number];
export const busPath = (service: string): string => `bus of ${service}`;

/** Slow as the receiver may be, the server waits for it rather than to cut it: what arrived there counts as out. */
const receiverConfig = 'max_pending: 1GB\nwrite_deadline: "60s"\n';
const clusterServers = 3;

export interface StageOptions {
  readonly kind: StageKind;
  /** Ends the start early. */
  readonly signal: AbortSignal;
  onUnwantedEnd(end: UnwantedEnd): void;
}

/** All that a campaign is played on: servers, the paths to them, and the processes of a mesh. */
export class Stage {
  private constructor(
    readonly kind: StageKind,
    readonly directory: TemporaryDirectory,
    /** One, or a cluster: source, sink and bus. */
    readonly servers: readonly TestNats[],
    readonly cluster: TestCluster | undefined,
    /** Never harmed, only the path to it: takes what goes out without JetStream. */
    readonly receiverServer: TestNats,
    /** On a single server: each path by its name. */
    readonly paths: ReadonlyMap<string, TcpProxy>,
    readonly services: Services,
    /** The harness's own, past all paths. */
    readonly nc: NatsConnection,
    readonly receiver: NatsConnection,
    readonly jsm: JetStreamManager,
  ) {}

  /** Starts everything, or leaves nothing. */
  static async start({ kind, signal, onUnwantedEnd }: StageOptions): Promise<Stage> {
    const directory = await temporaryDirectory('chaos');
    const undo: (() => Promise<unknown>)[] = [() => directory.remove()];
    try {
      const receiverServer = await startNats({ jetstream: false, config: receiverConfig });
      undo.unshift(() => receiverServer.stop());
      const cluster = kind === 'cluster' ? await startCluster(clusterServers, { jetstream: true }) : undefined;
      if (cluster) undo.unshift(() => cluster.stop());
      const servers = cluster?.servers ?? [await startNats()];
      if (!cluster) undo.unshift(() => Promise.all(servers.map((server) => server.stop())));
      const paths = kind === 'single' ? await startPaths(servers[0] as TestNats, receiverServer) : new Map();
      undo.unshift(() => Promise.all([...paths.values()].map((path) => path.stop())));
      const [nc, receiver] = await Promise.all([
        connect({ servers: servers.map(({ url }) => url), maxReconnectAttempts: -1, reconnectTimeWait: 50 }),
        connect({ servers: receiverServer.url, maxReconnectAttempts: -1 }),
      ]);
      undo.unshift(() => Promise.all([nc.close(), receiver.close()]));
      const busUrl = (name: string) => paths.get(busPath(name))?.url ?? servers.map(({ url }) => url).join(',');
      const queryPort = String(await freePort());
      const env = (name: string) => ({
        NATS_URL: busUrl(name),
        LAMINAR_REPLICAS: String(servers.length),
        LAMINAR_DATA_DIR: join(directory.path, 'data'),
        LAMINAR_QUERY_PORT: queryPort,
        NODE_OPTIONS: `--import=${pathToFileURL(join(root, 'test', 'dist', 'chaos', 'clock-shift.js'))}`,
        CHAOS_CLOCK_FILE: clockFile(directory, name),
      });
      const services = new Services({ env, onUnwantedEnd });
      undo.unshift(() => services.stop());
      const jsm = await jetstreamManager(nc, { checkAPI: false });
      await Promise.all(serviceNames.map((name) => services.start(name)));
      await unlessAborted(signal, Promise.all(serviceNames.map((name) => services.ready(name))));
      return new Stage(kind, directory, servers, cluster, receiverServer, paths, services, nc, receiver, jsm);
    } catch (error) {
      for (const step of undo) await step();
      throw error;
    }
  }

  /** What a connection of a definition names as its servers. */
  url(path: DataPath): string {
    if (path === 'receiver') return this.paths.get(path)?.url ?? this.receiverServer.url;
    return this.paths.get(path)?.url ?? this.servers.map(({ url }) => url).join(',');
  }

  path(name: string): TcpProxy {
    const path = this.paths.get(name);
    if (!path) throw new Error(`there is no path "${name}"`);
    return path;
  }

  /** Sets the wall clock of a process off by so much. */
  async shiftClock(service: string, shiftMs: number): Promise<void> {
    await writeFile(clockFile(this.directory, service), String(shiftMs));
    this.services.running(service).kill('SIGUSR2');
  }

  /** Ends everything, the servers last, and removes all folders. Idempotent. */
  async stop(): Promise<void> {
    for (const path of this.paths.values()) path.cut();
    await this.services.stop();
    await Promise.all([this.nc.close(), this.receiver.close()]);
    await Promise.all([...this.paths.values()].map((path) => path.stop()));
    await Promise.all(this.servers.map((server) => server.stop()));
    await this.receiverServer.stop();
    await this.directory.remove();
  }
}

const clockFile = (directory: TemporaryDirectory, service: string) => join(directory.path, `clock-${service}`);

async function startPaths(server: TestNats, receiver: TestNats): Promise<ReadonlyMap<string, TcpProxy>> {
  const paths = new Map<string, TcpProxy>();
  for (const name of [...dataPaths, ...[...serviceNames, guestName].map(busPath)]) {
    const path = new TcpProxy(name === 'receiver' ? receiver.port : server.port);
    await path.start();
    paths.set(name, path);
  }
  return paths;
}
