import type { DeadLetter } from '@laminar/protocol';
import { startNats, type TestNats } from '@laminar/test';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DeadLetters } from './dead-letters.js';

let server: TestNats;
let nc: NatsConnection;
let letters: DeadLetters;
beforeAll(async () => {
  server = await startNats();
  nc = await connect({ servers: server.url });
  letters = new DeadLetters(nc);
  await letters.open(await jetstreamManager(nc), 1);
});
afterAll(async () => {
  await letters.close(1000);
  await nc.close();
  await server.stop();
});

const letter = (id: string, more: Partial<DeadLetter>): DeadLetter => ({
  id,
  connection: 'orders',
  pipeline: 'p',
  incarnation: 1,
  definitionRevision: 1,
  error: 'bad',
  origin: { subject: 'orders.new', reply: undefined, headers: undefined, timestampMs: 0, stored: undefined },
  ...more,
});
const keep = (kept: DeadLetter, payload: Uint8Array) =>
  new Promise<Error | undefined>((resolve) => letters.keep(kept, payload, resolve));

it('keeps what is too large for a stream without it, and says so', async () => {
  const origin = { ...letter('orders.a', {}).origin, headers: { large: ['x'.repeat(70_000)] } };
  expect(await keep(letter('orders.headers', { origin }), Buffer.from('{}'))).toBeUndefined();
  expect(await letters.find('orders.headers')).toMatchObject({
    letter: { error: expect.stringMatching(/^bad \(its headers of \d+ bytes are too large to be kept\)$/) },
    payload: new Uint8Array(Buffer.from('{}')),
  });
  expect(await keep(letter('orders.error', { error: '9'.repeat(70_000) }), new Uint8Array())).toBeUndefined();
  expect((await letters.find('orders.error'))?.letter.error).toMatch(/^9{2000}…$/);
  expect(await keep(letter('orders.payload', {}), new Uint8Array(2 * 1024 * 1024))).toBeUndefined();
  expect((await letters.find('orders.payload'))?.letter.error).toContain('its payload of 2097152 bytes is too large');
});
