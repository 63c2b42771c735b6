import { eventually } from '@laminar/test';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IngestionMesh } from './testing/ingestion-mesh.js';

let mesh: IngestionMesh;
beforeAll(async () => {
  mesh = await IngestionMesh.start();
});
afterAll(() => mesh?.stop());

const source = (subject: string) => ({ type: 'source', format: 'json', subject });

describe('a pipeline from core to core', () => {
  it('filters, reshapes and publishes on its own output subject', async () => {
    await mesh.connection('orders', source('orders.>'));
    const revision = await mesh.pipeline('big', 'SELECT id, amount * 2 AS double FROM orders WHERE amount > 10');
    await mesh.settled('big', 'running');
    const output = collect('laminar.output.big');
    for (const amount of [5, 20, 30]) mesh.nc.publish('orders.new', JSON.stringify({ id: `o${amount}`, amount }));
    await eventually(() => output.length === 2, { what: 'two rows' });
    expect(output.map(({ text }) => text)).toEqual(['{"id":"o20","double":40}', '{"id":"o30","double":60}']);
    expect(output[0]?.headers).toMatchObject({ 'Laminar-Pipeline': ['big'], 'Laminar-Revision': [String(revision)] });
  });
});

describe('a pipeline from JetStream to JetStream', () => {
  it('says what was made of each message, once', async () => {
    await mesh.connection('events', {
      ...source('events.>'),
      jetstream: true,
      stream_name: 'EVENTS',
      stream_subjects: 'events.>',
    });
    await mesh.connection('even', {
      type: 'sink',
      subject: 'out.even',
      jetstream: true,
      stream_name: 'EVEN',
      stream_subjects: 'out.even',
    });
    const revision = await mesh.pipeline('evens', 'INSERT INTO even SELECT n FROM events WHERE n % 2 = 0');
    await mesh.settled('evens', 'running');
    await Promise.all(Array.from({ length: 100 }, (_, n) => mesh.js.publish('events.x', JSON.stringify({ n }))));
    await eventually(async () => (await mesh.count('EVEN')) === 50, { what: 'fifty rows' });
    const first = await mesh.jsm.streams.getMessage('EVEN', { seq: 1 });
    expect(first?.string()).toMatch(/^\{"n":\d+\}$/);
    expect(first?.header.get('Laminar-Source')).toMatch(/^EVENTS:\d+$/);
    expect(first?.header.get('Laminar-Revision')).toBe(String(revision));
    const consumer = await mesh.jsm.consumers.info('EVENTS', 'laminar-events');
    await eventually(async () => (await mesh.jsm.consumers.info('EVENTS', 'laminar-events')).num_ack_pending === 0, {
      what: 'every message to be acknowledged',
    });
    expect(consumer.config.ack_policy).toBe('explicit');
  });
});

interface Row {
  readonly text: string;
  readonly headers: Record<string, string[]>;
}

function collect(subject: string): Row[] {
  const rows: Row[] = [];
  mesh.nc.subscribe(subject, {
    callback: (_, message) => {
      const keys = message.headers?.keys() ?? [];
      rows.push({
        text: message.string(),
        headers: Object.fromEntries(keys.map((key) => [key, message.headers?.values(key) ?? []])),
      });
    },
  });
  return rows;
}
