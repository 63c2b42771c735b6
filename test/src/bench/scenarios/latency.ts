import type { NatsConnection } from '@nats-io/nats-core';
import { startBaseline } from '../baseline-process.js';
import { comparedFigure, percentile } from '../figures.js';
import { inTurn } from '../in-turn.js';
import { withMesh } from '../laminar.js';
import { orderCount, rowColumns } from '../messages.js';
import { type Scenario, scaled } from '../scenario.js';
import { TimedOrders } from '../timed-orders.js';

const messages = 25_000;
const messagesPerSecond = 5_000;
/** How long the last rows may take. */
const lastRowsTimeoutMs = 10_000;

/** From the publication of an order to the arrival of its row, by the clock of the process that does both. */
export const latency: Scenario = {
  name: 'latency',
  title: `core to core at a pace of ${messagesPerSecond} orders a second: from the order's publication to its row's arrival`,
  measure: ({ runs, scale }) =>
    withMesh(async ({ mesh, nc, define }) => {
      const hand = await startBaseline('core-to-core', mesh.nats.url);
      try {
        await define(
          [
            `CREATE CONNECTION paced TO nats (servers = '${mesh.nats.url}', subject = 'ours.in.>', type = 'source', format = 'json')`,
            `CREATE PIPELINE paced_out AS SELECT ${rowColumns}, sent FROM paced WHERE keep`,
          ],
          'applied',
        );
        const count = scaled(messages, scale, orderCount);
        const { ours, theirs } = await inTurn(runs, {
          ours: () => measureLatenciesMs(nc, count, 'ours.in.a', 'laminar.output.paced_out'),
          theirs: () => measureLatenciesMs(nc, count, 'hand.in.a', 'hand.out'),
        });
        const within = (name: string, share: number, targetMs: number) => {
          const of = (run: Float64Array) => percentile(run, share);
          const baseline = { name: 'nats.js by hand', values: theirs.map(of) };
          return comparedFigure(name, 'ms', ours.map(of), baseline, { of: 'ours', bound: 'at most', value: targetMs });
        };
        return {
          figures: [
            within('latency, half of the rows within', 0.5, 1),
            within('latency, 99 % of the rows within', 0.99, 5),
          ],
        };
      } finally {
        await hand.stop();
      }
    }),
};

/** Throws where a row is missing, doubled, or out of order. */
async function measureLatenciesMs(
  nc: NatsConnection,
  count: number,
  input: string,
  output: string,
): Promise<Float64Array> {
  const timed = new TimedOrders();
  const latencies = new Float64Array(count / 2);
  let received = 0;
  let wrong: string | undefined;
  const rows = nc.subscribe(output, {
    callback: (_, message) => {
      const agoMs = timed.agoMs(message.data, received);
      if (agoMs === undefined) wrong ??= `row ${received} is ${message.string()}`;
      else latencies[received] = agoMs;
      received++;
    },
  });
  await nc.flush();
  const startedMs = performance.now();
  for (let sent = 0; sent < count; ) {
    const due = Math.min(count, Math.floor(((performance.now() - startedMs) / 1_000) * messagesPerSecond));
    for (; sent < due; sent++) nc.publish(input, timed.message(sent));
    // A millisecond's pause is the pace; a loop without one would take a core from those who are measured.
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const deadlineMs = performance.now() + lastRowsTimeoutMs;
  while (received < count / 2 && performance.now() < deadlineMs) await new Promise(setImmediate);
  await nc.flush();
  rows.unsubscribe();
  if (wrong !== undefined) throw new Error(`${output}: ${wrong}`);
  if (received !== count / 2) throw new Error(`${output}: ${received} rows instead of ${count / 2}`);
  return latencies;
}
