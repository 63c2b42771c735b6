import type { Options } from '@laminar/definitions';
import { eventually, startNats, type TestNats } from '@laminar/test';
import { AckPolicy, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { type Msg, type NatsConnection, nanos } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Reader } from '../index.js';
import { describeReader, readTexts } from '../reader.contract.js';
import { closeConnections, openConnection } from '../testing/connections.js';

const streamOf = (subject: string) => subject.split('.')[0]?.toUpperCase() ?? '';

const optionsOf = (subject: string) => ({
  jetstream: true,
  stream_name: streamOf(subject),
  stream_subjects: subject,
  consumer_pull: false,
});

for (const consumer_ack_policy of ['explicit', 'all', 'none']) {
  describeReader({
    name: `a durable push consumer that acknowledges ${consumer_ack_policy}`,
    options: (subject) => ({ ...optionsOf(subject), consumer_ack_policy }),
    durable: true,
  });
}

describe('a durable push consumer', () => {
  let server: TestNats;
  let publisher: NatsConnection;
  let jsm: JetStreamManager;
  let number = 0;

  beforeAll(async () => {
    server = await startNats();
    publisher = await connect({ servers: server.url });
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
    expect(await connection.provision()).toMatchObject({ drift: undefined, remark: undefined });
    const reader = connection.reader();
    await reader.open();
    return { reader, connection, subject, stream: streamOf(subject), consumer: `laminar-${subject}` };
  }

  async function publish(subject: string, count: number, data = ''): Promise<void> {
    const js = jetstream(publisher);
    await Promise.all(Array.from({ length: count }, (_, i) => js.publish(subject, `${i}${data}`)));
  }

  /** Reads and acknowledges until it is stopped; by sequence, how often each came. */
  function drain(from: Reader, seen: Map<number, number>): Promise<void> {
    return (async () => {
      for (let batch = await from.read(); batch; batch = await from.read()) {
        for (const [index, { sequence = 0 }] of batch.messages.entries()) {
          seen.set(sequence, (seen.get(sequence) ?? 0) + 1);
          batch.ack(index);
        }
      }
    })();
  }

  it('delivers to a subject of its own, and says so of itself', async () => {
    const { reader, subject, stream, consumer } = await open({ consumer_max_ack_pending: 7 });
    await publish(subject, 20);
    await eventually(async () => (await reader.consumerInfo())?.ackPending === 7, { what: 'seven in flight' });
    expect(await reader.consumerInfo()).toMatchObject({ stream, consumer, pending: 13, waitingPulls: 0 });
    const { config } = await jsm.consumers.info(stream, consumer);
    expect(config.deliver_subject).toMatch(/^_INBOX\./);
    expect(config.deliver_subject).toContain(stream);
    expect(await readTexts(reader, 20)).toHaveLength(20);
  });

  it.each([{ queue_group: 'workers', parallelism: 2 }, {}])(
    'shares its messages with another reader: %j',
    async (options) => {
      const { reader, subject, connection, stream, consumer } = await open(options);
      const other = connection.reader();
      await other.open();
      const seen = new Map<number, number>();
      const draining = [drain(reader, seen), drain(other, seen)];
      await publish(subject, 300);
      await eventually(() => seen.size === 300, { what: 'all messages' });
      await Promise.all([reader.stop(), other.stop()]);
      await Promise.all(draining);
      expect([...seen.values()].every((times) => times === 1)).toBe(true);
      expect(reader.counters.messages > 0 && other.counters.messages > 0).toBe(true);
      if ('queue_group' in options)
        expect((await jsm.consumers.info(stream, consumer)).config.deliver_group).toBe('workers');
    },
  );

  it('leaves at the server what it has no room for, where nothing is acknowledged', async () => {
    const { reader, subject } = await open({ consumer_ack_policy: 'none' });
    const total = 20_000;
    for (let sent = 0; sent < total; sent += 1000) await publish(subject, 1000, 'x'.repeat(1000));
    // More than it takes at once: the server waits to be told to go on.
    await eventually(
      async () => reader.counters.messages > 1000 && ((await reader.consumerInfo())?.pending ?? 0) > 1000,
      {
        what: 'the server to hold back',
      },
    );
    const seen = new Map<number, number>();
    const draining = drain(reader, seen);
    await eventually(() => seen.size === total, { what: 'all messages' });
    await reader.stop();
    await draining;
    expect(reader.counters).toMatchObject({ messages: total, dropped: 0 });
  });

  const mebibyte = 2 ** 20;

  /** Publishes so many bytes in messages as large as the server takes, more than a reader may hold. */
  async function publishLarge(subject: string, mebibytes: number): Promise<void> {
    const js = jetstream(publisher);
    const data = new Uint8Array(mebibyte);
    for (let i = 0; i < mebibytes; i++) await js.publish(subject, data);
  }

  it('leaves at the server what is too large together, whatever it acknowledges', async () => {
    const subject = `in${++number}`;
    const total = 64;
    const policies = ['explicit', 'all', 'none'];
    const connections = await Promise.all(
      policies.map(async (consumer_ack_policy) => {
        const acknowledging: Options = consumer_ack_policy === 'none' ? {} : { consumer_ack_wait_s: 60 };
        const { connection } = await openConnection({
          type: 'source',
          servers: server.url,
          ...optionsOf(subject),
          ...{ format: 'raw', consumer_name: consumer_ack_policy, consumer_ack_policy },
          ...acknowledging,
        });
        await connection.provision();
        return connection;
      }),
    );
    await publishLarge(subject, total);
    const heldBack = new Set<string>();
    for (const policy of policies) {
      const { config } = await jsm.consumers.info(streamOf(subject), policy);
      const callback = (_: unknown, { headers }: Msg) => {
        // So a consumer says that it waits to be told to go on.
        if (headers?.get('Nats-Consumer-Stalled')) heldBack.add(policy);
      };
      publisher.subscribe(config.deliver_subject ?? '', { callback });
    }
    const readers = connections.map((connection) => connection.reader());
    for (const reader of readers) await reader.open();
    await eventually(() => heldBack.size === policies.length, { what: 'the server to hold back', timeoutMs: 30_000 });
    for (const reader of readers) {
      expect(reader.counters.bytes).toBeGreaterThanOrEqual(16 * mebibyte);
      expect(reader.counters.bytes).toBeLessThanOrEqual(48 * mebibyte);
      const seen = new Map<number, number>();
      const draining = drain(reader, seen);
      await eventually(() => seen.size === total, { what: 'all messages' });
      await reader.stop();
      await draining;
      expect([...seen.values()].every((times) => times === 1)).toBe(true);
      expect(reader.counters).toMatchObject({ messages: total, dropped: 0 });
    }
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

  describe('that somebody else made', () => {
    async function foreign(max_ack_pending: number, options: object = {}) {
      const subject = `in${++number}`;
      const stream = streamOf(subject);
      await jsm.streams.add({ name: stream, subjects: [subject] });
      const config = { durable_name: 'theirs', ack_policy: AckPolicy.Explicit, deliver_subject: `deliver.${stream}` };
      await jsm.consumers.add(stream, { ...config, max_ack_pending, ack_wait: nanos(1000) });
      const { connection } = await openConnection({
        type: 'source',
        servers: server.url,
        ...optionsOf(subject),
        ...{ consumer_name: 'theirs', consumer_ack_wait_s: 1, consumer_max_ack_pending: 5, ...options },
      });
      const { drift } = await connection.provision();
      return { subject, stream, drift, reader: connection.reader() };
    }

    it('is held as much of as it lets be under way, whatever the definition says', async () => {
      const { subject, drift, reader } = await foreign(20);
      expect(drift).toContain('another max_ack_pending');
      await reader.open();
      await publish(subject, 60);
      await eventually(() => reader.counters.messages >= 20, { what: 'the first delivery' });
      const seen = new Map<number, number>();
      const draining = drain(reader, seen);
      await eventually(() => seen.size === 60, { what: 'all messages' });
      await reader.stop();
      await draining;
      expect(reader.counters.dropped).toBe(0);
    });

    it.each([-1, 100_000])('is not read where it pushes without a bound: max_ack_pending %i', async (limit) => {
      const { reader } = await foreign(limit);
      await expect(reader.open()).rejects.toMatchObject({
        steer: 'failed',
        message: expect.stringMatching(/theirs.*pushes (any number of|100000) messages.*max_ack_pending/),
      });
    });

    describe('and that neither asks for acknowledgements nor waits for anything', () => {
      async function unbounded(options: object = {}) {
        const subject = `in${++number}`;
        const stream = streamOf(subject);
        await jsm.streams.add({ name: stream, subjects: [subject] });
        const config = { durable_name: 'theirs', ack_policy: AckPolicy.None, deliver_subject: `deliver.${stream}` };
        await jsm.consumers.add(stream, config);
        const { connection } = await openConnection({
          type: 'source',
          servers: server.url,
          ...optionsOf(subject),
          ...{ consumer_name: 'theirs', consumer_ack_policy: 'none', ...options },
        });
        await connection.provision();
        const reader = connection.reader();
        await reader.open();
        return { subject, reader };
      }

      it.each([{ consumer_rate_limit: 1 }, {}])('is dropped beyond a number of messages: %j', async (options) => {
        const { subject, reader } = await unbounded(options);
        const max = 65_536;
        for (let i = 0; i < max + 100; i++) publisher.publish(subject);
        await eventually(() => reader.counters.dropped === 100, { what: 'what has no place', timeoutMs: 20_000 });
        const seen = new Map<number, number>();
        const draining = drain(reader, seen);
        if (!('consumer_rate_limit' in options)) await eventually(() => seen.size === max, { what: 'the others' });
        else await eventually(() => seen.size > 0, { what: 'one of the others' });
        await reader.stop();
        await draining;
        expect(seen.size).toBe(max);
        expect(reader.counters).toMatchObject({ messages: max, dropped: 100 });
      });

      it.each([{ consumer_rate_limit: 1 }, {}])('is dropped beyond 64 MiB: %j', async (options) => {
        const { subject, reader } = await unbounded({ format: 'raw', ...options });
        await publishLarge(subject, 67);
        await eventually(() => reader.counters.dropped === 3, { what: 'what has no place' });
        await reader.stop();
        expect(reader.counters).toMatchObject({ messages: 64, dropped: 3 });
      });
    });

    it('is followed where its limit is changed, to where nothing bounds it', async () => {
      const { stream, reader } = await foreign(20);
      await reader.open();
      await jsm.consumers.update(stream, 'theirs', { max_ack_pending: -1 });
      await expect(reader.read()).rejects.toMatchObject({ steer: 'failed' });
    });
  });
});
