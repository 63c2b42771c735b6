import { join } from 'node:path';
import {
  eventually,
  type ServiceProcess,
  startNats,
  startService,
  type TemporaryDirectory,
  type TestNats,
  temporaryDirectory,
} from '@laminar/test';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Replica, startReplica } from '../testing.js';

let nats: TestNats;
let replica: Replica;
const sql = (text: string, more: object = {}) => replica.call('POST', 'sql', { sql: text, ...more });

beforeAll(async () => {
  nats = await startNats();
  replica = await startReplica(nats.url);
  await eventually(() => replica.health.reason === undefined, { what: 'the control plane to be ready' });
});
afterAll(async () => {
  await replica.stop();
  await nats.stop();
});

it('says that no query service is there, beside what was applied', async () => {
  const { status, body } = await sql('CREATE PIPELINE p AS SELECT a FROM nowhere; SELECT name FROM system.definitions');
  expect(status).toBe(503);
  expect(body).toMatchObject({ code: 'query_unavailable', statement_index: 1, results: [{ action: 'created' }] });
});

describe('with a query service', () => {
  let directory: TemporaryDirectory;
  let query: ServiceProcess;

  beforeAll(async () => {
    directory = await temporaryDirectory('query');
    const env = { NATS_URL: nats.url, LAMINAR_DATA_DIR: join(directory.path, 'data') };
    query = await startService({ service: 'query', env });
  });
  afterAll(async () => {
    await query.stop();
    await directory.remove();
  });

  it('answers queries over system tables, as it does for a rehearsal', async () => {
    const text = "SELECT name FROM system.definitions WHERE kind = 'pipeline'";
    for (const more of [{}, { dry_run: true }]) {
      const { status, body } = await eventually(
        async () => {
          const answer = await sql(`SHOW PIPELINES; ${text}`, more);
          return answer.body.results?.[1]?.rows.length === 1 && answer;
        },
        { what: 'the definition to be seen' },
      );
      expect(status).toBe(200);
      expect(body.results[1]).toMatchObject({
        statement: text,
        columns: [{ name: 'name' }],
        rows: [['p']],
        complete: true,
      });
    }
    const { body } = await replica.call('POST', 'validate', { sql: text });
    expect(body.results[0].rows).toContainEqual(['source', expect.stringContaining('answered by the query service')]);
    const explained = await replica.call('POST', 'sql', { sql: `EXPLAIN ${text}` });
    expect(explained.body.results[0].rows).toContainEqual(['step', expect.any(String)]);
  });

  it('keeps every digit', async () => {
    const response = await fetch(`${replica.url}/api/v1/sql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ sql: 'SELECT 9007199254740993 AS big, 1.5 AS half, 12 AS small FROM system.definitions' }),
    });
    expect(await response.text()).toContain('"rows":[[9007199254740993,1.5,12]]');
  });

  it('refuses what SQLite refuses, and ends what takes too long', async () => {
    const unknown = await sql('SELECT nam FROM system.definitions');
    expect(unknown).toMatchObject({ status: 422, body: { code: 'invalid_query', statement_index: 0, results: [] } });
    expect(unknown.body.detail).toContain('nam');
    // As long as the query service itself allows, and no longer.
    expect((await sql('SELECT 1 AS one FROM system.definitions', { timeout_ms: 60_000 })).status).toBe(200);
    expect((await sql('SELECT 1 AS one FROM system.definitions', { timeout_ms: 60_001 })).status).toBe(422);
    const endless = await sql(
      'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n, system.definitions',
      { timeout_ms: 200 },
    );
    expect(endless).toMatchObject({ status: 504, body: { code: 'query_timeout' } });
  });
});
