import { eventually, startNats } from '@laminar/test';
import { AckPolicy, DeliverPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { nanos } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IngestionMesh } from './testing/ingestion-mesh.js';

// Deliveries are counted where `consumer_max_deliver` says so: what is no fault of a message must not use them up, and what does is not lost.

let mesh: IngestionMesh;
beforeAll(async () => {
  mesh = await IngestionMesh.start();
});
afterAll(() => mesh?.stop());

/** A busy machine may keep a process from running for a second, which is no reason to lose a delivery here. */
const ackWaitMs = 3000;
const deliveriesOutlasted = 2;

/** A source whose messages have that many deliveries. */
async function source(name: string, maxDeliver: number): Promise<void> {
  await mesh.connection(name, {
    type: 'source',
    format: 'json',
    jetstream: true,
    subject: `${name}.>`,
    stream_name: name.toUpperCase(),
    stream_subjects: `${name}.>`,
    consumer_ack_wait_s: ackWaitMs / 1000,
    consumer_max_deliver: maxDeliver,
  });
}

/** Resolves when a reader that takes messages of the stream and says nothing has used up so many deliveries, by the server's own clock. */
async function outlast(stream: string, deliveries: number): Promise<void> {
  const name = 'witness';
  const ack_wait = nanos(ackWaitMs);
  await mesh.jsm.consumers.add(stream, {
    durable_name: name,
    ack_policy: AckPolicy.Explicit,
    ack_wait,
    max_deliver: deliveries,
  });
  const witness = await mesh.js.consumers.get(stream, name);
  await eventually(
    async () => {
      for await (const _ of await witness.fetch({ max_messages: 100, expires: 1000 }));
      const { num_pending, num_ack_pending } = await witness.info();
      return num_pending === 0 && num_ack_pending === 0;
    },
    { what: `${deliveries} deliveries to be used up`, timeoutMs: 30_000 },
  );
  await mesh.jsm.consumers.delete(stream, name);
}

const acknowledged = (stream: string, consumer: string) =>
  eventually(async () => (await mesh.jsm.consumers.info(stream, consumer)).num_ack_pending === 0, {
    what: 'every acknowledgement',
    timeoutMs: 15_000,
  });

describe('a sink that is away for longer than all deliveries would take', () => {
  const sinks = {
    core_back: { max_reconnects: -1 },
    core_anew: { max_reconnects: 5 },
    jetstream_back: { jetstream: true, max_reconnects: -1 },
    jetstream_anew: { jetstream: true, max_reconnects: 5 },
  };
  const names = Object.keys(sinks);

  it('costs nothing a delivery, whether it comes back by itself or is dialled anew', async () => {
    const server = await startNats();
    const outside = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 20 });
    const outsideManager = await jetstreamManager(outside);
    // A stream is there as soon as its server is; a subscriber might come back behind the rows.
    const seen = async (): Promise<ReadonlyMap<string, readonly number[]>> => {
      const rows = new Map<string, number[]>(names.map((name) => [name, []]));
      const { messages } = (await outsideManager.streams.info('OUT')).state;
      if (messages === 0) return rows;
      const consumer = await jetstream(outside).consumers.get('OUT', { deliver_policy: DeliverPolicy.All });
      for await (const message of await consumer.fetch({ max_messages: messages }))
        rows.get(message.subject.slice('out.'.length))?.push(message.json<{ n: number }>().n);
      return rows;
    };
    try {
      await outsideManager.streams.add({ name: 'OUT', subjects: ['out.*'] });
      const sink = (name: string, more = {}) =>
        mesh.connection(
          `to_${name}`,
          { type: 'sink', subject: `out.${name}`, reconnect_wait_ms: 50, reconnect_jitter_ms: 0, ...more },
          server.url,
        );
      for (const [name, options] of Object.entries(sinks)) {
        await source(name, 1);
        await sink(name, options);
        await mesh.pipeline(name, `INSERT INTO to_${name} SELECT n FROM ${name}`);
      }
      const feed = (from: number, to: number) => Promise.all(names.map((name) => mesh.feed(`${name}.a`, from, to)));
      const arrived = (count: number) =>
        eventually(
          async () => {
            const rows = await seen();
            expect(names.map((name) => new Set(rows.get(name)).size)).toEqual(names.map(() => count));
            return true;
          },
          { what: `${count} rows of each`, timeoutMs: 60_000 },
        );
      for (const name of names) await mesh.settled(name, 'running');
      await feed(0, 10);
      await arrived(10);
      await server.down();
      await feed(10, 40);
      for (const name of names) await mesh.settled(name, 'blocked');
      const isGivenUp = (name: string) => mesh.connectionState(`to_${name}`).state === 'failed';
      await eventually(() => names.every((name) => isGivenUp(name) === name.endsWith('anew')), {
        what: 'those without patience to be given up',
      });
      await outlast('CORE_BACK', deliveriesOutlasted);
      await server.up();
      // What is given up is tried afresh after half a minute, or at once when it is changed.
      for (const [name, options] of Object.entries(sinks))
        if (name.endsWith('anew')) await sink(name, { ...options, description: 'changed' });
      await arrived(40);
      for (const name of names) {
        await mesh.settled(name, 'running');
        await acknowledged(name.toUpperCase(), `laminar-${name}`);
        const { num_redelivered, delivered } = await mesh.jsm.consumers.info(name.toUpperCase(), `laminar-${name}`);
        expect({ name, num_redelivered, deliveries: delivered.consumer_seq }).toEqual({
          name,
          num_redelivered: 0,
          deliveries: 40,
        });
        const numbers = new Set((await seen()).get(name));
        expect([...numbers].sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, n) => n));
        expect(await mesh.deadLetters(name)).toEqual([]);
      }
    } finally {
      for (const name of names) await mesh.append('pipeline', name, { type: 'PipelineDropped' });
      await outside.close();
      await server.stop();
    }
  }, 120_000);
});

describe('a process that dies', () => {
  it('costs what it held a delivery, and what has none left is a dead letter with its payload', async () => {
    await source('crash', 1);
    await mesh.connection('nowhere', { type: 'sink', subject: 'nobody.takes', jetstream: true });
    await mesh.pipeline('crash', 'INSERT INTO nowhere SELECT n FROM crash');
    await mesh.settled('crash', 'running');
    // No stream takes what the sink publishes, so that the rows wait for their acknowledgement.
    await mesh.feed('crash.a', 0, 3);
    await eventually(async () => (await mesh.jsm.consumers.info('CRASH', 'laminar-crash')).num_ack_pending === 3, {
      what: 'the messages to be held',
    });
    mesh.process.kill('SIGKILL');
    await mesh.process.exited;
    await mesh.mesh.start('ingestion', 'ingestion-1');
    const letters = await eventually(
      async () => {
        const all = await mesh.deadLetters('crash');
        return all.length === 3 && all;
      },
      { what: 'the dead letters' },
    );
    expect(letters.map(({ payload }) => payload).sort()).toEqual(['{"n":0}', '{"n":1}', '{"n":2}']);
    expect(letters[0]?.error).toContain('1 deliveries');
    // Which the message ids of its rows are made of, should it be tried again.
    expect(letters[0]?.origin.stored?.streamIncarnation).toMatch(/./);
  }, 60_000);
});
