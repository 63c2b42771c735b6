import { describe, expect, it } from 'vitest';
import { type Command, type DecidedEvent, decide, type OwnBus } from './decisions.js';
import {
  Catalog,
  type ConnectionDefinition,
  DefinitionRejected,
  type Options,
  type PipelineDefinition,
} from './index.js';

const connection = (options: Options): ConnectionDefinition => ({
  connector: 'nats',
  options: { servers: 'nats://h:4222', type: 'source', format: 'json', subject: 'in', ...options },
});
const pipeline = (more: Partial<PipelineDefinition> = {}): PipelineDefinition => ({
  query: 'SELECT * FROM c',
  desired: 'running',
  options: {},
  reads: ['c'],
  writes: undefined,
  calls: [],
  ...more,
});
const table = (connector = 'c') => ({ connector, columns: [{ name: 'id', type: 'BIGINT' }], options: {} });
const sink = (subject: string, more: Options = {}) => connection({ type: 'sink', subject, ...more });

const create = {
  connection: (name: string, definition = connection({})): Command => ({
    type: 'Create',
    kind: 'connection',
    name,
    definition,
  }),
  table: (name: string, definition = table()): Command => ({ type: 'Create', kind: 'table', name, definition }),
  pipeline: (name: string, definition: PipelineDefinition = pipeline()): Command => ({
    type: 'Create',
    kind: 'pipeline',
    name,
    definition,
  }),
  function: (name: string, calls: readonly string[] = []): Command => ({
    type: 'Create',
    kind: 'function',
    name,
    definition: named(calls),
  }),
};
const named = (calls: readonly string[] = []) => ({
  arguments: [],
  returns: 'TEXT',
  language: 'sql' as const,
  body: "'x'",
  calls,
});
const drop = (kind: 'connection' | 'table' | 'pipeline' | 'function', name: string, cascade = false): Command => ({
  type: 'Drop',
  kind,
  name,
  cascade,
});

function append(catalog: Catalog, events: readonly DecidedEvent[]): void {
  for (const event of events) {
    const revision = catalog.revision + 1;
    catalog.apply({ ...event, eventId: `e${revision}`, at: revision, actor: 'ann', traceparent: '', revision });
  }
}

/** The catalog after these commands. */
function given(...commands: Command[]): Catalog {
  const catalog = new Catalog();
  for (const command of commands) append(catalog, decide(command, catalog, bus));
  return catalog;
}

const bus: OwnBus = { servers: ['nats://bus:4222'], isOpen: true };

function when(catalog: Catalog, command: Command) {
  const before = catalog.revision;
  return {
    gives: (...events: (readonly [type: string, name: string, version: number])[]) => {
      const decided = decide(command, catalog, bus);
      expect(decided.map(({ body, name, version }) => [body.type, name, version])).toEqual(events);
      expect(catalog.revision).toBe(before);
      return decided;
    },
    rejected: (code: string, message: RegExp) => {
      expect(() => decide(command, catalog, bus)).toThrow(DefinitionRejected);
      expect(() => decide(command, catalog, bus)).toThrow(
        expect.objectContaining({ code, message: expect.stringMatching(message) }),
      );
    },
  };
}

describe('defining', () => {
  it('creates what is not there, and nothing twice', () => {
    when(given(), create.connection('c')).gives(['ConnectionCreated', 'c', 1]);
    when(given(create.connection('c')), create.connection('c')).rejected('already_exists', /"c" already/);
    when(given(create.connection('c')), create.table('c')).rejected('already_exists', /share their names/);
    when(given(create.connection('c'), create.table('t')), create.connection('t')).rejected('already_exists', /share/);
    when(given(create.connection('c')), create.pipeline('c')).gives(['PipelineCreated', 'c', 1]);
  });

  it('accepts what names something that is not there yet', () => {
    when(given(), create.table('t')).gives(['TableCreated', 't', 1]);
    when(given(), create.pipeline('p')).gives(['PipelineCreated', 'p', 1]);
  });

  it('refuses a table over itself', () => {
    when(given(), create.table('t', table('t'))).rejected('invalid', /cannot be over itself/);
    const put: Command = { type: 'Put', kind: 'table', name: 't', definition: table('t') };
    when(given(create.table('t')), put).rejected('invalid', /cannot be over itself/);
  });

  it.each(['system', 'nats_responder'])('reserves the name %s', (name) => {
    when(given(), create.connection(name)).rejected('invalid', /reserved/);
    when(given(), create.pipeline(name)).rejected('invalid', /reserved/);
  });

  it('changes what is there, and says what may be meant where it is not', () => {
    const change = (name: string): Command => ({
      type: 'Change',
      kind: 'connection',
      name,
      definition: connection({ subject: 'other' }),
    });
    when(given(create.connection('orders')), change('orders')).gives(['ConnectionChanged', 'orders', 2]);
    when(given(create.connection('orders')), change('ordres')).rejected('not_found', /did you mean "orders"\?/);
    when(given(), change('orders')).rejected('not_found', /no connection "orders"$/);
  });

  it('puts either way, and nothing where nothing would change, whatever the order of options', () => {
    const put = (definition: ConnectionDefinition): Command => ({
      type: 'Put',
      kind: 'connection',
      name: 'c',
      definition,
    });
    when(given(), put(connection({}))).gives(['ConnectionCreated', 'c', 1]);
    const { options } = connection({ description: 'x' });
    const catalog = given(create.connection('c', { connector: 'nats', options }));
    const reversed = Object.fromEntries(Object.entries(options).reverse());
    when(catalog, put({ connector: 'nats', options: reversed })).gives();
    when(catalog, put(connection({ description: 'y' }))).gives(['ConnectionChanged', 'c', 2]);
  });

  it('keeps whether a pipeline runs where the command does not say', () => {
    const stopped = given(create.pipeline('p', pipeline({ desired: 'stopped' })));
    const { desired: _, ...draft } = pipeline({ query: 'SELECT 1 AS x FROM c' });
    const [changed] = when(stopped, { type: 'Put', kind: 'pipeline', name: 'p', definition: draft }).gives([
      'PipelineChanged',
      'p',
      2,
    ]);
    expect(changed?.body).toMatchObject({ definition: { desired: 'stopped' } });
    const [created] = when(given(), { type: 'Put', kind: 'pipeline', name: 'p', definition: draft }).gives([
      'PipelineCreated',
      'p',
      1,
    ]);
    expect(created?.body).toMatchObject({ definition: { desired: 'running' } });
  });

  it('guards by the expected revision', () => {
    const guarded = (expectedRevision: number): Command => ({
      type: 'Put',
      kind: 'connection',
      name: 'c',
      definition: connection({ description: 'x' }),
      expectedRevision,
    });
    when(given(create.connection('c')), guarded(1)).gives(['ConnectionChanged', 'c', 2]);
    when(given(create.connection('c')), guarded(2)).rejected(
      'precondition_failed',
      /is at revision 1, not at revision 2/,
    );
    when(given(), guarded(1)).rejected('precondition_failed', /does not exist/);
  });

  it('refuses two connections that would quarrel over a durable', () => {
    const durable = (more: Options) =>
      connection({ jetstream: true, stream_name: 'S', consumer_name: 'd', servers: 'h:4222,i:4222', ...more });
    const catalog = given(create.connection('a', durable({})));
    when(catalog, create.connection('b', durable({}))).gives(['ConnectionCreated', 'b', 1]);
    when(catalog, create.connection('b', durable({ consumer_ack_wait_s: 7 }))).rejected(
      'conflict',
      /with another consumer_ack_wait_s; .* consumer_name of its own/,
    );
    when(catalog, create.connection('b', durable({ consumer_pull: false, start: 'new' }))).rejected(
      'conflict',
      /with another consumer_pull, start;/,
    );
    when(catalog, create.connection('b', durable({ subject: 'in.a' }))).rejected('conflict', /"a"/);
    when(catalog, create.connection('b', durable({ subject: 'in.a', servers: 'i' }))).rejected('conflict', /"a"/);
    when(catalog, create.connection('b', durable({ subject: 'in.a', servers: 'j' }))).gives([
      'ConnectionCreated',
      'b',
      1,
    ]);
    when(catalog, create.connection('b', durable({ subject: 'in.a', consumer_name: 'e' }))).gives([
      'ConnectionCreated',
      'b',
      1,
    ]);
    when(catalog, create.connection('b', durable({ subject: 'in.a', stream_name: 'T' }))).gives([
      'ConnectionCreated',
      'b',
      1,
    ]);
    when(catalog, { type: 'Change', kind: 'connection', name: 'a', definition: durable({ subject: 'in.a' }) }).gives([
      'ConnectionChanged',
      'a',
      2,
    ]);
  });
});

describe('a pipeline without a sink', () => {
  const onBus = (subject: string, servers = 'nats://bus:4222') =>
    create.connection('c', connection({ subject, servers }));
  const plain = create.pipeline('p', pipeline({ reads: ['c'] }));
  const reason = /without INSERT INTO it publishes to laminar\.output\.p, which "c" reads/;

  it.each(['laminar.output.p', 'laminar.output.*', 'laminar.>', '>'])(
    'cannot read %s on the bus that its rows go to',
    (subject) => {
      when(given(onBus(subject)), plain).rejected('invalid', reason);
      when(given(plain), onBus(subject)).rejected('invalid', reason);
    },
  );

  it.each([
    ['the rows of another', onBus('laminar.output.q')],
    ['everything elsewhere', onBus('>', 'nats://elsewhere:4222')],
    [
      'a whole stream',
      create.connection('c', connection({ subject: '>', servers: 'bus', jetstream: true, stream_name: 'S' })),
    ],
  ])('may read %s', (_, source) => {
    when(given(source), plain).gives(['PipelineCreated', 'p', 1]);
  });

  it('may read what wildcards show another account of the bus', () => {
    const catalog = given(onBus('>'));
    expect(decide(plain, catalog, { ...bus, isOpen: false })).toHaveLength(1);
    expect(() => decide(plain, given(onBus('laminar.output.p')), { ...bus, isOpen: false })).toThrow(reason);
  });
});

describe('a pipeline that would feed itself', () => {
  const loop = pipeline({ reads: ['c'], writes: 'out' });
  const overTable = pipeline({ reads: ['t'], writes: 'out' });

  it.each([
    ['the same subject', connection({ subject: 'x' }), sink('x')],
    ['a wildcard', connection({ subject: 'x.>' }), sink('x.y')],
    ['one of several servers', connection({ subject: 'x', servers: 'a,h:4222' }), sink('x')],
    [
      'another name of this machine',
      connection({ subject: 'x', servers: 'localhost' }),
      sink('x', { servers: '127.0.0.1' }),
    ],
    ['a consumer', connection({ subject: 'x.*', jetstream: true, stream_name: 'S' }), sink('x.y', { jetstream: true })],
  ])('is refused, over %s', (_, from, to) => {
    when(given(create.connection('c', from), create.connection('out', to)), create.pipeline('p', loop)).rejected(
      'invalid',
      /would read what it writes: "out" publishes to x/,
    );
    when(given(create.connection('c', from), create.pipeline('p', loop)), create.connection('out', to)).rejected(
      'invalid',
      /"p"/,
    );
    when(given(create.connection('out', to), create.pipeline('p', loop)), create.connection('c', from)).rejected(
      'invalid',
      /"p"/,
    );
  });

  it('is refused with a table between, whichever comes last', () => {
    const source = create.connection('c', connection({ subject: 'x' }));
    const target = create.connection('out', sink('x'));
    const all = [source, target, create.table('t'), create.pipeline('p', overTable)];
    for (const last of all) {
      when(given(...all.filter((command) => command !== last)), last).rejected('invalid', /would read what it writes/);
    }
  });

  it('is refused over a stream that is read whole and takes nobody knows what, with a word of what to do', () => {
    const from = connection({ subject: '>', jetstream: true, stream_name: 'S' });
    when(given(create.connection('c', from), create.connection('out', sink('x'))), create.pipeline('p', loop)).rejected(
      'invalid',
      /reads by the subject >; say the stream's own subjects there/,
    );
  });

  it('is refused over the subjects of a stream that is read whole', () => {
    const from = connection({ jetstream: true, stream_name: 'S', stream_subjects: ['a', 'x.>'] });
    const { subject: _, ...options } = from.options;
    when(
      given(create.connection('c', { connector: 'nats', options }), create.connection('out', sink('x.y'))),
      create.pipeline('p', loop),
    ).rejected('invalid', /x\.y/);
  });

  it.each([
    ['another subject', connection({ subject: 'x.*' }), sink('x.y.z')],
    ['another server', connection({ subject: 'x' }), sink('x', { servers: 'elsewhere' })],
    [
      'a stream that takes other subjects and is read whole',
      connection({ subject: '>', jetstream: true, stream_name: 'S', stream_subjects: 'a.>' }),
      sink('x.y'),
    ],
  ])('is not meant by %s', (_, from, to) => {
    when(given(create.connection('c', from), create.connection('out', to)), create.pipeline('p', loop)).gives([
      'PipelineCreated',
      'p',
      1,
    ]);
  });

  it('is refused when a change or a rollback makes it one', () => {
    const catalog = given(
      create.connection('c', connection({ subject: 'x' })),
      create.connection('d', connection({ subject: 'y' })),
      create.connection('out', sink('x')),
      create.pipeline('p', pipeline({ reads: ['d'], writes: 'out' })),
    );
    when(catalog, { type: 'Put', kind: 'pipeline', name: 'p', definition: loop }).rejected('invalid', /would read/);
    when(catalog, { type: 'RollBack', kind: 'pipeline', name: 'p', toVersion: 1, definition: loop }).rejected(
      'invalid',
      /would read/,
    );
    when(catalog, { type: 'Change', kind: 'connection', name: 'd', definition: connection({ subject: '*' }) }).rejected(
      'invalid',
      /"p"/,
    );
  });
});

describe('dropping', () => {
  const all = () =>
    given(
      create.connection('c'),
      create.connection('out', sink('elsewhere')),
      create.table('t'),
      create.pipeline('p', pipeline({ reads: ['t'], writes: 'out' })),
      create.pipeline('q', pipeline({ reads: ['c'] })),
    );

  it('refuses what is in use, and says by whom', () => {
    when(all(), drop('connection', 'c')).rejected(
      'in_use',
      /pipeline "p", pipeline "q", table "t"|pipeline "q".*table "t"/,
    );
    when(all(), drop('table', 't')).rejected('in_use', /pipeline "p"/);
    when(all(), drop('connection', 'out')).rejected('in_use', /pipeline "p"/);
    when(all(), drop('connection', 'nothing')).rejected('not_found', /no connection/);
  });

  it('cascades from the dependents down, each once, and leaves nothing that names what is gone', () => {
    const decided = when(all(), drop('connection', 'c', true)).gives(
      ['PipelineDropped', 'q', 2],
      ['PipelineDropped', 'p', 2],
      ['TableDropped', 't', 2],
      ['ConnectionDropped', 'c', 2],
    );
    const catalog = all();
    append(catalog, decided);
    expect(catalog.referrers('c')).toEqual([]);
    expect(catalog.list('pipeline')).toEqual([]);
    expect(catalog.list('connection').map(({ name }) => name)).toEqual(['out']);
  });

  it('does not hinder a pipeline', () => {
    when(all(), drop('pipeline', 'p')).gives(['PipelineDropped', 'p', 2]);
  });

  it('is the end of a life: the name goes on counting', () => {
    const catalog = given(create.connection('c'), drop('connection', 'c'));
    const [event] = when(catalog, create.connection('c')).gives(['ConnectionCreated', 'c', 3]);
    append(catalog, event ? [event] : []);
    expect(catalog.get('connection', 'c')).toMatchObject({ version: 3, incarnation: 3, createdAt: 3 });
  });
});

describe('a name that several kinds have', () => {
  it('keeps no pipeline and no secret from being dropped, nor takes anything with it', () => {
    const secret: Command = { type: 'Create', kind: 'secret', name: 'c', definition: { valueId: 'v' } };
    const catalog = given(create.connection('c'), create.table('t'), create.pipeline('c'), secret);
    for (const kind of ['pipeline', 'secret'] as const)
      for (const cascade of [false, true]) {
        const events = decide({ type: 'Drop', kind, name: 'c', cascade }, catalog, bus);
        expect(events.map(({ kind, name }) => `${kind} ${name}`)).toEqual([`${kind} c`]);
      }
  });
});

describe('starting, stopping, rolling back', () => {
  const only = (type: 'Start' | 'Stop'): Command => ({ type, kind: 'pipeline', name: 'p' });

  it('is an event each time that it is asked for', () => {
    when(given(create.pipeline('p')), only('Stop')).gives(['PipelineStopped', 'p', 2]);
    when(given(create.pipeline('p')), only('Start')).gives(['PipelineStarted', 'p', 2]);
    when(given(create.pipeline('p'), only('Stop')), only('Start')).gives(['PipelineStarted', 'p', 3]);
    when(given(), only('Start')).rejected('not_found', /no pipeline/);
  });

  it('keeps whether it runs when it is rolled back', () => {
    const old = pipeline({ query: 'SELECT 1 AS old FROM c' });
    const catalog = given(
      create.pipeline('p', old),
      { type: 'Put', kind: 'pipeline', name: 'p', definition: pipeline() },
      only('Stop'),
    );
    const roll: Command = { type: 'RollBack', kind: 'pipeline', name: 'p', toVersion: 1, definition: old };
    const [event] = when(catalog, roll).gives(['PipelineRolledBack', 'p', 4]);
    expect(event?.body).toMatchObject({ toVersion: 1, definition: { query: old.query, desired: 'stopped' } });
    append(catalog, event ? [event] : []);
    when(catalog, roll).gives(['PipelineRolledBack', 'p', 5]);
  });
});

describe('functions', () => {
  it('have names of their own', () => {
    const catalog = given(create.connection('c'), create.function('c'), create.pipeline('c'));
    expect(decide(drop('function', 'c'), catalog, bus)).toMatchObject([{ body: { type: 'FunctionDropped' } }]);
    expect(() => decide(drop('connection', 'c'), catalog, bus)).toThrow('in use by pipeline "c"');
  });

  it('are dropped with all that calls them, what calls something before it', () => {
    const catalog = given(
      create.function('a'),
      create.function('b', ['a']),
      create.function('d', ['b', 'a']),
      create.function('e', ['d', 'b']),
      create.pipeline('p', pipeline({ calls: ['e'] })),
    );
    expect(() => decide(drop('function', 'a'), catalog, bus)).toThrow('in use by pipeline "p", function "e"');
    const order = decide(drop('function', 'a', true), catalog, bus).map(({ name }) => name);
    expect(order).toEqual(['p', 'e', 'd', 'b', 'a']);
  });

  it('call neither themselves nor in a circle', () => {
    const catalog = given(create.function('a', ['b']), create.function('b', ['c']));
    expect(() => decide(create.function('self', ['self']), catalog, bus)).toThrow('"self" calls "self"');
    expect(() => decide(create.function('c', ['x', 'a']), catalog, bus)).toThrow('"c" calls "a" calls "b" calls "c"');
  });

  it('that a log holds in a circle end all the same', () => {
    const catalog = new Catalog();
    const created = (name: string, calls: string[]): DecidedEvent => ({
      kind: 'function',
      name,
      version: 1,
      body: { type: 'FunctionCreated', definition: named(calls) },
    });
    append(catalog, [created('a', ['b']), created('b', ['a'])]);
    expect(catalog.dependents('a', 'function').map(({ name }) => name)).toEqual(['b']);
  });
});
