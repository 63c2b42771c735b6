import { writeFileSync } from 'node:fs';
import { connect as connectSocket, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { startNatsServer } from '@laminar/nats-server';
import {
  eventually,
  freePort,
  natsServerBinary,
  startNats,
  TcpProxy,
  type TestNats,
  temporaryDirectory,
} from '@laminar/test';
import { connect } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { output, Settlements } from '../sink.contract.js';
import { closeConnections, connectionOf, openConnection } from '../testing/connections.js';

const source = { type: 'source', subject: 'in.>' } as const;

describe('a connection', () => {
  let server: TestNats;

  beforeAll(async () => {
    server = await startNats();
  });
  afterEach(closeConnections);
  afterAll(() => server.stop());

  it('is blocked where nobody listens, and says who was asked', async () => {
    const port = await freePort();
    const { connection } = connectionOf({ ...source, servers: `127.0.0.1:${port}` });
    await expect(connection.open()).rejects.toMatchObject({
      name: 'ConnectorError',
      steer: 'blocked',
      message: expect.stringContaining(`cannot connect to nats://127.0.0.1:${port}: `),
    });
    expect(connection.snapshot().lastError).toContain(`nats://127.0.0.1:${port}`);
    expect(() => connection.reader()).toThrow(expect.objectContaining({ steer: 'blocked' }));
    await connection.close();
  });

  it('is blocked within its time limit where somebody listens and says nothing', async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => void sockets.push(socket));
    const port = await freePort();
    await new Promise<void>((resolve) => silent.listen(port, '127.0.0.1', resolve));
    try {
      const startedMs = Date.now();
      const { connection } = connectionOf({ ...source, servers: `127.0.0.1:${port}` });
      await expect(connection.open()).rejects.toMatchObject({ steer: 'blocked' });
      expect(Date.now() - startedMs).toBeLessThan(7000);
    } finally {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => silent.close(resolve));
    }
  });

  it('says what the server said that greeted it and let it go, and does not wait for more', async () => {
    const full = await startNats({ config: 'max_connections: 1', jetstream: false });
    try {
      await openConnection({ ...source, servers: full.url });
      const reasons: string[] = [];
      // What was said is lost where the server's socket ended between two writes of the client: then the next attempt hears it.
      await eventually(
        async () => {
          const { connection } = connectionOf({ ...source, servers: full.url });
          const error = await connection.open().catch((thrown: unknown) => thrown);
          expect(error).toMatchObject({ steer: 'blocked' });
          reasons.push(String(error));
          return reasons.at(-1)?.includes('maximum connections exceeded');
        },
        { what: 'the server to say why' },
      );
      expect(reasons.join()).not.toContain('timeout');
    } finally {
      await full.stop();
    }
  });

  it('notices that a server ends before it let it in', async () => {
    const ending = createServer((socket) => {
      const behind = connectSocket(server.port, '127.0.0.1');
      behind.once('data', (info) => {
        socket.write(info);
        behind.destroy();
      });
      // What proves who it is came, and is not answered.
      socket.once('data', () => socket.resetAndDestroy());
    });
    const port = await freePort();
    await new Promise<void>((resolve) => ending.listen(port, '127.0.0.1', resolve));
    try {
      const { connection } = connectionOf({ ...source, servers: `127.0.0.1:${port}` });
      await expect(connection.open()).rejects.toMatchObject({
        steer: 'blocked',
        message: expect.stringMatching(/ECONNRESET|EPIPE/),
      });
    } finally {
      await new Promise((resolve) => ending.close(resolve));
    }
  });

  it('takes the first server that answers', async () => {
    const { connection } = await openConnection({
      ...source,
      servers: `127.0.0.1:${await freePort()}, ${server.url}`,
    });
    expect(connection.snapshot().serverUrl).toContain(String(server.port));
  });

  it('replies on its own socket, and only where it takes requests', async () => {
    const plain = await openConnection({ ...source, servers: server.url });
    expect(() => plain.connection.responder()).toThrow(
      expect.objectContaining({ steer: 'failed', message: expect.stringContaining('enable_reply = true') }),
    );
    const { connection } = await openConnection({ ...source, servers: server.url, enable_reply: true });
    const reader = connection.reader();
    await reader.open();
    const responder = connection.responder();
    await responder.open();
    const nc = await connect({ servers: server.url });
    const answer = nc.request('in.question', 'how?');
    const [request] = (await reader.read())?.messages ?? [];
    responder.publish(output(request?.reply ?? '', 'so'));
    expect((await answer).string()).toBe('so');
    await responder.close(1000);
    await reader.close();
    await nc.close();
  });

  it('says what the server says of itself, and how far it is', async () => {
    const { connection } = await openConnection({ ...source, servers: server.url });
    await eventually(() => connection.snapshot().rttMs !== undefined, { what: 'a round trip' });
    // In whole milliseconds a server nearby would answer in none, which is no figure.
    expect(connection.snapshot().rttMs).toBeGreaterThan(0);
    expect(connection.snapshot().rttMs).not.toSatisfy(Number.isInteger);
    expect(connection.snapshot()).toMatchObject({
      serverUrl: expect.stringContaining(`127.0.0.1:${server.port}`),
      reconnects: 0,
      lastError: undefined,
      server: {
        serverId: expect.stringMatching(/^N/),
        version: expect.stringMatching(/^\d+\./),
        port: server.port,
        jetstream: true,
        tlsRequired: false,
        authRequired: false,
        maxPayload: 1024 * 1024,
        clientId: expect.any(Number),
      },
    });
  });

  it('says that it is lost, and that it is back', async () => {
    const { connection, states } = await openConnection({ ...source, servers: server.url });
    await server.restart();
    await eventually(() => states.at(-1)?.state === 'connected', { what: 'the connection to be back' });
    expect(states.map(({ state }) => state)).toEqual(['reconnecting', 'connected']);
    expect(states[0]).toMatchObject({ reason: expect.stringContaining('lost') });
    const { reconnects, lastError } = connection.snapshot();
    expect(reconnects).toBe(1);
    // It is what went wrong last, and not whether something is wrong.
    expect(lastError).toContain('lost');
  });

  it('goes to another server before it tries the one that it lost', async () => {
    const lost = new TcpProxy(server.port);
    await lost.start();
    try {
      const { connection, states } = await openConnection({
        ...source,
        servers: `${lost.url}, ${server.url}`,
        randomize_servers: false,
        reconnect_wait_ms: 1,
      });
      expect(connection.snapshot().serverUrl).toContain(String(lost.port));
      lost.refuse();
      await eventually(() => states.at(-1)?.state === 'connected', { what: 'the connection to be back' });
      expect(connection.snapshot().serverUrl).toContain(String(server.port));
      expect(lost.refused).toBe(0);
    } finally {
      await lost.stop();
    }
  });

  it('notices by its pings that a server does not answer', async () => {
    const silent = await startNats({ jetstream: false });
    const { connection } = await openConnection({
      ...source,
      servers: silent.url,
      ping_interval_s: 1,
      ping_max_outstanding: 1,
    });
    silent.kill('SIGSTOP');
    try {
      await eventually(() => connection.snapshot().lastError, { what: 'the silence to be noticed', timeoutMs: 15_000 });
      expect(connection.snapshot().lastError).toContain('the server did not answer pings');
      expect(connection.snapshot().subscriptions).toBe(0);
    } finally {
      silent.kill('SIGCONT');
      await closeConnections();
      await silent.stop();
    }
  });

  it('is closed for good when its attempts to reconnect are used up, and says why', async () => {
    const { connection, states } = await openConnection({ ...source, servers: server.url, max_reconnects: 2 });
    await server.down();
    try {
      await eventually(() => states.at(-1)?.state === 'closed', { what: 'the end' });
    } finally {
      await server.up();
    }
    expect(states.map(({ state }) => state)).toEqual(['reconnecting', 'closed']);
    expect(states[1]).toMatchObject({ error: { steer: 'failed', message: expect.stringMatching(/\S/) } });
    expect(connection.snapshot()).toMatchObject({ server: undefined, lastError: expect.stringMatching(/\S/) });
    await connection.close();
  });

  it('says nothing of a close that is asked for, which may be asked for twice', async () => {
    const { connection, states } = await openConnection({ ...source, servers: server.url });
    await connection.close();
    await connection.close();
    expect(states).toEqual([]);
  });

  it('is closed in time where the server is away', async () => {
    const { connection } = await openConnection({ ...source, servers: server.url });
    await server.down();
    const startedMs = Date.now();
    await connection.close();
    expect(Date.now() - startedMs).toBeLessThan(3000);
    await server.up();
  });

  it('sends what was published before it closes', async () => {
    const listener = await connect({ servers: server.url });
    const subscription = listener.subscribe('last.words');
    await listener.flush();
    const { connection } = await openConnection({ type: 'sink', servers: server.url, subject: 'last.words' });
    const sink = connection.sink();
    await sink.open();
    for (let i = 0; i < 2000; i++) sink.publish(output('last.words', `${i} ${'x'.repeat(500)}`));
    await connection.close();
    await eventually(() => subscription.getReceived() === 2000, { what: 'all that was published' });
    await listener.close();
  });

  it('has no sink where it is a source', async () => {
    const { connection } = await openConnection({ ...source, servers: server.url });
    expect(() => connection.sink()).toThrow(expect.objectContaining({ name: 'ConnectorError', steer: 'failed' }));
  });
});

describe('a limit that the server lowers', () => {
  it('fails the message that no longer fits, and lets the others through', async () => {
    const directory = await temporaryDirectory('reload');
    const configFile = join(directory.path, 'nats.conf');
    const storeDir = join(directory.path, 'store');
    const configure = (limit: string) =>
      writeFileSync(configFile, `max_payload: ${limit}\njetstream { store_dir: "${join(storeDir, 'js')}" }\n`);
    configure('100KB');
    const server = await startNatsServer({
      binary: await natsServerBinary(),
      host: '127.0.0.1',
      port: -1,
      storeDir,
      jetstream: false,
      configFile,
    });
    const limitTo = async (text: string, bytes: number) => {
      configure(text);
      server.kill('SIGHUP');
      const isNew = async () => {
        const probe = await connect({ servers: server.url });
        const limit = probe.info?.max_payload;
        await probe.close();
        return limit === bytes;
      };
      await eventually(isNew, { what: 'the reload' });
    };
    try {
      for (const jetstream of [false, true]) {
        await limitTo('100KB', 100 * 1024);
        const { connection } = await openConnection({
          type: 'sink',
          servers: server.url,
          subject: 'limited',
          jetstream,
          ...(jetstream ? { stream_name: 'LIMITED', stream_subjects: 'limited' } : {}),
        });
        await connection.provision();
        const sink = connection.sink();
        await sink.open();
        const settlements = new Settlements();
        settlements.publish(sink, output('limited', 'first'));
        sink.flush();
        await settlements.reach(1);
        await limitTo('1KB', 1024);
        // The client does not know, the server cuts it off, and then it knows.
        settlements.publish(sink, output('limited', 'x'.repeat(5000)));
        sink.flush();
        await settlements.reach(2);
        expect(settlements.refused).toHaveLength(1);
        await eventually(() => connection.snapshot().reconnects > 0, { what: 'the connection to be back' });
        expect(() => sink.publish(output('limited', 'x'.repeat(5000)))).toThrow(
          expect.objectContaining({ steer: 'failed' }),
        );
        await eventually(
          () => {
            settlements.publish(sink, output('limited', `small ${settlements.results.size} ${Math.random()}`));
            sink.flush();
            return settlements.confirmed.length > 1;
          },
          { what: 'others to get through' },
        );
        await connection.close();
      }
    } finally {
      await closeConnections();
      await server.stop();
      await directory.remove();
    }
  });
});
