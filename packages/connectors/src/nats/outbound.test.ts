import { startNats, type TestNats } from '@laminar/test';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { HeaderBlock } from '../header-block.js';
import { Outbound } from './outbound.js';

describe('publishing without the client', () => {
  let server: TestNats;
  let nc: NatsConnection;
  let received: { subject: string; reply: string; text: string; header: string }[];

  beforeAll(async () => {
    server = await startNats({ config: 'max_payload: 30000\nmax_control_line: 30000' });
  });
  beforeEach(async () => {
    nc = await connect({ servers: server.url });
    received = [];
    nc.subscribe('>', {
      callback: (_, message) => {
        const { subject, reply = '', headers } = message;
        received.push({ subject, reply, text: message.string(), header: headers?.get('X') ?? '' });
      },
    });
  });
  afterEach(() => nc.close());
  afterAll(() => server.stop());

  const block = new HeaderBlock('').with('X', 'é 😀');

  /** What was published until now has come back. */
  async function arrived(): Promise<void> {
    Outbound.of(nc).write();
    await nc.flush();
  }

  it('keeps the order of messages of any size, and what each of them holds', async () => {
    const outbound = Outbound.of(nc);
    const sizes = Array.from({ length: 300 }, (_, i) => (i * 7919) % 25_000);
    for (const [i, size] of sizes.entries()) {
      const data = Buffer.from('x'.repeat(size));
      outbound.publish(`ä.${i}`, data, i % 2 === 0 ? block : undefined, i % 3 === 0 ? `reply.ö.${i}` : '');
    }
    await arrived();
    expect(received.map(({ text }) => text.length)).toEqual(sizes);
    for (const [i, { subject, reply, header }] of received.entries()) {
      expect(subject).toBe(`ä.${i}`);
      expect(reply).toBe(i % 3 === 0 ? `reply.ö.${i}` : '');
      expect(header).toBe(i % 2 === 0 ? 'é 😀' : '');
    }
  });

  it('answers to the bytes of a reply, in order with what is published', async () => {
    const outbound = Outbound.of(nc);
    const long = 's'.repeat(20_000);
    outbound.publish('a', Buffer.from('1'), undefined, '');
    outbound.answer(Buffer.from('r.ä'), Buffer.from('2'));
    outbound.answer(Buffer.from(long), Buffer.from('3'));
    outbound.answer(Buffer.from('r.b'), Buffer.from('4'));
    await arrived();
    expect(received.map(({ subject, text }) => [subject, text])).toEqual([
      ['a', '1'],
      ['r.ä', '2'],
      [long, '3'],
      ['r.b', '4'],
    ]);
  });

  it('goes out by itself', async () => {
    Outbound.of(nc).publish('a', Buffer.from('1'), undefined, '');
    await Promise.resolve();
    await nc.flush();
    expect(received).toHaveLength(1);
  });

  it('refuses what the client refuses', async () => {
    const outbound = Outbound.of(nc);
    const publish = (subject: string, size: number) => outbound.publish(subject, Buffer.alloc(size), block, '');
    for (const subject of ['', 'a b', 'a\r\nPUB b 0', 'a\tb']) expect(() => publish(subject, 1)).toThrow(/subject/);
    expect(() => publish('a', 30_000)).toThrow(/max_payload/);
    publish('a', 1);
    await arrived();
    expect(received).toHaveLength(1);
    await nc.close();
    expect(() => publish('a', 1)).toThrow(/closed/);
  });
});
