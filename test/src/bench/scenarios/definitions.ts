import { freePort } from '../../free-port.js';
import type { ServiceName } from '../../servers/service.js';
import { figure } from '../figures.js';
import { expectStatus, type MeasuredMesh, withMesh } from '../laminar.js';
import { type Figure, type Scenario, scaled } from '../scenario.js';

const connections = 1_000;
const pipelinesPerConnection = 9;
const appliedPerRun = 10;
const services: readonly ServiceName[] = ['control-plane', 'query', 'ingestion'];

/** How soon services are ready, and a definition is applied, among ten thousand others. */
export const definitions: Scenario = {
  name: 'definitions',
  title: `${connections * (1 + pipelinesPerConnection)} definitions: ${connections} connections, and ${pipelinesPerConnection} stopped pipelines over each`,
  measure: ({ runs, scale }) =>
    withMesh(
      async (measured) => {
        const writing = await defineAll(measured, scaled(connections, scale, 10));
        const figures: Figure[] = [writing];
        for (const service of services) figures.push(await measureReady(measured, service, runs));
        figures.push(await measureApplied(measured, runs * appliedPerRun));
        return { figures };
      },
      { query: true },
    ),
};

/** Stopped, so that it is the definitions that weigh. */
async function defineAll({ mesh, define }: MeasuredMesh, count: number): Promise<Figure> {
  const options = (name: string) =>
    `servers = '${mesh.nats.url}', subject = '${name}.>', type = 'source', format = 'json'`;
  const statements: string[] = [];
  for (let c = 0; c < count; c++) {
    statements.push(`CREATE CONNECTION c${c} TO nats (${options(`c${c}`)})`);
    for (let p = 0; p < pipelinesPerConnection; p++) {
      const query = `SELECT id, amount * ${p + 1} AS amount FROM c${c} WHERE amount > ${p}`;
      statements.push(`CREATE PIPELINE p${c}_${p} AS ${query}`, `STOP PIPELINE p${c}_${p}`);
    }
  }
  const startedMs = performance.now();
  await define(statements);
  const perSecond = statements.length / ((performance.now() - startedMs) / 1_000);
  await define([`CREATE CONNECTION warm TO nats (${options('warm')})`], 'applied');
  return figure('events written by scripts', '/s', [perSecond]);
}

/** One more process of that service, from its start on. */
async function measureReady({ mesh }: MeasuredMesh, service: ServiceName, runs: number): Promise<Figure> {
  const seconds: number[] = [];
  for (let run = 0; run < runs; run++) {
    // The first query service keeps the port to which spans go.
    const port: Record<string, string> = service === 'query' ? { LAMINAR_QUERY_PORT: String(await freePort()) } : {};
    const startedMs = performance.now();
    const started = await mesh.start(service, `${service}-again`, port);
    seconds.push((performance.now() - startedMs) / 1_000);
    await started.stop();
  }
  return figure(`${service} is ready after`, 's', seconds);
}

async function measureApplied({ api }: MeasuredMesh, count: number): Promise<Figure> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const pipeline = { name: `applied_${i}`, query: `SELECT id FROM warm WHERE amount > ${i}` };
    const startedMs = performance.now();
    const { body } = expectStatus(await api.post('/pipelines?wait=applied', pipeline), 201);
    times.push(performance.now() - startedMs);
    if (body.status.state !== 'running') throw new Error(`${pipeline.name}: ${JSON.stringify(body.status)}`);
  }
  return figure('a pipeline is posted and applied within', 'ms', times);
}
