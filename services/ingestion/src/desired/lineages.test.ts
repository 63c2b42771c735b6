import { Catalog, type Options, type Recorded, type RecordedEvent } from '@laminar/definitions';
import { describe, expect, it } from 'vitest';
import { connectionSpec } from './desired.js';
import { Lineages } from './lineages.js';

const nothingKept = { position: async () => undefined, lastSeen: async () => undefined, seen: async () => undefined };

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
  const lineage = () => lineages.of(connectionSpec(get() as Recorded<'connection'>), nothingKept);
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

describe('the revision that a connection is read under', () => {
  const pipeline = (desired: 'running' | 'stopped', options: Options = {}) => ({
    query: 'SELECT n FROM c',
    desired,
    options,
    reads: ['c'],
    writes: undefined,
    calls: [],
  });

  /** A connection and what stands on it; `revisions` gives what its shared reader, and that of a pipeline `own`, are read under. */
  function read() {
    const catalog = new Catalog();
    const lineages = new Lineages(catalog);
    const apply = (kind: 'connection' | 'pipeline', name: string, body: RecordedEvent['body']) =>
      catalog.apply({
        kind,
        name,
        version: catalog.version(kind, name) + 1,
        revision: catalog.revision + 1,
        eventId: 'e',
        at: 0,
        actor: 'a',
        traceparent: '',
        body,
      });
    const options = { servers: 'nats://a', type: 'source', format: 'json', jetstream: true, subject: 'x', ...stream };
    const definition = { connector: 'nats' as const, options };
    apply('connection', 'c', { type: 'ConnectionCreated', definition });
    const form = () => connectionSpec(catalog.get('connection', 'c') as Recorded<'connection'>);
    const first = form();
    return {
      apply,
      change: () => apply('connection', 'c', { type: 'ConnectionChanged', definition }),
      underFirst: () => lineages.readingRevision(first, undefined),
      revisions: () => [lineages.readingRevision(form(), undefined), lineages.readingRevision(form(), 'own')],
    };
  }

  it('is a newer one after every stop and change, and none while nothing is to be read', () => {
    const { apply, change, revisions, underFirst } = read();
    expect(revisions()).toEqual([undefined, undefined]);
    apply('pipeline', 'a', { type: 'PipelineCreated', definition: pipeline('running') });
    expect(revisions()).toEqual([2, undefined]);
    apply('pipeline', 'a', { type: 'PipelineStopped' });
    expect(revisions()).toEqual([undefined, undefined]);
    apply('pipeline', 'a', { type: 'PipelineStarted' });
    expect(revisions()).toEqual([4, undefined]);
    apply('pipeline', 'own', { type: 'PipelineCreated', definition: pipeline('running', { reader: 'own' }) });
    expect(revisions()).toEqual([5, 5]);
    apply('pipeline', 'a', { type: 'PipelineStopped' });
    expect(revisions()).toEqual([undefined, 6]);
    apply('pipeline', 'a', { type: 'PipelineStarted' });
    expect(underFirst()).toBe(7);
    change();
    expect(revisions()).toEqual([8, 8]);
    expect(underFirst()).toBeUndefined();
  });

  it('is the same again when somebody else has come and gone, since the reading went on', () => {
    const { apply, revisions } = read();
    apply('pipeline', 'a', { type: 'PipelineCreated', definition: pipeline('running') });
    apply('pipeline', 'b', { type: 'PipelineCreated', definition: pipeline('running') });
    expect(revisions()[0]).toBe(3);
    apply('pipeline', 'b', { type: 'PipelineDropped' });
    expect(revisions()[0]).toBe(2);
  });
});

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
