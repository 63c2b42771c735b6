import { randomBytes } from 'node:crypto';
import { eventually, startNats, type TestNats } from '@laminar/test';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Replica, startReplica } from '../testing.js';

let nats: TestNats;
let replica: Replica;

const source = { servers: 'nats://h:4222', type: 'source', format: 'json' };
const core = { connector: 'nats', options: { ...source, subject: 'a' } };
const gated = {
  connector: 'nats',
  options: { ...source, jetstream: true, stream_name: 'S', filter_subjects: ['a', 'b'] },
};
const query = { query: 'SELECT a FROM known' };
const table = { connector: 'known', columns: [{ name: 'a', type: 'TEXT' }] };
const twice = { arguments: [{ name: 'a', type: 'INT' }], returns: 'INT', language: 'sql', body: 'a * 2' };

/** Every route that asks the bus for something, by its template; of some more than one request. */
const requests: readonly (readonly [method: string, template: string, path: string, body?: unknown])[] = [
  ...['connections', 'tables', 'pipelines', 'functions'].flatMap((kind) => {
    const body = { connections: core, tables: table, pipelines: query, functions: twice }[kind];
    const one = `${kind}/{name}`;
    return [
      ['post', kind, kind, { name: 'new', ...body }],
      ['put', one, `${kind}/new`, body],
      ['patch', one, `${kind}/known_${kind}`, {}],
      ['delete', one, `${kind}/known_${kind}`],
    ] as const;
  }),
  ['put', 'connections/{name}', 'connections/gated', gated],
  ['post', 'connections/{name}/test', 'connections/known/test?timeout_ms=1000'],
  ['post', 'connections/test', 'connections/test?timeout_ms=1000', core],
  ['post', 'pipelines/{name}/start', 'pipelines/known_pipelines/start'],
  ['post', 'pipelines/{name}/stop', 'pipelines/known_pipelines/stop'],
  ['post', 'pipelines/{name}/rollback', 'pipelines/known_pipelines/rollback', { version: 1 }],
  ['put', 'secrets/{name}', 'secrets/new', { value: 'x' }],
  ['delete', 'secrets/{name}', 'secrets/known'],
  ['post', 'dead_letters/{id}/retry', 'dead_letters/known.x/retry'],
  ['post', 'sql', 'sql', { sql: 'CREATE PIPELINE new AS SELECT a FROM known' }],
  ['post', 'sql', 'sql', { sql: 'SELECT a FROM known', timeout_ms: 1000 }],
  ['post', 'sql', 'sql', { sql: 'SELECT name FROM system.pipelines', timeout_ms: 1000 }],
  ['post', 'sql', 'sql', { sql: "SELECT test_connection('known')", timeout_ms: 1000 }],
];
/** Changes nothing and asks nobody. */
const asksNobody = 'post validate';

/** Reads of what is known without the bus. */
const reads = ['connections', 'connections/known', 'tables', 'pipelines/known_pipelines', 'functions', 'secrets'];

beforeEach(async () => {
  nats = await startNats();
  replica = await startReplica(nats.url, { secretsKey: randomBytes(32) });
  await eventually(() => replica.health.reason === undefined, { what: 'the control plane to be ready' });
  await replica.call('PUT', 'connections/known', core);
  await replica.call('PUT', 'connections/known_connections', core);
  await replica.call('PUT', 'tables/known_tables', table);
  await replica.call('PUT', 'pipelines/known_pipelines', query);
  await replica.call('PUT', 'functions/known_functions', twice);
  await replica.call('PUT', 'secrets/known', { value: 'x' });
});
afterEach(async () => {
  await replica.stop();
  await nats.stop();
});

it('every route that is no read is in this table', async () => {
  const { body } = await replica.call('GET', '/openapi.json');
  const known = new Set([...requests.map(([method, template]) => `${method} ${template}`), asksNobody]);
  const declared = Object.entries<object>(body.paths).flatMap(([path, item]) =>
    Object.keys(item)
      .filter((method) => method !== 'get' && path.startsWith('/api/'))
      .map((method) => `${method} ${path.replace('/api/v1/', '')}`),
  );
  expect(declared.filter((route) => !known.has(route))).toEqual([]);
});

it.each([
  ['is away', () => nats.down(), 6000],
  // A gated option asks for the servers' versions first.
  ['hangs', async () => nats.kill('SIGSTOP'), 10_000],
] as const)('a bus that %s is 503 on each of them, in time, while reads go on', async (how, begin, withinMs) => {
  await begin();
  if (how === 'is away')
    await eventually(async () => (await replica.call('GET', '/readyz')).status === 503, { what: 'readiness to fall' });
  try {
    const startedAt = performance.now();
    const answers = await Promise.all(
      requests.map(async ([method, , path, body]) => {
        const { status } = await replica.call(method.toUpperCase(), path, body);
        const ms = performance.now() - startedAt;
        return { request: `${method} ${path} ${JSON.stringify(body)}`, status, late: ms > withinMs && ms };
      }),
    );
    // A query that nobody answers within its own time is 504, as it is where the bus is well.
    const isTold = (status: number) => status === 503 || status === 504;
    expect(answers.filter(({ status, late }) => !isTold(status) || late !== false)).toEqual([]);
    for (const path of reads) expect((await replica.call('GET', path)).status, path).toBe(200);
    expect((await replica.call('POST', 'validate', { sql: 'CREATE PIPELINE v AS SELECT a FROM known' })).status).toBe(
      200,
    );
  } finally {
    if (how === 'hangs') nats.kill('SIGCONT');
  }
});
