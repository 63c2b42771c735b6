import { startNats, type TestNats } from '@laminar/test';
import { AckPolicy, type JetStreamManager, jetstream, jetstreamManager, RetentionPolicy } from '@nats-io/jetstream';
import { headers as createHeaders, type NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { HistoryPart, OutputHistory } from '../index.js';
import { closeConnections, openConnection } from '../testing/connections.js';
import { TestSecrets } from '../testing/secrets.js';

const secret = `\${secret:blind}`;

/** A user who may publish and may not look. */
const config = `
  authorization {
    users = [
      { user: all, password: all }
      { user: blind, password: blind, permissions: { publish: { deny: ["$JS.API.STREAM.>", "$JS.API.CONSUMER.>"] } } }
      { user: halfblind, password: blind, permissions: { publish: { deny: ["$JS.API.CONSUMER.>"] } } }
    ]
  }
  no_auth_user: all
`;

describe('the history of an output', () => {
  let server: TestNats;
  let nc: NatsConnection;
  let jsm: JetStreamManager;

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

  async function historyOf(subject: string, credentials = {}): Promise<OutputHistory> {
    const options = { type: 'sink', servers: server.url, subject, jetstream: true, ...credentials };
    const secrets = new TestSecrets({ blind: 'blind' });
    const { history } = (await openConnection(options, undefined, { secrets })).connection.sink();
    if (!history) throw new Error('the sink has no history');
    return history;
  }

  /** Stores messages with these ids, one after the other. */
  async function store(subject: string, ids: readonly string[]): Promise<void> {
    const js = jetstream(nc);
    for (const id of ids) {
      const headers = createHeaders();
      headers.set('X-Of', `${id} of ${subject}`);
      await js.publish(subject, 'x'.repeat(100), { msgID: id, headers });
    }
  }

  async function idsOf(history: OutputHistory, part: HistoryPart) {
    const ids: (string | undefined)[] = [];
    const end = await history.read(part, (stored) => void ids.push(stored.header('Nats-Msg-Id')));
    return { ids, ...end };
  }

  const everything = { sinceMs: 0 } as const;

  it('says so where its connection is closed while it reads', async () => {
    await jsm.streams.add({ name: 'LONG', subjects: ['long'] });
    await Promise.all(Array.from({ length: 300 }, () => jetstream(nc).publish('long', 'x')));
    const { connection } = await openConnection({
      type: 'sink',
      servers: server.url,
      subject: 'long',
      jetstream: true,
    });
    let closing: Promise<void> | undefined;
    const reading = connection.sink().history?.read({ stream: 'LONG', subject: 'long', from: everything }, () => {
      closing ??= connection.close();
    });
    await expect(reading).rejects.toMatchObject({ steer: 'blocked', message: expect.stringContaining('closed') });
    await closing;
  });

  it('knows which stream takes a subject, as it is now', async () => {
    const history = await historyOf('late.x');
    expect(await history.streamOf('late.x')).toBeUndefined();
    await jsm.streams.add({ name: 'LATE', subjects: ['late.>'] });
    expect(await history.streamOf('late.x')).toBe('LATE');
  });

  it('hands over what a stream holds, in order, of one subject or of all, and says where to go on', async () => {
    await jsm.streams.add({ name: 'ALL', subjects: ['all.>'], duplicate_window: 500_000_000 });
    await store('all.a', ['a1', 'a2']);
    await store('all.b', ['b1']);
    await store('all.a', ['a3']);
    const history = await historyOf('all.a');
    const end = { nextSequence: 5, duplicateWindowMs: 500 };
    expect(await idsOf(history, { stream: 'ALL', subject: 'all.a', from: everything })).toEqual({
      ids: ['a1', 'a2', 'a3'],
      ...end,
    });
    expect(await idsOf(history, { stream: 'ALL', subject: undefined, from: everything })).toEqual({
      ids: ['a1', 'a2', 'b1', 'a3'],
      ...end,
    });
    expect((await idsOf(history, { stream: 'ALL', subject: 'all.b', from: { sequence: 4 } })).ids).toEqual([]);
    expect(await idsOf(history, { stream: 'ALL', subject: undefined, from: { sequence: 5 } })).toEqual({
      ids: [],
      ...end,
    });
    await store('all.a', ['a4']);
    expect((await idsOf(history, { stream: 'ALL', subject: 'all.a', from: { sequence: 5 } })).ids).toEqual(['a4']);
  });

  it('sees what a stream keeps under another subject than it takes', async () => {
    // Servers before 2.10 know nothing of it, and keep it under the same.
    const transformed = {
      name: 'MOVED',
      subjects: ['moved.>'],
      subject_transform: { src: 'moved.>', dest: 'kept.>' },
    };
    await nc.request('$JS.API.STREAM.CREATE.MOVED', JSON.stringify(transformed));
    await store('moved.a', ['m1', 'm2']);
    const history = await historyOf('moved.a');
    const part = { stream: 'MOVED', subject: 'moved.a', from: everything } as const;
    expect((await idsOf(history, part)).ids).toEqual(['m1', 'm2']);
  });

  it('begins at a time', async () => {
    await jsm.streams.add({ name: 'TIME', subjects: ['time'] });
    await store('time', ['1', '2', '3']);
    const { timestamp } = (await jsm.streams.getMessage('TIME', { seq: 2 })) ?? {};
    const history = await historyOf('time');
    const sinceMs = Date.parse(timestamp ?? '');
    const { ids } = await idsOf(history, { stream: 'TIME', subject: 'time', from: { sinceMs } });
    expect(ids.slice(-2)).toEqual(['2', '3']);
    const later = { sinceMs: Date.now() + 60_000 };
    expect((await idsOf(history, { stream: 'TIME', subject: 'time', from: later })).ids).toEqual([]);
  });

  it('leaves no consumer, and a work queue as it is', async () => {
    await jsm.streams.add({ name: 'WORK', subjects: ['work'], retention: RetentionPolicy.Workqueue });
    await jsm.consumers.add('WORK', { durable_name: 'worker', ack_policy: AckPolicy.Explicit });
    await store('work', ['w1', 'w2']);
    const history = await historyOf('work');
    expect((await idsOf(history, { stream: 'WORK', subject: 'work', from: everything })).ids).toEqual(['w1', 'w2']);
    expect((await jsm.streams.info('WORK')).state.messages).toBe(2);
    await jsm.streams.add({ name: 'PLAIN', subjects: ['plain'] });
    await store('plain', ['p']);
    await idsOf(await historyOf('plain'), { stream: 'PLAIN', subject: 'plain', from: everything });
    expect((await jsm.streams.info('PLAIN')).state.consumer_count).toBe(0);
  });

  it('is empty where the stream is gone or was emptied', async () => {
    const history = await historyOf('gone');
    expect((await idsOf(history, { stream: 'GONE', subject: undefined, from: everything })).ids).toEqual([]);
    await jsm.streams.add({ name: 'PURGED', subjects: ['purged'] });
    await store('purged', ['1', '2']);
    await jsm.streams.purge('PURGED');
    expect(await idsOf(history, { stream: 'PURGED', subject: undefined, from: everything })).toMatchObject({
      ids: [],
      nextSequence: 3,
    });
  });

  it('says that it may not be read, and by what it is forbidden', async () => {
    await jsm.streams.add({ name: 'SECRET', subjects: ['secret'] });
    await store('secret', ['1']);
    for (const user of ['blind', 'halfblind']) {
      const history = await historyOf('secret', { user, password: secret });
      const part = { stream: 'SECRET', subject: 'secret', from: everything } as const;
      await expect(idsOf(history, part)).rejects.toMatchObject({
        steer: 'failed',
        message: expect.stringMatching(/stream "SECRET" .*not permitted: Permissions Violation.*\$JS\.API/),
      });
    }
  });

  it('says that the server is away, which may come right', async () => {
    const history = await historyOf('away');
    await jsm.streams.add({ name: 'AWAY', subjects: ['away'] });
    await store('away', ['1']);
    await server.down();
    await expect(idsOf(history, { stream: 'AWAY', subject: undefined, from: everything })).rejects.toMatchObject({
      steer: 'blocked',
    });
  });
});
