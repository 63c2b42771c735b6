import { isAbsolute } from 'node:path';
import { isLoopback } from './loopback.js';

/** A variable of the environment that is wrong; the message is one line that names it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

interface Variable<T> {
  readonly description: string;
  readonly default: string | undefined;
  /** Undefined stands for a value that is not acceptable. */
  readonly parse: (text: string) => T | undefined;
  readonly expected: string;
}

const variable = <T>(
  description: string,
  fallback: string | undefined,
  expected: string,
  parse: (text: string) => T | undefined,
): Variable<T> => ({
  description,
  default: fallback,
  expected,
  parse,
});
const text = (description: string, fallback?: string) => variable(description, fallback, 'a text', (value) => value);
const integer = (description: string, fallback: string, min: number, max: number) =>
  variable(description, fallback, `a whole number from ${min} to ${max}`, (value) => {
    const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
    return number >= min && number <= max ? number : undefined;
  });
const port = (description: string, fallback: string) => integer(description, fallback, 0, 65_535);
const oneOf = <T extends string>(description: string, fallback: T, values: readonly T[]) =>
  variable(description, fallback, values.join(', '), (value) => values.find((candidate) => candidate === value));

/** Every variable that the processes of the mesh read, beside the standard `OTEL_*` ones. */
export const environment = {
  NATS_URL: text("A running NATS server as the mesh's own bus; `npm start` embeds one where it is unset."),
  NATS_CREDS: text('Path of a credentials file for the bus.'),
  NATS_USER: text('User of the bus.'),
  NATS_PASSWORD: text('Password of that user.'),
  NATS_TOKEN: text('Token for the bus.'),
  NATS_NKEY_SEED: text('NKey seed for the bus.'),
  NATS_CA: text("Path of the certificate authority of the bus's TLS certificate."),
  LAMINAR_HOST: text('Address that the services listen on; beyond loopback they need LAMINAR_API_KEYS.', '127.0.0.1'),
  LAMINAR_CONTROL_PORT: port('Port of the control plane.', '5115'),
  LAMINAR_QUERY_PORT: port('Port of the query service.', '5116'),
  LAMINAR_NATS_PORT: port('Port of the embedded NATS server.', '4222'),
  LAMINAR_HEALTH_PORT: port('Port for the health of an ingestion process; 0 picks a free one.', '0'),
  LAMINAR_DATA_DIR: text('Folder for data, logs and the unpacked nats-server.', '.laminar'),
  LAMINAR_LOG_LEVEL: oneOf('Least level that is logged.', 'info', ['trace', 'debug', 'info', 'warn', 'error', 'fatal']),
  LAMINAR_API_KEYS: variable(
    'Bearer keys of the HTTP APIs, separated by commas; unset leaves them open.',
    '',
    'keys without white space, separated by commas',
    (value) => {
      const keys = value
        .split(',')
        .map((key) => key.trim())
        .filter((key) => key !== '');
      return keys.every((key) => !/\s/.test(key)) ? keys : undefined;
    },
  ),
  LAMINAR_SECRETS_KEY: variable(
    'Key that encrypts stored secrets, 32 bytes in hex or base64; `npm start` makes one.',
    undefined,
    '32 bytes as 64 hex digits or as base64, such as `openssl rand -base64 32` gives',
    (value) => {
      if (/^[0-9a-f]{64}$/i.test(value)) return Buffer.from(value, 'hex');
      return /^[A-Za-z0-9+/_-]{43}=?$/.test(value) ? Buffer.from(value, 'base64') : undefined;
    },
  ),
  LAMINAR_SECRETS_DIR: text('Folder with a file for each secret that is neither stored nor in the environment.'),
  LAMINAR_INGESTION_INSTANCES: integer('Ingestion processes that `npm start` starts.', '1', 1, 64),
  LAMINAR_INSTANCE: variable(
    'Stable name of this process; its counters go on under it after a restart.',
    undefined,
    'letters, digits, - and _',
    (value) => (/^[A-Za-z0-9_-]{1,64}$/.test(value) ? value : undefined),
  ),
  LAMINAR_REPLICAS: variable(
    "Replicas of the mesh's own buckets and streams; unset: 3 on a cluster, else 1.",
    undefined,
    '1, 3 or 5',
    (value) => (['1', '3', '5'].includes(value) ? Number(value) : undefined),
  ),
  LAMINAR_TRACE_RATIO: variable(
    'Share of messages without a trace of their own that get one, up to 150 spans a second.',
    '0.01',
    'a number from 0 to 1',
    (value) => {
      const ratio = Number(value);
      return value.trim() !== '' && ratio >= 0 && ratio <= 1 ? ratio : undefined;
    },
  ),
  LAMINAR_FILES_DIRS: variable(
    'Folders of files that definitions may name, by commas; unset: any on loopback only.',
    undefined,
    'absolute paths, separated by commas',
    (value) => {
      const folders = value
        .split(',')
        .map((folder) => folder.trim())
        .filter((folder) => folder !== '');
      return folders.length > 0 && folders.every((folder) => isAbsolute(folder)) ? folders : undefined;
    },
  ),
} as const;

type Values = {
  readonly [N in keyof typeof environment]: (typeof environment)[N] extends Variable<infer T> ? T | undefined : never;
};

const isConfidential: ReadonlySet<string> = new Set(['LAMINAR_API_KEYS', 'LAMINAR_SECRETS_KEY']);

/** Reads and checks every variable; throws `ConfigError` for the first that is wrong. An empty variable counts as unset. */
export function readEnvironment(env: NodeJS.ProcessEnv): Values {
  const values: { [name: string]: unknown } = {};
  for (const [name, spec] of Object.entries(environment) as [string, Variable<unknown>][]) {
    const given = env[name] === undefined || env[name] === '' ? spec.default : env[name];
    if (given === undefined) continue;
    values[name] = spec.parse(given);
    if (values[name] === undefined) {
      // A wrong key must not end up on a terminal or in a log.
      const got = isConfidential.has(name) ? '' : `, got "${given}"`;
      throw new ConfigError(`${name}: expected ${spec.expected}${got}`);
    }
  }
  return values as Values;
}

/** Refuses to be reachable from other machines without keys. */
export function checkExposure(host: string, apiKeys: readonly string[]): void {
  if (isLoopback(host) || apiKeys.length > 0) return;
  throw new ConfigError(`LAMINAR_API_KEYS: beyond loopback (LAMINAR_HOST is ${host}) at least one key is needed`);
}
