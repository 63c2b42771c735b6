import type { Options } from '@laminar/definitions';
import { eventually, startNats, type TestNats } from '@laminar/test';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Feeding } from './testing/feeding.js';
import { IngestionMesh } from './testing/ingestion-mesh.js';

// Sources without a durable: the mesh keeps how far they were read, whichever process reads, and whatever happens to it.

let mesh: IngestionMesh;
let outside: TestNats;
let nc: NatsConnection;
beforeAll(async () => {
  [mesh, outside] = await Promise.all([IngestionMesh.start({ instances: 2 }), startNats()]);
  nc = await connect({ servers: outside.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
});
afterAll(async () => {
  await nc?.close();
  await mesh?.stop();
  await outside?.stop();
});

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);
const running = (pipeline: string) =>
  mesh.board
    .pipeline(pipeline)
    .filter(({ state }) => state === 'running')
    .map(({ instance }) => instance);

async function define(name: string, source: Options, sink: { readonly servers?: string } = {}): Promise<void> {
  await mesh.connection(`in_${name}`, {
    type: 'source',
    format: 'json',
    jetstream: true,
    subject: `in.${name}`,
    stream_name: `IN_${name}`,
    stream_subjects: `in.${name}`,
    ...source,
  });
  const output = { type: 'sink', jetstream: true, subject: `out.${name}`, reconnect_wait_ms: 50, max_reconnects: -1 };
  await mesh.connection(
    `out_${name}`,
    { ...output, stream_name: `OUT_${name}`, stream_subjects: `out.${name}` },
    sink.servers,
  );
  await mesh.pipeline(name, `INSERT INTO out_${name} SELECT n FROM in_${name}`);
  await mesh.settled(name, 'running');
}

describe.each([
  ['ordered', { consumer_ordered: true }],
  ['ephemeral', { consumer_durable: false, consumer_ack_wait_s: 1 }],
])('an %s source', (kind, options) => {
  it('gives each message once and in order, though its process is killed', async () => {
    const name = `kill_${kind}`;
    const count = 3000;
    await define(name, options);
    const feeding = mesh.feed(`in.${name}`, 0, count);
    await eventually(async () => (await mesh.count(`OUT_${name}`)) >= 300, { what: 'some rows' });
    const [owner] = running(name);
    const index = Number(owner?.split('-')[1]) - 1;
    mesh.mesh.ingestion[index]?.kill('SIGKILL');
    await feeding;
    await eventually(async () => (await mesh.count(`OUT_${name}`)) >= count, { what: 'every row', timeoutMs: 30_000 });
    expect(await mesh.numbers(`OUT_${name}`)).toEqual(upTo(count));
    mesh.mesh.ingestion[index] = await mesh.mesh.start('ingestion', owner ?? '');
  });

  it('is read by one alone, when its process stands still until another has taken over, and then goes on', async () => {
    const name = `still_${kind}`;
    await define(name, options);
    const [owner] = running(name);
    const process = mesh.mesh.ingestion[Number(owner?.split('-')[1]) - 1];
    const feeding = new Feeding(mesh, `in.${name}`);
    await eventually(async () => (await mesh.count(`OUT_${name}`)) >= 100, { what: 'some rows' });
    process?.kill('SIGSTOP');
    feeding.slowDown();
    await eventually(() => running(name).some((instance) => instance !== owner), { what: 'the other to take over' });
    process?.kill('SIGCONT');
    // Which of the two it is, is the balancer's to say, once both are there again.
    await eventually(() => running(name).length === 1, { what: 'one of them to end' });
    const count = await feeding.stop();
    await eventually(async () => (await mesh.count(`OUT_${name}`)) >= count, { what: 'every row', timeoutMs: 30_000 });
    expect((await mesh.numbers(`OUT_${name}`)).sort((a, b) => a - b)).toEqual(upTo(count));
  });

  it('waits for a sink that is away, and misses nothing', async () => {
    const name = `away_${kind}`;
    const count = 2000;
    await define(name, options, { servers: outside.url });
    await mesh.feed(`in.${name}`, 0, 200);
    const rows = async () => (await (await jetstreamManager(nc)).streams.info(`OUT_${name}`)).state.messages;
    await eventually(async () => (await rows()) === 200, { what: 'some rows' });
    await outside.down();
    await mesh.feed(`in.${name}`, 200, count);
    await outside.up();
    await eventually(async () => (await rows()) >= count, { what: 'every row', timeoutMs: 30_000 });
    const consumer = await jetstream(nc).consumers.get(`OUT_${name}`);
    const numbers: number[] = [];
    for await (const message of await consumer.fetch({ max_messages: count }))
      numbers.push(message.json<{ n: number }>().n);
    expect(numbers).toEqual(upTo(count));
  });
});

it('shows each redelivery of a message that is to be tried again, and goes past it meanwhile', async () => {
  await mesh.connection('in_retry', {
    type: 'source',
    format: 'json',
    jetstream: true,
    subject: 'in.retry',
    stream_name: 'IN_retry',
    stream_subjects: 'in.retry',
    consumer_durable: false,
    on_error: 'retry',
  });
  const seen: object[] = [];
  mesh.nc.subscribe('laminar.output.retried', { callback: (_, message) => void seen.push(message.json<object>()) });
  await mesh.pipeline(
    'retried',
    'SELECT n, _nats_delivered AS d, 10 / (n + _nats_delivered - 2)::int AS x FROM in_retry',
  );
  await mesh.settled('retried', 'running');
  // It fails at its first delivery alone.
  await mesh.feed('in.retry', 1, 3);
  await eventually(() => seen.length === 2, { what: 'both rows' });
  expect(seen).toEqual([
    { n: 2, d: 1, x: 10 },
    { n: 1, d: 2, x: 10 },
  ]);
});

it('goes on with a changed definition where it was', async () => {
  const source = {
    type: 'source',
    format: 'json',
    jetstream: true,
    subject: 'in.changed',
    stream_name: 'IN_changed',
    stream_subjects: 'in.changed',
    consumer_ordered: true,
  };
  await mesh.connection('in_changed', source);
  const seen: number[] = [];
  mesh.nc.subscribe('laminar.output.changed', {
    callback: (_, message) => void seen.push(message.json<{ n: number }>().n),
  });
  await mesh.pipeline('changed', 'SELECT n FROM in_changed');
  await mesh.settled('changed', 'running');
  await mesh.feed('in.changed', 0, 10);
  await eventually(() => seen.length === 10, { what: 'ten rows' });
  await mesh.connection('in_changed', { ...source, description: 'another' });
  await mesh.settled('changed', 'running');
  await mesh.feed('in.changed', 10, 20);
  await eventually(() => seen.length >= 20, { what: 'ten more' });
  expect(seen).toEqual(upTo(20));
});
