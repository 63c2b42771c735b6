import { laminar, subjects } from '@laminar/protocol';
import { eventually, startNats, type TestNats } from '@laminar/test';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DeadLetterLog } from './dead-letter-log.js';
import { JobLog } from './job-log.js';
import { LogPublisher } from './log-publisher.js';

let server: TestNats;
let nc: NatsConnection;
let listener: NatsConnection;
let away = false;
/** How often nothing was sent because the bus was away. */
let held = 0;
let messages: laminar.v1.InstanceLogs[];
let dropped: number[];
let publisher: LogPublisher;
beforeEach(async () => {
  server = await startNats({ jetstream: false });
  nc = await connect({ servers: server.url });
  listener = await connect({ servers: server.url });
  away = false;
  messages = [];
  dropped = [];
  listener.subscribe(subjects.everyLog, {
    callback: (_, { data }) => void messages.push(laminar.v1.InstanceLogs.decode(data)),
  });
  await listener.flush();
  held = 0;
  const isAway = () => {
    if (away) held++;
    return away;
  };
  publisher = new LogPublisher({ nc, instance: 'i', isAway, onDropped: (count) => dropped.push(count) });
});
afterEach(async () => {
  publisher.stop();
  await listener.close();
  await nc.close();
  await server.stop();
});

const lines = () => messages.flatMap((message) => message.lines);
const arrived = (count: number) => eventually(() => lines().length >= count && lines(), { what: `${count} lines` });

it('sends what came within a moment as one message, in order, each line at a time of its own', async () => {
  const log = new JobLog('c', publisher);
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  log.write('info', 'first');
  log.write('warn', 'second', () => ({ attributes: { n: 1, text: 'x'.repeat(1000), none: undefined }, traceparent }));
  const [first, second] = await arrived(2);
  expect(messages).toHaveLength(1);
  expect([first?.message, second?.message]).toEqual(['first', 'second']);
  expect(first?.traceId).toBe('');
  expect(second?.traceId).toBe('0af7651916cd43dd8448eb211c80319c');
  expect(Object.keys(second?.attributes ?? {})).toEqual(['n', 'text']);
  expect(second?.attributes?.text?.text).toHaveLength(500);
  expect(Number(second?.atUnixUs)).toBeGreaterThan(Number(first?.atUnixUs));
});

it('keeps lines while the bus is away, up to a limit', async () => {
  away = true;
  const line = { connection: 'c', level: 'info', attributes: {}, traceId: undefined } as const;
  for (let n = 0; n < 10_007; n++) publisher.append({ ...line, message: String(n) });
  await eventually(() => held > 1, { what: 'lines to be held' });
  expect(messages).toEqual([]);
  away = false;
  const sent = await arrived(10_000);
  expect(sent.map(({ message }) => message)).toEqual(Array.from({ length: 10_000 }, (_, n) => String(n)));
  expect(Math.max(...messages.map((message) => message.lines.length))).toBeLessThanOrEqual(400);
  await eventually(() => dropped.length > 0, { what: 'the count of what was dropped' });
  expect(dropped).toEqual([7]);
});

it('lets no flood of messages hide what happens, and makes nothing of what it leaves out', async () => {
  const log = new JobLog('c', publisher);
  let made = 0;
  for (let n = 0; n < 1334; n++) {
    log.write('trace', 'received', () => {
      made++;
      return {};
    });
  }
  log.write('warn', 'blocked');
  await eventually(() => lines().some(({ message }) => message === '1,234 more messages in this second'), {
    what: 'the count of what was left out',
  });
  expect(made).toBe(100);
  expect(lines().filter(({ message }) => message === 'received')).toHaveLength(100);
  expect(lines().some(({ message }) => message === 'blocked')).toBe(true);
});

it('sums up dead letters once a second', async () => {
  const letters = new DeadLetterLog(new JobLog('c', publisher));
  for (let sequence = 1; sequence <= 3; sequence++) letters.kept({ pipeline: 'p', subject: 's', sequence });
  const [line] = await arrived(1);
  expect(line?.message).toBe('3 dead letters were kept');
  expect(line?.attributes).toMatchObject({ count: { number: 3 }, last_pipeline: { text: 'p' } });
  letters.kept({ pipeline: 'p', subject: 's', sequence: 4 });
  expect((await arrived(2))[1]?.message).toBe('a dead letter was kept');
});
