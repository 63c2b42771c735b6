import { eventually, startNats, type TestNats } from '@laminar/test';
import { type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Batch, Connection, Reader } from '../index.js';
import { describeReader, readTexts, textsOf } from '../reader.contract.js';
import { closeConnections, openConnection } from '../testing/connections.js';
import { pullServed } from '../testing/pull-served.js';

const streamOf = (subject: string) => subject.split('.')[0]?.toUpperCase() ?? '';

const mib = 1024 * 1024;

const optionsOf = (subject: string) => ({
  jetstream: true,
  stream_name: streamOf(subject),
  stream_subjects: subject,
  pull_timeout_ms: 1000,
});

for (const consumer_ack_policy of ['explicit', 'all', 'none']) {
  describeReader({
    name: `a durable pull consumer that acknowledges ${consumer_ack_policy}`,
    options: (subject) => ({ ...optionsOf(subject), consumer_ack_policy }),
    durable: true,
  });
}

describe('a durable pull consumer', () => {
  let server: TestNats;
  let publisher: NatsConnection;
  let jsm: JetStreamManager;
  let number = 0;

  beforeAll(async () => {
    server = await startNats({ config: 'max_payload: 24MB' });
    publisher = await connect({ servers: server.url, reconnectTimeWait: 20, maxReconnectAttempts: -1 });
    jsm = await jetstreamManager(publisher);
  });
  afterEach(closeConnections);
  afterAll(async () => {
    await publisher.close();
    await server.stop();
  });

  async function open(options: object = {}, subject = `in${++number}`) {
    const { connection } = await openConnection(
      { type: 'source', servers: server.url, ...optionsOf(subject), ...options },
      subject,
    );
    await connection.provision();
    const reader = connection.reader();
    await reader.open();
    return { reader, connection, subject, stream: streamOf(subject), consumer: `laminar-${subject}` };
  }

  async function publish(subject: string, count: number): Promise<void> {
    const js = jetstream(publisher);
    await Promise.all(Array.from({ length: count }, (_, i) => js.publish(subject, String(i))));
  }

  async function readOne(reader: Reader): Promise<Batch> {
    const batch = await reader.read();
    if (!batch) throw new Error('the reader has ended');
    return batch;
  }

  it('says where a message stands in its stream', async () => {
    const { reader, subject, stream, consumer } = await open();
    await publish(subject, 2);
    const first = await readOne(reader);
    const [message] = first.messages;
    expect(message).toMatchObject({ sequence: 1, stream, consumer, delivered: 1, reply: undefined });
    const [stored] = [await jsm.streams.getMessage(stream, { seq: 1 })];
    expect(message?.timestampMs).toBeCloseTo(stored?.time.getTime() ?? 0, -1);
  });

  it('settles: an ack is the end, a nak comes again after its delay, a term never does', async () => {
    const { reader, subject, stream, consumer } = await open();
    await publish(subject, 3);
    const batches: Batch[] = [];
    for (let count = 0; count < 3; count += batches.at(-1)?.messages.length ?? 0) batches.push(await readOne(reader));
    const all = batches.flatMap((batch) => batch.messages.map((message, index) => ({ batch, message, index })));
    const nakedAtMs = Date.now();
    for (const { batch, message, index } of all) {
      if (message.sequence === 1) batch.ack(index);
      if (message.sequence === 2) batch.nak(index, 300);
      if (message.sequence === 3) batch.term(index);
    }
    const again = await readOne(reader);
    expect(again.messages.map(({ sequence, delivered }) => [sequence, delivered])).toEqual([[2, 2]]);
    expect(Date.now() - nakedAtMs).toBeGreaterThanOrEqual(290);
    again.ack(0);
    await eventually(
      async () => {
        const { num_ack_pending, num_pending, ack_floor } = await jsm.consumers.info(stream, consumer);
        return num_ack_pending === 0 && num_pending === 0 && ack_floor.stream_seq === 3;
      },
      { what: 'everything to be settled' },
    );
  });

  it('acknowledges all up to the first that is not settled, and a nak holds the line', async () => {
    const { reader, subject, stream, consumer } = await open({ consumer_ack_policy: 'all', consumer_ack_wait_s: 30 });
    await publish(subject, 6);
    const batches: Batch[] = [];
    for (let count = 0; count < 6; count += batches.at(-1)?.messages.length ?? 0) batches.push(await readOne(reader));
    const settle = (sequence: number, how: (batch: Batch, index: number) => void) => {
      for (const batch of batches)
        for (const [index, message] of batch.messages.entries()) if (message.sequence === sequence) how(batch, index);
    };
    for (const sequence of [1, 2, 4, 6]) settle(sequence, (batch, index) => batch.ack(index));
    settle(3, (batch, index) => batch.nak(index, 300));
    settle(5, (batch, index) => batch.term(index));
    await eventually(async () => (await jsm.consumers.info(stream, consumer)).ack_floor.stream_seq === 2, {
      what: 'two to be acknowledged',
    });
    const again = await readOne(reader);
    expect(again.messages.map(({ sequence, delivered }) => [sequence, delivered])).toEqual([[3, 2]]);
    expect((await jsm.consumers.info(stream, consumer)).ack_floor.stream_seq).toBe(2);
    again.ack(0);
    await publish(subject, 1);
    expect(await readTexts(reader, 1)).toEqual(['0']);
    await eventually(
      async () => {
        const { ack_floor, num_ack_pending } = await jsm.consumers.info(stream, consumer);
        return ack_floor.stream_seq === 7 && num_ack_pending === 0;
      },
      { what: 'all to be acknowledged' },
    );
  });

  it.each([
    ['by a purge', (stream: string) => jsm.streams.purge(stream, { seq: 3 })],
    ['from the midst of the stream', (stream: string) => jsm.streams.deleteMessage(stream, 2)],
  ])('is not held back by a refused message that is removed %s before it comes again', async (_, remove) => {
    const options = { consumer_ack_policy: 'all', consumer_ack_wait_s: 1 };
    const { reader, subject, stream, consumer } = await open(options);
    await publish(subject, 4);
    await eventually(() => reader.counters.messages === 4, { what: 'all messages' });
    const batch = await readOne(reader);
    batch.nak(1, 500);
    await remove(stream);
    for (const index of [0, 2, 3]) batch.ack(index);
    // nats-server 2.9 takes no acknowledgement of what was under way during a purge, and waits for none.
    await publish(subject, 1);
    (await readOne(reader)).ack(0);
    const keeping = setInterval(() => reader.keepAlive(), 200);
    await eventually(async () => (await jsm.consumers.info(stream, consumer)).ack_floor.stream_seq === 5, {
      what: 'the acknowledgement of all behind it',
    });
    clearInterval(keeping);
    expect(reader.counters.messages).toBe(5);
  });

  it('does not wait for good for a refused message that the server keeps back', async () => {
    const options = { consumer_ack_policy: 'all', consumer_ack_wait_s: 1 };
    const { reader, subject, stream, consumer } = await open(options);
    await publish(subject, 2);
    await eventually(() => reader.counters.messages === 2, { what: 'all messages' });
    const batch = await readOne(reader);
    batch.nak(0, 500);
    batch.ack(1);
    // Somebody else refuses it as well, for an hour, and later: the server has had the time to take the first refusal in.
    await publisher.flush();
    publisher.publish(`$JS.ACK.${stream}.${consumer}.1.1.1.0.0`, '-NAK {"delay":3600000000000}');
    await expect(reader.read()).rejects.toMatchObject({
      steer: 'blocked',
      message: expect.stringContaining('message 1'),
    });
  });

  it('puts off the redelivery of what is still being worked on', async () => {
    const { reader, subject } = await open({ consumer_ack_wait_s: 1 });
    await publish(subject, 1);
    const batch = await readOne(reader);
    const startedMs = Date.now();
    const keeping = setInterval(() => batch.working(0), 200);
    const second = reader.read();
    let redelivered = false;
    void second.then(() => {
      redelivered = true;
    });
    await eventually(() => Date.now() - startedMs > 1800, { what: 'almost two waits' });
    clearInterval(keeping);
    expect(redelivered).toBe(false);
    expect((await second)?.messages[0]?.delivered).toBe(2);
  });

  it('reads on where it was, after another reader of the durable', async () => {
    const first = await open();
    await publish(first.subject, 10);
    expect(await readTexts(first.reader, 10)).toHaveLength(10);
    await first.reader.close();
    await first.connection.close();
    await publish(first.subject, 1);
    const { reader } = await open({}, first.subject);
    expect(await readTexts(reader, 1)).toEqual(['0']);
  });

  it('shares the messages of the durable with another reader', async () => {
    const { reader, subject, connection } = await open({ pull_batch_size: 1 });
    const other = connection.reader();
    await other.open();
    await publish(subject, 200);
    const seen = new Set<number>();
    const drain = async (from: Reader) => {
      for (let batch = await from.read(); batch; batch = await from.read()) {
        for (const [index, { sequence }] of batch.messages.entries()) {
          expect(seen.has(sequence ?? 0)).toBe(false);
          seen.add(sequence ?? 0);
          batch.ack(index);
        }
      }
    };
    const draining = [drain(reader), drain(other)];
    await eventually(() => seen.size === 200, { what: 'all messages' });
    await Promise.all([reader.stop(), other.stop()]);
    await Promise.all(draining);
    expect(reader.counters.messages > 0 && other.counters.messages > 0).toBe(true);
  });

  it('holds no more than may be unacknowledged, however long nobody reads', async () => {
    const { reader, subject } = await open({ consumer_max_ack_pending: 20, consumer_ack_wait_s: 1 });
    await publish(subject, 60);
    await eventually(() => reader.counters.messages === 20, { what: 'the first delivery' });
    // Nothing is asked for that could not be read: no delivery is used up by what waits already.
    const openedMs = Date.now();
    await eventually(() => Date.now() - openedMs > 2500, { what: 'two waits' });
    expect(reader.counters.messages).toBe(20);
    expect(await reader.consumerInfo()).toMatchObject({ waitingPulls: 0, pending: 40 });
    const seen = new Set<string>();
    while (seen.size < 60) {
      const next = await readOne(reader);
      for (const text of textsOf(next)) seen.add(text);
      next.messages.forEach((_, index) => void next.ack(index));
    }
  });

  it('does not ask again for what is on its way where the server says that a pull was served', async () => {
    const stream = streamOf(`in${number + 1}`);
    const pulls: string[] = [];
    publisher.subscribe(`$JS.API.CONSUMER.MSG.NEXT.${stream}.>`, {
      callback: (_, { reply = '' }) => void pulls.push(reply),
    });
    await publisher.flush();
    const { reader, subject } = await open({ pull_batch_size: 100, pull_timeout_ms: 30_000 });
    await eventually(() => pulls.length === 1, { what: 'the first pull' });
    publisher.publish(pulls[0] ?? '', '', { headers: pullServed() });
    await publish(subject, 30);
    expect(await readTexts(reader, 30)).toHaveLength(30);
    expect(pulls).toHaveLength(1);
  });

  it.each(['explicit', 'all', 'none'])(
    'holds as much of large messages as there is memory for, and a larger one alone (%s)',
    async (consumer_ack_policy) => {
      const { reader, subject } = await open({ consumer_ack_policy });
      const js = jetstream(publisher);
      const sizes = [...Array.from({ length: 12 }, () => 3 * mib), 20 * mib, 1, 20 * mib, ...Array(20).fill(1)];
      for (const size of sizes) await js.publish(subject, new Uint8Array(size), { timeout: 20_000 });
      await eventually(async () => (await reader.consumerInfo())?.waitingPulls === 0, { what: 'it to want no more' });
      expect(reader.counters.bytes).toBe(15 * mib);
      const read: number[] = [];
      while (read.length < sizes.length) {
        const batch = await readOne(reader);
        read.push(...batch.messages.map(({ data }) => data.length));
        batch.messages.forEach((_, index) => void batch.ack(index));
        // Beside what waits there is at most what one pull brings.
        const readBytes = read.reduce((sum, size) => sum + size, 0);
        expect(reader.counters.bytes - readBytes).toBeLessThanOrEqual(2 * 16 * mib);
      }
      expect(read).toEqual(sizes);
    },
  );

  it.each([
    [
      { pull_batch_size: 10, pull_timeout_ms: 200 },
      { batch: 10, max_bytes: 16 * mib, expires: 200e6 },
    ],
    [
      { pull_batch_size: 100, pull_timeout_ms: 30_000 },
      { batch: 100, max_bytes: 16 * mib, expires: 30e9, idle_heartbeat: 2e9 },
    ],
  ])('asks for as many messages, and as long, as %j says', async (options, request) => {
    const stream = streamOf(`in${number + 1}`);
    const requests: object[] = [];
    publisher.subscribe(`$JS.API.CONSUMER.MSG.NEXT.${stream}.>`, {
      callback: (_, message) => void requests.push(message.json()),
    });
    await publisher.flush();
    const { reader, subject } = await open(options);
    const asked = options.pull_timeout_ms < 1000 ? 3 : 1;
    await eventually(() => requests.length >= asked, { what: 'the requests' });
    for (const seen of requests) expect(seen).toEqual(request);
    expect((await reader.consumerInfo())?.waitingPulls).toBe(1);
    await publish(subject, 35);
    expect(await readTexts(reader, 35)).toHaveLength(35);
  });

  it('loses nothing over restarts of the server, under way in both directions', async () => {
    const { reader, subject, stream, consumer } = await open({ consumer_ack_wait_s: 1 });
    const total = 600;
    const js = jetstream(publisher);
    const publishing = (async () => {
      for (let i = 0; i < total; ) {
        const sent = await js.publish(subject, String(i), { msgID: String(i), timeout: 500 }).then(
          () => true,
          () => false,
        );
        if (sent) i++;
      }
    })();
    const seen = new Set<string>();
    const reading = (async () => {
      for (let batch = await reader.read(); batch; batch = await reader.read()) {
        for (const [index, text] of textsOf(batch).entries()) {
          seen.add(text);
          batch.ack(index);
        }
      }
    })();
    for (const reached of [150, 350]) {
      await eventually(() => seen.size >= reached, { what: `${reached} messages` });
      await server.restart();
    }
    await publishing;
    await eventually(
      async () => {
        const { num_ack_pending, num_pending } = await jsm.consumers.info(stream, consumer);
        return seen.size === total && num_ack_pending === 0 && num_pending === 0;
      },
      { what: 'all messages and acknowledgements' },
    );
    await reader.stop();
    await reading;
  });

  it.each([
    [
      'its consumer is deleted',
      (stream: string, consumer: string) => jsm.consumers.delete(stream, consumer),
      /consumer/,
    ],
    ['its stream is deleted', (stream: string) => jsm.streams.delete(stream), /stream|consumer/],
  ])('is blocked when %s', async (_, remove, message) => {
    const { reader, subject, stream, consumer } = await open();
    await publish(subject, 1);
    expect(await readTexts(reader, 1)).toEqual(['0']);
    const refused = expect(reader.read()).rejects.toMatchObject({
      name: 'ConnectorError',
      steer: 'blocked',
      message: expect.stringMatching(message),
    });
    await remove(stream, consumer);
    await refused;
    await reader.close();
  });

  it('is blocked while its stream or consumer is missing', async () => {
    const { connection } = await openConnection({
      type: 'source',
      servers: server.url,
      jetstream: true,
      stream_name: 'NOWHERE',
      subject: 'nowhere',
    });
    const blocked = { name: 'ConnectorError', steer: 'blocked', message: expect.stringContaining('"NOWHERE"') };
    await expect(connection.provision()).rejects.toMatchObject(blocked);
    await expect(connection.reader().open()).rejects.toMatchObject(blocked);
    await jsm.streams.add({ name: 'NOWHERE', subjects: ['nowhere'] });
    await expect(connection.reader().open()).rejects.toMatchObject(blocked);
    await connection.provision();
    await connection.reader().open();
  });

  it('tells a stream from one of its name that was there before', async () => {
    const first = await open();
    const incarnation = first.reader.sourceIncarnation;
    expect(incarnation).toMatch(/^[0-9a-z]+$/);
    await first.reader.close();
    await jsm.streams.delete(first.stream);
    const { reader } = await open({}, first.subject);
    expect(reader.sourceIncarnation).not.toBe(incarnation);
  });

  it('gives what the server says of the consumer', async () => {
    const { reader, subject, stream, consumer } = await open({ consumer_max_ack_pending: 2 });
    await publish(subject, 5);
    await readOne(reader);
    await eventually(
      async () => {
        const info = await reader.consumerInfo();
        return info?.ackPending === 2 && info.pending === 3 && info.lastDelivered === 2;
      },
      { what: 'two unacknowledged and three pending messages' },
    );
    expect(await reader.consumerInfo()).toMatchObject({ stream, consumer, redelivered: 0 });
  });

  it.each([
    [{ start: 'all' }, ['0', '1', '2']],
    [{ start: 'last' }, ['2']],
    [{ start: 2 }, ['1', '2']],
    [{ start: 'new' }, ['later']],
    [{ start: '2020-01-01' }, ['0', '1', '2']],
  ])('begins where %j says', async (options, expected) => {
    const subject = `in${++number}`;
    await jsm.streams.add({ name: streamOf(subject), subjects: [subject] });
    await publish(subject, 3);
    const { reader } = await open(options, subject);
    if (options.start === 'new') publisher.publish(subject, 'later');
    expect(await readTexts(reader, expected.length)).toEqual(expected);
  });

  it('reads the subjects that it is for, and no others', async () => {
    const stream = `WIDE${++number}`;
    await jsm.streams.add({ name: stream, subjects: [`wide${number}.>`] });
    const { connection } = await openConnection({
      type: 'source',
      servers: server.url,
      jetstream: true,
      stream_name: stream,
      subject: `wide${number}.*.a`,
      pull_timeout_ms: 1000,
    });
    await connection.provision();
    const reader = connection.reader();
    await reader.open();
    for (const token of ['x.b', 'x.a', 'y.a', 'x.a.b']) publisher.publish(`wide${number}.${token}`, token);
    expect(await readTexts(reader, 2)).toEqual(['x.a', 'y.a']);
    expect((await reader.consumerInfo())?.pending).toBe(0);
  });

  it('is blocked where the server stands still, long before the connection counts as lost', async () => {
    const still = await startNats();
    try {
      const { reader } = await open({ servers: still.url });
      still.kill('SIGSTOP');
      await expect(reader.read()).rejects.toMatchObject({ name: 'ConnectorError', steer: 'blocked' });
    } finally {
      still.kill('SIGCONT');
      await closeConnections();
      await still.stop();
    }
  });

  it('belongs to a connection of its role', async () => {
    const sink: Connection = (await openConnection({ type: 'sink', servers: server.url, subject: 'x' })).connection;
    expect(() => sink.reader()).toThrow(expect.objectContaining({ name: 'ConnectorError', steer: 'failed' }));
  });
});
