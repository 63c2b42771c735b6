import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../eventually.js';
import { startMesh, type TestMesh } from '../servers/mesh.js';
import { root } from '../servers/root.js';
import { MeshClient } from './client.js';
import { specStatements } from './statements.js';

const ids = specStatements.map(({ id }) => id);

/** The statements that a test of this folder is about. */
function tested(): Set<string> {
  const folder = join(root, 'test', 'src', 'conformance');
  const sources = readdirSync(folder)
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => readFileSync(join(folder, file), 'utf8'));
  const named = sources.flatMap((source) => [...source.matchAll(/\bspecIt\(\s*'([^']+)'/g)].map(([, id]) => id ?? ''));
  // Those that go by a table of ways.
  const listed = sources.flatMap((source) => [...source.matchAll(/\bid: '(\w+)'/g)].map(([, id]) => id ?? ''));
  return new Set([...named, ...listed.filter((id) => ids.includes(id))]);
}

describe('the specification', () => {
  it('has statements, each with a name of its own', () => {
    expect(ids.length).toBeGreaterThan(40);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('has a test for every statement', () => {
    const have = tested();
    expect(ids.filter((id) => !have.has(id))).toEqual([]);
    for (const id of have) expect(ids).toContain(id);
  });
});

describe('all statements of the specification, in their order', () => {
  let mesh: TestMesh;
  let client: MeshClient;
  beforeAll(async () => {
    mesh = await startMesh();
    client = await MeshClient.connect(mesh);
  });
  afterAll(async () => {
    await MeshClient.close(client);
    await mesh?.stop();
  });

  /** As they are written, but for the server, and for the port of the leaf node, which is not one for clients. */
  const script = (wanted: readonly string[]) =>
    specStatements
      .filter(({ id }) => wanted.includes(id))
      .map(({ sql }) =>
        sql
          .replace('nats://localhost:4222', mesh.nats.url)
          .replace('leafnode.example.com:7422', 'leafnode.example.com:4222'),
      )
      .join('\n');
  const definitions = ids.filter((id) => /^[a-z_0-9]+$/.test(id));

  it('hold on paper, as one script, and change nothing there', async () => {
    const { status, body } = await client.api.post('/validate', { sql: script(definitions) });
    expect(status, `statement ${body.statement_index}: ${body.detail}`).toBe(200);
    expect(body.results).toHaveLength(definitions.length);
    expect((await client.api.get('/connections')).body.items).toEqual([]);
  });

  it('are accepted as one script, with warnings of what is not there', async () => {
    const { status, body } = await client.api.post('/sql', { sql: script(ids) });
    expect(status, `statement ${body.statement_index}: ${body.detail}`).toBe(200);
    expect(body.results).toHaveLength(ids.length);
    const warnings = new Map<string, string>();
    for (const { name, warnings: said = [] } of body.results)
      warnings.set(name, said.map(({ message }: { message: string }) => message).join(' '));
    for (const [name, missing] of [
      ['nats_token', 'nats_token'],
      ['nats_userpass', 'nats_password'],
      ['nats_nkey', 'nkey_seed'],
      ['nats_jwt', 'nats_jwt'],
      ['nats_protobuf', '/schemas/event.desc'],
      ['nats_tls', '/certs/client-key.pem'],
      ['nats_leaf', '/certs/ca.pem'],
      ['nats_perms', 'user_password'],
    ] as const)
      expect(warnings.get(name), name).toContain(missing);
    expect(warnings.get('nats_source')).toBe('');
  });

  it('are there afterwards, each with a state', async () => {
    const rows = await eventually(
      async () => {
        const found = await client.api.rows('SELECT kind, name FROM system.definitions');
        return found.length === definitions.length && found;
      },
      { what: 'all definitions in system.definitions' },
    );
    expect(rows.map(({ name }) => name).sort()).toEqual([...definitions].sort());
    const connections = rows.filter(({ kind }) => kind === 'connection').length;
    const states = await eventually(
      async () => {
        const found = await client.api.rows('SELECT connection_name, state FROM system.nats_connections');
        return found.length === connections && found;
      },
      { what: 'all connections in system.nats_connections' },
    );
    for (const { connection_name, state } of states)
      expect(
        ['idle', 'connecting', 'connected', 'reconnecting', 'blocked', 'failed'],
        String(connection_name),
      ).toContain(state);
  });

  it('are dropped again, whatever depends on what', async () => {
    const kinds = [
      ['PIPELINE', /^CREATE PIPELINE/m],
      ['TABLE', /^CREATE TABLE/m],
      ['CONNECTION', /^CREATE CONNECTION/m],
    ] as const;
    const drops = kinds.flatMap(([kind, pattern]) =>
      specStatements
        .filter(({ id, sql }) => definitions.includes(id) && pattern.test(sql))
        .map(({ id }) => `DROP ${kind} ${id};`),
    );
    expect(drops).toHaveLength(definitions.length);
    await client.run(drops.join('\n'));
    for (const kind of ['connections', 'tables', 'pipelines'])
      expect((await client.api.get(`/${kind}`)).body.items, kind).toEqual([]);
  });
});
