import { eventually, startNats, type TestNats } from '@laminar/test';
import { headers, type NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Reader } from '../index.js';
import { describeReader, readTexts } from '../reader.contract.js';
import { closeConnections, openConnection } from '../testing/connections.js';

describeReader({ name: 'a core subscription', options: (subject) => ({ subject }), durable: false });

describe('a core subscription', () => {
  let server: TestNats;
  let publisher: NatsConnection;

  beforeAll(async () => {
    server = await startNats({ jetstream: false });
    publisher = await connect({ servers: server.url });
  });
  afterEach(closeConnections);
  afterAll(async () => {
    await publisher.close();
    await server.stop();
  });

  async function open(options: object, name = 'orders'): Promise<Reader> {
    const { connection } = await openConnection({ type: 'source', servers: server.url, ...options }, name);
    const reader = connection.reader();
    await reader.open();
    return reader;
  }

  /** Publishes `count` messages and waits until the readers have seen `expected` of them, all in all. */
  async function publish(subject: string, count: number, readers: Reader[], expected: number): Promise<number[]> {
    for (let i = 0; i < count; i++) publisher.publish(subject, String(i));
    await publisher.flush();
    const seen = () => readers.map(({ counters }) => counters.messages);
    const total = () => seen().reduce((a, b) => a + b, 0);
    await eventually(() => total() >= expected, { what: `${expected} messages` });
    // Whatever else was sent to the readers has arrived behind a message of theirs that comes later.
    await Promise.all(readers.map((reader) => reader.stop()));
    expect(total()).toBe(expected);
    return seen();
  }

  it('shares its messages with others of its queue group, and not with another group', async () => {
    const readers = await Promise.all([
      open({ subject: 'q', queue_group: 'a' }, 'one'),
      open({ subject: 'q', queue_group: 'a' }, 'two'),
      open({ subject: 'q', queue_group: 'b' }, 'three'),
    ]);
    const [one, two, three] = await publish('q', 200, readers, 400);
    expect(three).toBe(200);
    expect((one ?? 0) > 0 && (two ?? 0) > 0).toBe(true);
  });

  it('never gives a message to two readers of one connection without a queue group', async () => {
    const readers = await Promise.all([open({ subject: 'x.>' }), open({ subject: 'x.>' })]);
    await publish('x.a', 200, readers, 200);
    const texts = (await Promise.all(readers.map((reader) => readTexts(reader, 200)))).flat();
    expect(texts.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, i) => i));
  });

  it('gives every message to each of two connections', async () => {
    const readers = await Promise.all([open({ subject: 'each' }, 'one'), open({ subject: 'each' }, 'two')]);
    expect(await publish('each', 50, readers, 100)).toEqual([50, 50]);
  });

  it('drops what is beyond its pending limit, and counts it', async () => {
    const reader = await open({ subject: 'flood', pending_limits: 100 });
    await publish('flood', 250, [reader], 250);
    expect(reader.counters).toMatchObject({ messages: 250, dropped: 150 });
    expect(await readTexts(reader, 250)).toEqual(Array.from({ length: 100 }, (_, i) => String(i)));
  });

  it('keeps what waits in order, with all that it says of itself, however much it is', async () => {
    const reader = await open({ subject: 'w.>' });
    const count = 10_000;
    for (let i = 0; i < count; i++) {
      const block = headers();
      block.set('N', String(i));
      publisher.publish(`w.${i}`, String(i), i % 3 === 0 ? { reply: `r.${i}`, headers: block } : {});
    }
    await publisher.flush();
    await eventually(() => reader.counters.messages === count, { what: 'all messages' });
    const read: number[] = [];
    while (read.length < count) {
      for (const message of (await reader.read())?.messages ?? []) {
        const n = read.length;
        expect(message.subject).toBe(`w.${n}`);
        expect(message.reply).toBe(n % 3 === 0 ? `r.${n}` : undefined);
        expect(message.header('N')).toBe(n % 3 === 0 ? String(n) : undefined);
        read.push(Number(Buffer.from(message.data).toString()));
      }
    }
    expect(read).toEqual(Array.from({ length: count }, (_, i) => i));
    publisher.publish('w.last', 'last');
    expect(await readTexts(reader, 1)).toEqual(['last']);
    expect(reader.counters.dropped).toBe(0);
  });

  it('knows the subject to answer to, and nothing that JetStream would tell', async () => {
    const reader = await open({ subject: 'ask.*' });
    publisher.publish('ask.me', 'x', { reply: 'answer.here' });
    publisher.publish('ask.me', 'x');
    await eventually(() => reader.counters.messages === 2, { what: 'both messages' });
    const messages = (await reader.read())?.messages ?? [];
    expect(messages.map(({ reply }) => reply)).toEqual(['answer.here', undefined]);
    const { sequence, stream, consumer, delivered } = messages[0] ?? {};
    expect([sequence, stream, consumer, delivered]).toEqual([undefined, undefined, undefined, undefined]);
    expect(await reader.consumerInfo()).toBeUndefined();
    expect(reader.sourceIncarnation).toBeUndefined();
  });
});
