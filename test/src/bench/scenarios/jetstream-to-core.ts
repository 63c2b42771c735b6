import { jetstreamManager } from '@nats-io/jetstream';
import { startBaseline } from '../baseline-process.js';
import { inTurn } from '../in-turn.js';
import { jobFigures } from '../job-figures.js';
import { withMesh } from '../laminar.js';
import { orderCount, rowColumns, rowsOf } from '../messages.js';
import { type Scenario, scaled } from '../scenario.js';
import { jobMessages, runStreamJob } from '../stream-job.js';
import { handSide, ourSide, streamSource } from '../stream-sides.js';

/** What a message costs that is acknowledged, beside a hand-written loop that consumes, publishes and acknowledges. */
export const jetstreamToCore: Scenario = {
  name: 'jetstream-to-core',
  title:
    'a JetStream durable to core: orders of 200 bytes, half of them filtered, the rest reshaped, each acknowledged',
  measure: ({ runs, scale }) =>
    withMesh(async ({ mesh, nc, api, define, ingestionPid }) => {
      const jsm = await jetstreamManager(nc);
      const hand = await startBaseline('jetstream-to-core', mesh.nats.url);
      try {
        await define(
          [
            streamSource(mesh.nats.url),
            `CREATE PIPELINE bench AS SELECT ${rowColumns} FROM bench_in WHERE keep`,
            'STOP PIPELINE bench',
          ],
          'applied',
        );
        const laminar = ourSide(api, 'bench', ingestionPid);
        const byHand = await handSide(jsm, hand);
        const job = { count: scaled(jobMessages, scale, orderCount), rows: rowsOf(({ keep }) => keep) };
        const { ours, theirs } = await inTurn(runs, {
          ours: () => runStreamJob(nc, jsm, { ...job, ...laminar, output: { subject: 'laminar.output.bench' } }),
          theirs: () => runStreamJob(nc, jsm, { ...job, ...byHand, output: { subject: 'hand.out' } }),
        });
        return { figures: jobFigures(ours, { name: 'nats.js by hand', runs: theirs }) };
      } finally {
        await hand.stop();
      }
    }),
};
