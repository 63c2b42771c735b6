import { jsonCodec } from '@laminar/codecs';
import { type Connection, ConnectorError, type Exhausted } from '@laminar/connectors';
import { eventually, startNats, type TestNats } from '@laminar/test';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CounterRegistry } from '../delivery/counters.js';
import { connectionSpec } from '../desired/desired.js';
import { DeadLetters } from './dead-letters.js';
import { LetterDesk } from './letter-desk.js';
import { LetterMessage } from './letter-message.js';
import { SlotDeadLetters } from './slot-dead-letters.js';

let server: TestNats;
let nc: NatsConnection;
let deadLetters: DeadLetters;
beforeAll(async () => {
  server = await startNats();
  nc = await connect({ servers: server.url });
  deadLetters = new DeadLetters(nc);
  await deadLetters.open(await jetstreamManager(nc), 1);
});
afterAll(async () => {
  await deadLetters.close(1000);
  await nc.close();
  await server.stop();
});

/** A desk whose source does this when it is asked for what ran out of deliveries. */
function deskOver(watchExhausted: Connection['watchExhausted']) {
  const spec = connectionSpec({
    kind: 'connection',
    name: 'orders',
    version: 1,
    revision: 1,
    incarnation: 1,
    traceparent: '',
    actor: 'test',
    createdAt: 0,
    updatedAt: 0,
    definition: {
      connector: 'nats',
      options: { type: 'source', servers: server.url, format: 'json', jetstream: true, stream_name: 'S', subject: 's' },
    },
  });
  // The reader is not open yet, and does not know its stream.
  const reader = { sourceIncarnation: undefined };
  const slotLetters = new SlotDeadLetters({
    connection: spec,
    owner: () => undefined,
    deadLetters,
    reader,
    besides: undefined,
    onNotCopied: () => undefined,
  });
  const counters = new CounterRegistry().connection('orders', 1);
  const desk = new LetterDesk({
    connection: 'orders',
    source: { watchExhausted },
    deadLetters,
    slotLetters,
    codec: jsonCodec,
    repeats: { find: async (pipeline) => ({ pipeline, published: undefined }) },
    counters,
    answersRetries: false,
    pipelines: () => [],
  });
  return { desk, counters, slotLetters };
}

const message = new LetterMessage(
  {
    subject: 's',
    reply: undefined,
    timestampMs: 0,
    headers: undefined,
    stored: { stream: 'S', sequence: 9, consumer: 'c', delivered: 2, streamIncarnation: undefined },
  },
  Buffer.from('{"n":9}'),
);

it('keeps what was found while it opened, also when it could not be opened', async () => {
  const settled: boolean[] = [];
  const found: Exhausted = {
    message,
    streamIncarnation: 'then',
    problem: undefined,
    settle: (kept) => void settled.push(kept),
  };
  const { desk, counters, slotLetters } = deskOver(async (onExhausted) => {
    onExhausted(found);
    throw new ConnectorError('blocked', 'the server is gone');
  });
  await expect(desk.open()).rejects.toThrow('the server is gone');
  await desk.close();
  await eventually(() => settled.length === 1, { what: 'the letter to be kept' });
  expect(settled).toEqual([true]);
  expect(counters.exhausted).toBe(1);
  const { id } = slotLetters.letterOf({ pipeline: undefined, message, error: '', streamIncarnation: 'then' });
  expect(await deadLetters.find(id)).toMatchObject({
    letter: { error: 'it ran out of its 2 deliveries without an outcome', origin: { stored: { sequence: 9 } } },
  });
});

it('ends the looking for more when it is closed', async () => {
  let begun = false;
  let ended = false;
  const { desk } = deskOver(async (_, signal) => {
    begun = true;
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    ended = true;
    return undefined;
  });
  const opening = desk.open();
  await eventually(() => begun, { what: 'it to begin' });
  await desk.close();
  expect(ended).toBe(true);
  await opening;
});
