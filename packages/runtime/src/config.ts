import { randomBytes } from 'node:crypto';
import { checkExposure, readEnvironment } from './environment.js';
import { isLoopback } from './loopback.js';

export type ServiceName = 'control-plane' | 'ingestion' | 'query';

export interface BusConfig {
  readonly url: string;
  readonly credsFile: string | undefined;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly token: string | undefined;
  readonly nkeySeed: string | undefined;
  readonly caFile: string | undefined;
}

/** What the environment says, checked and with defaults. */
export interface Config {
  readonly host: string;
  readonly controlPort: number;
  readonly queryPort: number;
  readonly natsPort: number;
  readonly healthPort: number;
  readonly bus: BusConfig;
  /** Says whether NATS_URL was given. */
  readonly externalBus: boolean;
  readonly dataDir: string;
  readonly logLevel: string;
  readonly apiKeys: readonly string[];
  /** Encrypts stored secrets, 32 bytes; undefined where there is none. */
  readonly secretsKey: Uint8Array | undefined;
  /** A file for each secret, by its name. */
  readonly secretsDir: string | undefined;
  readonly instance: string;
  readonly ingestionInstances: number;
  /** JetStream replicas of the mesh's own buckets and streams; undefined leaves it to `busReplicas`. */
  readonly replicas: number | undefined;
  /** Between 0 and 1. */
  readonly traceRatio: number;
  /** Folders under which definitions may name files; undefined for any. */
  readonly filesDirs: readonly string[] | undefined;
  /** Base URL to which spans go by default. */
  readonly otlpEndpoint: string;
}

/** Reads the environment of a service or of the command that starts them. Throws `ConfigError`. */
export function loadConfig(env: NodeJS.ProcessEnv, process: ServiceName | 'up'): Config {
  const values = readEnvironment(env);
  const host = values.LAMINAR_HOST ?? '127.0.0.1';
  const apiKeys = values.LAMINAR_API_KEYS ?? [];
  checkExposure(host, apiKeys);
  const queryPort = values.LAMINAR_QUERY_PORT ?? 0;
  return {
    host,
    controlPort: values.LAMINAR_CONTROL_PORT ?? 0,
    queryPort,
    natsPort: values.LAMINAR_NATS_PORT ?? 0,
    healthPort: values.LAMINAR_HEALTH_PORT ?? 0,
    bus: {
      url: values.NATS_URL ?? `nats://127.0.0.1:${values.LAMINAR_NATS_PORT ?? 4222}`,
      credsFile: values.NATS_CREDS,
      user: values.NATS_USER,
      password: values.NATS_PASSWORD,
      token: values.NATS_TOKEN,
      nkeySeed: values.NATS_NKEY_SEED,
      caFile: values.NATS_CA,
    },
    externalBus: values.NATS_URL !== undefined,
    dataDir: values.LAMINAR_DATA_DIR ?? '.laminar',
    logLevel: values.LAMINAR_LOG_LEVEL ?? 'info',
    apiKeys,
    secretsKey: values.LAMINAR_SECRETS_KEY,
    secretsDir: values.LAMINAR_SECRETS_DIR,
    instance: values.LAMINAR_INSTANCE ?? `${process}-${randomBytes(4).toString('hex')}`,
    ingestionInstances: values.LAMINAR_INGESTION_INSTANCES ?? 1,
    replicas: values.LAMINAR_REPLICAS,
    traceRatio: values.LAMINAR_TRACE_RATIO ?? 0.01,
    filesDirs: values.LAMINAR_FILES_DIRS ?? (isLoopback(host) ? undefined : []),
    otlpEndpoint: `http://${host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host}:${queryPort}`,
  };
}
