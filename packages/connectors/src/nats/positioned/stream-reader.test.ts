import type { Options } from '@laminar/definitions';
import { eventually, startNats, TcpProxy, type TestNats } from '@laminar/test';
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Reader } from '../../index.js';
import { readTexts, textsOf } from '../../reader.contract.js';
import { closeConnections, openConnection } from '../../testing/connections.js';
import { MemoryPositions } from '../../testing/memory-positions.js';
import { pullServed } from '../../testing/pull-served.js';

describe('a reader over a stream', () => {
  let server: TestNats;
  let publisher: NatsConnection;
  let js: JetStreamClient;
  let jsm: JetStreamManager;
  let number = 0;

  beforeAll(async () => {
    server = await startNats({ config: 'max_payload: 24MB' });
    publisher = await connect({ servers: server.url });
    js = jetstream(publisher);
    jsm = await jetstreamManager(publisher);
  });
  afterEach(closeConnections);
  afterAll(async () => {
    await publisher.close();
    await server.stop();
  });

  const mib = 1024 * 1024;
  const ordered = { consumer_ordered: true };
  const ephemeral = { consumer_durable: false };

  async function stream(config: object = {}): Promise<string> {
    const name = `S${++number}`;
    await jsm.streams.add({ name, subjects: [`${name}.>`], ...config });
    return name;
  }

  async function open(stream: string, options: Options, positions = new MemoryPositions()) {
    const { connection } = await openConnection({
      type: 'source',
      servers: server.url,
      jetstream: true,
      ...('kv_bucket' in options ? {} : { stream_name: stream, subject: `${stream}.>` }),
      ...options,
    });
    const reader = connection.reader(positions.store());
    await reader.open();
    return { reader, positions, remark: () => connection.snapshot().lastError };
  }

  async function publish(subject: string, from: number, to: number): Promise<void> {
    for (let n = from; n < to; n++) await js.publish(subject, String(n));
  }

  async function readOne(reader: Reader) {
    const batch = await reader.read();
    if (!batch) throw new Error('the reader has ended');
    return batch;
  }

  const upTo = (count: number) => Array.from({ length: count }, (_, n) => String(n));

  it('begins where the definition says at the first start only, and remembers that it did', async () => {
    const name = await stream();
    await publish(`${name}.a`, 0, 5);
    const { reader, positions } = await open(name, { ...ordered, start: 'new' });
    expect(positions.position?.sequence).toBe(5);
    await reader.close();
    await publish(`${name}.a`, 5, 7);
    const next = await open(name, { ...ordered, start: 'new' }, positions);
    expect(await readTexts(next.reader, 2)).toEqual(['5', '6']);
  });

  it.each([
    ['all', upTo(5)],
    ['last', ['4']],
    [4, ['3', '4']],
    ['2000-01-01', upTo(5)],
  ])('begins at %j', async (start, expected) => {
    const name = await stream();
    await publish(`${name}.a`, 0, 5);
    const { reader } = await open(name, { ...ordered, start });
    expect(await readTexts(reader, expected.length)).toEqual(expected);
  });

  it('reads the subjects that are asked for, and says nothing of the others', async () => {
    const name = await stream();
    const { reader, positions, remark } = await open(name, { ...ordered, subject: `${name}.b.*` });
    await js.publish(`${name}.b.x`, '0');
    await js.publish(`${name}.a.x`, 'x');
    await js.publish(`${name}.b.y`, '1');
    expect(await readTexts(reader, 2)).toEqual(['0', '1']);
    await eventually(() => positions.position?.sequence === 3, { what: 'the position' });
    expect(remark()).toBeUndefined();
  });

  it('says what was removed while it read, and goes on behind it', async () => {
    const name = await stream();
    const { reader, remark } = await open(name, { ...ordered, subject: `${name}.b` });
    await js.publish(`${name}.b`, '0');
    expect(await readTexts(reader, 1)).toEqual(['0']);
    // Nothing of it matches, but that cannot be known any more.
    await publish(`${name}.a`, 1, 10);
    await jsm.streams.purge(name);
    await js.publish(`${name}.b`, '10');
    expect(await readTexts(reader, 1)).toEqual(['10']);
    await eventually(() => remark() !== undefined, { what: 'the remark' });
    expect(remark()).toBe(
      `messages 2 to 10 of the stream "${name}" were removed before they were read, as far as they matched`,
    );
  });

  it('takes no message of a work queue, and says who could', async () => {
    const name = await stream({ retention: 'workqueue' });
    for (const options of [ordered, ephemeral])
      await expect(open(name, options)).rejects.toMatchObject({
        steer: 'failed',
        message: expect.stringContaining('only a durable consumer'),
      });
  });

  it('reads no stream that forgets what was handed over and not done, unless that may be lost', async () => {
    const name = await stream({ retention: 'interest' });
    for (const options of [ordered, ephemeral])
      await expect(open(name, options)).rejects.toMatchObject({
        steer: 'failed',
        message: expect.stringContaining('only a durable consumer'),
      });
    const { reader } = await open(name, { ...ephemeral, consumer_ack_policy: 'none' });
    await publish(`${name}.a`, 0, 3);
    expect(await readTexts(reader, 3)).toEqual(upTo(3));
  });

  it('says that its stream does not exist', async () => {
    await expect(open('NOWHERE', ordered)).rejects.toMatchObject({
      steer: 'blocked',
      message: expect.stringContaining('create it, or give stream_subjects'),
    });
  });

  it('holds back what is new while something is to come again in order', async () => {
    const name = await stream();
    const { reader } = await open(name, ordered);
    await publish(`${name}.a`, 0, 3);
    await eventually(() => reader.counters.messages === 3, { what: 'three messages' });
    const batch = await readOne(reader);
    batch.ack(0);
    batch.nak(1, 200);
    batch.nak(2, 100);
    await publish(`${name}.a`, 3, 5);
    expect(await readTexts(reader, 4)).toEqual(['1', '2', '3', '4']);
  });

  it('goes past what is to come again where there is no order', async () => {
    const name = await stream();
    const { reader } = await open(name, ephemeral);
    await publish(`${name}.a`, 0, 2);
    await eventually(() => reader.counters.messages === 2, { what: 'two messages' });
    const batch = await readOne(reader);
    batch.nak(0, 300);
    batch.ack(1);
    await publish(`${name}.a`, 2, 3);
    expect(await readTexts(reader, 2)).toEqual(['2', '0']);
  });

  it('hands over again what nobody has worked on for ack_wait, and not what somebody does', async () => {
    const name = await stream();
    const { reader } = await open(name, { ...ephemeral, consumer_ack_wait_s: 1 });
    await publish(`${name}.a`, 0, 2);
    await eventually(() => reader.counters.messages === 2, { what: 'two messages' });
    const batch = await readOne(reader);
    const working = setInterval(() => batch.working(0), 100);
    const again = await readOne(reader);
    clearInterval(working);
    expect(again.messages.map(({ sequence, delivered }) => [sequence, delivered])).toEqual([[2, 2]]);
  });

  it('reads again from its position where that is the only way to stay in order', async () => {
    const name = await stream();
    const { reader, positions } = await open(name, ordered);
    await publish(`${name}.a`, 0, 2);
    await eventually(() => reader.counters.messages === 2, { what: 'two messages' });
    (await readOne(reader)).ack(0);
    await expect(reader.read()).rejects.toMatchObject({
      steer: 'blocked',
      message: expect.stringMatching(/^message 2 of .* was not done with in 6 s; it is read again$/),
    });
    await reader.close();
    const next = await open(name, ordered, positions);
    expect(await readTexts(next.reader, 1)).toEqual(['1']);
  }, 20_000);

  it('gives up after consumer_max_deliver', async () => {
    const name = await stream();
    const { reader, positions } = await open(name, { ...ephemeral, consumer_max_deliver: 2 });
    await publish(`${name}.a`, 0, 1);
    (await readOne(reader)).nak(0, 0);
    const again = await readOne(reader);
    expect(again.messages[0]?.delivered).toBe(2);
    again.nak(0, 0);
    await eventually(() => positions.position?.sequence === 1, { what: 'the position behind it' });
  });

  it('does not give up for others a message that was handed over for the last time', async () => {
    const name = await stream();
    const options = { ...ephemeral, consumer_ack_wait_s: 1, consumer_max_deliver: 1 };
    const { reader, positions } = await open(name, options);
    await publish(`${name}.a`, 0, 1);
    await readOne(reader);
    // Whoever holds it may still be at work, or have died: either way it is not done.
    await expect(reader.read()).rejects.toMatchObject({
      steer: 'blocked',
      message: expect.stringContaining('it is read again'),
    });
    await reader.close();
    expect(positions.position?.sequence).toBe(0);
    const next = await open(name, options, positions);
    expect(await readTexts(next.reader, 1)).toEqual(['0']);
  });

  it.each(['load', 'save'] as const)('leaves nothing behind where it is closed while it waits for %s', async (step) => {
    const name = await stream();
    const { connection } = await openConnection({
      type: 'source',
      servers: server.url,
      jetstream: true,
      stream_name: name,
      subject: `${name}.>`,
      ...ordered,
    });
    await connection.provision();
    const store = new MemoryPositions().store();
    let arrived: () => void = () => undefined;
    let goOn: () => void = () => undefined;
    const arrival = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const gate = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const wait = async () => {
      arrived();
      await gate;
    };
    const reader = connection.reader({
      load: async () => {
        if (step === 'load') await wait();
        return store.load();
      },
      save: async (position) => {
        if (step === 'save') await wait();
        return store.save(position);
      },
    });
    const opening = reader.open();
    await arrival;
    const before = connection.snapshot().subscriptions;
    await reader.close();
    goOn();
    await expect(opening).rejects.toMatchObject({ steer: 'blocked', message: expect.stringContaining('was closed') });
    await eventually(async () => (await jsm.streams.info(name)).state.consumer_count === 0, { what: 'no consumer' });
    // The one for answers to the client's own requests stays.
    expect(connection.snapshot().subscriptions).toBeLessThanOrEqual(Math.max(before, 1));
  });

  it('is done with a message as it hands it over where nothing is acknowledged', async () => {
    const name = await stream();
    const { reader, positions } = await open(name, { ...ephemeral, consumer_ack_policy: 'none' });
    await publish(`${name}.a`, 0, 3);
    await eventually(() => reader.counters.messages === 3, { what: 'three messages' });
    expect(textsOf(await readOne(reader))).toEqual(upTo(3));
    await eventually(() => positions.position?.sequence === 3, { what: 'the position' });
  });

  it('holds no more than consumer_max_ack_pending', async () => {
    const name = await stream();
    const { reader } = await open(name, { ...ephemeral, consumer_max_ack_pending: 10 });
    await publish(`${name}.a`, 0, 35);
    await eventually(() => reader.counters.messages === 10, { what: 'ten messages' });
    expect(await reader.consumerInfo()).toMatchObject({ ackPending: 10, pending: 25 });
    expect(await readTexts(reader, 35)).toEqual(upTo(35));
  });

  it('holds as much of large messages as there is memory for, and a larger one alone', async () => {
    const name = await stream();
    const sizes = [...Array.from({ length: 16 }, () => 2 * mib), 18 * mib, 1, 18 * mib];
    for (const size of sizes) await js.publish(`${name}.a`, new Uint8Array(size), { timeout: 20_000 });
    const { reader } = await open(name, ordered);
    await eventually(() => reader.counters.bytes >= 14 * mib, { what: 'as many as fit into 16 MiB' });
    expect(await reader.consumerInfo()).toMatchObject({ ackPending: 7, pending: sizes.length - 7 });
    const read: number[] = [];
    while (read.length < sizes.length) {
      const batch = await readOne(reader);
      read.push(...batch.messages.map(({ data }) => data.length));
      batch.messages.forEach((_, index) => void batch.ack(index));
    }
    expect(read).toEqual(sizes);
  });

  it('keeps its consumer where the server says that a pull was served', async () => {
    const name = await stream();
    const pulls: string[] = [];
    publisher.subscribe(`$JS.API.CONSUMER.MSG.NEXT.${name}.>`, {
      callback: (_, { reply = '' }) => void pulls.push(reply),
    });
    await publisher.flush();
    const { reader } = await open(name, ordered);
    await eventually(() => pulls.length === 1, { what: 'the first pull' });
    const consumer = (await reader.consumerInfo())?.consumer;
    publisher.publish(pulls[0] ?? '', '', { headers: pullServed() });
    await publish(`${name}.a`, 0, 5);
    expect(await readTexts(reader, 5)).toEqual(upTo(5));
    expect((await reader.consumerInfo())?.consumer).toBe(consumer);
  });

  it('takes messages that are much larger than those before, one pull of them or two', async () => {
    const name = await stream();
    const { reader } = await open(name, ordered);
    await publish(`${name}.a`, 0, 20);
    expect(await readTexts(reader, 20)).toEqual(upTo(20));
    const count = 12;
    for (let n = 0; n < count; n++) await js.publish(`${name}.a`, new Uint8Array(5 * mib), { timeout: 20_000 });
    let taken = 0;
    while (taken < count) {
      const batch = await readOne(reader);
      taken += batch.messages.length;
      expect(reader.counters.bytes).toBeLessThan((3 * 16 + 5 * taken) * mib);
      batch.messages.forEach((_, index) => void batch.ack(index));
    }
    expect(taken).toBe(count);
  });

  it('reads as many a second as consumer_rate_limit allows', async () => {
    const name = await stream();
    await Promise.all(Array.from({ length: 600 }, (_, n) => js.publish(`${name}.a`, String(n))));
    const { reader } = await open(name, { ...ordered, consumer_rate_limit: 300 });
    const startedMs = performance.now();
    await readTexts(reader, 600);
    // A tenth of a second's worth may come at once.
    expect(performance.now() - startedMs).toBeGreaterThan(1800);
  });

  it('waits for a full batch as long as batch_timeout_ms, and hands over no more than batch_size', async () => {
    const name = await stream();
    const { reader } = await open(name, { ...ordered, batch_size: 4, batch_timeout_ms: 300 });
    const startedMs = performance.now();
    await publish(`${name}.a`, 0, 2);
    expect((await readOne(reader)).messages).toHaveLength(2);
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(299);
    await publish(`${name}.a`, 2, 8);
    expect((await readOne(reader)).messages).toHaveLength(4);
  });

  it('notices within ten seconds that nobody answers any more', async () => {
    const name = await stream();
    const proxy = new TcpProxy(server.port);
    await proxy.start();
    try {
      const { reader } = await open(name, { ...ordered, servers: proxy.url });
      await publish(`${name}.a`, 0, 1);
      expect(await readTexts(reader, 1)).toEqual(['0']);
      const startedMs = performance.now();
      proxy.loseAnswers();
      await expect(reader.read()).rejects.toMatchObject({
        steer: 'blocked',
        message: expect.stringContaining('does not answer'),
      });
      // Ten, and what a busy machine adds.
      expect(performance.now() - startedMs).toBeLessThan(14_000);
    } finally {
      await proxy.stop();
    }
  }, 30_000);

  it('goes on where it was when its connection was cut', async () => {
    const name = await stream();
    const proxy = new TcpProxy(server.port);
    await proxy.start();
    try {
      const { reader } = await open(name, { ...ordered, servers: proxy.url });
      await publish(`${name}.a`, 0, 3);
      expect(await readTexts(reader, 3)).toEqual(upTo(3));
      proxy.loseAnswers();
      await publish(`${name}.a`, 3, 6);
      proxy.cut();
      await publish(`${name}.a`, 6, 9);
      expect(await readTexts(reader, 6)).toEqual(upTo(9).slice(3));
    } finally {
      await proxy.stop();
    }
  });

  it('reads what comes when its connection was cut while it saved where it begins', async () => {
    const name = await stream();
    const proxy = new TcpProxy(server.port);
    await proxy.start();
    try {
      const { connection, states } = await openConnection({
        type: 'source',
        servers: proxy.url,
        jetstream: true,
        stream_name: name,
        subject: `${name}.>`,
        ...ordered,
      });
      const reader = connection.reader({
        load: async () => undefined,
        save: async () => {
          proxy.cut();
          await eventually(() => states.at(-1)?.state === 'connected', { what: 'the connection to be back' });
        },
      });
      await reader.open();
      await publish(`${name}.a`, 0, 1);
      expect(await readTexts(reader, 1)).toEqual(['0']);
    } finally {
      await proxy.stop();
    }
  });

  it('goes on in a stream that its server says was created later, since it was changed between restarts', async () => {
    const own = await startNats();
    const admin = await connect({ servers: own.url, maxReconnectAttempts: -1, reconnectTimeWait: 20 });
    try {
      const manager = await jetstreamManager(admin);
      const config = { name: 'CHANGED', subjects: ['CHANGED.>'] };
      const { created } = await manager.streams.add(config);
      const put = (n: number) => jetstream(admin).publish('CHANGED.a', String(n));
      const settings = { ...ordered, servers: own.url };
      const { reader, positions } = await open('CHANGED', settings);
      for (const n of [0, 1, 2]) await put(n);
      expect(await readTexts(reader, 3)).toEqual(upTo(3));
      await own.restart();
      await eventually(() => manager.streams.update('CHANGED', { max_msgs: 1000 }), {
        what: 'the stream to be changed',
      });
      await own.restart();
      const seen = await eventually(() => manager.streams.info('CHANGED'), { what: 'the stream' });
      expect(seen.created).not.toBe(created);
      await put(3);
      expect(await readTexts(reader, 1)).toEqual(['3']);
      await reader.close();
      await put(4);
      const next = await open('CHANGED', settings, positions);
      expect(next.reader.sourceIncarnation).toBe(reader.sourceIncarnation);
      expect(await readTexts(next.reader, 1)).toEqual(['4']);
    } finally {
      await closeConnections();
      await admin.close();
      await own.stop();
    }
  });

  it('says that its position is not kept, and goes on reading', async () => {
    const name = await stream();
    const { connection } = await openConnection({
      type: 'source',
      servers: server.url,
      jetstream: true,
      stream_name: name,
      subject: `${name}.>`,
      ...ordered,
    });
    let kept = 0;
    const reader = connection.reader({
      load: async () => undefined,
      save: async () => {
        if (kept++ > 0) throw new Error('the store is away');
      },
    });
    await reader.open();
    await publish(`${name}.a`, 0, 1);
    expect(await readTexts(reader, 1)).toEqual(['0']);
    await eventually(() => connection.snapshot().lastError !== undefined, { what: 'the remark' });
    expect(connection.snapshot().lastError).toMatch(/is not kept at the moment: the store is away/);
    await publish(`${name}.a`, 1, 2);
    expect(await readTexts(reader, 1)).toEqual(['1']);
  });

  it('has consumers that say whose they are', async () => {
    const name = await stream();
    const first = await open(name, { ...ephemeral, consumer_name: 'mine' });
    const second = await open(name, ordered);
    expect((await first.reader.consumerInfo())?.consumer).toMatch(/^mine-\w+$/);
    expect((await second.reader.consumerInfo())?.consumer).toMatch(/^laminar-orders-\w+$/);
  });

  it('reads several subjects where the server can, and says where it cannot', async () => {
    const name = await stream();
    const options = { type: 'source', servers: server.url, jetstream: true, stream_name: name, ...ordered };
    const { connection } = await openConnection({ ...options, filter_subjects: [`${name}.a`, `${name}.b`] });
    const reader = connection.reader();
    for (const subject of ['a', 'c', 'b']) await js.publish(`${name}.${subject}`, subject);
    const [, minor] = (publisher.info?.version ?? '').split('.').map(Number);
    if (Number(minor) < 10) {
      const message = expect.stringMatching(/requires server 2\.10.*is 2\.9\./);
      await expect(reader.open()).rejects.toMatchObject({ steer: 'failed', message });
    } else {
      await reader.open();
      expect(await readTexts(reader, 2)).toEqual(['a', 'b']);
    }
  });

  describe('of a KV bucket', () => {
    async function bucket(history: number): Promise<string> {
      const name = `B${++number}`;
      const config = { max_msgs_per_subject: history, allow_rollup_hdrs: true };
      await jsm.streams.add({ name: `KV_${name}`, subjects: [`$KV.${name}.>`], ...config });
      return name;
    }
    const openBucket = (name: string, positions?: MemoryPositions, options: Options = {}) =>
      open(name, { kv_bucket: name, ...options }, positions);
    const put = (name: string, key: string, value: string) => js.publish(`$KV.${name}.${key}`, value);

    it('goes on among the present values where it was stopped, and then with every change', async () => {
      const name = await bucket(5);
      for (const [key, value] of ['a1', 'b1', 'a2', 'c1', 'b2', 'd1'].map((text) => [text[0], text] as const))
        await put(name, String(key), value);
      const { reader, positions } = await openBucket(name);
      await eventually(() => reader.counters.messages === 4, { what: 'the present values' });
      const batch = await readOne(reader);
      expect(textsOf(batch)).toEqual(['a2', 'c1', 'b2', 'd1']);
      batch.ack(0);
      await reader.close();
      await put(name, 'a', 'a3');
      const next = await openBucket(name, positions);
      expect(await readTexts(next.reader, 4)).toEqual(['c1', 'b2', 'd1', 'a3']);
      await next.reader.close();
      await put(name, 'a', 'a4');
      await put(name, 'a', 'a5');
      const last = await openBucket(name, positions);
      expect(await readTexts(last.reader, 2)).toEqual(['a4', 'a5']);
    });

    it('gives the present values of other keys when those are wanted', async () => {
      const name = await bucket(1);
      await put(name, 'a.x', '1');
      await put(name, 'b.x', '2');
      const { reader, positions } = await openBucket(name, undefined, { kv_keys: 'a.>' });
      expect(await readTexts(reader, 1)).toEqual(['1']);
      await reader.close();
      const next = await openBucket(name, positions, { kv_keys: '*.x' });
      expect(await readTexts(next.reader, 2)).toEqual(['1', '2']);
    });

    it('that is a mirror under another name, of another mirror, gives what its origin has', async () => {
      const origin = await bucket(5);
      for (const name of ['1', '2'])
        await jsm.streams.add({
          name: `KV_${origin}_${name}`,
          mirror: { name: name === '1' ? `KV_${origin}` : `KV_${origin}_1` },
        });
      await put(origin, 'a.x', '1');
      await put(origin, 'b.x', '2');
      const mirror = `${origin}_2`;
      await eventually(async () => (await jsm.streams.info(`KV_${mirror}`)).state.messages === 2, { what: 'a copy' });
      const options = { kv_bucket: mirror, kv_keys: 'a.>' };
      const { reader } = await open(mirror, options);
      expect(await readTexts(reader, 1)).toEqual(['1']);
      await put(origin, 'b.x', '3');
      await put(origin, 'a.x', '4');
      expect(await readTexts(reader, 1)).toEqual(['4']);
      const { connection } = await openConnection({ type: 'source', servers: server.url, jetstream: true, ...options });
      const tap = connection.tap();
      await tap.open();
      expect((await tap.read())?.map(({ subject }) => subject)).toEqual([`$KV.${origin}.a.x`]);
    });

    it('that is a mirror which changes the subjects gives what its origin has', async ({ skip }) => {
      const [major = 0, minor = 0] = (publisher.info?.version ?? '').split('.').map(Number);
      if (major === 2 && minor < 10) skip('servers before 2.10 change no subjects');
      const origin = await bucket(1);
      const mirror = `${origin}_own`;
      const subject_transforms = [{ src: `$KV.${origin}.>`, dest: `$KV.${mirror}.>` }];
      await jsm.streams.add({ name: `KV_${mirror}`, mirror: { name: `KV_${origin}`, subject_transforms } });
      const { reader } = await openBucket(mirror);
      await put(origin, 'a', '1');
      expect(await readTexts(reader, 1)).toEqual(['1']);
    });
  });
});
