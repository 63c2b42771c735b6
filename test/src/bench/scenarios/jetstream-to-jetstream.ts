import { jetstreamManager } from '@nats-io/jetstream';
import { startBaseline } from '../baseline-process.js';
import { buildCPublisher } from '../c-publisher.js';
import { comparedFigure } from '../figures.js';
import { inTurn } from '../in-turn.js';
import { jobFigures } from '../job-figures.js';
import { withMesh } from '../laminar.js';
import { orderCount, rowColumns, rowsOf } from '../messages.js';
import { type Scenario, scaled } from '../scenario.js';
import { jobMessages, runStreamJob } from '../stream-job.js';
import { handSide, ourSide, streamSource } from '../stream-sides.js';

const notInstalled = 'the C client is not installed (libnats-dev and a C compiler): no ceiling to compare with';

/** What exactly once costs, beside a hand-written loop that publishes with ids, and beside the C client that only publishes. */
export const jetstreamToJetstream: Scenario = {
  name: 'jetstream-to-jetstream',
  title:
    'a JetStream durable to JetStream with message ids: orders of 200 bytes, half of them filtered, the rest reshaped',
  measure: ({ runs, scale }) =>
    withMesh(async ({ mesh, nc, api, define, ingestionPid }) => {
      const jsm = await jetstreamManager(nc);
      const hand = await startBaseline('jetstream-to-jetstream', mesh.nats.url);
      const publisher = await buildCPublisher();
      try {
        await define(
          [
            streamSource(mesh.nats.url),
            `CREATE CONNECTION bench_out TO nats (servers = '${mesh.nats.url}', subject = 'ours.out', type = 'sink', jetstream = true, stream_name = 'OURS_OUT', stream_subjects = 'ours.out')`,
            `CREATE PIPELINE bench AS INSERT INTO bench_out SELECT ${rowColumns} FROM bench_in WHERE keep`,
            'STOP PIPELINE bench',
          ],
          'applied',
        );
        await jsm.streams.add({ name: 'HAND_OUT', subjects: ['hand.out'] });
        await jsm.streams.add({ name: 'C_OUT', subjects: ['c.out'] });
        const laminar = ourSide(api, 'bench', ingestionPid);
        const byHand = await handSide(jsm, hand);
        const rows = rowsOf(({ keep }) => keep);
        const count = scaled(jobMessages, scale, orderCount);
        let round = 0;
        const { ours, theirs, ceiling } = await inTurn(runs, {
          ours: () => runStreamJob(nc, jsm, { count, rows, ...laminar, output: { stream: 'OURS_OUT' } }),
          theirs: () => runStreamJob(nc, jsm, { count, rows, ...byHand, output: { stream: 'HAND_OUT' } }),
          async ceiling() {
            await jsm.streams.purge('C_OUT');
            const job = { url: mesh.nats.url, subject: 'c.out', bytes: rows[0]?.length ?? 0, idPrefix: `c-${round++}` };
            const messagesPerSecond = await publisher?.publish({ ...job, count });
            const stored = (await jsm.streams.info('C_OUT')).state.messages;
            if (publisher && stored !== count) throw new Error(`the C client stored ${stored} of ${count} messages`);
            return messagesPerSecond;
          },
        });
        const figures = jobFigures(
          ours,
          { name: 'nats.js by hand', runs: theirs },
          { throughput: { of: 'ratio', bound: 'at least', value: 2.5 } },
        );
        const values = ceiling.filter((value) => value !== undefined);
        if (values.length === 0) return { figures, notes: [notInstalled] };
        const beside = comparedFigure(
          'messages read, beside messages stored by a C client that only publishes',
          '/s',
          ours.map(({ messagesPerSecond }) => messagesPerSecond),
          { name: 'C client, publishing with ids', values },
          { of: 'ratio', bound: 'at least', value: 0.5 },
        );
        return { figures: [...figures, beside] };
      } finally {
        await publisher?.remove();
        await hand.stop();
      }
    }),
};
