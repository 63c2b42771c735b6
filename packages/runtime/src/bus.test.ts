import { type AddressInfo, connect as connectSocket, createServer, type Socket } from 'node:net';
import { eventually, startNats, type TestNats } from '@laminar/test';
import type { NatsConnection } from '@nats-io/nats-core';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { connectBus } from './bus.js';

const hourMs = 3_600_000;

let nats: TestNats;
let nc: NatsConnection;
const open = { credsFile: undefined, user: undefined, password: undefined, token: undefined, nkeySeed: undefined };
const busAt = (url: string) => connectBus({ url, caFile: undefined, ...open }, 'test');
beforeEach(async () => {
  nats = await startNats({ jetstream: false });
  nc = await busAt(nats.url);
});
afterEach(async () => {
  vi.useRealTimers();
  await nc?.close();
  await nats?.stop();
});

it('is connected again after the wall clock went back by an hour, and forward', async () => {
  for (const step of [-hourMs, hourMs]) {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + step });
    const since = performance.now();
    const startMs = Date.now();
    // The clock goes on from where it was set.
    const ticking = setInterval(() => vi.setSystemTime(startMs + performance.now() - since), 10);
    try {
      await nats.restart();
      await eventually(() => nc.rtt(), { what: 'the connection to be back' });
    } finally {
      clearInterval(ticking);
    }
  }
  expect(nc.isClosed()).toBe(false);
});

it('is dialled again within seconds where a server ended while it let it in', async () => {
  const letIn: Socket[] = [];
  const relay = createServer((socket) => {
    const behind = connectSocket(nats.port, '127.0.0.1');
    socket.on('error', () => undefined).on('close', () => behind.destroy());
    if (letIn.push(socket) > 1) socket.pipe(behind).pipe(socket);
    else behind.once('data', (info) => socket.end(info));
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = relay.address() as AddressInfo;
    const later = await busAt(`nats://127.0.0.1:${port}`);
    expect(letIn).toHaveLength(2);
    await later.close();
  } finally {
    for (const socket of letIn) socket.destroy();
    await new Promise((resolve) => relay.close(resolve));
  }
}, 15_000);
