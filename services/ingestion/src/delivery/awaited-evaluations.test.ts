import { jsonCodec } from '@laminar/codecs';
import { bindQuery, compileQuery, decodedMessage, loadSql, type MissingCall } from '@laminar/sql';
import { beforeAll, expect, it } from 'vitest';
import { AwaitedEvaluations, type FunctionCaller } from './awaited-evaluations.js';

beforeAll(() => loadSql());

/** Answers when it is told to. */
class Caller implements FunctionCaller {
  readonly open: { readonly request: string; answer(json: string): void; fail(reason: string): void }[] = [];

  call({ request }: MissingCall): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.open.push({
        request,
        answer: (json) => resolve(Buffer.from(json)),
        fail: (reason) => reject(new Error(reason)),
      });
    });
  }
}

function evaluations(select = 'SELECT n, ask(ask(n)) AS x FROM c') {
  const ask = {
    name: 'ask',
    arguments: [{ name: 'n', type: 'BIGINT' as const }],
    returns: 'BIGINT' as const,
    language: 'nats' as const,
    body: 'ask',
  };
  const bound = bindQuery(
    select,
    {
      get: () => ({ kind: 'source', name: 'c', jetstream: false, format: 'json' }),
      names: () => ['c'],
    },
    { get: () => ask, names: () => ['ask'] },
  );
  if (bound.status !== 'bound') throw new Error(bound.reason);
  const caller = new Caller();
  const awaited = new AwaitedEvaluations(compileQuery(bound.query), caller);
  const outcomes: string[] = [];
  const evaluate = (n: number) => {
    const message = {
      data: Buffer.from(`{"n":${n}}`),
      subject: 's',
      reply: undefined,
      headers: () => undefined,
      header: () => undefined,
      timestampMs: 0,
      sequence: undefined,
      stream: undefined,
      consumer: undefined,
      delivered: undefined,
    };
    awaited.evaluate(decodedMessage(message, jsonCodec), (outcome) => {
      if (outcome === undefined) outcomes.push('recalled');
      else
        outcomes.push(
          'rows' in outcome
            ? outcome.rows.map(({ data }) => Buffer.from(data).toString()).join()
            : String(outcome.error),
        );
    });
  };
  return { caller, awaited, outcomes, evaluate };
}

/** Everything that follows from what was done. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

it('hands outcomes on in the order of their messages, errors too', async () => {
  const { caller, outcomes, evaluate } = evaluations();
  for (const n of [1, 2, 3]) evaluate(n);
  expect(caller.open.map(({ request }) => request)).toEqual(['[1]', '[2]', '[3]']);
  caller.open[2]?.answer('30');
  caller.open[1]?.fail('nobody is there');
  await settled();
  expect(caller.open[3]?.request).toBe('[30]');
  caller.open[3]?.answer('300');
  await settled();
  expect(outcomes).toEqual([]);
  caller.open[0]?.answer('1');
  await settled();
  // The same call is not made again: ask(ask(1)) is ask(1).
  expect(outcomes).toEqual([
    '{"n":1,"x":1}',
    'RowError: the function "ask" failed: nobody is there',
    '{"n":3,"x":300}',
  ]);
});

it('bounds what is under way and what is taken', async () => {
  const { caller, awaited, outcomes, evaluate } = evaluations();
  for (let n = 0; n < 600; n++) evaluate(n);
  expect(caller.open).toHaveLength(256);
  const ready = awaited.ready();
  expect(ready).toBeInstanceOf(Promise);
  for (let i = 0; i < caller.open.length; i++) {
    caller.open[i]?.answer('7');
    if (i % 100 === 99) await settled();
  }
  await ready;
  while (outcomes.length < 600) {
    for (const { answer } of caller.open) answer('7');
    await settled();
  }
  expect(awaited.ready()).toBeUndefined();
  expect(outcomes[599]).toBe('{"n":599,"x":7}');
});

it('bounds the calls under way that one message makes, each of them once', async () => {
  const { caller, outcomes, evaluate } = evaluations('SELECT ask(i) AS x FROM c, generate_series(1, n) AS i');
  evaluate(400);
  evaluate(1);
  const answered: string[] = [];
  while (outcomes.length < 2) {
    expect(caller.open.length).toBeLessThanOrEqual(256);
    for (const { request, answer } of caller.open.splice(0)) {
      answered.push(request);
      answer('7');
    }
    await settled();
  }
  expect(answered.filter((request) => request === '[1]')).toHaveLength(2);
  expect(answered).toHaveLength(401);
  expect(outcomes[0]?.split('7')).toHaveLength(401);
});

it('hands all of it back when it is recalled, once', async () => {
  const { caller, awaited, outcomes, evaluate } = evaluations();
  for (let n = 0; n < 600; n++) evaluate(n);
  const ready = awaited.ready();
  awaited.recall();
  expect(outcomes.splice(0)).toEqual(Array.from({ length: 600 }, () => 'recalled'));
  await ready;
  for (const { answer } of caller.open) answer('7');
  await settled();
  expect(outcomes).toEqual([]);
  evaluate(1);
  caller.open.at(-1)?.answer('1');
  await settled();
  expect(outcomes).toEqual(['{"n":1,"x":1}']);
});
