import { Catalog, type DefinitionEventBody, type Options, type RecordedEvent } from '@laminar/definitions';
import type { Kind } from '@laminar/protocol';
import { loadSql, queryReferences } from '@laminar/sql';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Desired } from './desired.js';

beforeAll(loadSql);

let catalog: Catalog;
let desired: Desired;
beforeEach(() => {
  catalog = new Catalog();
  desired = new Desired(catalog);
});

/** Applies an event, brings the desired state up to date, and gives the pipelines that were bound for it. */
function given(kind: Kind, name: string, body: DefinitionEventBody): readonly string[] {
  const version = catalog.version(kind, name) + 1;
  const revision = catalog.revision + 1;
  const event: RecordedEvent = {
    kind,
    name,
    body,
    version,
    revision,
    eventId: 'e',
    at: 0,
    actor: 'a',
    traceparent: '',
  };
  catalog.apply(event);
  desired.changed(kind, name);
  return desired.refresh(Number.POSITIVE_INFINITY).pipelines;
}

const connection = (name: string, options: Options = {}) =>
  given('connection', name, {
    type: catalog.get('connection', name) ? 'ConnectionChanged' : 'ConnectionCreated',
    definition: {
      connector: 'nats',
      options: { servers: 'nats://localhost', type: 'source', format: 'json', subject: `${name}.>`, ...options },
    },
  });

const pipeline = (name: string, query: string, options: Options = {}) =>
  given('pipeline', name, {
    type: 'PipelineCreated',
    definition: { query, desired: 'running', options, ...queryReferences(query) },
  });

const table = (name: string, connector: string, columns: readonly string[]) =>
  given('table', name, {
    type: catalog.get('table', name) ? 'TableChanged' : 'TableCreated',
    definition: { connector, columns: columns.map((column) => ({ name: column, type: 'TEXT' })), options: {} },
  });

const slotKeys = () => [...desired.slots.keys()].sort();

describe('slots', () => {
  it('are those of connections that a running pipeline reads', () => {
    connection('a');
    connection('b');
    expect(slotKeys()).toEqual([]);
    pipeline('p', 'SELECT n FROM a');
    expect(slotKeys()).toEqual(['a.0']);
    given('pipeline', 'p', { type: 'PipelineStopped' });
    expect(slotKeys()).toEqual([]);
    given('pipeline', 'p', { type: 'PipelineStarted' });
    expect(slotKeys()).toEqual(['a.0']);
    given('pipeline', 'p', { type: 'PipelineDropped' });
    expect(slotKeys()).toEqual([]);
  });

  it('are as many as the connection asks for, each with all pipelines', () => {
    connection('a', { queue_group: 'g', parallelism: 3 });
    pipeline('p', 'SELECT n FROM a');
    pipeline('q', 'SELECT m FROM a');
    expect(slotKeys()).toEqual(['a.0', 'a.1', 'a.2']);
    expect(desired.slots.get('a.1')?.pipelines.map(({ name }) => name)).toEqual(['p', 'q']);
    connection('a', { queue_group: 'g', parallelism: 1 });
    expect(slotKeys()).toEqual(['a.0']);
  });

  it('follow a pipeline that moves to another connection', () => {
    connection('a');
    connection('b');
    pipeline('p', 'SELECT n FROM a');
    const query = 'SELECT n FROM b';
    given('pipeline', 'p', {
      type: 'PipelineChanged',
      definition: { query, desired: 'running', options: {}, ...queryReferences(query) },
    });
    expect(slotKeys()).toEqual(['b.0']);
  });
});

describe('pipelines', () => {
  it('are blocked, with a reason, while a relation is missing, and heal', () => {
    pipeline('p', 'SELECT n FROM later');
    expect(desired.pipelines.get('p')).toMatchObject({ state: 'blocked', reason: expect.stringContaining('"later"') });
    connection('later');
    expect(desired.pipelines.get('p')).toMatchObject({ state: 'running' });
    given('connection', 'later', { type: 'ConnectionDropped' });
    expect(desired.pipelines.get('p')).toMatchObject({ state: 'blocked' });
  });

  it('fail where what they were bound to has changed under them', () => {
    connection('a');
    table('t', 'a', ['x', 'y']);
    pipeline('p', 'SELECT y FROM t');
    expect(desired.pipelines.get('p')).toMatchObject({ state: 'running' });
    table('t', 'a', ['x']);
    expect(desired.pipelines.get('p')).toMatchObject({ state: 'failed', reason: expect.stringContaining('"y"') });
  });

  it('take on the revision of the newest definition that they stand on', () => {
    connection('a');
    table('t', 'a', ['x']);
    pipeline('p', 'SELECT x FROM t');
    const own = desired.pipelines.get('p')?.revision ?? 0;
    connection('a', { description: 'changed' });
    expect(desired.pipelines.get('p')?.revision).toBe(own + 1);
    expect(desired.slots.get('a.0')?.pipelines[0]).toMatchObject({ definitionRevision: own, revision: own + 1 });
  });

  it('deal with errors as they say, else as their connection says, else by whether deliveries are counted', () => {
    const counted = { jetstream: true, stream_name: 'S', consumer_max_deliver: 3 };
    connection('plain');
    connection('counted', counted);
    connection('skipping', { ...counted, on_error: 'skip' });
    for (const [name, over, options] of [
      ['a', 'plain', {}],
      ['b', 'counted', {}],
      ['c', 'counted', { on_error: 'dead_letter' }],
      ['d', 'skipping', {}],
    ] as const)
      pipeline(name, `SELECT n FROM ${over}`, options);
    const onErrors = ['a', 'b', 'c', 'd'].map((name) => {
      const pipeline = desired.pipelines.get(name);
      return pipeline?.state === 'running' ? pipeline.specs[0]?.onError : undefined;
    });
    expect(onErrors).toEqual(['dead_letter', 'retry', 'dead_letter', 'skip']);
  });

  it('run in the slots of every connection that they read, each with its own way to deal with errors', () => {
    connection('a');
    connection('b', { jetstream: true, stream_name: 'S', consumer_max_deliver: 3, parallelism: 2 });
    pipeline('p', 'SELECT n FROM a UNION ALL SELECT m FROM b UNION ALL SELECT n + 1 AS x FROM a');
    pipeline('q', 'SELECT n FROM b');
    const run = () => [...desired.slots].map(([key, { pipelines }]) => [key, pipelines.map(({ name }) => name)]);
    expect(run()).toEqual([
      ['a.0', ['p']],
      ['b.0', ['p', 'q']],
      ['b.1', ['p', 'q']],
    ]);
    const onError = (key: string) => desired.slots.get(key)?.pipelines[0]?.onError;
    expect([onError('a.0'), onError('b.0')]).toEqual(['dead_letter', 'retry']);
    pipeline('p', 'SELECT m FROM b');
    expect(run().map(([key]) => key)).toEqual(['b.0', 'b.1']);
    pipeline('p', 'SELECT n FROM a UNION ALL SELECT n FROM c');
    expect(desired.pipelines.get('p')).toMatchObject({ state: 'blocked' });
    expect(run()).toEqual([
      ['b.0', ['q']],
      ['b.1', ['q']],
    ]);
  });

  it('are blocked where they would try again what cannot be delivered again, until their connection can', () => {
    connection('once');
    pipeline('p', 'SELECT n FROM once', { on_error: 'retry' });
    expect(desired.pipelines.get('p')).toMatchObject({
      state: 'blocked',
      reason: expect.stringMatching(/^on_error = 'retry' needs .* "once" .* 'dead_letter'/),
    });
    connection('once', { jetstream: true, stream_name: 'S' });
    expect(desired.pipelines.get('p')).toMatchObject({ state: 'running' });
  });

  it('are bound again only where a change concerns them', () => {
    connection('a');
    connection('b');
    pipeline('p', 'SELECT n FROM a');
    expect(pipeline('q', 'SELECT n FROM b')).toEqual(['q']);
    expect(connection('b', { description: 'changed' })).toEqual(['q']);
  });
});

it('works off what changed in portions', () => {
  connection('a');
  for (let i = 0; i < 50; i++) {
    const query = `SELECT n + ${i} AS n FROM a`;
    const body: DefinitionEventBody = {
      type: 'PipelineCreated',
      definition: { query, desired: 'running', options: {}, ...queryReferences(query) },
    };
    const meta = { eventId: 'e', at: 0, actor: 'a', traceparent: '' };
    catalog.apply({ kind: 'pipeline', name: `p${i}`, version: 1, revision: catalog.revision + 1, body, ...meta });
    desired.changed('pipeline', `p${i}`);
  }
  let passes = 0;
  while (!desired.refresh(0).complete) passes++;
  expect(passes).toBeGreaterThan(1);
  expect(desired.slots.get('a.0')?.pipelines).toHaveLength(50);
});
