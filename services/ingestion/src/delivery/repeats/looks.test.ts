import { setImmediate } from 'node:timers/promises';
import { loadSql } from '@laminar/sql';
import { eventually } from '@laminar/test';
import { beforeAll, describe, expect, it } from 'vitest';
import { DeliveryStage } from '../../testing/delivery-stage.js';
import type { Finding, Repeats } from './repeats.js';

beforeAll(loadSql);

/** Answers when a test says so, in the order of the questions. */
class Answers {
  readonly waiting: { readonly pipeline: Finding['pipeline']; answer(finding: Finding | undefined): void }[] = [];

  readonly find: Repeats['find'] = (pipeline) =>
    new Promise((answer) => {
      this.waiting.push({ pipeline, answer });
    });

  /** Of the oldest question. */
  async found(...rows: number[]): Promise<void> {
    const first = await eventually(() => this.waiting.shift(), { what: 'a question' });
    first.answer({ pipeline: first.pipeline, published: rows.length === 0 ? undefined : new Set(rows) });
    await Promise.resolve();
  }

  async unknown(): Promise<void> {
    (await eventually(() => this.waiting.shift(), { what: 'a question' })).answer(undefined);
  }
}

function stageOf({ inOrder = false, rows = ['a', 'b', 'c'] } = {}) {
  const answers = new Answers();
  const stage = new DeliveryStage({ ackWaitMs: 30_000, find: answers.find, inOrder });
  const { pipeline, sink } = stage.pipeline('p', { rows: () => rows });
  stage.delivery.pipelines = [pipeline];
  const published = (count: number) => eventually(() => sink.published.length === count, { what: `${count} rows` });
  return { answers, stage, sink, published };
}

describe('a message that comes again', () => {
  it('waits for what is out, of which nothing is published again', async () => {
    const { answers, stage, sink, published } = stageOf();
    stage.come([1], 2);
    stage.come([2]);
    expect(sink.published).toEqual(['a', 'b', 'c']);
    await answers.found(0, 2);
    await published(4);
    expect(sink.ids.at(-1)).toBe('p.7.i.1.1');
    for (const row of ['a', 'b', 'c', 'b']) sink.settle(row);
    expect(stage.settled.outcomes).toEqual(['ack 2', 'ack 1']);
  });

  it('is done where all of it is out', async () => {
    const { answers, stage, sink } = stageOf();
    stage.come([1], 2);
    await answers.found(0, 1, 2);
    await eventually(() => stage.settled.outcomes.length === 1, { what: 'the acknowledgement' });
    expect(sink.published).toEqual([]);
  });

  it('is asked for again where its output did not answer', async () => {
    const { answers, stage, sink, published } = stageOf();
    stage.come([1], 2);
    await answers.unknown();
    await answers.found(0);
    await published(2);
    expect(sink.published).toEqual(['b', 'c']);
  });

  it('is not passed by where the order matters, nor when it has to be asked for again', async () => {
    const { answers, stage, sink, published } = stageOf({ inOrder: true });
    stage.come([1], 2);
    stage.come([2]);
    await answers.unknown();
    stage.come([3]);
    await answers.found(0, 1);
    await published(7);
    expect(sink.ids.map((id) => id?.split('.')[3])).toEqual(['1', '2', '2', '2', '3', '3', '3']);
  });

  it('is looked at, too, where the look for one before it failed and the order matters', async () => {
    const { answers, stage, sink, published } = stageOf({ inOrder: true });
    stage.come([1], 2);
    await answers.unknown();
    await eventually(() => answers.waiting.length === 0, { what: 'the answer' });
    stage.come([2], 2);
    await answers.found(0);
    await answers.found(0, 1);
    await published(3);
    expect(sink.ids).toEqual(['p.7.i.1.1', 'p.7.i.1.2', 'p.7.i.2.2']);
  });

  it.each([true, false])('leaves the sinks their time where many give large rows (in order: %s)', async (inOrder) => {
    const { answers, stage, sink, published } = stageOf({ inOrder, rows: Array(3).fill('x'.repeat(2 ** 18)) });
    let makeRoom: () => void = () => undefined;
    sink.room = new Promise((resolve) => {
      makeRoom = resolve;
    });
    const sequences = [1, 2, 3, 4, 5, 6];
    stage.come(sequences, 2);
    for (const _ of sequences) await answers.found();
    await published(6);
    for (let turn = 0; turn < 10; turn++) await setImmediate();
    expect(sink.published).toHaveLength(6);
    makeRoom();
    await published(18);
    expect(sink.ids.filter((id) => id?.endsWith('.0')).map((id) => Number(id?.split('.')[3]))).toEqual(sequences);
  });
});
