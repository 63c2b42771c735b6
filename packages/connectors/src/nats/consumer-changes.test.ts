import { jsonCodec } from '@laminar/codecs';
import type { ResolvedConnection } from '@laminar/definitions';
import { eventually, startNats, type TestNats } from '@laminar/test';
import {
  AckPolicy,
  type ConsumerConfig,
  DeliverPolicy,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
} from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  type Batch,
  type Connection,
  examineConnection,
  type Lineage,
  noLineage,
  type Position,
  PositionMemory,
  type Reader,
} from '../index.js';
import { closeConnections, openConnection, type TestConnection } from '../testing/connections.js';
import { TestSecrets } from '../testing/secrets.js';
import { incarnationOf } from './read-position.js';

// What others do to a stream and its consumer while they are read.

const secret = `\${secret:some}`;

/** Users who may all but make the durable, keep its place, or let go of that. */
const config = `
  authorization {
    users = [
      { user: all, password: all }
      { user: maker_of_none, password: some, permissions: { publish: { deny: ["$JS.API.CONSUMER.CREATE.*.laminar-orders"] } } }
      { user: keeper_of_none, password: some, permissions: { publish: { deny: ["$JS.API.CONSUMER.CREATE.*.laminar-place-of-laminar-orders"] } } }
      { user: deleter_of_none, password: some, permissions: { publish: { deny: ["$JS.API.CONSUMER.DELETE.*.laminar-place-of-laminar-orders"] } } }
    ]
  }
  no_auth_user: all
`;

let server: TestNats;
let nc: NatsConnection;
let jsm: JetStreamManager;
let number = 0;

beforeAll(async () => {
  server = await startNats({ config });
  nc = await connect({ servers: server.url });
  jsm = await jetstreamManager(nc);
});
afterEach(closeConnections);
afterAll(async () => {
  await nc.close();
  await server.stop();
});

interface Behind {
  readonly memory: PositionMemory;
  readonly lineage?: Lineage;
}

interface Provisioned {
  readonly connection: Connection;
  readonly resolved: ResolvedConnection;
  readonly remarks: string[];
  readonly provisionRemark: string | undefined;
}

interface Opened extends Provisioned {
  readonly reader: Reader;
}

/** A stream of its own, and connections to it that one after the other remember how far they read. */
function source(options: object) {
  const name = `C${++number}`;
  const memory = new PositionMemory();
  const saved: Position[] = [];
  function connect(more: object = {}, behind: Behind = { memory }): Promise<TestConnection> {
    const all = {
      type: 'source',
      servers: server.url,
      jetstream: true,
      stream_name: name,
      stream_subjects: `${name}.>`,
      ...options,
      ...more,
    };
    return openConnection(all, 'orders', { ...behind, secrets: new TestSecrets({ some: 'some' }) });
  }
  async function provision(more?: object, behind?: Behind): Promise<Provisioned> {
    const { connection, resolved, remarks } = await connect(more, behind);
    const { remark } = await connection.provision();
    return { resolved, remarks, connection, provisionRemark: remark };
  }
  return {
    name,
    /** How far its readers said that the consumer has come. */
    saved,
    consumer: 'laminar-orders',
    connect,
    provision,
    async open(more?: object, behind?: Behind): Promise<Opened> {
      const provisioned = await provision(more, behind);
      const reader = provisioned.connection.reader({
        load: async () => undefined,
        save: async (position) => void saved.push(position),
      });
      await reader.open();
      return { ...provisioned, reader };
    },
    /** Makes the consumer anew, as another one that looks like the connection's. */
    async replace(config: Partial<ConsumerConfig>): Promise<void> {
      const { description } = (await jsm.consumers.info(name, 'laminar-orders')).config;
      await jsm.consumers.delete(name, 'laminar-orders');
      await jsm.consumers.add(name, { durable_name: 'laminar-orders', description, ...config });
    },
    async publish(from: number, to: number): Promise<void> {
      const js = jetstream(nc);
      for (let n = from; n < to; n++) await js.publish(`${name}.a`, String(n));
    },
  };
}

/** Reads until `count` messages came, and settles those for which `settles` says so; gives what came. */
async function read(reader: Reader, count: number, settles: (n: number) => boolean = () => true): Promise<number[]> {
  const numbers: number[] = [];
  while (numbers.length < count) {
    const batch: Batch | undefined = await reader.read();
    if (!batch) break;
    for (const [index, { data }] of batch.messages.entries()) {
      const n = Number(new TextDecoder().decode(data));
      numbers.push(n);
      if (settles(n)) batch.ack(index);
    }
  }
  return numbers;
}

const acknowledgedThrough = (stream: string, sequence: number) =>
  eventually(async () => (await jsm.consumers.info(stream, 'laminar-orders')).ack_floor.stream_seq >= sequence, {
    what: `sequence ${sequence} to be acknowledged`,
  });

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

const kinds = [
  ['pull, explicit', { consumer_ack_policy: 'explicit' }],
  ['pull, all', { consumer_ack_policy: 'all' }],
  ['push, explicit', { consumer_pull: false }],
  ['push, all', { consumer_pull: false, consumer_ack_policy: 'all' }],
] as const;

describe.each(kinds)('the consumer that is deleted (%s)', (_, options) => {
  it('is made again behind what was acknowledged without a gap', async () => {
    const { name, consumer, open, publish, saved } = source({ ...options, start: 'new' });
    const { reader } = await open();
    await publish(0, 20);
    // 12 is still being worked on: what came after it is done, and comes again all the same.
    expect(await read(reader, 20, (n) => n !== 12)).toEqual(range(0, 20));
    await acknowledgedThrough(name, 12);
    await jsm.consumers.delete(name, consumer);
    await publish(20, 25);
    const deletedMs = Date.now();
    await expect(reader.read()).rejects.toMatchObject({ steer: 'blocked', message: expect.stringContaining(consumer) });
    expect(Date.now() - deletedMs).toBeLessThan(10_000);
    await reader.close();
    const incarnation = incarnationOf(await jsm.streams.info(name));
    expect(saved.at(-1)).toEqual({ source: name, incarnation, sequence: 12, currentUntil: 0 });
    const again = await open();
    expect(again.provisionRemark).toContain('after sequence 12');
    expect(await read(again.reader, 13)).toEqual(range(12, 25));
  });

  it('is made again at its end where all was done', async () => {
    const { name, consumer, open, publish } = source(options);
    const { reader } = await open();
    await publish(0, 20);
    await read(reader, 20);
    await jsm.consumers.delete(name, consumer);
    await expect(reader.read()).rejects.toMatchObject({ steer: 'blocked' });
    await reader.close();
    await publish(20, 21);
    expect(await read((await open()).reader, 1)).toEqual([20]);
  });
});

describe('a consumer', () => {
  it('without acknowledgements is made again behind what came', async () => {
    const { name, consumer, open, publish } = source({ consumer_ack_policy: 'none' });
    const { reader } = await open();
    await publish(0, 20);
    await read(reader, 20);
    await jsm.consumers.delete(name, consumer);
    await publish(20, 22);
    await expect(reader.read()).rejects.toMatchObject({ steer: 'blocked' });
    await reader.close();
    expect(await read((await open()).reader, 2)).toEqual([20, 21]);
  });

  it('that readers share is made again behind what all of them have acknowledged', async () => {
    const { name, consumer, open, publish } = source({ parallelism: 2, pull_batch_size: 1 });
    const [first, second] = [await open(), await open()];
    await publish(0, 40);
    const numbers: number[] = [];
    const reading = [first, second].map(async ({ reader }) => {
      for (;;) {
        const more = await read(reader, 1).catch(() => []);
        if (more.length === 0) return;
        numbers.push(...more);
      }
    });
    await eventually(() => numbers.length >= 40, { what: 'all messages' });
    // Only the server knows what the other one has done, and it is asked now and then.
    await acknowledgedThrough(name, 40);
    await eventually(async () => (await first.reader.consumerInfo()) && (await second.reader.consumerInfo()), {
      what: 'both',
    });
    await jsm.consumers.delete(name, consumer);
    await Promise.all(reading);
    await Promise.all([first.reader.close(), second.reader.close()]);
    await publish(40, 41);
    expect(await read((await open()).reader, 1)).toEqual([40]);
  });

  it('of the connection is put right when somebody changes it, and goes on', async () => {
    const { name, consumer, open, publish } = source({});
    const { reader, remarks } = await open();
    const { created } = await jsm.consumers.info(name, consumer);
    await jsm.consumers.update(name, consumer, { ack_wait: 60e9, max_ack_pending: 1 });
    const [remark] = await eventually(() => remarks.length > 0 && remarks, { what: 'a remark' });
    expect(remark).toMatch(/ack_wait and max_ack_pending.*put right/);
    const info = await jsm.consumers.info(name, consumer);
    expect(info.config).toMatchObject({ ack_wait: 6e9, max_ack_pending: 5000 });
    expect(info.created).toBe(created);
    await publish(0, 5);
    expect(await read(reader, 5)).toEqual(range(0, 5));
  });

  it.each([
    ['its beginning', DeliverPolicy.All],
    ['its end', DeliverPolicy.New],
  ])(
    'that somebody replaces by another kind, at %s, is put right and goes on where it was',
    async (_, deliver_policy) => {
      const { name, consumer, open, publish, replace } = source({});
      const { reader } = await open();
      await publish(0, 10);
      await read(reader, 10);
      await acknowledgedThrough(name, 10);
      await publish(10, 15);
      await replace({ ack_policy: AckPolicy.None, deliver_policy });
      // It may have received them before, but nobody is done with them.
      await expect(read(reader, 100, () => false)).rejects.toMatchObject({ steer: 'blocked' });
      await reader.close();
      const again = await open();
      expect((await jsm.consumers.info(name, consumer)).config.ack_policy).toBe('explicit');
      expect(await read(again.reader, 5)).toEqual(range(10, 15));
    },
  );

  it('of which nothing was delivered yet, and that is replaced by another kind, begins where it did', async () => {
    const { name, consumer, open, publish, replace } = source({ start: 'new' });
    await jsm.streams.add({ name, subjects: [`${name}.>`] });
    await publish(0, 5);
    const { reader } = await open();
    await replace({ ack_policy: AckPolicy.All });
    await expect(reader.read()).rejects.toMatchObject({
      steer: 'blocked',
      message: expect.stringContaining(consumer),
    });
    await reader.close();
    const again = await open();
    expect((await jsm.consumers.info(name, consumer)).config.ack_policy).toBe('explicit');
    await publish(5, 6);
    expect(await read(again.reader, 1)).toEqual([5]);
  });

  it('that was replaced while no process read it goes on where it was last seen', async () => {
    const { name, open, publish, replace } = source({});
    const first = await open();
    await publish(0, 5);
    await read(first.reader, 5);
    await acknowledgedThrough(name, 5);
    await first.reader.close();
    await replace({ ack_policy: AckPolicy.None, deliver_policy: DeliverPolicy.New });
    const incarnation = incarnationOf(await jsm.streams.info(name));
    const seen = { source: name, incarnation, sequence: 3, currentUntil: 0 };
    const again = await open(
      {},
      { memory: new PositionMemory(), lineage: { ...noLineage, lastSeen: async () => seen } },
    );
    expect(again.provisionRemark).toMatch(/another ack_policy.*after sequence 3/);
    expect(await read(again.reader, 2)).toEqual([3, 4]);
  });

  it('of somebody else is left as it was changed, which is said once', async () => {
    const { name, consumer, open, publish } = source({});
    await jsm.streams.add({ name, subjects: [`${name}.>`] });
    const own = { durable_name: consumer, ack_policy: AckPolicy.Explicit, ack_wait: 6e9, max_ack_pending: 5000 };
    await jsm.consumers.add(name, own);
    const { reader, remarks } = await open();
    await jsm.consumers.update(name, consumer, { ack_wait: 60e9 });
    await eventually(() => remarks.length > 0, { what: 'a remark' });
    expect(remarks[0]).toMatch(/ack_wait.*left as it is/);
    for (let i = 0; i < 3; i++) await reader.consumerInfo();
    expect(remarks).toHaveLength(1);
    expect((await jsm.consumers.info(name, consumer)).config.ack_wait).toBe(60e9);
    await publish(0, 1);
    expect(await read(reader, 1)).toEqual([0]);
  });

  it('is put in the place of the other kind where the definition changes, and goes on where that was', async () => {
    const { name, consumer, open, publish } = source({});
    const pull = await open();
    await publish(0, 5);
    await read(pull.reader, 5);
    await acknowledgedThrough(name, 5);
    await pull.reader.close();
    const push = await open({ consumer_pull: false });
    await publish(5, 7);
    expect(await read(push.reader, 2)).toEqual([5, 6]);
    expect((await jsm.consumers.info(name, consumer)).config.deliver_subject).toBeDefined();
    await acknowledgedThrough(name, 7);
    await push.reader.close();
    const all = await open({ consumer_ack_policy: 'all' });
    await publish(7, 8);
    expect(await read(all.reader, 1)).toEqual([7]);
    expect((await jsm.consumers.info(name, consumer)).config).toMatchObject({ ack_policy: 'all' });
  });
});

describe('a durable that is made anew under its name, because the definition changed', () => {
  const standIn = 'laminar-place-of-laminar-orders';
  const consumersOf = (stream: string) =>
    jsm.consumers
      .list(stream)
      .next()
      .then((found) => found.map(({ name }) => name));

  /** Five messages of which two are done, and a change for which the durable has to be made anew. */
  async function changing(options: object = {}) {
    const { name, connect, provision, open, publish } = source({ start: 'new', ...options });
    const { resolved, reader } = await open();
    await publish(0, 5);
    await read(reader, 5, (n) => n < 2);
    await acknowledgedThrough(name, 2);
    await reader.close();
    await closeConnections();
    const behind = { memory: new PositionMemory(), lineage: { ...noLineage, predecessors: () => [resolved] } };
    const changed = { consumer_ack_policy: 'all' };
    return {
      name,
      connect: async () => (await connect(changed, behind)).connection,
      /** By a user who may not do all that this takes, it ends as if the process died there. */
      change: (user?: string) =>
        provision(user === undefined ? changed : { ...changed, user, password: secret }, behind),
      readOn: async () => read((await open(changed, behind)).reader, 3),
    };
  }

  it('goes on where it was when nobody lived to make it', async () => {
    const { name, change, readOn } = await changing();
    await expect(change('maker_of_none')).rejects.toThrow(/creating the consumer "laminar-orders".*Permissions/);
    expect(await consumersOf(name)).toEqual([standIn]);
    expect(await readOn()).toEqual([2, 3, 4]);
    expect(await consumersOf(name)).toEqual(['laminar-orders']);
  });

  it('has what kept its place deleted by the next one where nobody lived to do so', async () => {
    const { name, change, readOn } = await changing();
    await change('deleter_of_none');
    expect((await consumersOf(name)).sort()).toEqual(['laminar-orders', standIn]);
    expect(await readOn()).toEqual([2, 3, 4]);
    expect(await consumersOf(name)).toEqual(['laminar-orders']);
  });

  it('has what kept its place deleted with the definition', async () => {
    const { name, change, connect } = await changing();
    await expect(change('maker_of_none')).rejects.toThrow(/Permissions/);
    await (await connect()).deprovision();
    expect(await consumersOf(name)).toEqual([]);
  });

  it('is left as it is where its place cannot be kept, which is said', async () => {
    const { name, change } = await changing();
    await expect(change('keeper_of_none')).rejects.toThrow(
      /keeping the place of .*"laminar-orders".*Permissions.*another consumer_name/,
    );
    expect(await consumersOf(name)).toEqual(['laminar-orders']);
  });

  it('misses nothing of a stream that keeps messages by interest', async () => {
    const { readOn } = await changing({ stream_retention: 'interest' });
    expect(await readOn()).toEqual([2, 3, 4]);
  });
});

describe.each(kinds)('the stream (%s)', (_, options) => {
  it('that is purged is read on, and what was not read before is said to be lost', async () => {
    const { name, open, publish } = source({ ...options, consumer_max_ack_pending: 2 });
    const { reader, remarks } = await open();
    await publish(0, 30);
    const batch = await reader.read();
    expect(batch?.messages.length).toBeGreaterThan(0);
    await eventually(async () => ((await reader.consumerInfo())?.pending ?? 0) === 28, { what: 'the rest to wait' });
    await jsm.streams.purge(name);
    await eventually(() => remarks.length > 0, { what: 'a remark' });
    expect(remarks[0]).toMatch(/lost messages up to sequence 30, by a purge.*about 28 of them/);
    await publish(30, 33);
    const numbers: number[] = [];
    batch?.messages.forEach((_, index) => void batch.ack(index));
    while (!numbers.includes(32)) numbers.push(...(await read(reader, 1)));
    expect(numbers.filter((n) => n >= 30)).toEqual([30, 31, 32]);
  });

  it('that is deleted and made anew is another one, and is read from its beginning', async () => {
    const { name, open, publish } = source({ ...options, start: 'new' });
    const { reader } = await open();
    await publish(0, 10);
    await read(reader, 10);
    const before = reader.sourceIncarnation;
    await jsm.streams.delete(name);
    await jsm.streams.add({ name, subjects: [`${name}.>`] });
    await publish(0, 3);
    await expect(reader.read()).rejects.toMatchObject({ steer: 'blocked' });
    await reader.close();
    const again = await open();
    expect(again.reader.sourceIncarnation).not.toBe(before);
    expect(again.provisionRemark).toMatch(/made anew; it is read from its beginning/);
    expect(await read(again.reader, 3)).toEqual([0, 1, 2]);
  });
});

it('a stream that drops what a filter never wanted says nothing of it', async () => {
  const { name, open, publish } = source({ subject: `C${number + 1}.b` });
  await jsm.streams.add({ name, subjects: [`${name}.>`], max_msgs: 5 });
  const { reader, remarks } = await open();
  await publish(0, 20);
  await jetstream(nc).publish(`${name}.b`, '7');
  expect(await read(reader, 1)).toEqual([7]);
  await publish(20, 40);
  for (let i = 0; i < 3; i++) await reader.consumerInfo();
  expect(remarks).toEqual([]);
});

it('a stream that its server says was created later, since it was changed between restarts, is the same to whoever reads it next', async () => {
  const own = await startNats();
  const admin = await connect({ servers: own.url, maxReconnectAttempts: -1, reconnectTimeWait: 20 });
  try {
    const manager = await jetstreamManager(admin, { timeout: 500 });
    const { name, open, saved } = source({ servers: own.url, stream_retention: 'workqueue' });
    const first = await open();
    const { sourceIncarnation } = first.reader;
    await eventually(() => saved.length > 0, { what: 'what is read to be saved' });
    const { created } = await manager.streams.info(name);
    await own.restart();
    await eventually(() => manager.streams.update(name, { max_msgs: 1000 }), { what: 'the stream to be changed' });
    await own.restart();
    const stream = await eventually(() => manager.streams.info(name), { what: 'the stream' });
    expect(stream.created).not.toBe(created);
    await first.reader.close();
    const lineage = { ...noLineage, seen: async () => saved[0] };
    const { reader } = await open({}, { memory: new PositionMemory(), lineage });
    expect(reader.sourceIncarnation).toBe(sourceIncarnation);
  } finally {
    await closeConnections();
    await admin.close();
    await own.stop();
  }
});

it('a consumer that somebody pauses is said to be, and to go on', async ({ skip }) => {
  if (/^2\.(9|10)\./.test(nc.info?.version ?? '')) skip('nats-server pauses consumers from 2.11 on');
  const { name, consumer, open, publish } = source({});
  const { reader, remarks, resolved } = await open();
  const until = new Date(Date.now() + 3_600_000);
  await jsm.consumers.pause(name, consumer, until);
  await publish(0, 3);
  await eventually(
    () => remarks.some((remark) => remark.includes(`paused by somebody until ${until.getUTCFullYear()}`)),
    {
      what: 'the pause to be said',
    },
  );
  const checks = await examineConnection('nats', {
    resolved,
    clientName: 'test',
    secrets: new TestSecrets({}),
    files: { read: () => Promise.reject(new Error('no file is read')) },
    codec: async () => jsonCodec,
    timeoutMs: 5000,
  });
  expect(checks.find(({ check }) => check === 'consumer')).toMatchObject({
    status: 'warning',
    message: expect.stringContaining('delivers nothing meanwhile'),
  });
  await jsm.consumers.resume(name, consumer);
  expect(await read(reader, 3)).toEqual(range(0, 3));
  await eventually(() => remarks.at(-1)?.includes('goes on'), { what: 'the end of the pause to be said' });
});
