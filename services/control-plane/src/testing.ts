import { laminar, subjects } from '@laminar/protocol';
import { connectBus, createLogger, DefinitionFiles, Health } from '@laminar/runtime';
import { loadCheck } from '@laminar/sandbox';
import { loadSql } from '@laminar/sql';
import type { NatsConnection, Subscription } from '@nats-io/nats-core';
import { buildApp } from './app.js';
import { drain } from './http/drain.js';
import { Mesh } from './state/mesh.js';

const { InstanceStatus } = laminar.v1;

/** What a test looks at of an answer. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test asserts the form of what it gets
  readonly body: any;
}

/** One control plane within the test's own process, behind a real listener. */
export interface Replica {
  readonly mesh: Mesh;
  readonly health: Health;
  readonly url: string;
  call(method: string, path: string, body?: unknown, headers?: { [name: string]: string }): Promise<Answer>;
  stop(): Promise<void>;
}

export async function startReplica(
  natsUrl: string,
  options: { apiKeys?: readonly string[]; filesDirs?: readonly string[]; secretsKey?: Uint8Array } = {},
): Promise<Replica> {
  await Promise.all([loadSql(), loadCheck()]);
  const health = new Health();
  const logger = createLogger({ service: 'control-plane', instance: 'test', level: 'silent' });
  const bus = {
    url: natsUrl,
    credsFile: undefined,
    user: undefined,
    password: undefined,
    token: undefined,
    nkeySeed: undefined,
    caFile: undefined,
  };
  const connect = () => connectBus(bus, 'test');
  const files = new DefinitionFiles(options.filesDirs);
  const mesh = new Mesh({ connect, instance: 'test', replicas: 1, files, health, logger });
  const app = await buildApp({
    mesh,
    health,
    logger,
    apiKeys: options.apiKeys ?? [],
    secretsKey: options.secretsKey,
    metricsHandler: (_request, response) => void response.end('metrics'),
  });
  mesh.start();
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  health.set('start', undefined);
  return {
    mesh,
    health,
    url,
    async call(method, path, body, headers = {}) {
      const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
      const response = await fetch(`${url}${path.startsWith('/') ? path : `/api/v1/${path}`}`, {
        method,
        headers: { ...(body === undefined ? {} : { 'content-type': type }), ...headers },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
    },
    async stop() {
      await drain(app);
      await mesh.close();
    },
  };
}

type PipelineStatus = laminar.v1.PipelineStatus.$Properties;
type ConnectionStatus = laminar.v1.ConnectionStatus.$Properties;

/** Speaks for an ingestion instance on the bus, by the protocol of `status.proto`. */
export class SpokenInstance {
  #sequence = 0;
  readonly #pipelines = new Map<string, PipelineStatus>();
  readonly #connections = new Map<string, ConnectionStatus>();
  #applied = 0;
  readonly #requests: Subscription;
  readonly #timer: NodeJS.Timeout;

  constructor(
    readonly nc: NatsConnection,
    readonly instance: string,
  ) {
    this.#requests = nc.subscribe(subjects.statusRequest, { callback: () => this.#snapshot() });
    this.#timer = setInterval(() => this.#publish({}), 1000);
    this.#snapshot();
  }

  say(
    appliedRevision: number,
    said: { pipelines?: readonly PipelineStatus[]; connections?: readonly ConnectionStatus[] } = {},
  ): void {
    this.#applied = appliedRevision;
    const { pipelines = [], connections = [] } = said;
    for (const status of pipelines) remember(this.#pipelines, status);
    for (const status of connections) remember(this.#connections, status);
    this.#publish({ pipelines: [...pipelines], connections: [...connections] });
  }

  leave(): void {
    clearInterval(this.#timer);
    this.#requests.unsubscribe();
    this.#publish({ leaving: true });
  }

  #snapshot(): void {
    const pipelines = [...this.#pipelines.values()];
    const connections = [...this.#connections.values()];
    this.#publish({ pipelines, connections, snapshot: { part: 0, last: true } });
  }

  #publish(said: laminar.v1.InstanceStatus.$Properties): void {
    const status = {
      instance: this.instance,
      session: `${this.instance}-session`,
      sequence: ++this.#sequence,
      atUnixMs: Date.now(),
      appliedRevision: this.#applied,
      ...said,
    };
    this.nc.publish(subjects.status(this.instance), InstanceStatus.encode(status).finish());
  }
}

function remember<S extends { name?: string | null; removed?: boolean | null }>(
  known: Map<string, S>,
  status: S,
): void {
  if (status.removed === true) known.delete(status.name ?? '');
  else known.set(status.name ?? '', status);
}
