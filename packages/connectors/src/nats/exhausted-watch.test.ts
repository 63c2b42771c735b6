import type { Options } from '@laminar/definitions';
import { eventually, startNats, type TestNats } from '@laminar/test';
import {
  AckPolicy,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
} from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Connection, Exhausted } from '../index.js';
import { closeConnections, openConnection } from '../testing/connections.js';

const decoder = new TextDecoder();
/** Everybody may do what a reader needs, but of the stream LIMITED nothing may be captured and no message fetched. */
const limited = `
  authorization { users = [{
    user: limited, password: limited
    permissions: { publish: { deny: ["$JS.API.STREAM.CREATE.laminar_exhausted_LIMITED_laminar-orders", "$JS.API.STREAM.MSG.GET.LIMITED"] } }
  }] }
  no_auth_user: limited
`;

let server: TestNats;
let nc: NatsConnection;
let js: JetStreamClient;
let jsm: JetStreamManager;
let number = 0;
beforeAll(async () => {
  server = await startNats({ config: limited });
  nc = await connect({ servers: server.url });
  js = jetstream(nc);
  jsm = await jetstreamManager(nc);
});
afterEach(closeConnections);
afterAll(async () => {
  await nc.close();
  await server.stop();
});

const ackWaitMs = 1000;

const captureOf = (stream: string) => `laminar_exhausted_${stream}_laminar-orders`;

const optionsOf = (stream: string): Options => ({
  type: 'source',
  servers: server.url,
  jetstream: true,
  stream_name: stream,
  stream_subjects: `${stream}.>`,
  consumer_max_deliver: 2,
  consumer_ack_wait_s: ackWaitMs / 1000,
});

/** A connection whose messages have two deliveries, over a stream of its own. */
async function source(
  options: Options = {},
  stream = `S${++number}`,
): Promise<{ connection: Connection; stream: string; drift: string | undefined; capture: string }> {
  const { connection } = await openConnection({ ...optionsOf(stream), ...options });
  const { drift } = await connection.provision();
  return { connection, stream, drift, capture: captureOf(stream) };
}

/** The same over a durable that somebody else made, of which nothing captures anything before `provision`. */
async function foreign(): Promise<{ connection: Connection; stream: string; capture: string }> {
  const stream = `S${++number}`;
  await jsm.streams.add({ name: stream, subjects: [`${stream}.>`] });
  await jsm.consumers.add(stream, {
    durable_name: 'laminar-orders',
    ack_policy: AckPolicy.Explicit,
    ack_wait: ackWaitMs * 1e6,
    max_deliver: 2,
  });
  const { connection } = await openConnection(optionsOf(stream));
  return { connection, stream, capture: captureOf(stream) };
}

async function publish(stream: string, ...texts: string[]): Promise<void> {
  for (const text of texts) await js.publish(`${stream}.a`, text);
}

/** A client that takes everything as often as it can, acknowledges these sequences, and says nothing of the rest. */
async function exhaust(stream: string, acknowledged: readonly number[] = []): Promise<void> {
  const consumer = await js.consumers.get(stream, 'laminar-orders');
  await eventually(
    async () => {
      for await (const message of await consumer.fetch({ max_messages: 100, expires: 1000 }))
        if (acknowledged.includes(message.seq)) message.ack();
      const { num_ack_pending, num_pending } = await jsm.consumers.info(stream, 'laminar-orders');
      return num_ack_pending === 0 && num_pending === 0;
    },
    { what: 'the server to give up' },
  );
}

/** What a watch tells of, each kept at once. */
async function watch(connection: Connection, kept = true, signal = new AbortController().signal) {
  const told: Exhausted[] = [];
  const watching = await connection.watchExhausted((exhausted) => {
    told.push(exhausted);
    exhausted.settle(kept);
  }, signal);
  return { told, close: async () => watching?.close() };
}

const texts = (told: readonly Exhausted[]) => told.map(({ message }) => decoder.decode(message.data));
const uncounted = async (stream: string) => (await jsm.consumers.info(stream, 'laminar-orders')).num_redelivered === 0;

describe('messages that run out of deliveries', () => {
  it('are told of once, with all that they say of themselves, also when nobody watched', async () => {
    const { connection, stream, drift, capture } = await source();
    expect(drift).toBeUndefined();
    await publish(stream, 'one', 'two', 'three');
    await exhaust(stream, [2]);
    expect((await jsm.streams.info(capture)).state.messages).toBe(2);
    const first = await watch(connection);
    await eventually(() => first.told.length === 2, { what: 'both' });
    expect(texts(first.told).sort()).toEqual(['one', 'three']);
    expect(first.told[0]?.message).toMatchObject({ stream, subject: `${stream}.a`, delivered: 2, reply: undefined });
    await eventually(() => uncounted(stream), { what: 'the server to forget them' });
    await eventually(async () => (await jsm.streams.info(capture)).state.messages === 0, { what: 'no notices' });
    await publish(stream, 'four');
    await exhaust(stream);
    await eventually(() => first.told.length === 3, { what: 'the next' });
    await first.close();
    const second = await watch(connection);
    await second.close();
    expect(second.told).toEqual([]);
  }, 60_000);

  it('are told of again where they could not be kept', async () => {
    const { connection, stream } = await source();
    await publish(stream, 'one');
    await exhaust(stream);
    const first = await watch(connection, false);
    await eventually(() => first.told.length === 2, { what: 'the second time' });
    await first.close();
    const second = await watch(connection);
    await eventually(() => second.told.length === 1, { what: 'it to be told of again' });
    await second.close();
  }, 60_000);

  it('are told of without their payload where the stream has lost it', async () => {
    const { connection, stream } = await source();
    await publish(stream, 'one');
    await exhaust(stream);
    await jsm.streams.purge(stream);
    const { told, close } = await watch(connection);
    await eventually(() => told.length === 1, { what: 'the notice' });
    const streamIncarnation = Date.parse((await jsm.streams.info(stream)).created).toString(36);
    expect(told[0]).toMatchObject({
      message: { sequence: 1, stream },
      streamIncarnation,
      problem: expect.stringContaining('not hold'),
    });
    await close();
  }, 60_000);

  it('are taken from a work queue when they are kept', async () => {
    const { connection, stream } = await source({ stream_retention: 'workqueue' });
    await publish(stream, 'one', 'two');
    await exhaust(stream, [2]);
    const { told, close } = await watch(connection);
    await eventually(() => told.length === 1, { what: 'the notice' });
    await eventually(async () => (await jsm.streams.info(stream)).state.messages === 0, { what: 'an empty queue' });
    await close();
  }, 60_000);

  it('that nothing captured are found where the server lets it be known, and those that were acknowledged are not', async () => {
    const { connection, stream, capture } = await foreign();
    await publish(stream, 'one', 'two', 'three', 'four');
    await exhaust(stream, [2, 4]);
    await connection.provision();
    // Whoever dies before it has kept them is told of them again.
    const first = await watch(connection, false);
    await eventually(() => first.told.length >= 2, { what: 'both' });
    await first.close();
    const { told, close } = await watch(connection);
    await eventually(() => told.length === 2, { what: 'both once more', timeoutMs: 40_000 });
    expect(texts(told).sort()).toEqual(['one', 'three']);
    await eventually(() => uncounted(stream), { what: 'the server to forget them' });
    await eventually(async () => (await jsm.streams.info(capture)).state.messages === 0, { what: 'no notices' });
    await close();
    const again = await watch(connection);
    expect(again.told).toEqual([]);
    await again.close();
  }, 90_000);

  it('are found among many that were acknowledged', async () => {
    const { connection, stream } = await foreign();
    const count = 200;
    await Promise.all(Array.from({ length: count }, (_, i) => js.publish(`${stream}.a`, String(i + 1))));
    const acknowledged = Array.from({ length: count / 2 }, (_, i) => 2 * i + 2);
    await exhaust(stream, acknowledged);
    await connection.provision();
    const { told, close } = await watch(connection);
    await eventually(() => told.length === count / 2, { what: 'each of them' });
    expect(told.map(({ message }) => message.sequence)).not.toContainEqual(expect.toSatisfy((n) => n % 2 === 0));
    await close();
  }, 60_000);

  it('are looked for no longer than their owner wants, and stay to be found', async () => {
    const { connection, stream } = await foreign();
    await publish(stream, 'one', 'two', 'three');
    await exhaust(stream, [2]);
    await connection.provision();
    const owner = new AbortController();
    const looking = watch(connection, true, owner.signal);
    owner.abort();
    await expect(looking).rejects.toMatchObject({ name: 'ConnectorError' });
    const { told, close } = await watch(connection);
    await eventually(() => told.length === 2, { what: 'both' });
    await close();
  }, 60_000);

  it('are told of as they happen where nothing may capture them, and the connection says what that means', async () => {
    const { connection, stream, drift } = await source({}, 'LIMITED');
    expect(drift).toContain('not kept as dead letters');
    const { told, close } = await watch(connection);
    await publish(stream, 'one');
    await exhaust(stream);
    await eventually(() => told.length === 1, { what: 'the advisory' });
    expect(told[0]).toMatchObject({ message: { sequence: 1 }, problem: expect.stringContaining('not permitted') });
    await close();
  }, 60_000);

  it('leave nothing behind on the server when the connection is dropped, but what is another namesake’s', async () => {
    const { connection, capture } = await source();
    await connection.deprovision();
    await expect(jsm.streams.info(capture)).rejects.toThrow();
    const again = await source();
    await jsm.streams.update(again.capture, { description: 'made for the connection orders of revision 8' });
    await again.connection.deprovision();
    expect((await jsm.streams.info(again.capture)).state.consumer_count).toBe(1);
  });

  it('are no business of connections whose deliveries have no end', async () => {
    const { connection, capture } = await source({ consumer_max_deliver: -1 });
    expect(await connection.watchExhausted(() => undefined, new AbortController().signal)).toBeUndefined();
    await expect(jsm.streams.info(capture)).rejects.toThrow();
  });
});
