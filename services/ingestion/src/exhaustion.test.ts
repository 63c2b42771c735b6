import { readDeadLetter, streams } from '@laminar/protocol';
import { eventually, startNats } from '@laminar/test';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IngestionMesh } from './testing/ingestion-mesh.js';

// Deliveries are counted where `consumer_max_deliver` says so: what is no fault of a message must not use them up, and what does is not lost.

let mesh: IngestionMesh;
beforeAll(async () => {
  mesh = await IngestionMesh.start();
});
afterAll(() => mesh?.stop());

const ackWaitMs = 1000;

/** A source whose messages have that many deliveries. */
async function source(
  name: string,
  maxDeliver: number,
): Promise<{ stream: string; consumer: string; subject: string }> {
  const stream = name.toUpperCase();
  await mesh.connection(name, {
    type: 'source',
    format: 'json',
    jetstream: true,
    subject: `${name}.>`,
    stream_name: stream,
    stream_subjects: `${name}.>`,
    consumer_ack_wait_s: ackWaitMs / 1000,
    consumer_max_deliver: maxDeliver,
    consumer_backoff: '100ms',
  });
  return { stream, consumer: `laminar-${name}`, subject: `${name}.a` };
}

/** Dead letters of a connection, as they stand. */
async function lettersOf(
  connection: string,
): Promise<{ payload: string; error: string; sequence: number | undefined }[]> {
  const letters = [];
  const { first_seq, last_seq } = (await mesh.jsm.streams.info(streams.deadLetters)).state;
  for (let seq = first_seq; seq <= last_seq; seq++) {
    const stored = await mesh.jsm.streams.getMessage(streams.deadLetters, { seq }).catch(() => null);
    const letter = stored && readDeadLetter(stored.subject, (name) => stored.header.get(name) || undefined);
    if (letter?.connection === connection)
      letters.push({ payload: stored?.string() ?? '', error: letter.error, sequence: letter.origin.stored?.sequence });
  }
  return letters;
}

const acknowledged = ({ stream, consumer }: { stream: string; consumer: string }) =>
  eventually(async () => (await mesh.jsm.consumers.info(stream, consumer)).num_ack_pending === 0, {
    what: 'every acknowledgement',
    timeoutMs: 15_000,
  });

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

describe.concurrent('a sink that is away for longer than all deliveries would take', () => {
  it.each([
    ['core', 'comes back by itself', { max_reconnects: -1 }],
    ['core', 'is dialled anew', { max_reconnects: 5 }],
    ['jetstream', 'comes back by itself', { jetstream: true, max_reconnects: -1 }],
    ['jetstream', 'is dialled anew', { jetstream: true, max_reconnects: 5 }],
  ] as const)(
    '%s, and %s: nothing is lost, and nothing is a dead letter',
    async (kind, how, options) => {
      const name = `away_${kind}_${how.length}`;
      const server = await startNats();
      try {
        const outside = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 20 });
        const seen = new Set<number>();
        outside.subscribe(`out.${name}`, { callback: (_, message) => void seen.add(message.json<{ n: number }>().n) });
        await outside.flush();
        if (kind === 'jetstream')
          await (await jetstreamManager(outside)).streams.add({ name: 'OUT', subjects: [`out.${name}`] });
        const from = await source(name, 2);
        await mesh.connection(
          `to_${name}`,
          { type: 'sink', subject: `out.${name}`, reconnect_wait_ms: 50, reconnect_jitter_ms: 0, ...options },
          server.url,
        );
        await mesh.pipeline(name, `INSERT INTO to_${name} SELECT n FROM ${name}`);
        await mesh.settled(name, 'running');
        await mesh.feed(from.subject, 0, 10);
        await eventually(() => seen.size === 10, { what: 'the first rows' });
        await server.down();
        await mesh.feed(from.subject, 10, 40);
        await mesh.settled(name, 'blocked');
        // Time is what this is about: as long as all deliveries would take, and once more.
        await new Promise((resolve) => setTimeout(resolve, 3 * 2 * ackWaitMs));
        expect((await mesh.jsm.consumers.info(from.stream, from.consumer)).num_redelivered).toBe(0);
        await server.up();
        await eventually(() => seen.size === 40, { what: 'every row', timeoutMs: 45_000 });
        expect([...seen].sort((a, b) => a - b)).toEqual(upTo(40));
        await acknowledged(from);
        expect(await lettersOf(name)).toEqual([]);
        await outside.close();
      } finally {
        await mesh.append('pipeline', name, { type: 'PipelineDropped' });
        await server.stop();
      }
    },
    90_000,
  );
});
