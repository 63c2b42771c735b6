import { createOutputSink, HeaderBlock } from '@laminar/connectors';
import { resolveConnection } from '@laminar/definitions';
import { DefinitionFiles } from '@laminar/runtime';
import { eventually, startNats, TcpProxy, type TestNats } from '@laminar/test';
import { DiscardPolicy, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { CounterRegistry } from '../delivery/counters.js';
import type { ConnectionSpec } from '../desired/slot.js';
import { LogPublisher } from '../logs/log-publisher.js';
import type { SharedSink } from './shared-sink.js';
import { SinkPool } from './sink-pool.js';

let server: TestNats;
let nc: NatsConnection;
let pool: SinkPool;
const users = [{}, {}] as const;

beforeAll(async () => {
  server = await startNats();
  nc = await connect({ servers: server.url });
  const jsm = await jetstreamManager(nc);
  await jsm.streams.add({ name: 'FULL', subjects: ['full'], discard: DiscardPolicy.New, max_msgs: 1 });
  await nc.request('full', 'it is');
  pool = new SinkPool({
    busSink: createOutputSink(nc, { durable: false }),
    clientName: 'test',
    secrets: { find: (name) => ({ problem: `there is no secret "${name}"` }) },
    files: new DefinitionFiles([]),
    logs: new LogPublisher({ nc, instance: 'i', isAway: () => false, onDropped: () => undefined }),
    counters: new CounterRegistry(),
    onChange: () => undefined,
  });
});
afterEach(async () => {
  for (const user of users) await pool.retain(user, []);
  await pool.closed();
});
afterAll(async () => {
  await nc?.close();
  await server?.stop();
});

const sinkTo = (name: string, servers = server.url): ConnectionSpec => {
  const options = { type: 'sink', jetstream: true, subject: 'full', servers };
  return {
    name,
    revision: 1,
    incarnation: 1,
    cause: { traceparent: '', atMs: 0 },
    resolved: resolveConnection(name, { connector: 'nats', options }),
  };
};

/** A sink with a row that its stream does not take. */
async function withRow(spec: ConnectionSpec, user: object): Promise<SharedSink> {
  const shared = pool.acquire(spec, user) as SharedSink;
  const sink = await eventually(() => shared.sink, { what: 'the sink to be open' });
  sink.publish({ subject: 'full', data: new Uint8Array(), headers: new HeaderBlock('') }, undefined, user);
  await eventually(() => sink.problem?.includes('waits'), { what: 'the refusal' });
  return shared;
}

it('has ended what a user let go of, now or before, when it says so', async () => {
  const [before, now] = [await withRow(sinkTo('before'), users[0]), await withRow(sinkTo('now'), users[0])];
  void pool.retain(users[0], [now.spec]);
  await pool.retain(users[0], []);
  expect([before, now].map(({ connection }) => connection !== undefined)).toEqual([false, false]);
});

it('does not wait for what others use, too', async () => {
  const shared = await withRow(sinkTo('shared'), users[0]);
  pool.acquire(shared.spec, users[1]);
  await pool.retain(users[0], []);
  expect(shared.sink).toBeDefined();
});

it('withdraws what a user left that it lets go of, where others use it, too', async () => {
  const shared = await withRow(sinkTo('left'), users[0]);
  pool.acquire(shared.spec, users[1]);
  await pool.retain(users[0], []);
  await shared.sink?.confirmed();
  expect(shared.sink).toBeDefined();
});

it('does not wait for what was never open', async () => {
  const proxy = new TcpProxy(server.port);
  await proxy.start();
  try {
    proxy.pause();
    pool.acquire(sinkTo('silent', proxy.url), users[0]);
    await eventually(() => proxy.held > 0, { what: 'an attempt to connect' });
    await pool.retain(users[0], []);
    expect(proxy.held).toBe(1);
  } finally {
    await proxy.stop();
  }
});
