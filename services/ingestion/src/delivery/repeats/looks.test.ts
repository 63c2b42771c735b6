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

function stageOf({ inOrder = false } = {}) {
  const answers = new Answers();
  const stage = new DeliveryStage({ ackWaitMs: 30_000, find: answers.find, inOrder });
  const { pipeline, sink } = stage.pipeline('p', { rows: () => ['a', 'b', 'c'] });
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
});
