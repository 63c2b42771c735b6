import { startNats, type TestNats } from '@laminar/test';
import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { closeConnections, openConnection } from '../testing/connections.js';
import { RateLimit } from './rate-limit.js';

describe('a rate limit', () => {
  it.each([1, 30, 1000, 1_000_000])('lets %d messages a second come, however unevenly it is asked', (rate) => {
    const limit = new RateLimit(rate, 0);
    let spent = 0;
    for (let ms = 0; ms <= 20_000; ms += 10 + (ms % 40)) {
      const allowed = limit.allowed(ms);
      limit.spend(allowed);
      spent += allowed;
    }
    expect(spent / 20).toBeGreaterThan(rate * 0.95);
    expect(spent / 20).toBeLessThanOrEqual(rate * 1.05);
  });

  it.each([1, 7, 1000, 50_000])('lets %i a second come where it is asked when it says so', (rate) => {
    const limit = new RateLimit(rate, 0);
    let spent = 0;
    for (let ms = 0; ms < 20_000; ) {
      const allowed = limit.allowed(ms);
      limit.spend(allowed);
      spent += allowed;
      ms += allowed === 0 ? limit.waitMs : 3;
    }
    expect(spent / 20).toBeGreaterThan(rate * 0.95);
    expect(spent / 20).toBeLessThan(rate * 1.06);
  });

  it('saves nothing up for long', () => {
    const limit = new RateLimit(1000, 0);
    expect(limit.allowed(3_600_000)).toBe(100);
  });
});

describe('a consumer with a rate limit', () => {
  let server: TestNats;
  let publisher: NatsConnection;

  beforeAll(async () => {
    server = await startNats();
    publisher = await connect({ servers: server.url });
  });
  afterEach(closeConnections);
  afterAll(async () => {
    await publisher.close();
    await server.stop();
  });

  it.each([
    ['pulled', { consumer_pull: true, consumer_max_ack_pending: 100 }],
    ['pushed', { consumer_pull: false, consumer_ack_wait_s: 2 }],
    ['pushed and not acknowledged', { consumer_pull: false, consumer_ack_policy: 'none' }],
  ])('is %s at that rate, and nothing of it is delivered again', async (what, options) => {
    const rate = 800;
    const name = what.replaceAll(' ', '_');
    const { connection } = await openConnection(
      {
        type: 'source',
        servers: server.url,
        jetstream: true,
        stream_name: name,
        stream_subjects: name,
        consumer_rate_limit: rate,
        ...options,
      },
      name,
    );
    await connection.provision();
    const js = jetstream(publisher);
    const total = rate * 5;
    for (let sent = 0; sent < total; sent += 500)
      await Promise.all(Array.from({ length: 500 }, () => js.publish(name, 'x')));
    const reader = connection.reader();
    await reader.open();
    const keeping = setInterval(() => reader.keepAlive(), 300);
    let firstMs = 0;
    let read = 0;
    while (read < total) {
      const batch = await reader.read();
      if (!batch) break;
      firstMs ||= performance.now();
      for (const [index, { delivered }] of batch.messages.entries()) {
        expect(delivered).toBe(1);
        batch.ack(index);
      }
      read += batch.messages.length;
    }
    clearInterval(keeping);
    const perSecond = read / ((performance.now() - firstMs) / 1000);
    // A machine that has much else to do may be slower, never faster.
    expect(perSecond).toBeGreaterThan(rate * 0.5);
    expect(perSecond).toBeLessThan(rate * 1.05);
    expect((await reader.consumerInfo())?.redelivered).toBe(0);
  });
});
