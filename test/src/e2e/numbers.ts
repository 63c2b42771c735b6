import { setTimeout as wait } from 'node:timers/promises';
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import { expect } from 'vitest';
import type { Api } from '../api.js';
import { eventually } from '../eventually.js';

const pauseMs = 10;
const arrivalTimeoutMs = 90_000;

export interface NumbersOptions {
  readonly api: Api;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  /** As connections of definitions name them. */
  readonly servers: string;
  readonly replicas: number;
}

/** Numbered messages that go through a pipeline from JetStream to JetStream, exactly once, for as long as a test does something else. */
export class Numbers {
  #published = 0;
  #publishing: Promise<void> | undefined;
  #stopped = false;

  private constructor(readonly options: NumbersOptions) {}

  static async define(options: NumbersOptions): Promise<Numbers> {
    const { api, jsm, servers, replicas } = options;
    for (const [name, subject] of [
      ['numbers', 'numbers.in'],
      ['taken', 'numbers.out'],
    ] as const)
      await eventually(() => jsm.streams.add({ name, subjects: [subject], num_replicas: replicas }), {
        what: `the stream ${name}`,
      });
    const shared = { servers, jetstream: true, format: 'json' };
    const definitions: [string, object][] = [
      [
        '/connections',
        {
          name: 'numbers',
          options: { ...shared, subject: 'numbers.in', type: 'source', stream_name: 'numbers', parallelism: 2 },
        },
      ],
      ['/connections', { name: 'taken', options: { ...shared, subject: 'numbers.out', type: 'sink' } }],
      [
        '/pipelines',
        { name: 'take', query: 'INSERT INTO taken SELECT n FROM numbers', options: { delivery: 'exactly_once' } },
      ],
    ];
    for (const [path, definition] of definitions) {
      const body = path === '/connections' ? { connector: 'nats', ...definition } : definition;
      const answer = await api.post(`${path}?wait=applied&timeout_ms=30000`, body);
      expect(answer.status, JSON.stringify(answer.body)).toBe(201);
    }
    return new Numbers(options);
  }

  /** How many are in the input stream for certain. */
  get published(): number {
    return this.#published;
  }

  /** Begins to publish, one after the other, each until it is taken. */
  publish(): void {
    this.#stopped = false;
    this.#publishing = this.#publish();
  }

  async #publish(): Promise<void> {
    while (!this.#stopped) {
      await this.publishOne();
      await wait(pauseMs);
    }
  }

  /** The next number, unless no server takes it now. */
  async publishOne(): Promise<void> {
    const n = this.#published;
    try {
      await this.options.js.publish('numbers.in', JSON.stringify({ n }), { msgID: `n-${n}`, timeout: 1000 });
      this.#published++;
    } catch {
      // No leader, or no answer: it goes again under its id, by which it is stored once.
    }
  }

  /** Waits until so many rows are out. */
  async arrived(count: number): Promise<void> {
    await eventually(async () => (await this.#rows()) >= count, {
      what: `${count} rows to be out`,
      timeoutMs: arrivalTimeoutMs,
    });
  }

  /** Ends publishing, and holds that each number came out, and once. */
  async isComplete(): Promise<void> {
    await this.stop();
    await this.arrived(this.#published);
    const { js, jsm } = this.options;
    const count = await this.#rows();
    const times = new Map<number, number>();
    const reader = await js.consumers.get('taken', { deliver_policy: 'all' });
    for await (const message of await reader.fetch({ max_messages: count, expires: arrivalTimeoutMs })) {
      const { n } = message.json<{ n: number }>();
      times.set(n, (times.get(n) ?? 0) + 1);
    }
    const lost = Array.from({ length: this.#published }, (_, n) => n).filter((n) => !times.has(n));
    const doubled = [...times].filter(([, count]) => count > 1);
    expect({ lost, doubled, stored: (await jsm.streams.info('numbers')).state.messages }).toEqual({
      lost: [],
      doubled: [],
      stored: this.#published,
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#publishing;
  }

  async #rows(): Promise<number> {
    return (await this.options.jsm.streams.info('taken')).state.messages;
  }
}
