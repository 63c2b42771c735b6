import { Catalog, type Options, type Recorded } from '@laminar/definitions';
import { describe, expect, it } from 'vitest';
import { connectionSpec } from './desired.js';
import { Lineages } from './lineages.js';

/** A connection whose forms follow each other; gives what is known of the one before, newest first. */
function connection() {
  const catalog = new Catalog();
  const lineages = new Lineages(catalog);
  const get = (): Recorded<'connection'> | undefined => catalog.get('connection', 'c');
  const append = (type: 'ConnectionCreated' | 'ConnectionChanged' | 'ConnectionDropped', options: Options = {}) => {
    const before = get();
    const definition = {
      connector: 'nats' as const,
      options: { servers: 'nats://a', type: 'source', format: 'json', jetstream: true, subject: 'x', ...options },
    };
    catalog.apply({
      kind: 'connection',
      name: 'c',
      version: catalog.version('connection', 'c') + 1,
      revision: catalog.revision + 1,
      eventId: 'e',
      at: 0,
      actor: 'a',
      traceparent: '',
      body: type === 'ConnectionDropped' ? { type } : { type, definition },
    });
    lineages.changed('c', before, get());
  };
  const lineage = () => lineages.of(connectionSpec(get() as Recorded<'connection'>), async () => undefined);
  return {
    append,
    lineage,
    before: () =>
      lineage()
        .predecessors()
        .map(({ role }) => role),
  };
}

const stream = { stream_name: 'S' };

describe('the forms of a connection before the one of now', () => {
  it('are those that were read by other means', () => {
    const { append, before } = connection();
    append('ConnectionCreated', stream);
    append('ConnectionChanged', { ...stream, batch_size: 3 });
    expect(before()).toEqual([]);
    append('ConnectionChanged', { ...stream, consumer_ordered: true });
    append('ConnectionChanged', { ...stream, consumer_ordered: true, batch_size: 3 });
    append('ConnectionChanged', { ...stream, consumer_pull: false });
    expect(before()).toEqual(['source-ordered', 'source-pull']);
  });

  it('are forgotten with another start, and with the connection', () => {
    const { append, before, lineage } = connection();
    append('ConnectionCreated', stream);
    append('ConnectionChanged', { ...stream, consumer_name: 'd' });
    expect(before()).toEqual(['source-pull']);
    expect(lineage().beginsAnew()).toBe(false);
    append('ConnectionChanged', { ...stream, consumer_ordered: true, start: 'new' });
    expect(before()).toEqual([]);
    expect(lineage().beginsAnew()).toBe(true);
    append('ConnectionDropped');
    append('ConnectionCreated', stream);
    expect(before()).toEqual([]);
    expect(lineage().beginsAnew()).toBe(false);
  });
});
