import { eventually, startNats, TcpProxy, type TestNats } from '@laminar/test';
import { DiscardPolicy, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type Beginning, HeaderBlock, type OutputMessage } from '../../index.js';
import { describeSink, Settlements, type SinkKind } from '../../sink.contract.js';
import { closeConnections, openConnection } from '../../testing/connections.js';
import { readTail } from './output-tail.js';

const beginning: Beginning = { kept: undefined, createdAtMs: 0, gaveSameRows: async () => true };
/** Read before, if only a little. */
const begun: Beginning = { ...beginning, kept: { source: 'IN', incarnation: 'abc', sequence: 0, currentUntil: 0 } };

let writers = 0;
/** Each writer has a name of its own, for which what the others wrote came before it. */
const soleWriter: SinkKind = {
  open: async (connection) => {
    const writer = `p.${++writers}`;
    const { sink, resume } = connection.soleWriting(writer);
    await sink.open();
    await resume(beginning);
    let sequence = 0;
    return { sink, dress: (block) => block.with('Nats-Msg-Id', `${writer}.abc.${++sequence}.0`) };
  },
  adds: ['Nats-Msg-Id', 'Nats-Expected-Stream', 'Nats-Expected-Last-Sequence', 'Nats-Expected-Last-Msg-Id'],
};

describeSink('publishing as the only writer of a stream', { jetstream: true, stream_name: 'OUT' }, soleWriter);

let server: TestNats;
let nc: NatsConnection;
let jsm: JetStreamManager;
let number = 0;
beforeAll(async () => {
  server = await startNats();
  nc = await connect({ servers: server.url, reconnectTimeWait: 20, maxReconnectAttempts: -1 });
  jsm = await jetstreamManager(nc, { timeout: 1000 });
});
afterEach(closeConnections);
afterAll(async () => {
  await nc?.close();
  await server?.stop();
});

/** A stream and what opens sinks to it; the duplicate window is as small as it can be, so that nothing rests on it. */
async function given() {
  const stream = `SOLE_${++number}`;
  const subject = `sole.${number}`;
  await jsm.streams.add({
    name: stream,
    subjects: [subject],
    duplicate_window: 100_000_000,
    discard: DiscardPolicy.New,
  });
  const open = async (url = server.url) => {
    const { connection } = await openConnection({
      type: 'sink',
      servers: url,
      subject,
      jetstream: true,
      stream_name: stream,
    });
    const writing = connection.soleWriting('p.5');
    await writing.sink.open();
    return writing;
  };
  const row = (sequence: number, index = 0, count = 1, revision = 1, incarnation = 'abc'): OutputMessage => ({
    subject,
    data: new TextEncoder().encode(`${sequence}.${index}`),
    headers: new HeaderBlock('')
      .with('Nats-Msg-Id', `p.5.${incarnation}.${sequence}.${index}`)
      .with('Laminar-Source', `IN:${sequence}`)
      .with('Laminar-Revision', String(revision))
      .with('Laminar-Row', `${index}/${count}`),
  });
  const stored = async () => {
    const { first_seq, last_seq } = (await jsm.streams.info(stream)).state;
    const texts: string[] = [];
    for (let seq = first_seq; seq <= last_seq; seq++)
      texts.push((await jsm.streams.getMessage(stream, { seq }))?.string() ?? '');
    return texts;
  };
  return { stream, subject, open, row, stored };
}

const texts = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `${from + i}.0`);

it('publishes in order, settles each message once, and holds back by ready', async () => {
  const { open, row, stream } = await given();
  const { sink, resume } = await open();
  expect(await resume(beginning)).toBeUndefined();
  const settlements = new Settlements();
  let waits = 0;
  for (let n = 1; n <= 6_000; n++) {
    settlements.publish(sink, row(n));
    const wait = sink.ready();
    if (wait) waits++;
    await wait;
  }
  await settlements.reach(6_000);
  expect(settlements.confirmed).toEqual(texts(1, 6_001));
  expect(waits).toBeGreaterThan(0);
  expect((await jsm.streams.info(stream)).state.messages).toBe(6_000);
});

it('holds back by ready what would be too large in memory', async () => {
  const { stream, open, row } = await given();
  const { config } = await jsm.streams.info(stream);
  await jsm.streams.update(stream, { ...config, max_msgs: 1 });
  const { sink, resume } = await open();
  await resume(beginning);
  const large = new Uint8Array(900_000);
  let taken = 0;
  for (; taken < 40 && !sink.ready(); taken++) sink.publish({ ...row(taken + 1), data: large });
  expect(taken).toBeLessThan(20);
  const ready = sink.ready();
  await jsm.streams.update(stream, { ...config, max_msgs: -1 });
  await ready;
  await sink.confirmed();
});

it('goes on behind the last row, in the middle of a message too, and publishes no row that is stored', async () => {
  const { open, row, stored } = await given();
  const first = await open();
  await first.resume(beginning);
  for (const output of [row(3), row(4, 0, 3), row(4, 1, 3)]) first.sink.publish(output);
  await first.sink.confirmed();
  const second = await open();
  expect(await second.resume(begun)).toEqual({
    source: 'IN',
    incarnation: 'abc',
    sequence: 3,
    currentUntil: 0,
  });
  const settlements = new Settlements();
  for (const output of [row(4, 0, 3), row(4, 1, 3), row(4, 2, 3), row(5)]) settlements.publish(second.sink, output);
  await settlements.reach(4);
  expect(settlements.refused).toEqual([]);
  expect(settlements.found).toEqual(['4.0', '4.1']);
  expect(await stored()).toEqual(['3.0', '4.0', '4.1', '4.2', '5.0']);
  expect(await second.resume(beginning)).toMatchObject({ sequence: 5 });
});

it('publishes every row of another stream, also of one that was created before the stream of its last row', async () => {
  const { open, row, stored } = await given();
  const first = await open();
  await first.resume(beginning);
  first.sink.publish(row(9));
  await first.sink.confirmed();
  const second = await open();
  await second.resume(begun);
  const settlements = new Settlements();
  settlements.publish(second.sink, row(1, 0, 1, 1, 'abb'));
  await settlements.reach(1);
  expect(settlements.found).toEqual([]);
  expect(await stored()).toEqual(['9.0', '1.0']);
});

it('refuses to go on in the middle of a message with another query', async () => {
  const { open, row } = await given();
  const first = await open();
  await first.resume(beginning);
  first.sink.publish(row(4, 0, 3));
  await first.sink.confirmed();
  const second = await open();
  await expect(second.resume({ ...beginning, gaveSameRows: async () => false })).rejects.toMatchObject({
    steer: 'failed',
    message: expect.stringContaining('roll the pipeline back'),
  });
});

it('goes on behind a message of which not all rows could be stored, as its source says, with another query too', async () => {
  const { open, row, stored } = await given();
  const first = await open();
  await first.resume(beginning);
  first.sink.publish(row(4, 0, 3));
  await first.sink.confirmed();
  const second = await open();
  const kept = { source: 'IN', incarnation: 'abc', sequence: 4, currentUntil: 0 };
  await second.resume({ ...beginning, kept, gaveSameRows: async () => false });
  const settlements = new Settlements();
  for (const output of [row(4, 1, 2, 2), row(5, 0, 1, 2)]) settlements.publish(second.sink, output);
  await settlements.reach(2);
  expect(settlements.found).toEqual(['4.1']);
  expect(await stored()).toEqual(['4.0', '5.0']);
});

it('lets a zombie double nothing, whatever it still publishes', async () => {
  const { open, row, stored } = await given();
  const zombie = await open();
  await zombie.resume(beginning);
  zombie.sink.publish(row(1));
  await zombie.sink.confirmed();
  const owner = await open();
  await owner.resume(begun);
  for (let n = 2; n <= 20; n++) owner.sink.publish(row(n));
  await owner.sink.confirmed();
  const settlements = new Settlements();
  for (let n = 2; n <= 10; n++) settlements.publish(zombie.sink, row(n));
  await expect(zombie.broken).rejects.toMatchObject({ steer: 'blocked' });
  await settlements.reach(9);
  expect(await stored()).toEqual(texts(1, 21));
});

it('fails where somebody else writes, then and when it begins again, until that is deleted', async () => {
  const { stream, subject, open, row, stored } = await given();
  nc.publish(subject, 'from before');
  const { sink, resume, broken } = await open();
  await resume({ ...beginning, createdAtMs: Date.now() + 60_000 });
  sink.publish(row(1));
  await sink.confirmed();
  nc.publish(subject, 'foreign');
  await eventually(async () => (await jsm.streams.info(stream)).state.last_seq === 3, { what: 'it to be stored' });
  const settlements = new Settlements();
  // All at once: the third must not take the foreign message for the second.
  for (const n of [2, 3, 4]) settlements.publish(sink, row(n));
  await expect(broken).rejects.toMatchObject({ steer: 'failed', message: expect.stringContaining('message 3') });
  await settlements.reach(3);
  expect(settlements.refused).toMatchObject([2, 3, 4].map(() => ({ steer: 'blocked' })));
  const again = await open();
  await expect(again.resume(begun)).rejects.toMatchObject({ steer: 'failed' });
  await jsm.streams.deleteMessage(stream, 3);
  expect(await again.resume(begun)).toMatchObject({ sequence: 1 });
  again.sink.publish(row(2));
  await again.sink.confirmed();
  expect((await stored()).filter((text) => text !== '')).toEqual(['from before', '1.0', '2.0']);
});

it('goes on behind the newest row that is left, however many behind it were deleted', async () => {
  const { stream, subject, open, row } = await given();
  const first = await open();
  await first.resume(beginning);
  for (const n of [1, 2]) first.sink.publish(row(n));
  await first.sink.confirmed();
  const { config } = await jsm.streams.info(stream);
  const gone = `${subject}.gone`;
  await jsm.streams.update(stream, { ...config, subjects: [subject, gone] });
  const deleted = 10_100;
  for (let n = 0; n < deleted; n++) nc.publish(gone, '');
  const isStored = async () => (await jsm.streams.info(stream)).state.messages === deleted + 2;
  await eventually(isStored, { what: 'them to be stored' });
  await jsm.streams.purge(stream, { filter: gone });
  const second = await open();
  expect(await second.resume(begun)).toMatchObject({ source: 'IN', sequence: 2 });
  second.sink.publish(row(3));
  await second.sink.confirmed();
  const { state } = await jsm.streams.info(stream);
  expect([state.messages, state.last_seq]).toEqual([3, deleted + 3]);
});

it('finds the newest message of a stream with any holes in it', async () => {
  const { stream, subject } = await given();
  const count = 24;
  for (let n = 0; n < count; n++) nc.publish(subject, '');
  await eventually(async () => (await jsm.streams.info(stream)).state.messages === count, { what: 'all to be stored' });
  const left = new Set(Array.from({ length: count }, (_, i) => i + 1));
  // Each sequence once, up and down the stream.
  for (let i = 1; i <= count; i++) {
    const seq = (i * 7) % (count + 1);
    left.delete(seq);
    await jsm.streams.deleteMessage(stream, seq);
    const { lastSequence, last } = await readTail(jsm, stream);
    expect([lastSequence, last?.streamSequence]).toEqual([count, left.size === 0 ? undefined : Math.max(...left)]);
  }
});

it('publishes again only what was not stored, when answers are lost with the connection', async () => {
  const { stream, open, row, stored } = await given();
  const proxy = new TcpProxy(server.port);
  await proxy.start();
  try {
    const { sink, resume } = await open(proxy.url);
    await resume(beginning);
    const settlements = new Settlements();
    settlements.publish(sink, row(1));
    await settlements.reach(1);
    proxy.loseAnswers();
    for (let n = 2; n <= 50; n++) settlements.publish(sink, row(n));
    await eventually(async () => (await jsm.streams.info(stream)).state.messages === 50, { what: 'all to be stored' });
    expect(settlements.results.size).toBe(1);
    proxy.cut();
    for (let n = 51; n <= 60; n++) settlements.publish(sink, row(n));
    await settlements.reach(60);
    expect(settlements.refused).toEqual([]);
    expect(await stored()).toEqual(texts(1, 61));
  } finally {
    await closeConnections();
    await proxy.stop();
  }
});

it('has no problem any more when the connection is back, though nothing is published', async () => {
  const { open, row } = await given();
  const proxy = new TcpProxy(server.port);
  await proxy.start();
  try {
    const { sink, resume } = await open(proxy.url);
    await resume(beginning);
    sink.publish(row(1));
    await sink.confirmed();
    proxy.refuse();
    await eventually(() => sink.problem !== undefined, { what: 'the problem' });
    proxy.cut();
    await eventually(() => sink.problem === undefined, { what: 'the problem to be over' });
  } finally {
    await closeConnections();
    await proxy.stop();
  }
});

it('may lose its connection before it knows where it goes on', async () => {
  const { subject, open, row, stored } = await given();
  await jetstream(nc).publish(subject, 'from before');
  const proxy = new TcpProxy(server.port);
  await proxy.start();
  try {
    const { sink, resume, broken } = await open(proxy.url);
    proxy.refuse();
    await eventually(() => sink.problem !== undefined, { what: 'the problem' });
    proxy.cut();
    const back = eventually(() => sink.problem === undefined, { what: 'the problem to be over' });
    await Promise.race([broken, back]);
    const settlements = new Settlements();
    await resume({ ...beginning, createdAtMs: Date.now() + 60_000 });
    settlements.publish(sink, row(1));
    await settlements.reach(1);
    expect(await stored()).toEqual(['from before', '1.0']);
  } finally {
    await closeConnections();
    await proxy.stop();
  }
});

it('waits for room in its stream, and refuses a row alone that can never be stored', async () => {
  const { stream, open, row, stored } = await given();
  const { sink, resume } = await open();
  await resume(beginning);
  const { config } = await jsm.streams.info(stream);
  await jsm.streams.update(stream, { ...config, max_msgs: 2, max_msg_size: 300 });
  const settlements = new Settlements();
  settlements.publish(sink, row(1));
  settlements.publish(sink, { ...row(2), data: new TextEncoder().encode('x'.repeat(400)) });
  for (const n of [3, 4]) settlements.publish(sink, row(n));
  await settlements.reach(3);
  expect(settlements.refused).toMatchObject([{ steer: 'failed' }]);
  await eventually(() => sink.problem?.includes('waits'), { what: 'the problem' });
  await jsm.streams.update(stream, { ...config, max_msgs: -1 });
  await settlements.reach(4);
  expect(await stored()).toEqual(['1.0', '3.0', '4.0']);
  expect(sink.problem).toBeUndefined();
});

it('refuses rows out of order, and rows without a place', async () => {
  const { subject, open, row } = await given();
  const { sink, resume } = await open();
  await resume(beginning);
  sink.publish(row(5));
  expect(() => sink.publish(row(4))).toThrow('comes behind later ones');
  expect(() => sink.publish({ subject, data: new Uint8Array(), headers: new HeaderBlock('') })).toThrow(
    'without a place',
  );
});
