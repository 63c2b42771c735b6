import { setImmediate } from 'node:timers/promises';
import { loadSql, RowError } from '@laminar/sql';
import { eventually } from '@laminar/test';
import { beforeAll, describe, expect, it } from 'vitest';
import { away, DeliveryStage, tooLarge } from '../testing/delivery-stage.js';

beforeAll(() => loadSql());

const bad = () => {
  throw new RowError('invalid_value', 'the value is bad');
};
const acknowledged = () => new DeliveryStage({ ackWaitMs: 6000 });
/** A source whose messages come once. */
const forgetful = () => new DeliveryStage({ ackWaitMs: undefined });

describe('a message that gives several rows', () => {
  it('leaves those behind it to a later turn where its rows are large together', () => {
    const stage = acknowledged();
    const row = 'x'.repeat(2 ** 18);
    const { pipeline, sink } = stage.pipeline('p', { rows: () => [row, row, row] });
    stage.delivery.pipelines = [pipeline];
    const batch = stage.settled.batch([1, 2, 3]);
    expect(stage.delivery.process(batch)).toBe(2);
    expect(sink.published).toHaveLength(6);
    expect(stage.delivery.process(batch, 2)).toBe(3);
    expect(sink.published).toHaveLength(9);
    stage.delivery.abandon();
    expect(stage.delivery.process(stage.settled.batch([4, 5]))).toBe(2);
    expect(sink.published).toHaveLength(9);
  });

  it('is acknowledged once all of them are confirmed, in whichever order, each under an id of its own', () => {
    const stage = acknowledged();
    const { pipeline, sink, counters } = stage.pipeline('p', { rows: () => ['a', 'b', 'c'] });
    stage.delivery.pipelines = [pipeline];
    stage.come([5]);
    expect(sink.ids).toEqual(['p.7.i.5.0', 'p.7.i.5.1', 'p.7.i.5.2']);
    sink.settle('c');
    sink.settle('a');
    expect(stage.settled.outcomes).toEqual([]);
    sink.settle('b');
    expect(stage.settled.outcomes).toEqual(['ack 5']);
    expect(counters).toMatchObject({ messagesIn: 1, messagesOut: 3, errors: 0 });
  });

  it('is one dead letter however many of them cannot be published, and acknowledged when that is kept', () => {
    const stage = acknowledged();
    const { pipeline, sink, counters } = stage.pipeline('p', { rows: () => [tooLarge, 'b', tooLarge] });
    stage.delivery.pipelines = [pipeline];
    stage.come([1]);
    expect(stage.letters).toEqual([]);
    sink.settle('b');
    expect(stage.letters).toHaveLength(1);
    expect(stage.settled.outcomes).toEqual([]);
    stage.letters[0]?.settle();
    expect(stage.settled.outcomes).toEqual(['ack 1']);
    expect(counters).toMatchObject({ messagesOut: 1, errors: 1, deadLetters: 1 });
  });

  it('is held where one of them waits for its sink, whatever else is wrong, and loses none', async () => {
    const stage = acknowledged();
    const { pipeline, sink } = stage.pipeline('p', { rows: () => ['a', tooLarge] });
    stage.delivery.pipelines = [pipeline];
    stage.come([1]);
    sink.settle('a', away);
    expect(stage.letters).toEqual([]);
    await eventually(() => sink.published.length === 2, { what: 'the row to be published again' });
    sink.settle('a');
    expect(stage.letters).toHaveLength(1);
    stage.letters[0]?.settle();
    expect(stage.settled.outcomes).toEqual(['ack 1']);
  });

  it('is delivered again under the same ids where one of them is to be tried again, once the others are confirmed', () => {
    const stage = new DeliveryStage({ ackWaitMs: 6000, redelivery: { maxDeliver: 2, backoffMs: [50] } });
    let second = tooLarge;
    const { pipeline, sink, counters } = stage.pipeline('p', { rows: () => ['a', second], onError: 'retry' });
    const sibling = stage.pipeline('q', { rows: () => ['x'] });
    stage.delivery.pipelines = [pipeline, sibling.pipeline];
    stage.come([1]);
    sibling.sink.settle('x');
    expect(stage.settled.outcomes).toEqual([]);
    sink.settle('a');
    expect(stage.settled.outcomes).toEqual(['nak 1']);
    second = 'b';
    stage.come([1], 2);
    expect(sink.ids).toEqual(['p.7.i.1.0', 'p.7.i.1.1']);
    sink.settle('a');
    sink.settle('b');
    expect(stage.settled.outcomes).toEqual(['nak 1', 'ack 1']);
    expect(counters).toMatchObject({ messagesIn: 2, messagesOut: 3, errors: 1 });
    // It was done at the first delivery.
    expect(sibling.counters).toMatchObject({ messagesIn: 1, messagesOut: 1 });
  });

  it('of a source that sends nothing again is one dead letter as well', () => {
    const stage = forgetful();
    const { pipeline, sink, counters } = stage.pipeline('p', { rows: () => ['a', tooLarge, tooLarge] });
    stage.delivery.pipelines = [pipeline];
    stage.come([undefined]);
    sink.settle('a');
    expect(stage.letters).toHaveLength(1);
    expect(counters).toMatchObject({ messagesIn: 1, messagesOut: 1, errors: 1 });
  });
});

describe('a sink that goes', () => {
  it('has its rows published by the sink that comes, and nothing of siblings that were done or are on their way', () => {
    const stage = acknowledged();
    const lost = stage.pipeline('p', { rows: () => ['a'] });
    const done = stage.pipeline('q', { rows: () => ['b'] });
    const slow = stage.pipeline('r', { rows: () => ['c'] });
    stage.delivery.pipelines = [lost.pipeline, done.pipeline, slow.pipeline];
    stage.come([1, 2]);
    for (const _ of [1, 2]) done.sink.settle('b');
    stage.delivery.pause();
    for (const _ of [1, 2]) lost.sink.settle('a', away);
    const successor = stage.pipeline('p', { rows: () => ['a'] });
    stage.delivery.pipelines = [successor.pipeline, done.pipeline, slow.pipeline];
    // Those that still wait for a sibling are looked at again when it is done.
    for (const _ of [1, 2]) slow.sink.settle('c');
    stage.delivery.resume();
    expect(successor.sink.published).toEqual(['a', 'a']);
    for (const _ of [1, 2]) successor.sink.settle('a');
    expect(stage.settled.outcomes).toEqual(['ack 1', 'ack 2']);
    for (const { sink } of [done, slow]) expect(sink.published).toHaveLength(2);
    for (const { counters } of [successor, done, slow])
      expect(counters).toMatchObject({ messagesIn: 2, messagesOut: 2 });
  });

  it('has nothing tried again before somebody says so', async () => {
    const stage = acknowledged();
    const { pipeline, sink } = stage.pipeline('p', { rows: () => ['a'] });
    const witness = acknowledged();
    const other = witness.pipeline('p', { rows: () => ['a'] });
    stage.delivery.pipelines = [pipeline];
    witness.delivery.pipelines = [other.pipeline];
    stage.come([1]);
    stage.delivery.pause();
    sink.settle('a', away);
    witness.come([1]);
    other.sink.settle('a', away);
    await eventually(() => other.sink.published.length === 2, { what: 'one that may go on to do so' });
    expect(sink.published).toHaveLength(1);
    stage.delivery.resume();
    expect(sink.published).toHaveLength(2);
  });

  it('leaves messages that give large rows together to the sink that comes a part at a time', async () => {
    const stage = acknowledged();
    const rows = () => Array<string>(3).fill('x'.repeat(2 ** 18));
    const lost = stage.pipeline('p', { rows });
    stage.delivery.pipelines = [lost.pipeline];
    const sequences = [1, 2, 3, 4, 5, 6];
    for (const sequence of sequences) stage.come([sequence]);
    stage.delivery.pause();
    for (const [row = ''] of sequences.map(rows)) for (const _ of rows()) lost.sink.settle(row, away);
    const successor = stage.pipeline('p', { rows });
    stage.delivery.pipelines = [successor.pipeline];
    let makeRoom: () => void = () => undefined;
    successor.sink.room = new Promise((resolve) => {
      makeRoom = resolve;
    });
    stage.delivery.resume();
    for (let turn = 0; turn < 10; turn++) await setImmediate();
    expect(successor.sink.published).toSatisfy((rows: string[]) => rows.length <= 6);
    makeRoom();
    await eventually(() => successor.sink.published.length === 18, { what: 'the others' });
    for (const row of successor.sink.published) successor.sink.settle(row);
    expect(stage.settled.outcomes).toEqual(sequences.map((sequence) => `ack ${sequence}`));
  });

  it('takes along what a pipeline that is gone has not got out: nobody waits for it any more', () => {
    const stage = acknowledged();
    const gone = stage.pipeline('p', { rows: () => ['a'] });
    stage.delivery.pipelines = [gone.pipeline];
    stage.come([1]);
    stage.delivery.pipelines = [];
    gone.sink.settle('a', away);
    stage.delivery.resume();
    expect(stage.settled.outcomes).toEqual(['ack 1']);
  });
});

describe('functions that have not answered', () => {
  const never = new Promise<Uint8Array>(() => undefined);

  it('are asked again by the pipeline that takes over, where the message is still in flight', async () => {
    const stage = acknowledged();
    const before = stage.pipeline('p', { rows: () => ['old'], answer: never });
    stage.delivery.pipelines = [before.pipeline];
    stage.come([1]);
    const after = stage.pipeline('p', { rows: () => ['new'], answer: Promise.resolve(Buffer.from('1')) });
    stage.delivery.recall([before.pipeline]);
    stage.delivery.pipelines = [after.pipeline];
    stage.delivery.resume();
    await eventually(() => after.sink.published.length === 1, { what: 'the row' });
    after.sink.settle('new');
    expect(stage.settled.outcomes).toEqual(['ack 1']);
    expect(after.counters).toMatchObject({ messagesIn: 1, messagesOut: 1, errors: 0 });
    await stage.delivery.drained();
  });

  it.each([
    ['change', (stage: DeliveryStage) => stage.delivery.recall(stage.delivery.pipelines)],
    ['stop', (stage: DeliveryStage) => stage.delivery.abandon()],
  ])('at a %s cost a source that sends nothing again its messages, which are counted and told', async (_, end) => {
    const stage = forgetful();
    const asking = stage.pipeline('p', { rows: () => ['a'], answer: never });
    const sibling = stage.pipeline('q', { rows: () => [] });
    stage.delivery.pipelines = [asking.pipeline, sibling.pipeline];
    stage.come([undefined, undefined, undefined]);
    end(stage);
    await stage.delivery.drained();
    expect(asking.counters).toMatchObject({ errors: 3, lastError: expect.stringContaining('given up') });
    expect(sibling.counters.errors).toBe(0);
    await eventually(() => stage.lines.length === 1, { what: 'the line' });
    expect(stage.lines).toEqual([expect.stringMatching(/^warn: messages were given up/)]);
  });

  it('at a stop cost nothing where the message comes again', async () => {
    const stage = acknowledged();
    const { pipeline, counters } = stage.pipeline('p', { rows: () => ['a'], answer: never });
    stage.delivery.pipelines = [pipeline];
    stage.come([1]);
    stage.delivery.abandon();
    await stage.delivery.drained();
    expect(counters.errors).toBe(0);
    expect(stage.settled.outcomes).toEqual([]);
  });
});

it("publishes nothing more of a message, or after it, once on_error = 'stop' is met", () => {
  const stage = acknowledged();
  const failing = stage.pipeline('p', { rows: bad, onError: 'stop' });
  const sibling = stage.pipeline('q', { rows: () => ['a'] });
  stage.delivery.pipelines = [failing.pipeline, sibling.pipeline];
  stage.come([1, 2]);
  expect(stage.stops).toEqual(['the value is bad']);
  expect(sibling.sink.published).toEqual([]);
  expect(stage.settled.outcomes).toEqual([]);
});
