import { Kvm } from '@nats-io/kv';
import { startBaseline } from '../baseline-process.js';
import { comparedFigure, percentile, type Target } from '../figures.js';
import { inTurn } from '../in-turn.js';
import { expectStatus, type MeasuredMesh, withMesh } from '../laminar.js';
import { type Scenario, scaled } from '../scenario.js';

const connections = 1_000;
const definitions = 100;

/** From the request to the running pipeline, beside a KV entry whose watcher subscribes. */
export const applied: Scenario = {
  name: 'applied',
  title: `with ${connections} connections defined: a pipeline is posted and runs, one after the other`,
  measure: ({ runs, scale }) =>
    withMesh(async (measured) => {
      const hand = await startBaseline('kv-watcher', measured.mesh.nats.url);
      try {
        await defineConnections(measured, scaled(connections, scale, 10));
        const count = scaled(definitions, scale, 5);
        const kv = await new Kvm(measured.nc).open('hand_definitions');
        let entries = 0;
        const { ours, theirs } = await inTurn(runs, {
          ours: () => measureApplied(measured, count),
          theirs: () =>
            timesMs(count, async () => {
              const key = `entry_${entries++}`;
              const told = new Promise((resolve) =>
                measured.nc.subscribe(`hand.applied.${key}`, { max: 1, callback: resolve }),
              );
              await kv.put(key, `hand.in.${key}`);
              await told;
            }),
        });
        const at = (name: string, share: number, target?: Target) => {
          const of = (times: readonly number[]) => percentile(times, share);
          const baseline = { name: 'KV entry, watched and subscribed by hand', values: theirs.map(of) };
          return comparedFigure(name, 'ms', ours.map(of), baseline, target);
        };
        return {
          figures: [
            at('half of them are applied within', 0.5, { of: 'ours', bound: 'at most', value: 50 }),
            at('99 % are applied within', 0.99),
          ],
        };
      } finally {
        await hand.stop();
      }
    }),
};

async function defineConnections({ mesh, define }: MeasuredMesh, count: number): Promise<void> {
  const connection = (name: string) =>
    `CREATE CONNECTION ${name} TO nats (servers = '${mesh.nats.url}', subject = '${name}.>', type = 'source', format = 'json')`;
  await define(Array.from({ length: count }, (_, i) => connection(`c${i}`)));
  await define([connection('warm'), 'CREATE PIPELINE over_warm AS SELECT id FROM warm'], 'applied');
}

/** New pipelines over a connection that is read already; they are dropped again, so that each run finds the same mesh. */
async function measureApplied({ api, define }: MeasuredMesh, count: number): Promise<number[]> {
  const names = Array.from({ length: count }, (_, i) => `applied_${i}`);
  let next = 0;
  const times = await timesMs(count, async () => {
    const pipeline = { name: names[next], query: `SELECT id FROM warm WHERE amount > ${next++}` };
    const { body } = expectStatus(await api.post('/pipelines?wait=applied', pipeline), 201);
    if (body.status.state !== 'running') throw new Error(`${pipeline.name}: ${JSON.stringify(body.status)}`);
  });
  await define(
    names.map((name) => `DROP PIPELINE ${name}`),
    'applied',
  );
  return times;
}

async function timesMs(count: number, work: () => Promise<void>): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const startedMs = performance.now();
    await work();
    times.push(performance.now() - startedMs);
  }
  return times;
}
