import { describe, expect, it } from 'vitest';
import { loadConfig } from './config.js';
import { ConfigError, checkExposure, environment, readEnvironment } from './environment.js';
import { isLoopback } from './loopback.js';

type Name = keyof typeof environment;

const key = 'a-key-of-sixteen-characters';
const port = { good: { '0': 0, '5115': 5115, '65535': 65_535 }, bad: ['-1', '65536', '1.5', 'x', '0x10', ' 1'] };
const anyText = { good: { 'any text': 'any text' }, bad: [] };

/** For each variable: what texts are read as, and which are refused. */
const table: { readonly [N in Name]: { good: { [text: string]: unknown }; bad: string[] } } = {
  NATS_URL: anyText,
  NATS_CREDS: anyText,
  NATS_USER: anyText,
  NATS_PASSWORD: anyText,
  NATS_TOKEN: anyText,
  NATS_NKEY_SEED: anyText,
  NATS_CA: anyText,
  LAMINAR_HOST: anyText,
  LAMINAR_CONTROL_PORT: port,
  LAMINAR_QUERY_PORT: port,
  LAMINAR_NATS_PORT: port,
  LAMINAR_HEALTH_PORT: port,
  LAMINAR_DATA_DIR: anyText,
  LAMINAR_LOG_LEVEL: { good: { debug: 'debug', fatal: 'fatal' }, bad: ['verbose', 'INFO'] },
  LAMINAR_API_KEYS: {
    good: { [key]: [key], [` ${key} , ${key}2,`]: [key, `${key}2`] },
    bad: ['two words', `${key},two words`],
  },
  LAMINAR_SECRETS_KEY: {
    good: { ['0f'.repeat(32)]: Buffer.alloc(32, 15), [Buffer.alloc(32, 7).toString('base64')]: Buffer.alloc(32, 7) },
    bad: ['short', '0f'.repeat(31), 'x'.repeat(64), 'two words'],
  },
  LAMINAR_SECRETS_DIR: anyText,
  LAMINAR_INGESTION_INSTANCES: { good: { '1': 1, '64': 64 }, bad: ['0', '65', 'many'] },
  LAMINAR_INSTANCE: { good: { 'a-B_1': 'a-B_1' }, bad: ['a.b', 'a b', 'x'.repeat(65), '*'] },
  LAMINAR_REPLICAS: { good: { '1': 1, '3': 3, '5': 5 }, bad: ['0', '2', '03'] },
  LAMINAR_FILES_DIRS: {
    good: { '/schemas': ['/schemas'], ' /a , /b,': ['/a', '/b'] },
    bad: ['schemas', '/a,b', ','],
  },
  LAMINAR_TRACE_RATIO: { good: { '0': 0, '1': 1, '0.25': 0.25 }, bad: ['-0.1', '1.1', 'all', ' '] },
};
const names = Object.keys(table) as Name[];

describe('the environment', () => {
  it('is this table', () => {
    expect(Object.keys(environment).sort()).toEqual([...names].sort());
    for (const name of names) expect(environment[name].description).toMatch(/\.$/);
  });

  it.each(names)('%s is read, or refused in one line that names it', (name) => {
    for (const [text, value] of Object.entries(table[name].good)) {
      expect(readEnvironment({ [name]: text })[name]).toEqual(value);
    }
    for (const text of table[name].bad) {
      expect(() => readEnvironment({ [name]: text })).toThrow(ConfigError);
      expect(() => readEnvironment({ [name]: text })).toThrow(new RegExp(`^${name}: expected [^\\n]+$`));
    }
  });

  it('counts an empty variable as unset', () => {
    for (const name of names) expect(readEnvironment({ [name]: '' })).toEqual(readEnvironment({}));
  });

  it('never shows a key', () => {
    for (const name of ['LAMINAR_API_KEYS', 'LAMINAR_SECRETS_KEY']) {
      expect(() => readEnvironment({ [name]: 'hunter 2' })).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining('hunter') }),
      );
    }
  });

  it('has defaults for a service on this machine alone', () => {
    const config = loadConfig({}, 'query');
    expect(config).toMatchObject({
      host: '127.0.0.1',
      controlPort: 5115,
      queryPort: 5116,
      natsPort: 4222,
      healthPort: 0,
      bus: { url: 'nats://127.0.0.1:4222', user: undefined },
      externalBus: false,
      dataDir: '.laminar',
      logLevel: 'info',
      apiKeys: [],
      secretsKey: undefined,
      secretsDir: undefined,
      ingestionInstances: 1,
      replicas: undefined,
      traceRatio: 0.01,
      otlpEndpoint: 'http://127.0.0.1:5116',
    });
    expect(config.instance).toMatch(/^query-[0-9a-f]{8}$/);
    expect(loadConfig({}, 'query').instance).not.toBe(config.instance);
  });

  it('lets definitions name any file where only this machine can write them, and else none that is not allowed', () => {
    const exposed = { LAMINAR_HOST: '0.0.0.0', LAMINAR_API_KEYS: key };
    expect(loadConfig({}, 'ingestion').filesDirs).toBeUndefined();
    expect(loadConfig(exposed, 'ingestion').filesDirs).toEqual([]);
    for (const env of [{}, exposed])
      expect(loadConfig({ ...env, LAMINAR_FILES_DIRS: '/schemas' }, 'ingestion').filesDirs).toEqual(['/schemas']);
  });

  it('takes a bus of its user', () => {
    const config = loadConfig({ NATS_URL: 'nats://bus:4222', NATS_USER: 'ann', NATS_PASSWORD: 'p' }, 'ingestion');
    expect(config).toMatchObject({ externalBus: true, bus: { url: 'nats://bus:4222', user: 'ann', password: 'p' } });
  });

  it('sends spans to this machine where it listens on all addresses', () => {
    const env = { LAMINAR_HOST: '0.0.0.0', LAMINAR_API_KEYS: key, LAMINAR_QUERY_PORT: '7' };
    expect(loadConfig(env, 'ingestion').otlpEndpoint).toBe('http://127.0.0.1:7');
  });
});

describe('exposure', () => {
  it.each(['127.0.0.1', '127.1.2.3', 'localhost', '::1'])('%s is this machine', (host) => {
    expect(isLoopback(host)).toBe(true);
    expect(() => checkExposure(host, [])).not.toThrow();
  });

  it.each(['0.0.0.0', '::', '10.0.0.1', '127.evil.example', '127.0.0.1.evil.example', 'example.org', ''])(
    '%j is not, and needs a key',
    (host) => {
      expect(isLoopback(host)).toBe(false);
      expect(() => checkExposure(host, [])).toThrow(/^LAMINAR_API_KEYS: [^\n]+$/);
      expect(() => checkExposure(host, [key])).not.toThrow();
    },
  );
});
