import { laminar, subjects } from '@laminar/protocol';
import { startNats, type TestNats } from '@laminar/test';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LiveInbox } from './live-inbox.js';

const { LiveEvent } = laminar.v1;

let server: TestNats;
let nc: NatsConnection;
let instance: NatsConnection;
beforeAll(async () => {
  server = await startNats();
  [nc, instance] = await Promise.all([connect({ servers: server.url }), connect({ servers: server.url })]);
});
afterAll(async () => {
  await Promise.all([nc?.close(), instance?.close()]);
  await server?.stop();
});

/** Asks, and gives where the instance is to answer. */
async function asked(inbox: LiveInbox): Promise<string> {
  const reply = new Promise<string>((resolve) => {
    instance.subscribe(subjects.liveQuery, { max: 1, callback: (_, { reply = '' }) => resolve(reply) });
  });
  await instance.flush();
  inbox.ask({ query: 'SELECT n FROM c', timeoutMs: 60_000 });
  return reply;
}

/** As a machine does to a process that others keep from running. */
const standStill = (ms: number) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

it('does not take for silence what it did not get to hear', async () => {
  const inbox = new LiveInbox(nc);
  const reply = await asked(inbox);
  instance.publish(reply, LiveEvent.encode({ end: {} }).finish());
  const next = inbox.next();
  // What was published is on its way to the server.
  await new Promise((resolve) => setImmediate(resolve));
  standStill(4000);
  expect((await next)?.end).toBeDefined();
  inbox.leave();
});

it('says so where the instance is silent', async () => {
  const inbox = new LiveInbox(nc);
  await asked(inbox);
  await expect(inbox.next()).rejects.toMatchObject({ code: 'ingestion_unavailable' });
  inbox.leave();
});
