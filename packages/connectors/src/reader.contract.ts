import { connect as connectSocket } from 'node:net';
import type { Options } from '@laminar/definitions';
import { eventually, startNats, type TestNats } from '@laminar/test';
import { headers, type NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Batch, Connection, Reader } from './index.js';
import { closeConnections, limitedUser, openConnection } from './testing/connections.js';

export interface ReaderSubject {
  readonly name: string;
  /** Options of a source of `subject`, for the part that differs; what it needs on the server is made by `provision`. */
  options(subject: string): Options;
  /** Whether messages survive that nobody reads them. */
  readonly durable: boolean;
  /** A subject of its own for each number, and for `forbidden` one that may not be read; `in1` and `forbidden.x` unless said otherwise. */
  subjectOf?(own: number | 'forbidden'): string;
  /** Makes what `provision` does not make for `options(subject)`. */
  prepare?(publisher: NatsConnection, subject: string): Promise<void>;
}

const plainSubject = (own: number | 'forbidden') => (own === 'forbidden' ? 'forbidden.x' : `in${own}`);

/** Messages read one after the other, each settled. */
export async function readTexts(reader: Reader, count: number): Promise<string[]> {
  const texts: string[] = [];
  while (texts.length < count) {
    const batch = await reader.read();
    if (!batch) break;
    texts.push(...textsOf(batch));
    batch.messages.forEach((_, index) => void batch.ack(index));
  }
  return texts;
}

export const textsOf = (batch: Batch): string[] => batch.messages.map(({ data }) => new TextDecoder().decode(data));

/** The sizes of the batches that hold so many messages, each settled; fewer at the reader's end. */
async function sizesOf(reader: Reader, count: number): Promise<number[]> {
  const sizes: number[] = [];
  for (let read = 0; read < count; read += sizes.at(-1) ?? 0) {
    const batch = await reader.read();
    if (!batch) break;
    sizes.push(batch.messages.length);
    batch.messages.forEach((_, index) => void batch.ack(index));
  }
  return sizes;
}

/** What every reader must do. */
export function describeReader({ name, options, durable, subjectOf = plainSubject, prepare }: ReaderSubject): void {
  describe(`${name}, as a reader`, () => {
    let server: TestNats;
    let publisher: NatsConnection;
    let number = 0;

    beforeAll(async () => {
      server = await startNats({ config: limitedUser });
      publisher = await connect({ servers: server.url, reconnectTimeWait: 20, maxReconnectAttempts: -1 });
    });
    afterEach(closeConnections);
    afterAll(async () => {
      await publisher.close();
      await server.stop();
    });

    async function open(more: Options = {}): Promise<{ reader: Reader; connection: Connection; subject: string }> {
      const subject = subjectOf(++number);
      await prepare?.(publisher, subject);
      const { connection } = await openConnection(
        { type: 'source', servers: server.url, ...options(subject), ...more },
        `in${number}`,
      );
      await connection.provision();
      const reader = connection.reader();
      await reader.open();
      return { reader, connection, subject };
    }

    it('misses nothing from when it is open, and hands it over in order', async () => {
      const { reader, subject } = await open();
      const sent = Array.from({ length: 3000 }, (_, i) => `m${i}`);
      for (const text of sent) publisher.publish(subject, text);
      expect(await readTexts(reader, sent.length)).toEqual(sent);
      const bytes = sent.join('').length;
      expect(reader.counters).toEqual({ messages: sent.length, bytes, dropped: 0 });
    });

    it('hands over batches that are never empty and never endless', async () => {
      const { reader, subject } = await open();
      for (let i = 0; i < 3000; i++) publisher.publish(subject, 'x');
      await publisher.flush();
      const sizes = await sizesOf(reader, 3000);
      expect(sizes.reduce((sum, size) => sum + size)).toBe(3000);
      expect(Math.min(...sizes)).toBeGreaterThan(0);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(1024);
    });

    it('hands over no more than batch_size at once', async () => {
      const { reader, subject } = await open({ batch_size: 7 });
      for (let i = 0; i < 20; i++) publisher.publish(subject, 'x');
      await publisher.flush();
      await eventually(() => reader.counters.messages === 20, { what: 'all messages' });
      expect(await sizesOf(reader, 20)).toEqual([7, 7, 6]);
    });

    it('waits with batch_timeout_ms for a batch to be full, and no longer than that', async () => {
      const { reader, subject } = await open({ batch_size: 5, batch_timeout_ms: 500 });
      const startedMs = performance.now();
      // The first batch is full before its time, the second never.
      for (let i = 0; i < 4; i++) publisher.publish(subject, 'x');
      await publisher.flush();
      await eventually(() => reader.counters.messages === 4, { what: 'four messages' });
      const sizes = sizesOf(reader, 8);
      for (let i = 0; i < 4; i++) publisher.publish(subject, 'x');
      expect(await sizes).toEqual([5, 3]);
      expect(performance.now() - startedMs).toBeGreaterThan(490);
    });

    it('does not wait for a batch to be full where it is stopped', async () => {
      const { reader, subject } = await open({ batch_timeout_ms: 60_000 });
      publisher.publish(subject, 'x');
      await publisher.flush();
      await eventually(() => reader.counters.messages === 1, { what: 'the message' });
      const sizes = sizesOf(reader, 2);
      await reader.stop();
      expect(await sizes).toEqual([1]);
    });

    it('gives what a message says of itself', async () => {
      const { reader, subject } = await open();
      const own = headers();
      own.append('X-A', '1');
      own.append('X-A', '2');
      own.append('traceparent', 'tp');
      publisher.publish(subject, '{}', { headers: own });
      const before = Date.now();
      const [message] = (await reader.read())?.messages ?? [];
      expect(message?.subject).toBe(subject);
      expect(message?.headers()).toEqual({ 'X-A': ['1', '2'], traceparent: ['tp'] });
      expect(message?.header('traceparent')).toBe('tp');
      expect(message?.header('absent')).toBeUndefined();
      expect(Math.abs((message?.timestampMs ?? 0) - before)).toBeLessThan(5000);
    });

    it.each(['NATS/1.0\r\nBad Name: x\r\n\r\n', 'NATS/1.0\r\nnonsense\r\n\r\n', 'nonsense', '\r\n'])(
      'takes the headers %j for none, and hands the message over',
      async (block) => {
        const { reader, subject } = await open();
        const socket = connectSocket(server.port, '127.0.0.1');
        const size = Buffer.byteLength(block);
        socket.write(
          `CONNECT {"headers":true,"verbose":false}\r\nHPUB ${subject} ${size} ${size + 2}\r\n${block}{}\r\nPING\r\n`,
        );
        const batch = await reader.read();
        socket.destroy();
        expect(batch && textsOf(batch)).toEqual(['{}']);
        expect(batch?.messages[0]?.header('traceparent')).toBeUndefined();
        expect(batch?.messages[0]?.headers() ?? {}).toEqual({});
      },
    );

    it('hands over what it has received when it is stopped, then says that it is at its end', async () => {
      const { reader, subject } = await open();
      for (let i = 0; i < 1500; i++) publisher.publish(subject, 'x');
      await publisher.flush();
      await eventually(() => reader.counters.messages > 0, { what: 'messages' });
      await reader.stop();
      await reader.stop();
      const received = reader.counters.messages;
      let handed = 0;
      for (let batch = await reader.read(); batch; batch = await reader.read()) {
        handed += batch.messages.length;
        batch.messages.forEach((_, index) => void batch.ack(index));
      }
      expect(handed).toBe(received);
      expect(await reader.read()).toBeUndefined();
    });

    it('ends a read that waits when it is stopped', async () => {
      const { reader } = await open();
      const waiting = reader.read();
      await reader.stop();
      expect(await waiting).toBeUndefined();
    });

    it('lets a batch be settled after the stop, in every way', async () => {
      const { reader, subject } = await open();
      for (let i = 0; i < 4; i++) publisher.publish(subject, 'x');
      const batches: Batch[] = [];
      for (let count = 0; count < 4; ) {
        const batch = await reader.read();
        if (!batch) break;
        batches.push(batch);
        count += batch.messages.length;
      }
      await reader.stop();
      const settle = ['ack', 'nak', 'term', 'working'] as const;
      let index = 0;
      for (const batch of batches)
        for (let i = 0; i < batch.messages.length; i++) batch[settle[index++ % 4] ?? 'ack'](i, 1000);
      await reader.close();
    });

    it('may be closed at any time, and more than once', async () => {
      const { reader, connection } = await open();
      await reader.close();
      await reader.close();
      await connection.reader().close();
      expect(await reader.read()).toBeUndefined();
    });

    it('leaves nothing behind where it is closed while it opens, at whatever moment', async () => {
      const { reader, connection } = await open();
      await reader.close();
      const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
      const before = { subscriptions: connection.snapshot().subscriptions, timers: timers() };
      let opened = false;
      for (let turns = 0; !opened; turns += 5) {
        const next = connection.reader();
        const opening = next.open().then(
          () => true,
          () => false,
        );
        let isOver = false;
        void opening.then(() => {
          isOver = true;
        });
        for (let turn = 0; turn < turns && !isOver; turn++) await new Promise(setImmediate);
        opened = isOver;
        await next.close();
        await opening;
      }
      await eventually(() => connection.snapshot().subscriptions <= before.subscriptions && timers() <= before.timers, {
        what: 'all subscriptions and timers to be gone',
      });
    });

    it('goes on after the server was away', async () => {
      const { reader, subject } = await open();
      publisher.publish(subject, 'before');
      expect(await readTexts(reader, 1)).toEqual(['before']);
      await server.restart();
      await publisher.flush().catch(() => undefined);
      let sent = 0;
      const next = reader.read();
      let arrived: Batch | undefined;
      void next.then((batch) => {
        arrived = batch;
      });
      // A plain subscription misses what is said before it is back, so that it is said again and again.
      await eventually(
        () => {
          if (!durable || sent === 0) publisher.publish(subject, `after ${sent++}`);
          return arrived !== undefined;
        },
        { what: 'a message after the restart' },
      );
      expect(arrived && textsOf(arrived)[0]).toMatch(/^after/);
    });

    it('says at once that it may not read', async () => {
      const subject = subjectOf('forbidden');
      await prepare?.(publisher, subject);
      const { connection } = await openConnection({ type: 'source', servers: server.url, ...options(subject) });
      const reader = connection.reader();
      await connection.provision();
      const refusal = { name: 'ConnectorError', message: expect.stringMatching(/permission/i) };
      await expect(
        (async () => {
          await reader.open();
          await reader.read();
        })(),
      ).rejects.toMatchObject(refusal);
    });
  });
}
