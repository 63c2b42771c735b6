import type { NatsConnection } from '@nats-io/nats-core';
import { freePort } from '../../free-port.js';
import { startNats } from '../../servers/nats.js';
import { TcpProxy } from '../../servers/tcp-proxy.js';
import { figure, spread } from '../figures.js';
import { type MeasuredMesh, withMesh } from '../laminar.js';
import { orderCount, orderMessages, rowColumns, rowsOf } from '../messages.js';
import { residentMiB } from '../process-usage.js';
import { type Scenario, scaled } from '../scenario.js';

const durationMs = 60_000;
const sampleMs = 250;
const burst = 1_000;
const pipelines = 10;
/** 200 MB. */
const residentMiBMax = 190;
/** What garbage that is collected now and then may make of a flat line. */
const growthMiBMax = 10;
/** The slow sink's wire is open for a tenth of that time, and shut for the rest. */
const slowCycleMs = 1_000;

/** Memory of an ingestion process that gets more than it can do, and cannot get rid of all that it makes. Measured once, since it is a matter of time. */
export const memory: Scenario = {
  name: 'memory',
  title: `one connection at full load for ${durationMs / 1_000} s, core, to ${pipelines} pipelines, of which one writes to a sink that is away, one to a slow one; once`,
  measure: ({ scale }) =>
    withMesh(async (measured) => {
      const sinkServer = await startNats({ jetstream: false });
      const wire = new TcpProxy(sinkServer.port);
      await wire.start();
      try {
        await defineFanOut(measured, wire.url);
        const check = rowWatch(measured.nc);
        const stopSlowing = slowDown(wire);
        const samples = await flood(measured, scaled(durationMs, scale, sampleMs * 8));
        stopSlowing();
        const rows = await check();
        const quarter = samples.length / 4;
        const growth =
          spread(samples.slice(quarter * 3)).median - spread(samples.slice(quarter * 2, quarter * 3)).median;
        return {
          figures: [
            figure('resident memory at most', 'MiB', [Math.max(...samples)], {
              of: 'ours',
              bound: 'at most',
              value: residentMiBMax,
            }),
            figure('growth from the third quarter of the time to the last', 'MiB', [growth], {
              of: 'ours',
              bound: 'at most',
              value: growthMiBMax,
            }),
            figure('rows of the pipelines whose output takes them', '/s', [
              rows / ((samples.length * sampleMs) / 1_000),
            ]),
          ],
        };
      } finally {
        await wire.stop();
        await sinkServer.stop();
      }
    }),
};

async function defineFanOut({ mesh, define }: MeasuredMesh, slowUrl: string): Promise<void> {
  const awayUrl = `nats://127.0.0.1:${await freePort()}`;
  const sink = (name: string, servers: string) =>
    `CREATE CONNECTION ${name} TO nats (servers = '${servers}', subject = '${name}.out', type = 'sink')`;
  await define([
    `CREATE CONNECTION flooded TO nats (servers = '${mesh.nats.url}', subject = 'ours.in.>', type = 'source', format = 'json')`,
    sink('away', awayUrl),
    sink('slow', slowUrl),
  ]);
  const query = `SELECT ${rowColumns} FROM flooded WHERE keep`;
  const healthy = Array.from({ length: pipelines - 2 }, (_, i) => `CREATE PIPELINE healthy_${i} AS ${query}`);
  await define([...healthy, `CREATE PIPELINE to_slow AS INSERT INTO slow ${query}`], 'applied');
  await define([`CREATE PIPELINE to_away AS INSERT INTO away ${query}`]);
}

/** Gives the number of rows of all pipelines that write to the bus, and throws where one is no row of an order, or a pipeline has none. */
function rowWatch(nc: NatsConnection): () => Promise<number> {
  const expected = new Set(rowsOf(({ keep }) => keep).map((row) => row.toString()));
  const counts = new Map<string, number>();
  let wrong: string | undefined;
  const rows = nc.subscribe('laminar.output.*', {
    callback: (_, message) => {
      counts.set(message.subject, (counts.get(message.subject) ?? 0) + 1);
      if (!expected.has(message.string())) wrong ??= `${message.subject}: ${message.string()}`;
    },
  });
  return async () => {
    await nc.flush();
    rows.unsubscribe();
    if (wrong !== undefined) throw new Error(`no row of an order on ${wrong}`);
    if (counts.size !== pipelines - 2)
      throw new Error(`rows came from ${[...counts.keys()].join(', ') || 'nobody'} only`);
    return [...counts.values()].reduce((sum, count) => sum + count, 0);
  };
}

function slowDown(wire: TcpProxy): () => void {
  const timer = setInterval(() => {
    wire.pause();
    setTimeout(() => wire.resume(), slowCycleMs * 0.9);
  }, slowCycleMs);
  return () => clearInterval(timer);
}

/** As many orders as the server takes; resident memory of the ingestion process, sampled meanwhile. */
async function flood({ nc, ingestionPid }: MeasuredMesh, forMs: number): Promise<number[]> {
  const samples: number[] = [];
  const startedMs = performance.now();
  for (let sent = 0; samples.length < forMs / sampleMs; ) {
    for (let i = 0; i < burst; i++, sent++) nc.publish('ours.in.a', orderMessages[sent % orderCount]);
    await nc.flush();
    if (performance.now() - startedMs >= (samples.length + 1) * sampleMs) samples.push(residentMiB(ingestionPid));
  }
  return samples;
}
