import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { environment, loadConfig } from '@laminar/runtime';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { checkout } from '../checkout.js';

interface ComposeService {
  readonly image: string;
  readonly command?: string[];
  readonly environment?: { readonly [name: string]: string };
  readonly ports?: string[];
  readonly volumes?: string[];
  readonly depends_on?: object;
}
interface Compose {
  readonly services: { readonly [name: string]: ComposeService };
  readonly volumes: object;
}

const read = (name: string) => readFileSync(join(checkout, 'deploy', name), 'utf8');
const compose = parse(read('compose.yaml'), { merge: true }) as Compose;
const services = Object.entries(compose.services);
const meshServices = services.filter(([, { image }]) => image === 'laminar-mesh');
const natsServers = services.filter(([, { image }]) => image.includes('/nats:'));

/** What compose writes for `${NAME:?message}` and `${NAME:-default}` where these are set. */
const variables: { readonly [name: string]: string } = {
  NATS_PASSWORD: 'a-password',
  LAMINAR_API_KEY: 'a-key-of-sixteen-characters',
};
const substituted = (text: string) =>
  text.replace(/\$\{(\w+)(?::[?-]([^}]*))?\}/g, (_, name: string, otherwise = '') => variables[name] ?? otherwise);

describe('deploy/compose.yaml', () => {
  it('runs three NATS servers, the services with two ingestion processes, and a collector', () => {
    expect(natsServers).toHaveLength(3);
    const commands = meshServices.map(([, { command }]) => command?.[0]);
    const main = (service: string) => `services/${service}/dist/service.js`;
    expect(commands).toEqual([main('control-plane'), main('query'), main('ingestion'), main('ingestion')]);
    expect(Object.keys(compose.services)).toContain('collector');
  });

  it.each(meshServices)('gives %s only variables that it knows, with values that it takes', (_, service) => {
    const given = Object.entries(service.environment ?? {});
    const unknown = given.map(([name]) => name).filter((name) => !(name in environment) && !name.startsWith('OTEL_'));
    expect(unknown).toEqual([]);
    const env = Object.fromEntries(given.map(([name, value]) => [name, substituted(value)]));
    const config = loadConfig(env, 'ingestion');
    expect(config).toMatchObject({ replicas: 3, host: '0.0.0.0', externalBus: true });
  });

  it('gives each service a name of its own', () => {
    const names = meshServices.map(([, { environment: given }]) => given?.LAMINAR_INSTANCE);
    expect(new Set(names).size).toBe(meshServices.length);
  });

  it.each(natsServers)('gives %s every variable of nats.conf', (_, { environment: given }) => {
    const wanted = new Set([...read('nats.conf').matchAll(/\$(NATS_\w+)/g)].map(([, name]) => name ?? ''));
    expect(Object.keys(given ?? {}).sort()).toEqual([...wanted].sort());
  });

  it.each(services)('publishes the ports of %s on loopback only', (_, { ports = [] }) => {
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  it.each(services)('mounts into %s what exists', (_, { volumes = [] }) => {
    for (const volume of volumes) {
      const source = volume.split(':')[0] ?? '';
      const exists = source.startsWith('.')
        ? existsSync(join(checkout, 'deploy', source))
        : Object.keys(compose.volumes).includes(source);
      expect(exists, source).toBe(true);
    }
  });

  it('is explained: README.md beside it names every variable that it wants', () => {
    const wanted = [...read('compose.yaml').matchAll(/\$\{(\w+)/g)].map(([, name]) => name ?? '');
    for (const name of wanted) expect(read('README.md')).toContain(`\`${name}\``);
  });
});

describe('deploy/otel-collector.yaml', () => {
  it('receives where the services send, and sends where the query service listens', () => {
    const collector = parse(read('otel-collector.yaml'));
    const { pipelines } = collector.service;
    for (const kind of ['receivers', 'processors', 'exporters'])
      for (const name of pipelines.traces[kind]) expect(Object.keys(collector[kind])).toContain(name);
    const sendTo = compose.services['control-plane']?.environment?.OTEL_EXPORTER_OTLP_ENDPOINT;
    expect(sendTo).toBe('http://collector:4318');
    expect(collector.receivers.otlp.protocols.http.endpoint).toMatch(/:4318$/);
    const queryPort = compose.services.query?.environment?.LAMINAR_QUERY_PORT;
    expect(collector.exporters['otlphttp/query'].endpoint).toBe(`http://query:${queryPort}`);
  });
});

describe('deploy/Containerfile', () => {
  const stages = read('Containerfile')
    .split(/^FROM /m)
    .slice(1);
  const last = stages.at(-1) ?? '';

  it('builds in one stage and runs in another, as a user who is not root', () => {
    expect(stages.length).toBeGreaterThan(1);
    expect(last).toMatch(/^USER node$/m);
    expect(last).not.toContain('npm');
  });

  it('names a major version of every base', () => {
    for (const stage of stages) expect(stage.split(/\s/)[0]).toMatch(/:\d+/);
  });

  it('starts a service that the build makes', () => {
    const command = /^CMD \["services\/([a-z-]+)\/dist\/service\.js"\]$/m.exec(last)?.[1] ?? '';
    expect(existsSync(join(checkout, 'services', command, 'src', 'main.ts'))).toBe(true);
  });
});
