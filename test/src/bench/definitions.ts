// `npm run bench -- definitions`: how soon services are ready, and a definition is applied, among ten thousand others.
import { apiOf } from '../api.js';
import { freePort } from '../free-port.js';
import { startMesh, type TestMesh } from '../servers/mesh.js';
import type { ServiceName } from '../servers/service.js';
import { show, spread } from './figures.js';

const connections = 1000;
const pipelinesPerConnection = 9;
const applied = 50;
const scriptStatements = 500;

const mesh = await startMesh();
try {
  await define(mesh);
  await measureReady(mesh);
  await measureApplied(mesh);
} finally {
  await mesh.stop();
}

/** A thousand connections and nine pipelines over each, stopped, so that it is the definitions that weigh. */
async function define(mesh: TestMesh): Promise<void> {
  const { post, put } = apiOf(mesh);
  const options = (name: string) =>
    `servers = '${mesh.nats.url}', subject = '${name}.>', type = 'source', format = 'json'`;
  const statements: string[] = [];
  for (let c = 0; c < connections; c++) {
    statements.push(`CREATE CONNECTION c${c} TO nats (${options(`c${c}`)})`);
    for (let p = 0; p < pipelinesPerConnection; p++) {
      const query = `SELECT id, amount * ${p + 1} AS amount FROM c${c} WHERE amount > ${p}`;
      statements.push(`CREATE PIPELINE p${c}_${p} AS ${query}`, `STOP PIPELINE p${c}_${p}`);
    }
  }
  const startedMs = performance.now();
  for (let i = 0; i < statements.length; i += scriptStatements) {
    const sql = statements.slice(i, i + scriptStatements).join(';\n');
    const { status, body } = await post('/sql', { sql });
    if (status !== 200) throw new Error(JSON.stringify(body));
  }
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  console.log(`${connections * (1 + pipelinesPerConnection)} definitions in ${statements.length} events: ${seconds} s`);
  await put('/connections/warm?wait=applied', {
    connector: 'nats',
    options: { servers: mesh.nats.url, subject: 'warm', type: 'source', format: 'json' },
  });
}

async function measureReady(mesh: TestMesh): Promise<void> {
  for (const service of ['control-plane', 'query', 'ingestion'] as ServiceName[]) {
    // The first query service keeps the port to which spans go.
    const port: Record<string, string> = service === 'query' ? { LAMINAR_QUERY_PORT: String(await freePort()) } : {};
    const startedMs = performance.now();
    const started = await mesh.start(service, `${service}-again`, port);
    console.log(`${service} is ready after ${((performance.now() - startedMs) / 1000).toFixed(2)} s`);
    await started.stop();
  }
}

async function measureApplied(mesh: TestMesh): Promise<void> {
  const { post } = apiOf(mesh);
  const times: number[] = [];
  for (let i = 0; i < applied; i++) {
    const startedMs = performance.now();
    const query = `SELECT id FROM warm WHERE amount > ${i}`;
    const { status, body } = await post('/pipelines?wait=applied', { name: `applied_${i}`, query });
    if (status !== 201 || body.status.state !== 'running') throw new Error(JSON.stringify(body));
    times.push(performance.now() - startedMs);
  }
  console.log(`a pipeline is posted and applied within ${show(spread(times), 0)} ms, median (least to most)`);
}
