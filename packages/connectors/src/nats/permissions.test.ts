import type { Options } from '@laminar/definitions';
import { eventually, type MonitoredNats, startMonitoredNats } from '@laminar/test';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { describeSink, output } from '../sink.contract.js';
import { closeConnections, connectionOf, openConnection } from '../testing/connections.js';

const permissions = { publish: ['>'] };
describeSink('publishing without JetStream, guarded', { permissions });
describeSink('publishing to JetStream, guarded', { jetstream: true, permissions });

describe("a connection's own permissions", () => {
  let server: MonitoredNats;
  let listener: NatsConnection;

  beforeAll(async () => {
    server = await startMonitoredNats();
    listener = await connect({ servers: server.url });
  });
  afterEach(closeConnections);
  afterAll(async () => {
    await listener.close();
    await server.stop();
  });

  it('keep it from opening a socket for what it may not do', async () => {
    const before = await server.connectionsEver();
    const contradictions: Options[] = [
      { type: 'source', subject: 'a.>', permissions: { subscribe: ['a.*'] } },
      { type: 'sink', subject: 'b', permissions: { publish: [] } },
    ];
    for (const options of contradictions) {
      const { connection } = connectionOf({ servers: server.url, ...options });
      await expect(connection.open()).rejects.toMatchObject({
        steer: 'failed',
        message: expect.stringContaining('its own permissions do not allow'),
      });
      expect(connection.snapshot().lastError).toContain('its own permissions');
    }
    expect(await server.connectionsEver()).toBe(before);
  });

  it('keep each message from a subject that they do not allow, and let the others through', async () => {
    const heard: string[] = [];
    listener.subscribe('>', { callback: (_, { subject }) => void heard.push(subject) });
    await listener.flush();
    const { connection } = await openConnection({
      type: 'sink',
      servers: server.url,
      subject: 'out.x',
      permissions: { publish: ['out.*'] },
    });
    const sink = connection.sink();
    await sink.open();
    const subjects = Array.from({ length: 2500 }, (_, n) => `out.${n}`);
    for (const subject of subjects) {
      sink.publish(output(subject, 'x'));
      expect(() => sink.publish(output(`${subject}.y`, 'x'))).toThrow('do not allow publishing to');
    }
    await sink.confirmed();
    await eventually(() => heard.length >= subjects.length, { what: 'what was let through' });
    expect(heard).toEqual(subjects);
  });
});
