import { eventually, freePort, startNats, type TestNats } from '@laminar/test';
import { jetstream } from '@nats-io/jetstream';
import { headers, type NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { HeaderBlock } from '../index.js';
import { describeReader, readTexts } from '../reader.contract.js';
import { describeSink, output } from '../sink.contract.js';
import { closeConnections, type LoggedLine, openConnection } from '../testing/connections.js';

const logged = { debug: true, trace: true } as const;
const stream = (subject: string) => ({
  jetstream: true,
  stream_name: subject.split('.')[0]?.toUpperCase() ?? '',
  stream_subjects: subject,
});

describeReader({
  name: 'a core subscription that is logged',
  options: (subject) => ({ subject, ...logged }),
  durable: false,
});
describeReader({
  name: 'a pull consumer that is logged',
  options: (subject) => ({ ...stream(subject), pull_timeout_ms: 1000, ...logged }),
  durable: true,
});
describeSink('publishing without JetStream, logged', { ...logged });
describeSink('publishing to JetStream, logged', { jetstream: true, ...logged });

describe('a connection that is logged', () => {
  let server: TestNats;
  let publisher: NatsConnection;

  beforeAll(async () => {
    server = await startNats();
    publisher = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 20 });
  });
  afterEach(closeConnections);
  afterAll(async () => {
    await publisher.close();
    await server.stop();
  });

  const lineWith = (lines: readonly LoggedLine[], message: string) =>
    eventually(() => lines.find((line) => line.message === message), { what: `the line "${message}"` });

  it('tells under debug what it does on the wire, and nothing of messages', async () => {
    const { connection, lines } = await openConnection({
      type: 'source',
      servers: server.url,
      subject: 'wire.>',
      queue_group: 'g',
      debug: true,
    });
    const reader = connection.reader();
    await reader.open();
    publisher.publish('wire.a', 'x');
    await readTexts(reader, 1);
    expect((await lineWith(lines, 'handshake done')).attributes).toMatchObject({
      server: expect.stringContaining(String(server.port)),
      client_id: connection.snapshot().server?.clientId,
    });
    await lineWith(lines, 'round trip');
    expect((await lineWith(lines, 'subscribed')).attributes).toEqual({ subject: 'wire.>', queue_group: 'g' });
    await reader.close();
    await reader.close();
    await connection.close();
    await lineWith(lines, 'socket closed');
    expect(lines.filter(({ message }) => message === 'unsubscribed')).toHaveLength(1);
    expect(new Set(lines.map(({ level }) => level))).toEqual(new Set(['debug']));
  });

  it('tells under debug of pulls, and always of what it made', async () => {
    const { connection, lines } = await openConnection(
      { type: 'source', servers: server.url, ...stream('pulled'), pull_batch_size: 50, debug: true },
      'pulled',
    );
    await connection.provision();
    await connection.provision();
    const reader = connection.reader();
    await reader.open();
    await Promise.all(Array.from({ length: 60 }, () => jetstream(publisher).publish('pulled', 'x')));
    await readTexts(reader, 60);
    expect((await lineWith(lines, 'pull')).attributes).toMatchObject({ consumer: 'laminar-pulled' });
    expect(lines.filter(({ level }) => level === 'info')).toEqual([
      { level: 'info', message: 'created the stream', attributes: { stream: 'PULLED' } },
      {
        level: 'info',
        message: 'created the consumer',
        attributes: { stream: 'PULLED', consumer: 'laminar-pulled' },
      },
    ]);
  });

  it('tells under trace of each message where it stands and how large it is, and nothing that it holds', async () => {
    const source = await openConnection(
      { type: 'source', servers: server.url, ...stream('traced'), trace: true },
      'traced',
    );
    await source.connection.provision();
    const reader = source.connection.reader();
    await reader.open();
    const secretive = headers();
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    secretive.set('traceparent', traceparent);
    secretive.set('X-Canary', 'canary');
    await jetstream(publisher).publish('traced', 'canary', { headers: secretive });
    await readTexts(reader, 1);
    const received = { subject: 'traced', size: 6, sequence: 1, delivered: 1 };
    expect(source.lines.filter(({ level }) => level === 'trace')).toEqual([
      { level: 'trace', message: 'received', attributes: received, traceparent },
    ]);

    const sink = await openConnection({ type: 'sink', servers: server.url, subject: 'out', trace: true });
    const target = sink.connection.sink();
    await target.open();
    const block = new HeaderBlock('').with('Laminar-Pipeline', 'p').with('Laminar-Source', 'TRACED:1');
    target.publish(output('out', 'canary', block.with('X-Canary', 'canary').with('traceparent', traceparent)));
    await target.confirmed();
    const published = { subject: 'out', size: 6, pipeline: 'p', source: 'TRACED:1' };
    expect(sink.lines).toEqual([{ level: 'trace', message: 'published', attributes: published, traceparent }]);
    expect(JSON.stringify([source.lines, sink.lines])).not.toContain('canary');
  });

  it('says nothing of messages and the wire where it is not asked to', async () => {
    const { connection, lines } = await openConnection({ type: 'source', servers: server.url, subject: 'quiet' });
    const reader = connection.reader();
    await reader.open();
    publisher.publish('quiet', 'x');
    await readTexts(reader, 1);
    await reader.close();
    await connection.close();
    expect(lines).toEqual([]);
  });

  it('tells of servers that the cluster tells of', async () => {
    const port = await freePort();
    const cluster = (more: string) => `cluster { name: c, listen: "127.0.0.1:${more}" }`;
    const first = await startNats({ jetstream: false, config: cluster(String(port)) });
    const { lines } = await openConnection({ type: 'source', servers: first.url, subject: 'x', debug: true });
    const routes = `, routes: ["nats://127.0.0.1:${port}"] }`;
    const second = await startNats({ jetstream: false, config: cluster('-1').replace(' }', routes) });
    try {
      const { attributes } = await lineWith(lines, 'the cluster told of other servers');
      expect(attributes?.added).toContain(String(second.port));
    } finally {
      await closeConnections();
      await first.stop();
      await second.stop();
    }
  });

  it('tells of a server that is about to leave, and of the attempts to come back', async () => {
    const leaving = await startNats({ jetstream: false });
    const { lines } = await openConnection({ type: 'source', servers: leaving.url, subject: 'x', debug: true });
    leaving.kill('SIGUSR2');
    await lineWith(lines, 'the server is about to shut down and asks its clients to leave');
    leaving.kill('SIGKILL');
    await lineWith(lines, 'socket lost');
    await lineWith(lines, 'trying to reconnect');
    await closeConnections();
    await leaving.stop();
  });
});
