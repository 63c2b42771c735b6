import {
  type DeadLetter,
  type DeadLetterRetried,
  deadLetterHeaders,
  deadLettersStream,
  headers,
  subjects,
} from '@laminar/protocol';
import { eventually, startNats, type TestNats } from '@laminar/test';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { type NatsConnection, headers as natsHeaders } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Replica, startReplica } from '../testing.js';

let nats: TestNats;
let nc: NatsConnection;
let replica: Replica;
/** Incarnation of the pipeline `p`, and of the connection `c` that it reads. */
let pipeline: number;
let connection: number;

beforeAll(async () => {
  nats = await startNats();
  nc = await connect({ servers: nats.url });
  replica = await startReplica(nats.url);
  await eventually(() => replica.health.reason === undefined, { what: 'the control plane to be ready' });
});
afterAll(async () => {
  await replica.stop();
  await nc.close();
  await nats.stop();
});

const letterOf = (token: string, more: Partial<DeadLetter> = {}): DeadLetter => ({
  id: `c.${token}`,
  connection: 'c',
  pipeline: 'p',
  incarnation: pipeline,
  definitionRevision: pipeline,
  error: 'division by zero',
  origin: { subject: 'a', reply: undefined, timestampMs: 1, headers: undefined, stored: undefined },
  ...more,
});

async function keep(letter: DeadLetter): Promise<string> {
  const block = natsHeaders();
  for (const [name, value] of deadLetterHeaders(letter)) block.set(name, value);
  await jetstream(nc).publish(subjects.deadLetter(letter.id), letter.id, { headers: block });
  return letter.id;
}

async function withdraw(id: string): Promise<void> {
  const block = natsHeaders();
  block.set(headers.withdrawn, 'processed');
  await jetstream(nc).publish(subjects.deadLetter(id), '', { headers: block });
}

/** A pipeline with a reader of its own over the stream source `s`, and a dead letter of it. */
async function ownPipeline(name: string, delivery: string) {
  const base = { servers: nats.url, jetstream: true };
  const source = { ...base, type: 'source', format: 'json', subject: 's', stream_name: 'S' };
  await replica.call('POST', 'connections', { name: 's', connector: 'nats', options: source });
  const sink = { ...base, type: 'sink', subject: `out.${name}`, stream_name: `OUT_${name}` };
  await replica.call('POST', 'connections', { name: `to_${name}`, connector: 'nats', options: sink });
  const query = `INSERT INTO to_${name} SELECT n FROM s`;
  const { body } = await replica.call('POST', 'pipelines', { name, query, options: { reader: 'own', delivery } });
  const connection = (await replica.call('GET', 'connections/s')).body.revision;
  const id = await keep(
    letterOf(name, { id: `s.${name}`, connection: 's', pipeline: name, incarnation: body.revision }),
  );
  return { id, incarnation: { source: connection } };
}

const retry = (id: string) => replica.call('POST', `dead_letters/${id}/retry`);

describe('before anything ever failed', () => {
  it('there are no dead letters, nor a stream of them', async () => {
    expect(await replica.call('GET', 'dead_letters')).toMatchObject({
      status: 200,
      body: { items: [], next_cursor: null },
    });
    expect((await replica.call('GET', 'dead_letters/c.x')).status).toBe(404);
    expect((await retry('c.x')).body).toMatchObject({ status: 404, code: 'dead_letter_not_found' });
  });
});

describe('dead letters', () => {
  beforeAll(async () => {
    await (await jetstreamManager(nc)).streams.add(deadLettersStream(1));
    const options = { servers: nats.url, type: 'source', format: 'json', subject: 'a' };
    const created = await replica.call('POST', 'connections', { name: 'c', connector: 'nats', options });
    connection = created.body.revision;
    pipeline = (await replica.call('POST', 'pipelines', { name: 'p', query: 'SELECT n FROM c' })).body.revision;
  });

  it('are listed page by page, oldest first, without those that were processed', async () => {
    for (const token of ['one', 'two', 'three', 'four']) await keep(letterOf(token));
    await withdraw('c.two');
    await keep(letterOf('five'));
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page = await replica.call('GET', `dead_letters?limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`);
      expect(page.body.items.length).toBeLessThanOrEqual(3);
      seen.push(...page.body.items.map(({ id }: { id: string }) => id));
      cursor = page.body.next_cursor;
    }
    expect(seen).toEqual(['c.one', 'c.three', 'c.four', 'c.five']);
    expect((await replica.call('GET', 'dead_letters/c.two')).status).toBe(404);
    expect((await replica.call('GET', 'dead_letters?cursor=nonsense')).body.code).toBe('invalid_parameter');
  });

  it('are not tried where nobody is there to do it', async () => {
    expect((await retry(await keep(letterOf('alone')))).body).toMatchObject({ status: 503, code: 'not_running' });
  });

  it('are handed to whoever reads the connection, whose word is the answer', async () => {
    const id = await keep(letterOf('asked'));
    const answers: DeadLetterRetried[] = [
      { outcome: 'processed', rows: 2 },
      { outcome: 'failed', error: 'still zero' },
      { outcome: 'not_running', reason: 'it waits for its sink' },
      { outcome: 'gone' },
    ];
    const asked: string[] = [];
    const subscription = nc.subscribe(subjects.deadLetterRetry('c', undefined), {
      callback: (_, request) => {
        asked.push(request.string());
        request.respond(JSON.stringify(answers.shift()));
      },
    });
    expect(await retry(id)).toMatchObject({ status: 200, body: { id, outcome: 'processed', rows: 2, error: null } });
    expect(await retry(id)).toMatchObject({
      status: 200,
      body: { id, outcome: 'failed', rows: 0, error: 'still zero' },
    });
    expect((await retry(id)).body).toMatchObject({ status: 503, code: 'not_running', detail: 'it waits for its sink' });
    expect((await retry(id)).body).toMatchObject({ status: 404, code: 'dead_letter_not_found' });
    expect(asked).toEqual(Array.from({ length: 4 }, () => JSON.stringify({ id })));
    subscription.unsubscribe();
  });

  it('are handed to the own reader that they came by', async () => {
    const { id, incarnation } = await ownPipeline('least', 'at_least_once');
    const others = nc.subscribe(subjects.deadLetterRetry('c', undefined), {
      callback: (_, request) => void request.respond(JSON.stringify({ outcome: 'gone' })),
    });
    const owner = nc.subscribe(subjects.deadLetterRetry('s', 'least'), {
      callback: (_, request) => void request.respond(JSON.stringify({ outcome: 'processed', rows: 1 })),
    });
    expect(await retry(id)).toMatchObject({ status: 200, body: { outcome: 'processed' } });
    // Nobody shares the reader of the connection.
    const undecodable = { id: 's.undecodable', connection: 's', pipeline: undefined, incarnation: incarnation.source };
    expect((await retry(await keep(letterOf('x', undecodable)))).body).toMatchObject({
      code: 'not_retryable',
      detail: expect.stringContaining('start one'),
    });
    for (const subscription of [others, owner]) subscription.unsubscribe();
  });

  it('are refused where their pipeline is the only writer of its stream', async () => {
    const { id } = await ownPipeline('alone', 'exactly_once');
    expect((await retry(id)).body).toMatchObject({
      status: 409,
      code: 'not_retryable',
      detail: expect.stringContaining('"alone" publishes in the order of its source as the only writer'),
    });
  });

  it.each([
    ['is of a pipeline that is gone', { pipeline: 'nobody' }, '"nobody" was dropped'],
    ['is of a dropped namesake', { incarnation: 1 }, 'is another'],
    ['is of a dropped connection', { id: 'x.y', connection: 'x', pipeline: undefined }, '"x" was dropped'],
  ])('are refused where one %s', async (_, more, reason) => {
    const { status, body } = await retry(await keep(letterOf('refused', more)));
    expect(status).toBe(409);
    expect(body).toMatchObject({ code: 'not_retryable', detail: expect.stringContaining(reason) });
  });

  it('are refused where their pipeline is stopped, or where none reads their connection', async () => {
    const own = await keep(letterOf('stopped'));
    const everybody = await keep(letterOf('undecodable', { pipeline: undefined, incarnation: connection }));
    expect((await retry(everybody)).body).toMatchObject({ status: 503, code: 'not_running' });
    await replica.call('POST', 'pipelines/p/stop');
    expect((await retry(own)).body).toMatchObject({
      status: 409,
      code: 'not_retryable',
      detail: 'nothing can process it: the pipeline "p" is stopped; start it, and try again',
    });
    expect((await retry(everybody)).body).toMatchObject({
      status: 409,
      code: 'not_retryable',
      detail:
        'nothing can process it: no running pipeline shares the reader of the connection "c"; start one, and try again',
    });
  });
});
