import { Catalog, foldStoredEvent } from '@laminar/definitions';
import { openEventLog } from '@laminar/event-store';
import { buckets } from '@laminar/protocol';
import { Kvm } from '@nats-io/kv';
import { connect } from '@nats-io/transport-node';
import { comparedFigure } from '../figures.js';
import { inTurn } from '../in-turn.js';
import { type MeasuredMesh, withMesh } from '../laminar.js';
import { type Scenario, scaled } from '../scenario.js';

const events = 10_000;

/** The event log from its first event to its last, decoded and folded, beside a plain watch of the same bucket. */
export const logReplay: Scenario = {
  name: 'log-replay',
  title: `the log of ${events.toLocaleString('en')} definition events, read, decoded and folded into the catalog`,
  measure: ({ runs, scale }) =>
    withMesh(
      async (measured) => {
        const count = scaled(events, scale, 2);
        await fillLog(measured, count);
        const { ours, theirs } = await inTurn(runs, {
          ours: () => replay(measured.mesh.nats.url, count),
          theirs: () => watch(measured.mesh.nats.url, count),
        });
        return {
          figures: [
            comparedFigure('events', '/s', ours, { name: 'KV watch of nats.js, nothing decoded', values: theirs }),
          ],
        };
      },
      { ingestion: 0 },
    ),
};

/** As many connections as pipelines over them. */
async function fillLog({ mesh, define }: MeasuredMesh, count: number): Promise<void> {
  const statements = Array.from({ length: count / 2 }, (_, i) => [
    `CREATE CONNECTION c${i} TO nats (servers = '${mesh.nats.url}', subject = 'c${i}.>', type = 'source', format = 'json')`,
    `CREATE PIPELINE p${i} AS SELECT id, amount * 2 AS amount FROM c${i} WHERE amount > 100`,
  ]).flat();
  await define(statements);
}

async function replay(servers: string, count: number): Promise<number> {
  const nc = await connect({ servers });
  try {
    const startedMs = performance.now();
    const catalog = new Catalog();
    const log = await openEventLog(nc, { bucket: buckets.definitions, replicas: 1 });
    const subscription = await log.subscribe((event) => void foldStoredEvent(catalog, event));
    await subscription.caughtUp;
    const elapsedMs = performance.now() - startedMs;
    await subscription.close();
    const defined = catalog.list('connection').length + catalog.list('pipeline').length;
    if (defined !== count) throw new Error(`the catalog has ${defined} definitions instead of ${count}`);
    return count / (elapsedMs / 1_000);
  } finally {
    await nc.close();
  }
}

async function watch(servers: string, count: number): Promise<number> {
  const nc = await connect({ servers });
  try {
    const startedMs = performance.now();
    const kv = await new Kvm(nc).open(buckets.definitions);
    let seen = 0;
    for await (const _ of await kv.watch()) if (++seen === count) break;
    return count / ((performance.now() - startedMs) / 1_000);
  } finally {
    await nc.close();
  }
}
