import type { Options } from '@laminar/definitions';
import { startNats, type TestNats } from '@laminar/test';
import { AckPolicy, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Tap, TapRange } from '../index.js';
import { readTexts } from '../reader.contract.js';
import { closeConnections, limitedUser, openConnection } from '../testing/connections.js';

let server: TestNats;
let nc: NatsConnection;
let jsm: JetStreamManager;
let number = 0;

beforeAll(async () => {
  server = await startNats({ config: limitedUser });
  nc = await connect({ servers: server.url });
  jsm = await jetstreamManager(nc);
});
afterEach(closeConnections);
afterAll(async () => {
  await nc?.close();
  await server?.stop();
});

const tapOf = async (options: Options, range?: Partial<TapRange>): Promise<Tap> => {
  const { connection } = await openConnection({ type: 'source', servers: server.url, ...options });
  return connection.tap(range && { ...unbounded, ...range });
};

const unbounded: TapRange = {
  fromSequence: undefined,
  toSequence: undefined,
  fromMicros: undefined,
  toMicros: undefined,
};

/** The next `count` messages, all until the end where it is left out. */
async function texts(tap: Tap, count = Number.POSITIVE_INFINITY): Promise<string[]> {
  const read: string[] = [];
  while (read.length < count) {
    const messages = await tap.read();
    if (!messages) break;
    read.push(...messages.map(({ data }) => new TextDecoder().decode(data)));
  }
  return read;
}

/** A stream with messages on `<name>.a`, numbered from 1. */
async function stream(count: number, more: object = {}): Promise<string> {
  const name = `s${++number}`;
  await jsm.streams.add({ name, subjects: [`${name}.>`], ...more });
  for (let n = 1; n <= count; n++) await jetstream(nc).publish(`${name}.a`, String(n));
  return name;
}

const over = (name: string, more: Options = {}): Options => ({
  jetstream: true,
  stream_name: name,
  subject: `${name}.>`,
  ...more,
});

const consumersOf = async (name: string) => (await jsm.streams.info(name)).state.consumer_count;

describe('a tap of core messages', () => {
  it('reads what the readers of a queue group read, and takes nothing from them', async () => {
    const options = { type: 'source', servers: server.url, subject: 'work', queue_group: 'workers' };
    const { connection } = await openConnection(options);
    const reader = connection.reader();
    const tap = connection.tap();
    await Promise.all([reader.open(), tap.open()]);
    const sent = Array.from({ length: 100 }, (_, n) => `m${n}`);
    for (const text of sent) nc.publish('work', text);
    expect(await texts(tap, 100)).toEqual(sent);
    expect(await readTexts(reader, 100)).toEqual(sent);
    await tap.close();
    expect(await tap.read()).toBeUndefined();
  });

  it('says what the server does not allow', async () => {
    const tap = await tapOf({ subject: 'forbidden.in' });
    await expect(tap.open()).rejects.toThrow('forbidden.in');
  });

  it('ends with an error where messages come faster than they are taken', async () => {
    const tap = await tapOf({ subject: 'flood', pending_limits: 10 });
    await tap.open();
    for (let n = 0; n < 50; n++) nc.publish('flood', String(n));
    await nc.flush();
    const readAll = async () => {
      while (await tap.read());
    };
    await expect(readAll()).rejects.toThrow('faster than they are taken');
  });
});

describe('a tap of a stream', () => {
  it('begins where start says, whatever consumer the connection has', async () => {
    const name = await stream(4);
    for (const [options, expected] of [
      [{}, ['1', '2', '3', '4']],
      [{ start: 'last' }, ['4']],
      [{ start: 3 }, ['3', '4']],
      [{ consumer_ordered: true, start: 2 }, ['2', '3', '4']],
      [{ consumer_pull: false, start: 4 }, ['4']],
    ] as const) {
      const tap = await tapOf(over(name, options));
      await tap.open();
      expect(await texts(tap, expected.length)).toEqual(expected);
      await tap.close();
    }
    const tap = await tapOf(over(name, { start: 'new' }));
    await tap.open();
    await jetstream(nc).publish(`${name}.a`, '5');
    expect(await texts(tap, 1)).toEqual(['5']);
    await tap.close();
    expect(await consumersOf(name)).toBe(0);
  });

  it('is read in order where there is much of it', async () => {
    const name = await stream(2500);
    const tap = await tapOf(over(name));
    await tap.open();
    expect(await texts(tap, 2500)).toEqual(Array.from({ length: 2500 }, (_, n) => String(n + 1)));
  });

  it('leaves the durable of the connection alone', async () => {
    const name = await stream(3);
    await jsm.consumers.add(name, { durable_name: 'laminar-orders', ack_policy: AckPolicy.Explicit });
    const tap = await tapOf(over(name));
    await tap.open();
    expect(await texts(tap, 3)).toHaveLength(3);
    await tap.close();
    expect(await jsm.consumers.info(name, 'laminar-orders')).toMatchObject({ num_pending: 3, num_ack_pending: 0 });
  });

  it('removes its consumer also where it is closed while it opens, or while it is read', async () => {
    const name = await stream(1);
    const opening = await tapOf(over(name));
    const opened = opening.open();
    await opening.close();
    await opened;
    expect(await opening.read()).toBeUndefined();
    const reading = await tapOf(over(name));
    await reading.open();
    expect(await texts(reading, 1)).toEqual(['1']);
    const next = reading.read();
    await reading.close();
    expect(await next).toBeUndefined();
    expect(await consumersOf(name)).toBe(0);
  });

  it('ends with an error where its stream goes away', async () => {
    const name = await stream(1);
    const tap = await tapOf(over(name));
    await tap.open();
    expect(await texts(tap, 1)).toEqual(['1']);
    const ended = expect(tap.read()).rejects.toThrow('is gone');
    await jsm.streams.delete(name);
    await ended;
  });

  it('is refused where it is not there', async () => {
    await expect((await tapOf(over('NOTHING'))).open()).rejects.toThrow('NOTHING');
  });

  it('takes nothing from those who work off a queue', async () => {
    const name = await stream(4, { retention: 'workqueue' });
    await jsm.consumers.add(name, { durable_name: 'workers', ack_policy: AckPolicy.Explicit });
    await jsm.streams.deleteMessage(name, 2);
    const tap = await tapOf(over(name));
    await tap.open();
    expect(await texts(tap, 3)).toEqual(['1', '3', '4']);
    const next = texts(tap, 1);
    await jetstream(nc).publish(`${name}.b`, '5');
    expect(await next).toEqual(['5']);
    const pending = tap.read();
    await tap.close();
    expect(await pending).toBeUndefined();
    expect(await jsm.consumers.info(name, 'workers')).toMatchObject({ num_pending: 4, num_ack_pending: 0 });
  });

  it('keeps the messages of a stream by interest for those who are interested', async () => {
    const name = `s${++number}`;
    await jsm.streams.add({ name, subjects: [`${name}.>`], retention: 'interest' });
    await jsm.consumers.add(name, { durable_name: 'slow', ack_policy: AckPolicy.Explicit });
    for (let n = 1; n <= 3; n++) await jetstream(nc).publish(`${name}.a`, String(n));
    const tap = await tapOf(over(name));
    await tap.open();
    expect(await texts(tap, 3)).toEqual(['1', '2', '3']);
    await tap.close();
    expect((await jsm.streams.info(name)).state).toMatchObject({ messages: 3, consumer_count: 1 });
    expect(await jsm.consumers.info(name, 'slow')).toMatchObject({ num_pending: 3, num_ack_pending: 0 });
  });

  it('needs no consumer where the stream takes none', async () => {
    const name = await stream(3, { max_consumers: 1 });
    await jsm.consumers.add(name, { durable_name: 'only', ack_policy: AckPolicy.Explicit });
    const tap = await tapOf(over(name, { start: 2 }));
    await tap.open();
    expect(await texts(tap, 2)).toEqual(['2', '3']);
    await tap.close();
  });
});

describe.each(['limits', 'workqueue'])('the range of a stream by %s', (retention) => {
  const later = {
    publish: async (name: string, n: number, to = 'a') => jetstream(nc).publish(`${name}.${to}`, String(n)),
  };

  it('is read from its beginning, whatever start says, to its end', async () => {
    const name = await stream(5, { retention });
    for (const [options, range, expected] of [
      [{ start: 'new' }, { fromSequence: 2, toSequence: 4 }, ['2', '3', '4']],
      [{ start: 'last' }, { toSequence: 2 }, ['1', '2']],
      [{ start: 4 }, { fromSequence: -7, toSequence: 1 }, ['1']],
      [{}, { toSequence: 0 }, []],
      [{}, { fromSequence: 5, toSequence: 5 }, ['5']],
      [{ subject: `${name}.other` }, { toSequence: 5 }, []],
      [{}, { toMicros: 5_000_000 }, []],
      [{}, { fromMicros: -5, toMicros: 5_000_000 }, []],
    ] as const) {
      const tap = await tapOf(over(name, options), range);
      await tap.open();
      expect(await texts(tap), JSON.stringify(range)).toEqual(expected);
      await tap.close();
    }
    expect(await consumersOf(name)).toBe(0);
  });

  it('may be one of time', async () => {
    const name = await stream(3, { retention });
    const second = await jsm.streams.getMessage(name, { seq: 2 });
    // Rounded up, so that the second is within both ranges.
    const micros = Math.ceil(Number(nanosOf(second?.timestamp ?? '')) / 1000);
    const first = await tapOf(over(name, { start: 'new' }), { fromMicros: micros });
    await first.open();
    const from = await texts(first, 2);
    expect(from.at(-1)).toBe('3');
    expect(from).toContain('2');
    const last = await tapOf(over(name, { start: 'new' }), { toMicros: micros });
    await last.open();
    expect((await texts(last)).slice(0, 2)).toEqual(['1', '2']);
  });

  it('ends when its end is reached later, also by messages of others', async () => {
    const name = await stream(1, { retention });
    const taps = await Promise.all([
      tapOf(over(name), { toSequence: 3 }),
      tapOf(over(name, { subject: `${name}.a` }), { toSequence: 3 }),
      tapOf(over(name), { toMicros: (Date.now() + 500) * 1000 }),
    ]);
    await Promise.all(taps.map((tap) => tap.open()));
    const read = Promise.all(taps.map((tap) => texts(tap)));
    await later.publish(name, 2);
    await later.publish(name, 3, 'b');
    expect(await read).toEqual([
      ['1', '2', '3'],
      ['1', '2'],
      ['1', '2', '3'],
    ]);
  });
});

/** Unix nanoseconds of a timestamp such as `2026-11-24T10:00:00.123456789Z`. */
function nanosOf(timestamp: string): bigint {
  const [, whole = '', fraction = ''] = /^(.*?)(?:\.(\d+))?Z$/.exec(timestamp) ?? [];
  return BigInt(Date.parse(`${whole}Z`)) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}

it('a sink cannot be tapped', async () => {
  await expect(tapOf({ type: 'sink', subject: 'out' })).rejects.toMatchObject({
    name: 'ConnectorError',
    steer: 'failed',
  });
});
