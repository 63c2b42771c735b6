import { eventually, TcpProxy } from '@laminar/test';
import { DiscardPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { nanos } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { HeaderBlock } from '../index.js';
import { NumberMap } from '../number-map.js';
import { describeSink, output, Settlements, startStage } from '../sink.contract.js';
import { closeConnections, openConnection } from '../testing/connections.js';

describeSink('publishing to JetStream', { jetstream: true });

describe('publishing to JetStream', () => {
  let stage: Awaited<ReturnType<typeof startStage>>;

  beforeAll(async () => {
    stage = await startStage();
  });
  afterEach(closeConnections);
  afterAll(() => stage.stop());

  async function open(subject: string, url = stage.server.url) {
    const { connection } = await openConnection({ type: 'sink', servers: url, subject, jetstream: true });
    const sink = connection.sink();
    await sink.open();
    return sink;
  }

  const withId = (id: string) => new HeaderBlock('').with('Nats-Msg-Id', id);

  it('waits for a stream that takes the subject, says so, and heals when it comes', async () => {
    const sink = await open('later.x');
    const settlements = new Settlements();
    settlements.publish(sink, output('later.x', 'm0'));
    await eventually(() => sink.problem?.includes('no stream takes this subject'), { what: 'the problem' });
    expect(settlements.results.size).toBe(0);
    await stage.jsm.streams.add({ name: 'LATER', subjects: ['later.>'] });
    await settlements.reach(1);
    expect(settlements.confirmed).toEqual(['m0']);
    expect(sink.problem).toBeUndefined();
    expect((await stage.jsm.streams.info('LATER')).state.messages).toBe(1);
  });

  it('does not look through all that is pending for each message that is refused, and keeps the order of each subject', async () => {
    const subjects = 300;
    const config = { name: 'MANY', subjects: ['many.>'], discard: DiscardPolicy.New };
    await stage.jsm.streams.add({ ...config, max_msgs: 1 });
    const sink = await open('many.first');
    const settlements = new Settlements();
    settlements.publish(sink, output('many.first', 'it is full'));
    await settlements.reach(1);
    const nc = await connect({ servers: stage.server.url });
    const looks = vi.spyOn(NumberMap.prototype, 'values');
    try {
      let attempts = 0;
      nc.subscribe('many.>', { callback: () => void attempts++ });
      await nc.flush();
      const sent = [1, 2].flatMap((round) => Array.from({ length: subjects }, (_, n) => `${n} ${round}`));
      for (const text of sent) settlements.publish(sink, output(`many.${text.split(' ')[0]}`, text));
      await eventually(() => attempts >= 3 * subjects, {
        what: 'the first of each to be tried again',
      });
      await stage.jsm.streams.update('MANY', { ...config, max_msgs: -1 });
      await settlements.reach(1 + sent.length);
      // A few times a second it does, however much is refused.
      expect(looks.mock.calls.length).toBeLessThan(subjects);
      const consumer = await jetstream(nc).consumers.get('MANY', { opt_start_seq: 2 });
      const stored: string[] = [];
      for await (const message of await consumer.fetch({ max_messages: sent.length })) stored.push(message.string());
      expect(stored.filter((text) => text.endsWith(' 2')).sort()).toEqual(sent.slice(subjects).sort());
      for (let n = 0; n < subjects; n++) expect(stored.indexOf(`${n} 1`)).toBeLessThan(stored.indexOf(`${n} 2`));
    } finally {
      looks.mockRestore();
      await nc.close();
    }
  });

  it('looks for what is not acknowledged in time before it publishes it again, which the stream may have forgotten', async () => {
    const proxy = new TcpProxy(stage.server.port);
    await proxy.start();
    try {
      await stage.jsm.streams.add({ name: 'SILENT', subjects: ['silent'], duplicate_window: nanos(100) });
      const sink = await open('silent', proxy.url);
      const settlements = new Settlements();
      proxy.loseAnswers();
      for (const id of ['a', 'b']) settlements.publish(sink, output('silent', id, withId(id)));
      await eventually(() => sink.problem?.includes('no acknowledgement'), { what: 'the problem' });
      proxy.cut();
      await settlements.reach(2);
      expect(settlements.confirmed).toEqual(['a', 'b']);
      expect(settlements.found).toEqual(['a', 'b']);
      expect((await stage.jsm.streams.info('SILENT')).state.messages).toBe(2);
      await sink.close(1000);
    } finally {
      await proxy.stop();
    }
  });

  it('publishes again with the same id what was stored without its acknowledgement', async () => {
    const proxy = new TcpProxy(stage.server.port);
    await proxy.start();
    try {
      const sink = await open('out.lost', proxy.url);
      const settlements = new Settlements();
      settlements.publish(sink, output('out.lost', 'm0', withId('a')));
      await settlements.reach(1);
      proxy.loseAnswers();
      for (const i of [1, 2, 3]) settlements.publish(sink, output('out.lost', `m${i}`, withId(`a${i}`)));
      await eventually(async () => (await stage.stored('out.lost')).length === 4, { what: 'all to be stored' });
      expect(settlements.results.size).toBe(1);
      proxy.cut();
      await settlements.reach(4);
      expect(settlements.confirmed).toEqual(['m0', 'm1', 'm2', 'm3']);
      expect(await stage.stored('out.lost')).toHaveLength(4);
      expect(sink.problem).toBeUndefined();
      await sink.close(1000);
    } finally {
      await closeConnections();
      await proxy.stop();
    }
  });

  it('publishes nothing twice that was stored longer ago than the stream remembers', async () => {
    await stage.jsm.streams.add({ name: 'SHORT', subjects: ['short'], duplicate_window: nanos(100) });
    const proxy = new TcpProxy(stage.server.port);
    await proxy.start();
    try {
      const sink = await open('short', proxy.url);
      const settlements = new Settlements();
      const count = async () => (await stage.jsm.streams.info('SHORT')).state.messages;
      settlements.publish(sink, output('short', 'm0', withId('s0')));
      await settlements.reach(1);
      proxy.loseAnswers();
      for (const i of [1, 2, 3]) settlements.publish(sink, output('short', `m${i}`, withId(`s${i}`)));
      await eventually(async () => (await count()) === 4, { what: 'all to be stored' });
      // Somebody else's message is stored under the first id again, once the stream has forgotten it.
      await eventually(
        async () => !(await stage.jsm.jetstream().publish('short', 'probe', { msgID: 's1' })).duplicate,
        { what: 'the duplicate window to be over' },
      );
      proxy.cut();
      await settlements.reach(4);
      expect(settlements.confirmed).toEqual(['m0', 'm1', 'm2', 'm3']);
      expect(await count()).toBe(5);
    } finally {
      await closeConnections();
      await proxy.stop();
    }
  });

  it('finds what a stream took that confirms nothing', async () => {
    await stage.jsm.streams.add({ name: 'MUTE', subjects: ['mute'], no_ack: true });
    const sink = await open('mute');
    const settlements = new Settlements();
    for (const i of [0, 1, 2]) settlements.publish(sink, output('mute', `m${i}`, withId(`mute${i}`)));
    await settlements.reach(3);
    expect(settlements.confirmed).toEqual(['m0', 'm1', 'm2']);
    expect((await stage.jsm.streams.info('MUTE')).state.messages).toBe(3);
    await sink.close(1000);
  });

  it('keeps the order of what was published before and while the client dials anew', async () => {
    const proxy = new TcpProxy(stage.server.port);
    await proxy.start();
    try {
      const sink = await open('out.dialled', proxy.url);
      const settlements = new Settlements();
      const publish = (name: string) => settlements.publish(sink, output('out.dialled', name, withId(name)));
      publish('m0');
      await settlements.reach(1);
      proxy.refuse();
      await eventually(() => sink.problem?.includes('was lost'), { what: 'the connection to be lost' });
      publish('m1');
      // What the client has not sent is thrown away when it dials, and what comes while it waits for the greeting goes out behind that.
      proxy.cut();
      proxy.pause();
      await eventually(() => proxy.held > 0, { what: 'the client to wait for a greeting' });
      publish('m2');
      proxy.resume();
      await settlements.reach(3);
      publish('m3');
      await settlements.reach(4);
      expect((await stage.stored('out.dialled')).map(({ text }) => text)).toEqual(['m0', 'm1', 'm2', 'm3']);
    } finally {
      await closeConnections();
      await proxy.stop();
    }
  });

  it('keeps the order of what vanished in silence and of what was refused after it', async () => {
    const sink = await open('vanish.x');
    // As while the leader of a stream is dead and the other servers do not know it yet: somebody takes the messages, and answers none.
    const nc = await connect({ servers: stage.server.url });
    const taker = nc.subscribe('vanish.x');
    await nc.flush();
    const settlements = new Settlements();
    for (const i of [1, 2, 3]) settlements.publish(sink, output('vanish.x', `m${i}`, withId(`v${i}`)));
    await eventually(() => taker.getReceived() === 3, { what: 'the first to vanish' });
    await nc.close();
    for (const i of [4, 5, 6]) settlements.publish(sink, output('vanish.x', `m${i}`, withId(`v${i}`)));
    await eventually(() => sink.problem?.includes('no stream takes this subject'), { what: 'the problem' });
    await stage.jsm.streams.add({ name: 'VANISH', subjects: ['vanish.>'] });
    await settlements.reach(6);
    const stored = [1, 2, 3, 4, 5, 6].map((seq) => stage.jsm.streams.getMessage('VANISH', { seq }));
    expect((await Promise.all(stored)).map((message) => message?.string())).toEqual([
      'm1',
      'm2',
      'm3',
      'm4',
      'm5',
      'm6',
    ]);
    await sink.close(1000);
  });

  it('confirms a message whose id the stream knows already', async () => {
    const sink = await open('out.twice');
    const settlements = new Settlements();
    settlements.publish(sink, output('out.twice', 'first', withId('same')));
    settlements.publish(sink, output('out.twice', 'second', withId('same')));
    await settlements.reach(2);
    expect(settlements.confirmed).toEqual(['first', 'second']);
    expect((await stage.stored('out.twice')).map(({ text }) => text)).toEqual(['first']);
    expect(settlements.found).toEqual(['second']);
  });

  it('lets its history be read once what is on its way is stored', async () => {
    const sink = await open('slow.x');
    const settlements = new Settlements();
    settlements.publish(sink, output('slow.x', 'm0', withId('m0')));
    await eventually(() => sink.problem !== undefined, { what: 'the problem' });
    const ids: (string | undefined)[] = [];
    const reading = sink.history?.read({ stream: 'SLOW', subject: 'slow.x', sinceMs: 0 }, (stored) => {
      ids.push(stored.header('Nats-Msg-Id'));
    });
    await stage.jsm.streams.add({ name: 'SLOW', subjects: ['slow.>'] });
    await reading;
    expect(ids).toEqual(['m0']);
  });

  it('fails what the stream can never keep, and retries what it cannot keep now', async () => {
    await stage.jsm.streams.add({
      name: 'SMALL',
      subjects: ['small'],
      max_msg_size: 40,
      max_msgs: 1,
      discard: DiscardPolicy.New,
    });
    const sink = await open('small');
    const settlements = new Settlements();
    settlements.publish(sink, output('small', 'x'.repeat(50)));
    settlements.publish(sink, output('small', 'a'));
    settlements.publish(sink, output('small', 'b'));
    await settlements.reach(2);
    expect(settlements.refused).toMatchObject([{ steer: 'failed', message: expect.stringMatching(/size/) }]);
    await eventually(() => sink.problem?.includes('maximum messages exceeded'), { what: 'the problem' });
    await stage.jsm.streams.purge('SMALL');
    await settlements.reach(3);
    expect(settlements.confirmed).toEqual(['a', 'b']);
    expect(sink.problem).toBeUndefined();
  });

  it('sends nothing any more of what its publisher has withdrawn, and goes on with the others', async () => {
    const config = { name: 'SHARED', subjects: ['shared.>'], max_msgs: 1, discard: DiscardPolicy.New };
    await stage.jsm.streams.add(config);
    const sink = await open('shared.x');
    const settlements = new Settlements();
    settlements.publish(sink, output('shared.x', 'it is full'));
    await settlements.reach(1);
    const [leaving, staying] = [{}, {}];
    const publish = (text: string, publisher: object) =>
      sink.publish(output('shared.x', text, withId(text)), (error) => settlements.results.set(text, error), publisher);
    for (const i of [1, 2]) {
      publish(`leaving ${i}`, leaving);
      publish(`staying ${i}`, staying);
    }
    await eventually(() => sink.problem?.includes('maximum messages exceeded'), { what: 'the problem' });
    sink.withdraw?.(leaving);
    expect(settlements.refused).toMatchObject([{ steer: 'blocked' }, { steer: 'blocked' }]);
    await stage.jsm.streams.update('SHARED', { ...config, max_msgs: -1 });
    await settlements.reach(5);
    await sink.confirmed();
    expect(settlements.confirmed).toEqual(['it is full', 'staying 1', 'staying 2']);
    expect((await stage.jsm.streams.info('SHARED')).state.messages).toBe(3);
  });

  it('looks for what it had not sent while its connection was away, which others may have published', async () => {
    await stage.jsm.streams.add({ name: 'ELSEWHERE', subjects: ['elsewhere'], duplicate_window: nanos(100) });
    const proxy = new TcpProxy(stage.server.port);
    await proxy.start();
    try {
      const sink = await open('elsewhere', proxy.url);
      const settlements = new Settlements();
      proxy.refuse();
      await eventually(() => sink.problem?.includes('was lost'), { what: 'the connection to be lost' });
      for (const id of ['a', 'b']) settlements.publish(sink, output('elsewhere', id, withId(id)));
      const js = stage.jsm.jetstream();
      await js.publish('elsewhere', 'a', { msgID: 'a' });
      await js.publish('elsewhere', 'probe', { msgID: 'probe' });
      await eventually(async () => !(await js.publish('elsewhere', 'probe', { msgID: 'probe' })).duplicate, {
        what: 'the duplicate window to be over',
      });
      const { messages } = (await stage.jsm.streams.info('ELSEWHERE')).state;
      proxy.cut();
      await settlements.reach(2);
      expect(settlements.confirmed.sort()).toEqual(['a', 'b']);
      expect(settlements.found).toEqual(['a']);
      expect((await stage.jsm.streams.info('ELSEWHERE')).state.messages).toBe(messages + 1);
    } finally {
      await closeConnections();
      await proxy.stop();
    }
  });

  it('waits at its close for what is acknowledged late', async () => {
    const sink = await open('late.x');
    const settlements = new Settlements();
    settlements.publish(sink, output('late.x', 'm0'));
    await eventually(() => sink.problem !== undefined, { what: 'the problem' });
    const closing = sink.close(10_000);
    await stage.jsm.streams.add({ name: 'LATE', subjects: ['late.>'] });
    await closing;
    expect(settlements.confirmed).toEqual(['m0']);
  });

  it('stores everything exactly once over restarts of the server', async () => {
    const sink = await open('out.many');
    const settlements = new Settlements();
    const total = 3000;
    for (let i = 0; i < total; i++) {
      settlements.publish(sink, output('out.many', `m${i}`, withId(`many-${i}`)));
      await sink.ready();
      if (i % 50 === 0) await new Promise(setImmediate);
      if (i === 1000 || i === 2000) await stage.server.restart();
    }
    await settlements.reach(total, 20_000);
    expect(settlements.refused).toEqual([]);
    // Not the client of the stage, whose request is lost where it is made while the client is away.
    const nc = await connect({ servers: stage.server.url });
    const jsm = await jetstreamManager(nc);
    const { subjects = {} } = (await jsm.streams.info('OUT', { subjects_filter: 'out.many' })).state;
    await nc.close();
    expect(subjects['out.many']).toBe(total);
  });
});
