import { startNats, type TestNats } from '@laminar/test';
import { AckPolicy, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { noLineage, PositionMemory } from '../index.js';
import { readTexts } from '../reader.contract.js';
import { closeConnections, openConnection } from '../testing/connections.js';
import { TestSecrets } from '../testing/secrets.js';
import { incarnationOf } from './read-position.js';

const nothing = expect.objectContaining({ drift: undefined, remark: undefined });

describe('provisioning', () => {
  let server: TestNats;
  let nc: NatsConnection;
  let jsm: JetStreamManager;
  let number = 0;

  beforeAll(async () => {
    server = await startNats();
    nc = await connect({ servers: server.url });
    jsm = await jetstreamManager(nc);
  });
  afterEach(closeConnections);
  afterAll(async () => {
    await nc.close();
    await server.stop();
  });

  /** A source with a stream of its own, that `options` may change. */
  async function source(
    options: object = {},
    stream = `S${++number}`,
    incarnation = 7,
    memory = new PositionMemory(),
    lineage = noLineage,
  ) {
    const { connection } = await openConnection(
      {
        type: 'source',
        servers: server.url,
        jetstream: true,
        stream_name: stream,
        stream_subjects: `${stream}.>`,
        ...options,
      },
      'orders',
      { incarnation, memory, lineage },
    );
    return { connection, stream };
  }

  it('makes the stream and the durable as the definition says', async () => {
    const { connection, stream } = await source({
      stream_retention: 'workqueue',
      stream_max_msgs: 1000,
      stream_max_age: 86_400,
      stream_storage: 'memory',
      consumer_ack_wait_s: 9,
      consumer_max_ack_pending: 77,
      subject: `S${number + 1}.a`,
    });
    expect(await connection.provision()).toEqual(nothing);
    expect((await jsm.streams.info(stream)).config).toMatchObject({
      subjects: [`${stream}.>`],
      retention: 'workqueue',
      max_msgs: 1000,
      max_age: 86_400 * 1e9,
      storage: 'memory',
    });
    expect((await jsm.consumers.info(stream, 'laminar-orders')).config).toMatchObject({
      durable_name: 'laminar-orders',
      ack_policy: 'explicit',
      ack_wait: 9e9,
      max_ack_pending: 77,
      filter_subject: `${stream}.a`,
      deliver_policy: 'all',
    });
  });

  it('changes nothing the second time, nor when two do it at once', async () => {
    const first = await source();
    const second = await source({}, first.stream);
    const both = await Promise.all([first.connection.provision(), second.connection.provision()]);
    expect(both).toEqual([nothing, nothing]);
    await nc.flush();
    const { created } = await jsm.streams.info(first.stream);
    expect(await first.connection.provision()).toEqual(nothing);
    expect((await jsm.streams.info(first.stream)).created).toBe(created);
  });

  it('says what differs, and leaves it, where somebody else made it', async () => {
    const stream = `S${++number}`;
    await jsm.streams.add({ name: stream, subjects: [`${stream}.>`] });
    await jsm.consumers.add(stream, {
      durable_name: 'laminar-orders',
      ack_policy: AckPolicy.Explicit,
      ack_wait: 6e9,
      max_ack_pending: 5000,
    });
    const { connection: other } = await source(
      {
        stream_subjects: [`${stream}.>`, `${stream}x`],
        stream_max_age: 60,
        consumer_ack_wait_s: 30,
        subject: `${stream}.a`,
      },
      stream,
    );
    const { drift } = await other.provision();
    for (const setting of ['subjects', 'max_age', 'ack_wait', 'filter_subject']) expect(drift).toContain(setting);
    for (const setting of ['retention', 'storage', 'max_msgs', 'max_ack_pending']) expect(drift).not.toContain(setting);
    expect((await jsm.streams.info(stream)).config).toMatchObject({ subjects: [`${stream}.>`], max_age: 0 });
    expect((await jsm.consumers.info(stream, 'laminar-orders')).config.ack_wait).toBe(6e9);
  });

  it('changes a durable that it made itself as the definition changes, where it is', async () => {
    const { connection, stream } = await source();
    await connection.provision();
    const { connection: changed } = await source(
      { consumer_ack_wait_s: 30, consumer_max_ack_pending: 9, subject: `${stream}.a` },
      stream,
    );
    const { created } = await jsm.consumers.info(stream, 'laminar-orders');
    expect(await changed.provision()).toEqual(nothing);
    const info = await jsm.consumers.info(stream, 'laminar-orders');
    expect(info.config).toMatchObject({ ack_wait: 30e9, max_ack_pending: 9, filter_subject: `${stream}.a` });
    expect(info.created).toBe(created);
    expect(await connection.provision()).toEqual(nothing);
    expect((await jsm.consumers.info(stream, 'laminar-orders')).config.filter_subject).toBeUndefined();
  });

  it('makes a durable anew that a dropped namesake left behind, which the namesake then cannot take back', async () => {
    const { connection, stream } = await source();
    await connection.provision();
    const { created } = await jsm.consumers.info(stream, 'laminar-orders');
    const { connection: next } = await source({}, stream, 8);
    expect(await next.provision()).toEqual(nothing);
    const info = await jsm.consumers.info(stream, 'laminar-orders');
    expect(info.created).not.toBe(created);
    expect(await next.provision()).toEqual(nothing);
    await connection.deprovision();
    expect((await jsm.consumers.info(stream, 'laminar-orders')).created).toBe(info.created);
  });

  it('neither makes a durable for a definition that was dropped meanwhile, nor replaces that of its successor', async () => {
    const { stream, connection } = await source();
    await connection.provision();
    const { created } = await jsm.consumers.info(stream, 'laminar-orders');
    const dropped = { ...noLineage, isCurrent: () => false };
    const { connection: before } = await source({}, stream, 6, new PositionMemory(), dropped);
    const refused = { name: 'ConnectorError', steer: 'blocked', message: expect.stringContaining('was dropped') };
    await expect(before.provision()).rejects.toMatchObject(refused);
    expect((await jsm.consumers.info(stream, 'laminar-orders')).created).toBe(created);
    await connection.deprovision();
    await expect(before.provision()).rejects.toMatchObject(refused);
    expect((await jsm.streams.info(stream)).state.consumer_count).toBe(0);
  });

  it("does not read by the durable of another pipeline's own reader, whose name comes to the same", async () => {
    const stream = `S${++number}`;
    const options = {
      type: 'source',
      servers: server.url,
      jetstream: true,
      stream_name: stream,
      stream_subjects: `${stream}.>`,
      consumer_name: 'laminar-a-b-c',
    };
    const { connection: first } = await openConnection(options, 'a.b-c');
    await first.provision();
    const { connection: second } = await openConnection(options, 'a-b.c');
    await expect(second.provision()).rejects.toMatchObject({
      steer: 'failed',
      message: expect.stringMatching(/"laminar-a-b-c".* is that of "a.b-c".*consumer_name/),
    });
    const { connection: shared } = await openConnection(options, 'a-b-c');
    await expect(shared.provision()).rejects.toMatchObject({ steer: 'failed' });
  });

  it('does not take back a durable that somebody else made', async () => {
    const stream = `S${++number}`;
    await jsm.streams.add({ name: stream, subjects: [`${stream}.>`] });
    await jsm.consumers.add(stream, { durable_name: 'laminar-orders', ack_policy: AckPolicy.Explicit });
    const { connection } = await source({}, stream);
    await connection.provision();
    await connection.deprovision();
    expect((await jsm.streams.info(stream)).state.consumer_count).toBe(1);
  });

  it('looks at a stream without subjects of its own, such as a mirror', async () => {
    const { connection, stream } = await source();
    await connection.provision();
    await jsm.streams.add({ name: `M${stream}`, mirror: { name: stream } });
    const { connection: mirror } = await source({}, `M${stream}`);
    expect((await mirror.provision()).drift).toContain('subjects');
  });

  it('fails for a push consumer of its name, which it must not take over', async () => {
    const { connection, stream } = await source();
    await jsm.streams.add({ name: stream, subjects: [`${stream}.>`] });
    await jsm.consumers.add(stream, {
      durable_name: 'laminar-orders',
      deliver_subject: 'somewhere',
      ack_policy: AckPolicy.Explicit,
    });
    await expect(connection.provision()).rejects.toMatchObject({
      name: 'ConnectorError',
      steer: 'failed',
      message: expect.stringContaining('push consumer'),
    });
  });

  it('makes a push consumer with a deliver subject and group, and flow control', async () => {
    const { connection, stream } = await source({
      consumer_pull: false,
      queue_group: 'workers',
      consumer_max_deliver: 4,
    });
    expect(await connection.provision()).toEqual(nothing);
    expect((await jsm.consumers.info(stream, 'laminar-orders')).config).toMatchObject({
      ack_policy: 'explicit',
      deliver_group: 'workers',
      deliver_subject: expect.stringContaining(stream),
      max_deliver: 4,
      flow_control: true,
    });
    const { connection: other, stream: none } = await source({ consumer_pull: false, consumer_ack_policy: 'none' });
    expect(await other.provision()).toEqual(nothing);
    expect(await other.provision()).toEqual(nothing);
    expect((await jsm.consumers.info(none, 'laminar-orders')).config).toMatchObject({
      ack_policy: 'none',
      flow_control: true,
    });
  });

  it('leaves a push consumer without flow control as it was made, and changes the rest', async () => {
    const { connection, stream } = await source({ consumer_pull: false });
    await connection.provision();
    const made = (await jsm.consumers.info(stream, 'laminar-orders')).config;
    await jsm.consumers.delete(stream, 'laminar-orders');
    const { flow_control: _, idle_heartbeat: __, ...without } = made;
    await jsm.consumers.add(stream, without);
    const changed = await source({ consumer_pull: false, consumer_max_ack_pending: 7 }, stream);
    expect(await changed.connection.provision()).toEqual(nothing);
    const { config } = await jsm.consumers.info(stream, 'laminar-orders');
    expect(config.max_ack_pending).toBe(7);
    expect(config.flow_control ?? false).toBe(false);
  });

  it('sends no waits between deliveries, which would redeliver what is only held up', async () => {
    const { connection, stream } = await source({ consumer_max_deliver: 3, consumer_backoff: '1s,5s,10s' });
    expect(await connection.provision()).toEqual(nothing);
    const { config } = await jsm.consumers.info(stream, 'laminar-orders');
    expect(config).toMatchObject({ max_deliver: 3, ack_wait: 6e9 });
    expect(config.backoff).toBeUndefined();
  });

  it('lets one filter of a list work everywhere, and several from nats-server 2.10 on', async () => {
    const stream = `S${++number}`;
    const one = await source({ filter_subjects: [`${stream}.a`] }, stream);
    expect(await one.connection.provision()).toEqual(nothing);
    expect((await jsm.consumers.info(stream, 'laminar-orders')).config.filter_subject).toBe(`${stream}.a`);
    const several = await source({ filter_subjects: [`${stream}.a`, `${stream}.b`] }, stream);
    const version = nc.info?.version ?? '';
    if (/^2\.\d\./.test(version)) {
      await expect(several.connection.provision()).rejects.toMatchObject({
        steer: 'failed',
        message: expect.stringContaining(`needs nats-server 2.10, and this one is ${version}`),
      });
      return;
    }
    expect(await several.connection.provision()).toEqual(nothing);
    const { config } = await jsm.consumers.info(stream, 'laminar-orders');
    expect(config.filter_subjects).toEqual([`${stream}.a`, `${stream}.b`]);
    expect(await one.connection.provision()).toEqual(nothing);
  });

  it('goes on where it was when a work queue loses its consumer', async () => {
    const stream = `S${++number}`;
    const memory = new PositionMemory();
    memory.position = { incarnation: 'unknown', sequence: 0 };
    const { connection } = await source({ stream_retention: 'workqueue' }, stream, 7, memory);
    await connection.provision();
    for (const text of ['a', 'b', 'c']) await jetstream(nc).publish(`${stream}.x`, text);
    const reader = connection.reader();
    await reader.open();
    const seen = await readTexts(reader, 3);
    expect(seen).toEqual(['a', 'b', 'c']);
    await reader.close();
    expect(memory.position).toMatchObject({ sequence: 3 });
    await jsm.consumers.delete(stream, 'laminar-orders');
    await jetstream(nc).publish(`${stream}.x`, 'd');
    expect((await connection.provision()).remark).toContain('after sequence 3');
    const next = connection.reader();
    await next.open();
    expect(await readTexts(next, 1)).toEqual(['d']);
  });

  it('goes on where a durable was last seen that is gone, where nobody here has read it', async () => {
    const { connection, stream } = await source({ start: 'new' });
    await connection.provision();
    for (const text of ['a', 'b', 'c']) await jetstream(nc).publish(`${stream}.x`, text);
    const lastSeen = async () => ({ source: stream, incarnation, sequence: 1, currentUntil: 0 });
    let incarnation = incarnationOf(await jsm.streams.info(stream));
    const again = await source({ start: 'new' }, stream, 7, new PositionMemory(), { ...noLineage, lastSeen });
    await jsm.consumers.delete(stream, 'laminar-orders');
    expect((await again.connection.provision()).remark).toMatch(
      /was gone and was made again, to go on after sequence 1/,
    );
    expect((await jsm.consumers.info(stream, 'laminar-orders')).num_pending).toBe(2);
    incarnation = 'another';
    await jsm.consumers.delete(stream, 'laminar-orders');
    expect((await again.connection.provision()).remark).toMatch(/made anew; it is read from its beginning/);
    expect((await jsm.consumers.info(stream, 'laminar-orders')).num_pending).toBe(3);
    // What was read here is known better.
    const memory = new PositionMemory();
    memory.position = { incarnation: incarnationOf(await jsm.streams.info(stream)), sequence: 2 };
    const here = await source({ start: 'new' }, stream, 7, memory, { ...noLineage, lastSeen });
    await jsm.consumers.delete(stream, 'laminar-orders');
    expect((await here.connection.provision()).remark).toContain('after sequence 2');
  });

  it('says what a stream of retention "interest" let go of when its consumer was deleted', async () => {
    const stream = `S${++number}`;
    const memory = new PositionMemory();
    const { connection } = await source({ stream_retention: 'interest' }, stream, 7, memory);
    await connection.provision();
    const reader = connection.reader();
    await reader.open();
    await jetstream(nc).publish(`${stream}.x`, 'a');
    await readTexts(reader, 1);
    await reader.close();
    await jsm.consumers.delete(stream, 'laminar-orders');
    await jetstream(nc).publish(`${stream}.x`, 'nobody wants this');
    expect((await connection.provision()).remark).toContain('let go of 2 to 2 meanwhile');
  });

  it('is blocked where the stream is missing and not to be made', async () => {
    const { connection } = await openConnection({
      type: 'source',
      servers: server.url,
      jetstream: true,
      stream_name: 'NOWHERE',
      subject: 'x',
    });
    await expect(connection.provision()).rejects.toMatchObject({
      steer: 'blocked',
      message: expect.stringContaining('does not exist'),
    });
  });

  it('is blocked where the subjects belong to another stream, and says so', async () => {
    const { connection, stream } = await source();
    await connection.provision();
    const { connection: other } = await source({ stream_subjects: `${stream}.a` });
    await expect(other.provision()).rejects.toMatchObject({
      steer: 'blocked',
      message: expect.stringMatching(/overlap/),
    });
  });

  it('makes the stream of a sink, and no consumer', async () => {
    const { connection } = await openConnection({
      type: 'sink',
      servers: server.url,
      jetstream: true,
      subject: 'sunk',
      stream_name: 'SUNK',
      stream_subjects: 'sunk',
    });
    expect(await connection.provision()).toEqual(nothing);
    expect((await jsm.streams.info('SUNK')).state.consumer_count).toBe(0);
    await connection.deprovision();
    expect((await jsm.streams.info('SUNK')).config.name).toBe('SUNK');
  });

  it('takes back the durable, and is content where it is gone', async () => {
    const { connection, stream } = await source();
    await connection.provision();
    await connection.deprovision();
    expect((await jsm.streams.info(stream)).state.consumer_count).toBe(0);
    await connection.deprovision();
    await jsm.streams.delete(stream);
    await connection.deprovision();
  });

  it('is blocked without JetStream, and says what to do', async () => {
    const plain = await startNats({ jetstream: false });
    try {
      const { connection } = await openConnection({
        type: 'source',
        servers: plain.url,
        jetstream: true,
        stream_name: 'S',
        subject: 's',
      });
      await expect(connection.provision()).rejects.toMatchObject({
        steer: 'blocked',
        message: expect.stringMatching(/JetStream/),
      });
      await closeConnections();
    } finally {
      await plain.stop();
    }
  });

  it.each([
    [
      'reads one durable',
      { type: 'source', stream_name: 'S', subject: '>' },
      '"$JS.API.CONSUMER.INFO.S.laminar-orders"',
    ],
    ['publishes to one subject', { type: 'sink', subject: 's.out' }, '"s.out"'],
  ])('asks nothing of the account for a user who %s', async (_, options, publish) => {
    const limited = await startNats({
      config: `authorization { users = [
        { user: admin, password: secret }
        { user: one, password: secret, permissions: { publish: [${publish}], subscribe: ["_INBOX.>"] } }
      ] }`,
    });
    const admin = await connect({ servers: limited.url, user: 'admin', pass: 'secret' });
    try {
      const manager = await jetstreamManager(admin);
      await manager.streams.add({ name: 'S', subjects: ['s.>'] });
      await manager.consumers.add('S', { durable_name: 'laminar-orders', ack_policy: AckPolicy.Explicit });
      const secrets = new TestSecrets({ word: 'secret' });
      const { connection } = await openConnection(
        { servers: limited.url, jetstream: true, username: 'one', password: '$' + '{secret:word}', ...options },
        'orders',
        { secrets },
      );
      await expect(connection.provision()).resolves.toMatchObject({ isNew: false });
      await closeConnections();
    } finally {
      await admin.close();
      await limited.stop();
    }
  });

  it('needs nothing where there is no JetStream in the definition', async () => {
    const { connection } = await openConnection({ type: 'source', servers: server.url, subject: 'x' });
    expect(await connection.provision()).toEqual(nothing);
    await connection.deprovision();
  });
});
