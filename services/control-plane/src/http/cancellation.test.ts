import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { eventually } from '@laminar/test';
import Fastify from 'fastify';
import { expect, it, onTestFinished } from 'vitest';
import { Cancellation } from './cancellation.js';

it('aborts the signals of all requests of a client that leaves, those too that wait for the answer to the one before', async () => {
  const app = Fastify();
  onTestFinished(() => app.close());
  const cancellation = new Cancellation(app);
  const signals: AbortSignal[] = [];
  app.get('/', (_, reply) => {
    signals.push(cancellation.signal(reply));
    // Answered never.
    return new Promise(() => undefined);
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  const client = connect(port, '127.0.0.1');
  await once(client, 'connect');
  client.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(2));
  await eventually(() => signals.length === 2, { what: 'both requests' });
  expect(signals.map(({ aborted }) => aborted)).toEqual([false, false]);
  client.destroy();
  await eventually(() => signals.every(({ aborted }) => aborted), { what: 'both signals to abort' });
});

it('leaves nothing behind on a connection that is kept alive', async () => {
  const app = Fastify();
  onTestFinished(() => app.close());
  const cancellation = new Cancellation(app);
  const signals: AbortSignal[] = [];
  const listeners: number[] = [];
  app.get('/', async (request, reply) => {
    listeners.push(request.raw.socket.listenerCount('close'));
    signals.push(cancellation.signal(reply));
    return {};
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  const client = connect(port, '127.0.0.1');
  onTestFinished(() => void client.destroy());
  for (let i = 1; i <= 3; i++) {
    client.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await eventually(() => signals.length === i && signals.every(({ aborted }) => aborted), { what: 'the answer' });
  }
  expect(new Set(listeners).size).toBe(1);
});
