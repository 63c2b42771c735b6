import { startBaseline } from '../baseline-process.js';
import { runCoreJob } from '../core-job.js';
import { inTurn } from '../in-turn.js';
import { jobFigures } from '../job-figures.js';
import { withMesh } from '../laminar.js';
import { orderCount, rowColumns, rowsOf } from '../messages.js';
import { type Scenario, scaled } from '../scenario.js';

const messages = 200_000;

/** What a message costs at full load, beside a hand-written nats.js loop. */
export const coreToCore: Scenario = {
  name: 'core-to-core',
  title: 'core to core: orders of 200 bytes, half of them filtered, the rest reshaped',
  measure: ({ runs, scale }) =>
    withMesh(async ({ mesh, nc, define, ingestionPid }) => {
      const hand = await startBaseline('core-to-core', mesh.nats.url);
      try {
        await define(
          [
            `CREATE CONNECTION bench_in TO nats (servers = '${mesh.nats.url}', subject = 'ours.in.>', type = 'source', format = 'json')`,
            `CREATE PIPELINE bench AS SELECT ${rowColumns} FROM bench_in WHERE keep`,
          ],
          'applied',
        );
        const rows = rowsOf(({ keep }) => keep);
        const run = (input: string, output: string, pid: number) =>
          runCoreJob(nc, {
            count: scaled(messages, scale, orderCount),
            input,
            outputs: [{ subject: output, rows }],
            pid,
          });
        const { ours, theirs } = await inTurn(runs, {
          ours: () => run('ours.in.a', 'laminar.output.bench', ingestionPid),
          theirs: () => run('hand.in.a', 'hand.out', hand.pid),
        });
        const cpuTarget = { of: 'ratio', bound: 'at most', value: 0.9 } as const;
        return { figures: jobFigures(ours, { name: 'nats.js by hand', runs: theirs }, { cpu: cpuTarget }) };
      } finally {
        await hand.stop();
      }
    }),
};
