import { startBaseline } from '../baseline-process.js';
import { runCoreJob } from '../core-job.js';
import { inTurn } from '../in-turn.js';
import { jobFigures } from '../job-figures.js';
import { withMesh } from '../laminar.js';
import { orderCount, rowColumns, rowsOf } from '../messages.js';
import { type Scenario, scaled } from '../scenario.js';

const messages = 100_000;
const tenths = Array.from({ length: 10 }, (_, tenth) => ({ tenth, from: tenth * 10, below: (tenth + 1) * 10 }));

/** Ten pipelines over one connection, each of which takes a tenth of the messages, beside one loop with ten filters. */
export const fanOut: Scenario = {
  name: 'fan-out',
  title: 'one connection to ten pipelines, core to core, each takes another tenth of the orders and reshapes it',
  measure: ({ runs, scale }) =>
    withMesh(async ({ mesh, nc, define, ingestionPid }) => {
      const hand = await startBaseline('fan-out', mesh.nats.url);
      try {
        await define(
          [
            `CREATE CONNECTION fan_in TO nats (servers = '${mesh.nats.url}', subject = 'ours.in.>', type = 'source', format = 'json')`,
            ...tenths.map(
              ({ tenth, from, below }) =>
                `CREATE PIPELINE fan_${tenth} AS SELECT ${rowColumns} FROM fan_in WHERE percent >= ${from} AND percent < ${below}`,
            ),
          ],
          'applied',
        );
        const rows = tenths.map(({ from, below }) => rowsOf(({ percent }) => percent >= from && percent < below));
        const run = (input: string, output: string, separator: string, pid: number) =>
          runCoreJob(nc, {
            count: scaled(messages, scale, orderCount),
            input,
            outputs: rows.map((cycle, tenth) => ({ subject: `${output}${separator}${tenth}`, rows: cycle })),
            pid,
          });
        const { ours, theirs } = await inTurn(runs, {
          ours: () => run('ours.in.a', 'laminar.output.fan', '_', ingestionPid),
          theirs: () => run('hand.in.a', 'hand.out', '.', hand.pid),
        });
        return { figures: jobFigures(ours, { name: 'nats.js by hand', runs: theirs }) };
      } finally {
        await hand.stop();
      }
    }),
};
