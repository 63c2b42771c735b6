import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Api, apiOf } from '../api.js';
import { eventually } from '../eventually.js';
import { startMesh, type TestMesh } from '../servers/mesh.js';

// Two control planes and a query service, killed and restarted: the log has everything.

let mesh: TestMesh;
let api: Api;
beforeAll(async () => {
  mesh = await startMesh({ controlPlanes: 2 });
  api = apiOf(mesh);
});
afterAll(() => mesh?.stop());

const options = () => ({ servers: mesh.nats.url, subject: 'a.>', type: 'source', format: 'json' });

it('gives one of fifty concurrent requests for a name the name, through whichever replica', async () => {
  const apis = [apiOf(mesh, 0), apiOf(mesh, 1)];
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, i) =>
      apis[i % 2]?.post('/connections', { name: 'wanted', connector: 'nats', options: options() }),
    ),
  );
  const counts = new Map<number, number>();
  for (const answer of answers) counts.set(answer?.status ?? 0, (counts.get(answer?.status ?? 0) ?? 0) + 1);
  expect([...counts].sort()).toEqual([
    [201, 1],
    [409, 49],
  ]);
});

it('has definitions and tables again after control plane and query service were killed', async () => {
  await api.post('/pipelines?wait=applied', { name: 'survivor', query: 'SELECT n FROM wanted' });
  const before = await api.get('/pipelines/survivor');
  const tables = ['definitions', 'definition_events', 'pipelines', 'nats_connections', 'pipeline_instances'];
  const dump = async (through: Api) => {
    const rows = [];
    for (const table of tables) rows.push(await through.rows(`SELECT * FROM system.${table} ORDER BY 1, 2, 3`));
    // These are measured anew each second.
    return JSON.parse(
      JSON.stringify(rows, (key, value) => (/updated_at|rtt_ms|latency/.test(key) ? undefined : value)),
    );
  };
  const dumped = await eventually(
    async () => {
      const rows = await dump(api);
      // Each table is a read of its own and follows in its own time: what is kept has the pipeline in all of them.
      const [definitions, events, pipelines, connections, instances] = rows;
      expect(definitions).toContainEqual(expect.objectContaining({ name: 'survivor' }));
      expect(events).toContainEqual(expect.objectContaining({ name: 'survivor', type: 'PipelineCreated' }));
      expect(pipelines).toContainEqual(expect.objectContaining({ name: 'survivor', state: 'running' }));
      expect(connections).toContainEqual(expect.objectContaining({ subscriptions_count: 1 }));
      expect(instances).toContainEqual(expect.objectContaining({ pipeline: 'survivor', state: 'running' }));
      return rows;
    },
    { what: 'the tables to be filled' },
  );
  const killed = [mesh.query, mesh.controlPlanes[0]];
  for (const service of killed) service?.kill('SIGKILL');
  await Promise.all(killed.map((service) => service?.exited));
  const port = new URL(mesh.query?.url ?? '').port;
  await mesh.start('query', 'query-1', { LAMINAR_QUERY_PORT: port });
  const replacement = await mesh.start('control-plane', 'control-plane-1');
  const again = apiOf({ ...mesh, controlPlanes: [replacement] });
  const after = await again.get('/pipelines/survivor');
  expect(after.body).toMatchObject({ ...before.body, status: expect.anything() });
  await eventually(
    async () => {
      expect(await dump(again)).toEqual(dumped);
      return true;
    },
    { what: 'the same tables' },
  );
});
