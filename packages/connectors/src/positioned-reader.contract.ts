import { eventually, startNats, type TestNats } from '@laminar/test';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Reader } from './index.js';
import { describeReader, type ReaderSubject, readTexts, textsOf } from './reader.contract.js';
import { closeConnections, openConnection } from './testing/connections.js';
import { MemoryPositions } from './testing/memory-positions.js';

export interface PositionedSubject extends Required<Omit<ReaderSubject, 'durable'>> {
  /** The stream behind a subject. */
  streamOf(subject: string): string;
}

/** What every reader without a durable must do, beside what every reader must. */
export function describePositionedReader(subject: PositionedSubject): void {
  const { name, options, subjectOf, prepare, streamOf } = subject;
  describeReader({ ...subject, durable: true });

  describe(`${name}, as a reader with a position`, () => {
    let server: TestNats;
    let publisher: NatsConnection;
    let number = 0;

    beforeAll(async () => {
      server = await startNats();
      publisher = await connect({ servers: server.url, reconnectTimeWait: 20, maxReconnectAttempts: -1 });
    });
    afterEach(closeConnections);
    afterAll(async () => {
      await publisher.close();
      await server.stop();
    });

    async function open(positions = new MemoryPositions(), own = ++number) {
      const subject = subjectOf(own);
      await prepare(publisher, subject);
      const { connection } = await openConnection(
        { type: 'source', servers: server.url, ...options(subject) },
        `in${own}`,
      );
      await connection.provision();
      const reader = connection.reader(positions.store());
      await reader.open();
      return { reader, connection, positions, subject, own };
    }

    async function publish(subject: string, ...texts: string[]): Promise<void> {
      const js = jetstream(publisher);
      for (const text of texts) await js.publish(subject, text);
    }

    async function readOne(reader: Reader) {
      const batch = await reader.read();
      if (!batch) throw new Error('the reader has ended');
      return batch;
    }

    const texts = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `m${from + i}`);

    it('goes on behind what was settled, and only there', async () => {
      const first = await open();
      await publish(first.subject, ...texts(0, 10));
      await eventually(() => first.reader.counters.messages === 10, { what: 'all messages' });
      const batch = await readOne(first.reader);
      for (const index of [0, 1, 2, 4, 6]) batch.ack(index);
      await first.reader.close();
      expect(first.positions.position?.sequence).toBe(3);
      const { reader } = await open(first.positions, first.own);
      expect(await readTexts(reader, 7)).toEqual(texts(3, 10));
      await publish(first.subject, 'after');
      expect(await readTexts(reader, 1)).toEqual(['after']);
      await reader.close();
      expect(first.positions.position?.sequence).toBe(11);
    });

    it('saves its position a few times a second, and not where nothing moved', async () => {
      const { reader, positions, subject } = await open();
      expect(positions.saves).toBe(1);
      await publish(subject, ...texts(0, 100));
      await readTexts(reader, 100);
      await eventually(() => positions.position?.sequence === 100, { what: 'the position' });
      const { saves } = positions;
      expect(saves).toBeLessThan(100);
      await reader.close();
      expect(positions.saves).toBe(saves);
    });

    it('ends where another has taken over', async () => {
      const old = await open();
      const { reader } = await open(old.positions, old.own);
      await publish(old.subject, 'a');
      expect(await readTexts(old.reader, 1)).toEqual(['a']);
      await expect(old.reader.read()).rejects.toMatchObject({ name: 'ConnectorError', steer: 'blocked' });
      expect(await readTexts(reader, 1)).toEqual(['a']);
      await old.reader.close();
      await reader.close();
      expect(old.positions.position?.sequence).toBe(1);
    });

    it('hands over again what could not be done, after its delay, and holds its position there', async () => {
      const { reader, positions, subject } = await open();
      await publish(subject, ...texts(0, 4));
      await eventually(() => reader.counters.messages === 4, { what: 'all messages' });
      const batch = await readOne(reader);
      const nakedMs = performance.now();
      batch.ack(0);
      batch.nak(2, 300);
      batch.nak(1, 300);
      batch.ack(3);
      // What was refused a moment later may come a moment later.
      const again = [await readOne(reader)];
      expect(performance.now() - nakedMs).toBeGreaterThanOrEqual(299);
      if (again[0]?.messages.length === 1) again.push(await readOne(reader));
      expect(again.flatMap(textsOf).sort()).toEqual(['m1', 'm2']);
      expect(again.flatMap(({ messages }) => messages.map(({ delivered }) => delivered))).toEqual([2, 2]);
      await eventually(() => positions.position?.sequence === 1, { what: 'the position before them' });
      for (const batch of again.reverse()) for (let i = batch.messages.length - 1; i >= 0; i--) batch.ack(i);
      await eventually(() => positions.position?.sequence === 4, { what: 'the position behind them' });
    });

    it('asks for no more than it can hold', async () => {
      const { reader, subject } = await open();
      const js = jetstream(publisher);
      const count = 6000;
      for (let i = 0; i < count; i += 500)
        await Promise.all(Array.from({ length: 500 }, (_, k) => js.publish(subject, `m${i + k}`)));
      await eventually(() => reader.counters.messages === 5000, { what: 'as much as it holds' });
      const { ackPending = 0, pending = 0 } = (await reader.consumerInfo()) ?? {};
      expect([ackPending, pending]).toEqual([5000, 1000]);
      expect(await readTexts(reader, count)).toEqual(texts(0, count));
      expect(await reader.consumerInfo()).toMatchObject({ ackPending: 0, pending: 0, lastDelivered: count });
    });

    it('goes on where it was when its consumer is deleted', async () => {
      const { reader, subject } = await open();
      await publish(subject, 'a');
      const first = await readOne(reader);
      const jsm = await jetstreamManager(publisher);
      const { consumer = '' } = first.messages[0] ?? {};
      await jsm.consumers.delete(streamOf(subject), consumer);
      await publish(subject, 'b', 'c');
      expect(await readTexts(reader, 2)).toEqual(['b', 'c']);
      first.ack(0);
    });

    it('goes on where it was after the server was away', async () => {
      const { reader, subject } = await open();
      await publish(subject, 'a');
      expect(await readTexts(reader, 1)).toEqual(['a']);
      await server.restart();
      await eventually(async () => (await publisher.rtt()) >= 0, { what: 'the server to be back' });
      await publish(subject, 'b', 'c');
      expect(await readTexts(reader, 2)).toEqual(['b', 'c']);
    });

    it('says that its stream is gone, and reads one that is made again from its beginning', async () => {
      const { reader, positions, subject, own } = await open();
      await publish(subject, ...texts(0, 5));
      await readTexts(reader, 5);
      const jsm = await jetstreamManager(publisher);
      const { config } = await jsm.streams.info(streamOf(subject));
      const before = reader.sourceIncarnation;
      await jsm.streams.delete(config.name);
      await expect(reader.read()).rejects.toMatchObject({ name: 'ConnectorError', steer: 'blocked' });
      await reader.close();
      await jsm.streams.add(config);
      await publish(subject, 'new');
      const next = await open(positions, own);
      expect(await readTexts(next.reader, 1)).toEqual(['new']);
      expect(next.reader.sourceIncarnation).not.toBe(before);
      expect(next.connection.snapshot().lastError).toMatch(/was deleted and made again/);
    });

    it('leaves nothing on the server', async () => {
      const { reader, subject } = await open();
      const jsm = await jetstreamManager(publisher);
      const consumers = async () => (await jsm.streams.info(streamOf(subject))).state.consumer_count;
      expect(await consumers()).toBe(1);
      await reader.close();
      expect(await consumers()).toBe(0);
    });
  });
}
