import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { subjects } from '@laminar/protocol';
import { eventually, startNats, type TestNats, temporaryDirectory } from '@laminar/test';
import { connect } from '@nats-io/transport-node';
import type { TSchema } from 'typebox';
import { Errors } from 'typebox/value';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { components } from '../definitions/schemas.js';
import { type Answer, type Replica, startReplica } from '../testing.js';
import { problemCodes } from './problem-codes.js';

let nats: TestNats;
let replica: Replica;
let document: Answer;

beforeAll(async () => {
  nats = await startNats();
  replica = await startReplica(nats.url, { secretsKey: Buffer.alloc(32, 1) });
  document = await replica.call('GET', '/openapi.json');
});
afterAll(async () => {
  await replica.stop();
  await nats.stop();
});

it('passes a linter', async () => {
  const directory = await temporaryDirectory('openapi');
  try {
    const file = join(directory.path, 'openapi.json');
    await writeFile(file, JSON.stringify(document.body));
    const root = resolve(import.meta.dirname, '..', '..', '..', '..');
    const redocly = join(root, 'node_modules', '@redocly', 'cli', 'bin', 'cli.js');
    const environment = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' };
    const linted = await promisify(execFile)(
      process.execPath,
      [redocly, 'lint', file, '--extends', 'recommended', '--format', 'json', '--max-problems', '20'],
      { env: environment, cwd: directory.path },
    ).catch((error: { stdout?: string }) => ({ stdout: error.stdout ?? String(error) }));
    const { problems } = JSON.parse(linted.stdout.slice(linted.stdout.indexOf('{'))) as {
      problems: { message: string; location: object[] }[];
    };
    expect(problems.map(({ message, location }) => `${message} ${JSON.stringify(location)}`)).toEqual([]);
  } finally {
    await directory.remove();
  }
});

it('is of version 3.1 and tells every address and every code of a problem', () => {
  expect(document.body.openapi).toBe('3.1.0');
  const paths = Object.keys(document.body.paths);
  for (const kind of ['connections', 'tables', 'pipelines'])
    expect(paths).toEqual(
      expect.arrayContaining([`/api/v1/${kind}`, `/api/v1/${kind}/{name}`, `/api/v1/${kind}/{name}/history`]),
    );
  expect(paths).toEqual(
    expect.arrayContaining(['/api/v1/events', '/api/v1/sql', '/api/v1/validate', '/api/v1/pipelines/{name}/rollback']),
  );
  for (const code of Object.keys(problemCodes)) expect(document.body.info.description).toContain(`\`${code}\``);
  expect(document.body.components.securitySchemes.bearer.scheme).toBe('bearer');
});

it('describes what is answered', async () => {
  await eventually(() => replica.health.reason === undefined, { what: 'the control plane to be ready' });
  const options = { servers: 'nats://localhost:4222', type: 'source', format: 'json', subject: 'a' };
  const checks: [component: string, value: unknown][] = [
    ['Connection', (await replica.call('POST', 'connections', { name: 'c', connector: 'nats', options })).body],
    [
      'Table',
      (await replica.call('POST', 'tables', { name: 't', connector: 'c', columns: [{ name: 'a', type: 'TEXT' }] }))
        .body,
    ],
    ['Pipeline', (await replica.call('POST', 'pipelines', { name: 'p', query: 'SELECT a FROM t' })).body],
    ['Pipeline', (await replica.call('GET', 'pipelines')).body.items[0]],
    ['Pipeline', (await replica.call('GET', 'pipelines/p?version=1')).body],
    ['HistoryItem', (await replica.call('GET', 'pipelines/p/history')).body.items[0]],
    ['Event', (await replica.call('GET', 'events')).body.items[0]],
    ['Problem', (await replica.call('POST', 'pipelines', { name: 'p2', query: 'SELEC' })).body],
    ['Problem', (await replica.call('POST', 'sql', { sql: 'SELEC' })).body],
  ];
  for (const [component, value] of checks) expect(Errors(closed(component), value), component).toEqual([]);
});

/** The schema of a component, which also refuses what it does not name. */
function closed(component: string): TSchema {
  const schema = (components as readonly (TSchema & { $id?: string })[]).find(({ $id }) => $id === component);
  if (!schema) throw new Error(`there is no component ${component}`);
  return component === 'Problem' ? schema : { ...schema, additionalProperties: false };
}

it('has examples of every body, each of which is taken as it is', async () => {
  const bodies: { method: string; path: string; example: unknown }[] = [];
  for (const [path, operations] of Object.entries<Operations>(document.body.paths)) {
    for (const [method, { requestBody }] of Object.entries(operations)) {
      const content = requestBody?.content['application/json'];
      if (!content || method === 'patch') continue;
      expect(exampleOf(content), `${method} ${path}`).toBeDefined();
      bodies.push({ method, path, example: exampleOf(content) });
    }
  }
  const names = { table: 'orders', pipeline: 'large_orders', function: 'gross' };
  const pathOf = (path: string) =>
    path.replace('{name}', Object.entries(names).find(([kind]) => path.includes(kind))?.[1] ?? 'shop');
  // Tests of connections are answered by an ingestion instance.
  const nc = await connect({ servers: nats.url });
  nc.subscribe(subjects.connectionTest, { callback: (_, message) => void message.respond() });
  await nc.flush();
  for (const { method, path, example } of bodies) {
    const { status, body } = await replica.call(method.toUpperCase(), pathOf(path), example);
    expect(status, `${method} ${path} ${JSON.stringify(body)}`).toBeLessThan(300);
  }
  await nc.close();
});

interface Content {
  readonly schema: { readonly examples?: readonly unknown[] };
  readonly example?: unknown;
  readonly examples?: { readonly [name: string]: { readonly value: unknown } };
}
interface Operations {
  readonly [method: string]: { readonly requestBody?: { readonly content: { readonly [type: string]: Content } } };
}

const exampleOf = ({ schema, example, examples }: Content): unknown =>
  example ?? Object.values(examples ?? {})[0]?.value ?? schema.examples?.[0];
