import { metricsStream } from '@laminar/protocol';
import { startNats, type TestNats } from '@laminar/test';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { followMetrics } from './metrics-feed.js';

let nats: TestNats;
let nc: NatsConnection;
beforeEach(async () => {
  nats = await startNats();
  nc = await connect({ servers: nats.url });
});
afterEach(async () => {
  await nc.close();
  await nats.stop();
});

it('makes the stream as an instance would, so that either may come first', async () => {
  const feed = await followMetrics({ nc, replicas: 1, onMessage: () => undefined });
  await feed.caughtUp;
  const jsm = await jetstreamManager(nc);
  await expect(jsm.streams.add(metricsStream(1))).resolves.toMatchObject({ config: { allow_direct: true } });
  await feed.close();
});
