import { eventually, startNats } from '@laminar/test';
import { DiscardPolicy, jetstreamManager, type StreamConfig } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { HeaderBlock, type Sink } from '../index.js';
import { output, Settlements, type SinkStage, startStage } from '../sink.contract.js';
import { closeConnections, openConnection } from '../testing/connections.js';
import { publishAnswerOf } from './publish-answer.js';

const header = (name: string, value: string) => new HeaderBlock('').with(name, value);

describe('what JetStream answers to a publish', () => {
  let stage: SinkStage & { stop(): Promise<void> };
  let number = 0;

  beforeAll(async () => {
    stage = await startStage();
  });
  afterEach(closeConnections);
  afterAll(() => stage.stop());

  /** A sink to a stream of its own. */
  async function open(config: Partial<StreamConfig> = {}): Promise<{ sink: Sink; subject: string; name: string }> {
    const name = `ANSWERS_${++number}`;
    const subject = `answers.${number}`;
    await stage.jsm.streams.add({ name, subjects: [`${subject}.>`], ...config });
    const { connection } = await openConnection({ type: 'sink', servers: stage.server.url, subject, jetstream: true });
    const sink = connection.sink();
    await sink.open();
    return { sink, subject, name };
  }

  const texts = async (name: string): Promise<string[]> => {
    const { messages, last_seq } = (await stage.jsm.streams.info(name)).state;
    const found: string[] = [];
    for (let seq = last_seq - messages + 1; seq <= last_seq; seq++)
      found.push((await stage.jsm.streams.getMessage(name, { seq }))?.string() ?? '');
    return found;
  };

  it.each([
    ['Nats-Expected-Last-Sequence', '99', 'wrong last sequence'],
    ['Nats-Expected-Last-Msg-Id', 'nobody', 'wrong last msg ID'],
    ['Nats-Expected-Stream', 'OTHER', 'expected stream does not match'],
    ['X-Long', 'x'.repeat(70_000), 'header size exceeds'],
  ])('gives up a message that %s keeps out', async (name, value, said) => {
    const { sink, subject } = await open();
    const settlements = new Settlements();
    settlements.publish(sink, output(`${subject}.a`, 'a', header(name, value)));
    settlements.publish(sink, output(`${subject}.a`, 'b'));
    await settlements.reach(2);
    expect(settlements.confirmed).toEqual(['b']);
    expect(settlements.refused).toMatchObject([{ steer: 'failed', message: expect.stringContaining(said) }]);
    expect(sink.problem).toBeUndefined();
  });

  it.each([
    ['max_msgs', { max_msgs: 1 }, 'maximum messages exceeded; make room in the stream'],
    ['max_bytes', { max_bytes: 100 }, 'maximum bytes exceeded; make room in the stream'],
    [
      'max_msgs_per_subject',
      { max_msgs_per_subject: 1, discard_new_per_subject: true },
      'maximum messages per subject exceeded; remove messages of this subject',
    ],
  ])('waits for room where %s is reached, and keeps the order', async (_, limits, said) => {
    const { sink, subject, name } = await open({ discard: DiscardPolicy.New, ...limits });
    const settlements = new Settlements();
    const send = (text: string) => settlements.publish(sink, output(`${subject}.a`, text));
    send('m0');
    await settlements.reach(1);
    for (let i = 1; i < 4; i++) send(`m${i} ${'x'.repeat(30)}`);
    await eventually(() => sink.problem?.includes(said), { what: 'the problem' });
    // These wait behind those that were refused, also where there is room for them first.
    send('m4');
    await stage.jsm.streams.update(name, {
      max_msgs: -1,
      max_bytes: -1,
      max_msgs_per_subject: -1,
      discard_new_per_subject: false,
    });
    send('m5');
    await settlements.reach(6);
    expect(settlements.refused).toEqual([]);
    expect((await texts(name)).map((text) => text.slice(0, 2))).toEqual(['m0', 'm1', 'm2', 'm3', 'm4', 'm5']);
    expect(sink.problem).toBeUndefined();
  });

  it('lets other subjects pass while one waits', async () => {
    const { sink, subject, name } = await open({
      discard: DiscardPolicy.New,
      max_msgs_per_subject: 1,
      discard_new_per_subject: true,
    });
    const settlements = new Settlements();
    for (const text of ['a', 'b']) settlements.publish(sink, output(`${subject}.full`, text));
    settlements.publish(sink, output(`${subject}.other`, 'c'));
    await settlements.reach(2);
    expect(settlements.confirmed).toEqual(['a', 'c']);
    await stage.jsm.streams.purge(name, { filter: `${subject}.full` });
    await settlements.reach(3);
    expect(settlements.refused).toEqual([]);
  });

  it('waits where the stream is sealed', async () => {
    const { sink, subject, name } = await open();
    const { config } = await stage.jsm.streams.info(name);
    // The client's types leave it out of what can be changed.
    const sealed = { ...config, sealed: true };
    await stage.jsm.streams.update(name, sealed);
    const settlements = new Settlements();
    settlements.publish(sink, output(`${subject}.a`, 'a'));
    await eventually(() => sink.problem?.includes('a sealed stream takes nothing more'), { what: 'the problem' });
    expect(settlements.results.size).toBe(0);
    await sink.close(0);
  });

  it('waits where the storage of the server is used up', async () => {
    const server = await startNats({ config: 'jetstream { max_memory_store: 4096 }' });
    const nc = await connect({ servers: server.url });
    try {
      const jsm = await jetstreamManager(nc);
      await jsm.streams.add({ name: 'S', subjects: ['s'], storage: 'memory' as StreamConfig['storage'] });
      const { connection } = await openConnection({
        type: 'sink',
        servers: server.url,
        subject: 's',
        jetstream: true,
      });
      const sink = connection.sink();
      await sink.open();
      for (let i = 0; i < 10; i++) sink.publish(output('s', `${i}${'x'.repeat(1000)}`));
      await eventually(() => sink.problem?.includes('free storage, or raise the limits'), { what: 'the problem' });
      await sink.close(0);
    } finally {
      await closeConnections();
      await nc.close();
      await server.stop();
    }
  });

  it('holds back by bytes as well', async () => {
    const { sink, subject } = await open();
    const large = 'x'.repeat(1_000_000);
    let published = 0;
    while (!sink.ready()) sink.publish(output(`${subject}.a`, `${published++} ${large}`));
    expect(published).toBe(17);
    await sink.ready();
    await sink.close(10_000);
  });

  it('takes nothing else for an acknowledgement', () => {
    const of = (text: string) => publishAnswerOf({ data: Buffer.from(text) });
    expect(of('{"stream":"duplicate","seq":1}')).toEqual({ stored: true, duplicate: false });
    expect(of('{"stream":"S","seq":1,"domain":"d"}')).toEqual({ stored: true, duplicate: false });
    expect(of('{"stream":"S", "seq":1,"duplicate": true}')).toEqual({ stored: true, duplicate: true });
    for (const text of ['ok', '{}', '{"error":{}}', 'null'])
      expect(of(text)).toMatchObject({ stored: false, kind: 'unknown', final: false });
  });
});
