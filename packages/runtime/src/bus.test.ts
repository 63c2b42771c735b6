import { eventually, startNats, type TestNats } from '@laminar/test';
import type { NatsConnection } from '@nats-io/nats-core';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { connectBus } from './bus.js';

const hourMs = 3_600_000;

let nats: TestNats;
let nc: NatsConnection;
beforeEach(async () => {
  nats = await startNats({ jetstream: false });
  const open = { credsFile: undefined, user: undefined, password: undefined, token: undefined, nkeySeed: undefined };
  nc = await connectBus({ url: nats.url, caFile: undefined, ...open }, 'test');
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
