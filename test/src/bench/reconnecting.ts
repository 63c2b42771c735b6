import { apiOf } from '../api.js';
import { eventually } from '../eventually.js';
import { freePort } from '../free-port.js';
import type { TestMesh } from '../servers/mesh.js';
import { startNats } from '../servers/nats.js';
import { residentMiB } from './process-usage.js';

const scriptStatements = 500;
const bucketMs = 100;
const backTimeoutMs = 60_000;

export interface Reconnecting {
  /** Connections that read from the server after its restart, all of them made again. */
  readonly back: number;
  /** From when the server listened again to when the last one was back. */
  readonly allBackMs: number;
  /** The most that the server accepted within 100 ms. */
  readonly peakPer100Ms: number;
  /** What it accepted in each 100 ms, from the first on. */
  readonly per100Ms: readonly number[];
  /** Resident memory of the ingestion process, before the server ended and after all were back. */
  readonly residentMiB: { readonly before: number; readonly after: number };
}

/** Many connections to one server, each with a pipeline, are there again after the server was away for `awayMs`; how they came is what the server saw. */
export async function measureReconnecting(mesh: TestMesh, count: number, awayMs: number): Promise<Reconnecting> {
  const monitorPort = await freePort();
  const config = `http: "127.0.0.1:${monitorPort}"\n`;
  const server = await startNats({ config, jetstream: false });
  const reading = () => readersAcceptedAt(monitorPort);
  try {
    await define(mesh, server.url, count);
    await eventually(async () => (await reading()).length === count, {
      what: `${count} connections`,
      timeoutMs: backTimeoutMs,
    });
    const ingestionPid = mesh.ingestion[0]?.pid ?? 0;
    const before = residentMiB(ingestionPid);
    await server.down();
    await new Promise((resolve) => setTimeout(resolve, awayMs));
    await server.up();
    const upAtMs = Date.now();
    const times = await eventually(
      async () => {
        const all = await reading();
        return all.length === count && all;
      },
      { what: `${count} connections to be back`, timeoutMs: backTimeoutMs },
    );
    const first = Math.min(...times);
    const per100Ms: number[] = [];
    for (const time of times) {
      const bucket = Math.floor((time - first) / bucketMs);
      per100Ms[bucket] = (per100Ms[bucket] ?? 0) + 1;
    }
    return {
      back: times.length,
      allBackMs: Math.max(...times) - upAtMs,
      peakPer100Ms: Math.max(...per100Ms.filter((n) => n !== undefined)),
      per100Ms: Array.from(per100Ms, (n) => n ?? 0),
      residentMiB: { before, after: residentMiB(ingestionPid) },
    };
  } finally {
    await server.stop();
  }
}

async function define(mesh: TestMesh, servers: string, count: number): Promise<void> {
  const { post } = apiOf(mesh);
  const statements = Array.from({ length: count }, (_, i) => [
    `CREATE CONNECTION herd_${i} TO nats (servers = '${servers}', subject = 'herd.${i}', type = 'source', format = 'json', max_reconnects = -1)`,
    `CREATE PIPELINE of_herd_${i} AS SELECT * FROM herd_${i}`,
  ]).flat();
  for (let i = 0; i < statements.length; i += scriptStatements) {
    const { status, body } = await post('/sql', { sql: statements.slice(i, i + scriptStatements).join(';\n') });
    if (status !== 200) throw new Error(JSON.stringify(body));
  }
}

/**
 * When the server accepted each of its clients that read (its monitoring says so to the nanosecond). One that was accepted may be still on its way: a server
 * that ended then would be measured with connections that were never there.
 */
async function readersAcceptedAt(monitorPort: number): Promise<number[]> {
  const answer = await fetch(`http://127.0.0.1:${monitorPort}/connz?limit=100000`);
  const { connections } = (await answer.json()) as { connections: { start: string; subscriptions: number }[] | null };
  return (connections ?? []).filter(({ subscriptions }) => subscriptions > 0).map(({ start }) => Date.parse(start));
}
