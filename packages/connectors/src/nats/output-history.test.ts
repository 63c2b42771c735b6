import { eventually, startNats, type TestNats } from '@laminar/test';
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
    let isAnew = false;
    const { next, duplicateWindowMs } = await history.read(
      part,
      (stored) => void ids.push(stored.header('Nats-Msg-Id')),
      () => {
        isAnew = ids.length === 0;
      },
    );
    return { ids, next, duplicateWindowMs, isAnew };
  }

  const everything = { sinceMs: 0 };

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
    const reading = connection.sink().history?.read({ stream: 'LONG', subject: 'long', ...everything }, () => {
      closing ??= connection.close();
    });
    await expect(reading).rejects.toMatchObject({ steer: 'blocked', message: expect.stringContaining('closed') });
    await closing;
  });

  it('is asked for once for many subjects, and answers in their order', async () => {
    await jsm.streams.add({ name: 'MANY', subjects: ['many.*', 'more.>'] });
    await jsm.streams.add({ name: 'APART', subjects: ['apart'] });
    const history = await historyOf('many.x');
    let questions = 0;
    const heard = nc.subscribe('$JS.API.STREAM.NAMES', { callback: () => void questions++ });
    await nc.flush();
    const order: string[] = [];
    const ask = async (subject: string) => {
      const stream = await history.streamOf(subject);
      order.push(subject);
      return stream;
    };
    const subjects = Array.from({ length: 300 }, (_, n) => (n % 2 === 0 ? `many.${n}` : `more.${n}.x`));
    expect(new Set(await Promise.all(subjects.map(ask)))).toEqual(new Set(['MANY']));
    expect(order).toEqual(subjects);
    expect(await Promise.all(['many.a.b', 'apart'].map(ask))).toEqual([undefined, 'APART']);
    await nc.flush();
    expect(questions).toBeLessThanOrEqual(4);
    heard.unsubscribe();
    await jsm.streams.delete('APART');
    await jsm.streams.add({ name: 'INSTEAD', subjects: ['apart'] });
    await eventually(async () => (await history.streamOf('apart')) === 'INSTEAD', { what: 'the other stream' });
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
    const { next, ...a } = await idsOf(history, { stream: 'ALL', subject: 'all.a', ...everything });
    expect(next).toEqual({ incarnation: expect.any(String), sequence: 5 });
    expect(a).toEqual({ ids: ['a1', 'a2', 'a3'], duplicateWindowMs: 500, isAnew: false });
    const end = { next, duplicateWindowMs: 500, isAnew: false };
    expect(await idsOf(history, { stream: 'ALL', subject: undefined, ...everything })).toEqual({
      ids: ['a1', 'a2', 'b1', 'a3'],
      ...end,
    });
    const fourth = { ...everything, goOn: { ...next, sequence: 4 } };
    expect((await idsOf(history, { stream: 'ALL', subject: 'all.b', ...fourth })).ids).toEqual([]);
    const fifth = { ...everything, goOn: next };
    expect(await idsOf(history, { stream: 'ALL', subject: undefined, ...fifth })).toEqual({ ids: [], ...end });
    await store('all.a', ['a4']);
    expect(await idsOf(history, { stream: 'ALL', subject: 'all.a', ...fifth })).toMatchObject({
      ids: ['a4'],
      isAnew: false,
    });
  });

  it('goes on in the same stream alone, as long as that holds something of before', async () => {
    const config = { name: 'SAME', subjects: ['same'] };
    const all = { stream: 'SAME', subject: 'same', ...everything };
    const history = await historyOf('same');
    const gone = await idsOf(history, all);
    await jsm.streams.add(config);
    const empty = await idsOf(history, { ...all, goOn: gone.next });
    expect(empty).toMatchObject({ ids: [], isAnew: true, next: { sequence: 1 } });
    await store('same', ['1', '2', '3']);
    const first = await idsOf(history, { ...all, goOn: empty.next });
    expect(first).toMatchObject({ ids: ['1', '2', '3'], isAnew: false, next: { sequence: 4 } });
    await jsm.streams.purge('SAME', { keep: 1 });
    await store('same', ['4']);
    const second = await idsOf(history, { ...all, goOn: first.next });
    expect(second).toMatchObject({ ids: ['4'], isAnew: false });
    await jsm.streams.purge('SAME');
    await store('same', ['5']);
    const third = await idsOf(history, { ...all, goOn: second.next });
    expect(third).toMatchObject({ ids: ['5'], isAnew: true });
    await jsm.streams.delete('SAME');
    expect(await idsOf(history, { ...all, goOn: third.next })).toMatchObject({ ids: [], isAnew: true });
    await jsm.streams.add(config);
    await store('same', ['6', '7', '8', '9', '10', '11']);
    expect(await idsOf(history, { ...all, goOn: third.next })).toMatchObject({
      ids: ['6', '7', '8', '9', '10', '11'],
      isAnew: true,
    });
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
    const part = { stream: 'MOVED', subject: 'moved.a', ...everything };
    expect((await idsOf(history, part)).ids).toEqual(['m1', 'm2']);
  });

  it('begins at a time', async () => {
    await jsm.streams.add({ name: 'TIME', subjects: ['time'] });
    await store('time', ['1', '2', '3']);
    const { timestamp } = (await jsm.streams.getMessage('TIME', { seq: 2 })) ?? {};
    const history = await historyOf('time');
    const sinceMs = Date.parse(timestamp ?? '');
    const { ids } = await idsOf(history, { stream: 'TIME', subject: 'time', sinceMs });
    expect(ids.slice(-2)).toEqual(['2', '3']);
    const later = { sinceMs: Date.now() + 60_000 };
    expect((await idsOf(history, { stream: 'TIME', subject: 'time', ...later })).ids).toEqual([]);
  });

  it('leaves no consumer, and a work queue as it is', async () => {
    await jsm.streams.add({ name: 'WORK', subjects: ['work'], retention: RetentionPolicy.Workqueue });
    await jsm.consumers.add('WORK', { durable_name: 'worker', ack_policy: AckPolicy.Explicit });
    await store('work', ['w1', 'w2']);
    const history = await historyOf('work');
    expect((await idsOf(history, { stream: 'WORK', subject: 'work', ...everything })).ids).toEqual(['w1', 'w2']);
    expect((await jsm.streams.info('WORK')).state.messages).toBe(2);
    await jsm.streams.add({ name: 'PLAIN', subjects: ['plain'] });
    await store('plain', ['p']);
    await idsOf(await historyOf('plain'), { stream: 'PLAIN', subject: 'plain', ...everything });
    expect((await jsm.streams.info('PLAIN')).state.consumer_count).toBe(0);
  });

  it('is empty where the stream is gone or was emptied', async () => {
    const history = await historyOf('gone');
    expect((await idsOf(history, { stream: 'GONE', subject: undefined, ...everything })).ids).toEqual([]);
    await jsm.streams.add({ name: 'PURGED', subjects: ['purged'] });
    await store('purged', ['1', '2']);
    await jsm.streams.purge('PURGED');
    expect(await idsOf(history, { stream: 'PURGED', subject: undefined, ...everything })).toMatchObject({
      ids: [],
      next: { sequence: 3 },
    });
  });

  it('says that it may not be read, and by what it is forbidden', async () => {
    await jsm.streams.add({ name: 'SECRET', subjects: ['secret'] });
    await store('secret', ['1']);
    for (const user of ['blind', 'halfblind']) {
      const history = await historyOf('secret', { user, password: secret });
      const part = { stream: 'SECRET', subject: 'secret', ...everything };
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
    await expect(idsOf(history, { stream: 'AWAY', subject: undefined, ...everything })).rejects.toMatchObject({
      steer: 'blocked',
    });
  });
});
