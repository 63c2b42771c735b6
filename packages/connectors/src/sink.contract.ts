import type { Options } from '@laminar/definitions';
import { eventually, startNats, type TestNats } from '@laminar/test';
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Connection, type ConnectorError, HeaderBlock, type OutputMessage, type Sink } from './index.js';
import { closeConnections, limitedUser, openConnection } from './testing/connections.js';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

const withId = (id: string) => new HeaderBlock('').with('Nats-Msg-Id', id);

export const output = (subject: string, text: string, block = new HeaderBlock('')): OutputMessage => ({
  subject,
  data: encode(text),
  headers: block,
});

/** What became of each message, by its text; a message that is settled twice, or within the call, is an error. */
export class Settlements {
  readonly results = new Map<string, ConnectorError | undefined>();
  /** The texts that the output held before. */
  readonly found: string[] = [];
  #calling = false;

  publish(sink: Sink, message: OutputMessage): void {
    const text = new TextDecoder().decode(message.data);
    this.#calling = true;
    sink.publish(message, (error, wasThere) => {
      expect(this.#calling).toBe(false);
      expect(this.results.has(text)).toBe(false);
      this.results.set(text, error);
      if (wasThere) this.found.push(text);
    });
    this.#calling = false;
  }

  get confirmed(): string[] {
    return [...this.results].filter(([, error]) => error === undefined).map(([text]) => text);
  }

  get refused(): ConnectorError[] {
    return [...this.results.values()].filter((error) => error !== undefined);
  }

  async reach(count: number, timeoutMs = 40_000): Promise<void> {
    await eventually(() => this.results.size >= count, { what: `${count} settlements`, timeoutMs });
    expect(this.results.size).toBe(count);
  }
}

interface StoredMessage {
  readonly text: string;
  readonly headers: { [name: string]: string[] };
}

/** A server with a stream that keeps what a sink publishes, whether or not the sink knows of it. */
export interface SinkStage {
  readonly server: TestNats;
  readonly jsm: JetStreamManager;
  /**
   * The texts that arrived on a subject, in order, with their headers, once there are as many as that: a stream stores on its own time what the
   * server took from a publisher that does not wait for JetStream's answer.
   */
  stored(subject: string, least?: number): Promise<StoredMessage[]>;
}

export async function startStage(): Promise<SinkStage & { stop(): Promise<void> }> {
  const server = await startNats({ config: limitedUser });
  const nc: NatsConnection = await connect({ servers: server.url, reconnectTimeWait: 20, maxReconnectAttempts: -1 });
  const jsm = await jetstreamManager(nc, { timeout: 1000 });
  await jsm.streams.add({ name: 'OUT', subjects: ['out.>'] });
  return {
    server,
    jsm,
    // A server that has just come back may not answer the first time.
    stored: (subject, least = 0) =>
      eventually(
        async () => {
          const stored = await storedOn(jsm, subject);
          return stored.length >= least && stored;
        },
        { what: `${least} messages on ${subject}` },
      ),
    async stop() {
      await nc.close();
      await server.stop();
    },
  };
}

async function storedOn(jsm: JetStreamManager, subject: string): Promise<StoredMessage[]> {
  const { messages, last_seq } = (await jsm.streams.info('OUT')).state;
  const found: StoredMessage[] = [];
  for (let seq = last_seq - messages + 1; seq <= last_seq; seq++) {
    const message = await jsm.streams.getMessage('OUT', { seq });
    if (message?.subject !== subject) continue;
    const names = message.header?.keys() ?? [];
    const headers = Object.fromEntries(names.map((name) => [name, message.header.values(name)]));
    found.push({ text: message.string(), headers });
  }
  return found;
}

/** How sinks of a kind are opened and what they take; what they promise is the same for all. */
export interface SinkKind {
  /** Gives an open sink, and makes of the headers of a message those of the next one that it takes. */
  open(connection: Connection): Promise<{ readonly sink: Sink; dress(block: HeaderBlock): HeaderBlock }>;
  /** Names of the headers that `dress` or the sink itself adds. */
  readonly adds: readonly string[];
}

/** The sink of a connection, which takes any message. */
const plainSink: SinkKind = {
  open: async (connection) => {
    const sink = connection.sink();
    await sink.open();
    return { sink, dress: (block) => block };
  },
  adds: [],
};

/** What every sink must do. */
export function describeSink(name: string, options: Options, kind = plainSink): void {
  describe(`${name}, as a sink`, () => {
    let stage: Awaited<ReturnType<typeof startStage>>;
    let number = 0;

    beforeAll(async () => {
      stage = await startStage();
    });
    afterEach(closeConnections);
    afterAll(() => stage.stop());

    async function open() {
      const subject = `out.${++number}`;
      const { connection } = await openConnection({ type: 'sink', servers: stage.server.url, subject, ...options });
      const { sink, dress } = await kind.open(connection);
      const message = (to: string, text: string, block = new HeaderBlock('')) => output(to, text, dress(block));
      /** Stored once, also where it is not acknowledged in time. */
      const identified = (to: string, text: string) =>
        message(to, text, kind.adds.includes('Nats-Msg-Id') ? undefined : withId(`${to}-${text}`));
      return { connection, sink, subject, message, identified };
    }

    /** What a sink stored, but for the headers of its own. */
    async function stored(subject: string, least?: number): Promise<StoredMessage[]> {
      const messages = await stage.stored(subject, least);
      return messages.map(({ text, headers }) => ({
        text,
        headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !kind.adds.includes(name))),
      }));
    }

    it('says when everything until now is confirmed, whatever is published meanwhile', async () => {
      const { sink, subject, message } = await open();
      await sink.confirmed();
      const settlements = new Settlements();
      for (let i = 0; i < 100; i++) settlements.publish(sink, message(subject, `m${i}`));
      const more = setInterval(() => settlements.publish(sink, message(subject, `later ${Math.random()}`)));
      await sink.confirmed();
      clearInterval(more);
      expect(settlements.confirmed).toEqual(expect.arrayContaining(Array.from({ length: 100 }, (_, i) => `m${i}`)));
    });

    it('settles each message once, after the call, and publishes in order', async () => {
      const { sink, subject, message } = await open();
      const settlements = new Settlements();
      const texts = Array.from({ length: 500 }, (_, i) => `m${i}`);
      for (const [i, text] of texts.entries()) {
        settlements.publish(sink, message(subject, text));
        if (i % 7 === 0) sink.flush();
      }
      sink.flush();
      await settlements.reach(texts.length);
      expect(settlements.confirmed).toEqual(texts);
      expect(settlements.found).toEqual([]);
      expect((await stored(subject, texts.length)).map(({ text }) => text)).toEqual(texts);
      expect(sink.problem).toBeUndefined();
      await sink.close(1000);
    });

    it('writes headers as they are given, and none that a value tries to slip in', async () => {
      const { sink, subject, message } = await open();
      const settlements = new Settlements();
      const block = new HeaderBlock('')
        .with('X-A', '1')
        .with('X-A', 'é 😀')
        .with('X-B', 'b\r\nNats-Rollup: all\r\n\r\nbody');
      settlements.publish(sink, message(subject, 'x', block));
      settlements.publish(sink, message(subject, 'y'));
      sink.flush();
      await settlements.reach(2);
      expect(await stored(subject, 2)).toEqual([
        { text: 'x', headers: { 'X-A': ['1', 'é 😀'], 'X-B': ['b Nats-Rollup: all body'] } },
        { text: 'y', headers: {} },
      ]);
    });

    it('takes messages that nobody waits for', async () => {
      const { sink, subject, message } = await open();
      for (let i = 0; i < 10; i++) sink.publish(message(subject, `m${i}`));
      sink.flush();
      await sink.close(5000);
      expect(await stored(subject, 10)).toHaveLength(10);
    });

    it('refuses a message that is too large, and goes on', async () => {
      const { sink, subject, message } = await open();
      const settlements = new Settlements();
      expect(() => settlements.publish(sink, message(subject, 'x'.repeat(1024 * 1024 + 1)))).toThrow(
        expect.objectContaining({ name: 'ConnectorError', steer: 'failed', message: expect.stringContaining(subject) }),
      );
      settlements.publish(sink, message(subject, 'small'));
      sink.flush();
      await settlements.reach(1);
      expect(settlements.confirmed).toEqual(['small']);
    });

    it('fails what may not be published, with the reason, and goes on', async () => {
      const { sink, subject, message } = await open();
      const settlements = new Settlements();
      for (const [i, to] of [subject, 'forbidden.x', subject, 'forbidden.y'].entries())
        settlements.publish(sink, message(to, `m${i}`));
      sink.flush();
      await sink.confirmed();
      await settlements.reach(4);
      expect(settlements.confirmed).toEqual(['m0', 'm2']);
      expect(settlements.refused).toMatchObject([
        { steer: 'failed', message: expect.stringContaining('forbidden.x') },
        { steer: 'failed', message: expect.stringContaining('forbidden.y') },
      ]);
      settlements.publish(sink, message(subject, 'm4'));
      sink.flush();
      await settlements.reach(5);
      expect(sink.problem).toBeUndefined();
    });

    it('holds back by `ready` alone, and gets everything out', async () => {
      const { sink, subject, identified } = await open();
      expect(sink.ready()).toBeUndefined();
      let waits = 0;
      for (let i = 0; i < 40_000; i++) {
        sink.publish(identified(subject, String(i)));
        const wait = sink.ready();
        if (!wait) continue;
        waits++;
        await wait;
      }
      expect(waits).toBeGreaterThan(0);
      await sink.close(20_000);
      await eventually(
        async () => {
          const { subjects = {} } = (await stage.jsm.streams.info('OUT', { subjects_filter: subject })).state;
          expect(subjects[subject]).toBe(40_000);
          return true;
        },
        { what: 'all to be stored' },
      );
      await stage.jsm.streams.purge('OUT');
    });

    it('confirms nothing that was lost while the server was away, and says what it waits for', async () => {
      const { sink, subject, identified } = await open();
      const settlements = new Settlements();
      let next = 0;
      const send = () => {
        settlements.publish(sink, identified(subject, `m${next}`));
        next++;
        sink.flush();
      };
      for (let i = 0; i < 20; i++) send();
      await stage.server.down();
      await eventually(() => sink.problem !== undefined, { what: 'the problem to be known' });
      for (let i = 0; i < 20; i++) send();
      await stage.server.up();
      await eventually(
        () => {
          send();
          return sink.problem === undefined && settlements.confirmed.includes(`m${next - 2}`);
        },
        { what: 'the sink to go on' },
      );
      await settlements.reach(next, 20_000);
      const texts = (await stored(subject)).map(({ text }) => text);
      expect(new Set(texts).size).toBe(texts.length);
      // What a server took without JetStream in the moments of its stop and start is confirmed, and kept by nobody.
      if (options.jetstream === true) expect(texts).toEqual(expect.arrayContaining(settlements.confirmed));
      for (const error of settlements.refused) expect(error.steer).toBe('blocked');
    });

    it('is closed in time where the server is away, and gives up what is not confirmed', async () => {
      const { sink, subject, message } = await open();
      const settlements = new Settlements();
      await stage.server.down();
      settlements.publish(sink, message(subject, 'x'));
      const startedMs = Date.now();
      await sink.close(300);
      expect(Date.now() - startedMs).toBeLessThan(2000);
      await settlements.reach(1);
      expect(settlements.refused).toMatchObject([{ steer: 'blocked' }]);
      await stage.server.up();
    });

    it('blocks what is published on a connection that has ended', async () => {
      const { connection, sink, subject, message } = await open();
      await connection.close();
      expect(() => sink.publish(message(subject, 'x'))).toThrow(
        expect.objectContaining({ name: 'ConnectorError', steer: 'blocked' }),
      );
      await sink.close(100);
    });
  });
}
