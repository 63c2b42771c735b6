import { streamOfBucket } from '@laminar/protocol';
import { eventually, startCluster, type TestCluster } from '@laminar/test';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openEventLog } from './index.js';

const electionTimeoutMs = 60_000;

let cluster: TestCluster;
let nc: NatsConnection;
beforeAll(async () => {
  cluster = await startCluster(3, { jetstream: true });
  nc = await connect({ servers: cluster.urls.split(','), maxReconnectAttempts: -1, reconnectTimeWait: 50 });
});
afterAll(async () => {
  await nc?.close();
  await cluster?.stop();
});

const settled = <T>(what: string, work: () => Promise<T>) =>
  eventually(async () => ({ result: await work() }), { what, timeoutMs: electionTimeoutMs }).then(
    ({ result }) => result,
  );

it('follows the log on when the one server that its consumer stands on is gone', async () => {
  const log = await settled('a log of three replicas', () => openEventLog(nc, { bucket: 'log', replicas: 3 }));
  const data = new Uint8Array(1);
  await settled('an append', () => log.append({ key: 'a.1', data, expectedRevision: 0, eventId: '1' }));
  const seen: number[] = [];
  const subscription = await settled('a subscription', () => log.subscribe(({ revision }) => seen.push(revision)));
  await subscription.caughtUp;
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  const [consumer] = await jsm.consumers.list(streamOfBucket('log')).next();
  cluster.server(consumer?.cluster?.leader ?? '').kill('SIGKILL');
  await settled('an append without that server', async () => {
    const expectedRevision = await log.lastRevision();
    if (expectedRevision === 1) await log.append({ key: 'a.2', data, expectedRevision, eventId: '2' });
  });
  await subscription.reached(2, electionTimeoutMs);
  expect(seen).toEqual([1, 2]);
  await subscription.close();
}, 180_000);

it('says what three replicas take where there are fewer servers', async () => {
  const two = await startCluster(2, { jetstream: true });
  const own = await connect({ servers: two.urls.split(',') });
  try {
    const why = await eventually(
      async () => {
        const error = await openEventLog(own, { bucket: 'log', replicas: 3 }).catch((error: Error) => error);
        return error instanceof Error && error.name === 'ReplicasUnavailable' && error.message;
      },
      { what: 'the servers to have no place', timeoutMs: electionTimeoutMs },
    );
    expect(why).toMatch(/^there is no place for 3 replicas of the stream KV_log .*LAMINAR_REPLICAS$/);
  } finally {
    await own.close();
    await two.stop();
  }
}, 120_000);
