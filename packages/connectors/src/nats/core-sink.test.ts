import { eventually } from '@laminar/test';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { describeSink, output, Settlements, startStage } from '../sink.contract.js';
import { closeConnections, openConnection } from '../testing/connections.js';

describeSink('publishing without JetStream', {});

describe('publishing without JetStream', () => {
  let stage: Awaited<ReturnType<typeof startStage>>;

  beforeAll(async () => {
    stage = await startStage();
  });
  afterEach(closeConnections);
  afterAll(() => stage.stop());

  it('blocks what is not confirmed when the connection gives up', async () => {
    const { connection, states } = await openConnection({
      type: 'sink',
      servers: stage.server.url,
      subject: 'out.x',
      max_reconnects: 1,
    });
    const sink = connection.sink();
    await sink.open();
    const settlements = new Settlements();
    await stage.server.down();
    await eventually(
      () => {
        if (states.at(-1)?.state === 'closed') return true;
        settlements.publish(sink, output('out.x', `m${settlements.results.size}-${Math.random()}`));
        sink.flush();
        return false;
      },
      { what: 'the connection to give up' },
    );
    await stage.server.up();
    await eventually(() => settlements.refused.length === settlements.results.size, {
      what: 'nothing to be confirmed',
    });
    expect(settlements.refused.every(({ steer }) => steer === 'blocked')).toBe(true);
    expect(sink.ready()).toBeUndefined();
    await sink.close(100);
  });

  it('holds back by bytes as well', async () => {
    const { connection } = await openConnection({ type: 'sink', servers: stage.server.url, subject: 'large' });
    const sink = connection.sink();
    await sink.open();
    const large = 'x'.repeat(1_000_000);
    let published = 0;
    while (!sink.ready()) {
      sink.publish(output('large', large));
      published++;
    }
    expect(published).toBe(17);
    await sink.ready();
    expect(sink.ready()).toBeUndefined();
    await sink.close(1000);
  });
});
