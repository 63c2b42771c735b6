import { eventually, startNats, type TestNats } from '@laminar/test';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Replica, startReplica } from '../testing.js';

let nats: TestNats;
let replica: Replica;

beforeAll(async () => {
  nats = await startNats();
  replica = await startReplica(nats.url);
  await eventually(() => replica.health.reason === undefined, { what: 'the control plane to be ready' });
  for (const n of [1, 2, 3]) await define(`p${n}`);
  await replica.call('POST', 'pipelines/p1/stop');
});
afterAll(async () => {
  await replica.stop();
  await nats.stop();
});

const define = (name: string, on = replica) => on.call('PUT', `pipelines/${name}`, { query: 'SELECT a FROM nowhere' });

/** What a stream has said so far. */
class Follower {
  readonly #controller = new AbortController();
  text = '';
  ended = false;

  constructor(url: string, headers: { [name: string]: string } = {}) {
    void this.#read(url, headers);
  }

  async #read(url: string, headers: { [name: string]: string }): Promise<void> {
    try {
      const response = await fetch(url, {
        headers: { accept: 'text/event-stream', ...headers },
        signal: this.#controller.signal,
      });
      const decoder = new TextDecoder();
      for await (const chunk of response.body ?? []) this.text += decoder.decode(chunk, { stream: true });
    } catch (error) {
      if (!this.#controller.signal.aborted) throw error;
    } finally {
      this.ended = true;
    }
  }

  get events(): { id: number; name: string; type: string }[] {
    return [...this.text.matchAll(/^id: (\d+)\ndata: (.*)$/gm)].map((match) => ({
      id: Number(match[1]),
      ...JSON.parse(match[2] ?? ''),
    }));
  }

  leave(): void {
    this.#controller.abort();
  }
}

describe('the audit log', () => {
  it('has every event in order, a page at a time', async () => {
    const first = await replica.call('GET', 'events?limit=3');
    expect(first.body.items).toMatchObject([
      { revision: 1, kind: 'pipeline', name: 'p1', version: 1, type: 'PipelineCreated', actor: 'anonymous' },
      { revision: 2, name: 'p2' },
      { revision: 3, name: 'p3' },
    ]);
    const second = await replica.call('GET', `events?cursor=${first.body.next_cursor}`);
    expect(second.body).toMatchObject({
      items: [{ revision: 4, version: 2, type: 'PipelineStopped', definition: null }],
      next_cursor: null,
    });
  });

  it('can be followed from its beginning, and goes on as events come', async () => {
    const follower = new Follower(`${replica.url}/api/v1/events`);
    await eventually(() => follower.events.length === 4, { what: 'the past' });
    await define('p4');
    await eventually(() => follower.events.length === 5, { what: 'the news' });
    expect(follower.events.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5]);
    expect(follower.events.at(-1)).toMatchObject({ name: 'p4', type: 'PipelineCreated' });
    follower.leave();
  });

  it('goes on after the last event that a client has seen, or at a cursor', async () => {
    const back = new Follower(`${replica.url}/api/v1/events`, { 'last-event-id': '3' });
    await eventually(() => back.events[0]?.id === 4, { what: 'the events after 3' });
    const { body } = await replica.call('GET', 'events?limit=1');
    const atCursor = new Follower(`${replica.url}/api/v1/events?cursor=${body.next_cursor}`);
    await eventually(() => atCursor.events[0]?.id === 2, { what: 'the events from 2 on' });
    back.leave();
    atCursor.leave();
    const bad = await fetch(`${replica.url}/api/v1/events`, {
      headers: { accept: 'text/event-stream', 'last-event-id': 'x' },
    });
    expect(bad.status).toBe(400);
  });

  it('ends its followers when the service stops, soon', async () => {
    const other = await startReplica(nats.url);
    await eventually(() => other.health.reason === undefined, { what: 'the other control plane to be ready' });
    const follower = new Follower(`${other.url}/api/v1/events`);
    await eventually(() => follower.events.length > 0, { what: 'the stream to begin' });
    const waiting = other.call('PUT', 'pipelines/p5?wait=applied&timeout_ms=60000', { query: 'SELECT a FROM x' });
    await eventually(async () => (await replica.call('GET', 'pipelines/p5')).status === 200, { what: 'the write' });
    const started = performance.now();
    await other.stop();
    expect(performance.now() - started).toBeLessThan(2500);
    expect(await waiting).toMatchObject({ status: 504, body: { code: 'not_applied' } });
    await eventually(() => follower.ended, { what: 'the stream to end' });
  });
});
