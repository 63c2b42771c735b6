import { formatDefinitionKey, laminar } from '@laminar/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Command, decide, type OwnBus } from './decisions.js';
import { Catalog, decodeEvent, EventUnreadable, encodeEvent, foldStoredEvent, type RecordedEvent } from './index.js';
import { recordedEvent } from './testing/arbitraries.js';

const bus: OwnBus = { servers: [], isOpen: true };

const created: RecordedEvent = {
  eventId: 'e1',
  kind: 'pipeline',
  name: 'p',
  version: 1,
  revision: 1,
  at: 1,
  actor: 'ann',
  traceparent: '',
  body: {
    type: 'PipelineCreated',
    definition: {
      query: 'SELECT 1',
      desired: 'running',
      options: {},
      reads: ['orders'],
      writes: undefined,
      calls: ['f'],
    },
  },
};
const stored = (event: RecordedEvent, data: Uint8Array = encodeEvent(event)) => ({
  key: formatDefinitionKey(event),
  revision: event.revision,
  data,
});
const rewritten = (event: RecordedEvent, changes: laminar.v1.DefinitionEvent.$Properties) => {
  const message = laminar.v1.DefinitionEvent.decode(encodeEvent(event));
  return laminar.v1.DefinitionEvent.encode(Object.assign(message, changes)).finish();
};

describe('an event', () => {
  it('comes out of the log as it went in', () => {
    fc.assert(
      fc.property(recordedEvent, (event) => {
        expect(decodeEvent(formatDefinitionKey(event), event.revision, encodeEvent(event))).toEqual(event);
      }),
    );
  });

  it('is read, or is unreadable, whatever its bytes are', () => {
    const key = formatDefinitionKey(created);
    const cut = fc.nat(encodeEvent(created).length).map((length) => encodeEvent(created).subarray(0, length));
    const flipped = fc
      .tuple(fc.nat(encodeEvent(created).length - 1), fc.integer({ min: 1, max: 255 }))
      .map(([at, bits]) => {
        const data = encodeEvent(created);
        data[at] = (data[at] ?? 0) ^ bits;
        return data;
      });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), cut, flipped), (data) => {
        try {
          decodeEvent(key, 1, data);
        } catch (error) {
          expect(error).toBeInstanceOf(EventUnreadable);
        }
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['is not the key', 'nonsense', encodeEvent(created)],
    ['which is not its key', 'pipeline.q.0000000001', encodeEvent(created)],
    ['which is not its key', 'pipeline.p.0000000002', encodeEvent(created)],
    ['which is not its key', 'table.p.0000000001', encodeEvent(created)],
    ['newer version of the software', 'pipeline.p.0000000001', rewritten(created, { schemaVersion: 2 })],
    ['its head is missing', 'pipeline.p.0000000001', new Uint8Array()],
    ['its head is missing', 'pipeline.p.0000000001', rewritten(created, { eventId: '' })],
    ['it says nothing of what happened', 'pipeline.p.0000000001', rewritten(created, { pipelineCreated: null })],
    [
      'neither desired running nor stopped',
      'pipeline.p.0000000001',
      rewritten(created, { pipelineCreated: { query: 'x' } }),
    ],
    ['the query is empty', 'pipeline.p.0000000001', rewritten(created, { pipelineCreated: { query: '', desired: 1 } })],
    ['is corrupt', 'pipeline.p.0000000001', Uint8Array.of(0xff, 0xff, 0xff)],
  ])('that %s is unreadable', (reason, key, data) => {
    expect(() => decodeEvent(key, 1, data)).toThrow(EventUnreadable);
    expect(() => decodeEvent(key, 1, data)).toThrow(new RegExp(reason));
  });

  it('of a connection or table that does not hold is unreadable', () => {
    const connection = { ...created, kind: 'connection', name: 'c' } as const;
    const table = { ...created, kind: 'table', name: 't' } as const;
    const bad = {
      connection: {
        connectionCreated: { connector: 'nats', options: { servers: { text: 'x:1' } } },
        pipelineCreated: null,
      },
      connector: { connectionCreated: { connector: 'kafka' }, pipelineCreated: null },
      table: { tableCreated: { connector: 'c', columns: [] }, pipelineCreated: null },
    };
    for (const [event, change] of [
      [connection, bad.connection],
      [connection, bad.connector],
      [table, bad.table],
    ] as const) {
      const data = rewritten(created, { ...change, name: event.name });
      expect(() => decodeEvent(formatDefinitionKey(event), 1, data)).toThrow(EventUnreadable);
    }
  });
});

describe('folding what is stored', () => {
  const changed: RecordedEvent = {
    ...created,
    version: 2,
    revision: 2,
    body: {
      type: 'PipelineChanged',
      definition: { query: 'SELECT 2', desired: 'running', options: {}, reads: ['events'], writes: 'out', calls: [] },
    },
  };
  const stopped: RecordedEvent = { ...created, version: 3, revision: 3, body: { type: 'PipelineStopped' } };

  it('quarantines an unreadable event, alone, and heals by the next whole one', () => {
    const catalog = new Catalog();
    const other = { ...created, name: 'other', revision: 1 };
    foldStoredEvent(catalog, stored(other));
    foldStoredEvent(catalog, stored({ ...created, revision: 2 }));
    foldStoredEvent(catalog, stored({ ...changed, revision: 3 }, Uint8Array.of(1)));
    expect(catalog.get('pipeline', 'p')).toBeUndefined();
    expect(catalog.referrers('orders').map(({ name }) => name)).toEqual(['other']);
    expect([...catalog.quarantined.values()]).toMatchObject([
      { kind: 'pipeline', name: 'p', version: 2, revision: 3, reason: expect.stringContaining('corrupt') },
    ]);
    expect(catalog.get('pipeline', 'other')).toMatchObject({ revision: 1 });
    expect(catalog.version('pipeline', 'p')).toBe(2);

    foldStoredEvent(catalog, stored({ ...stopped, revision: 4 }));
    expect(catalog.get('pipeline', 'p')).toBeUndefined();
    expect([...catalog.quarantined.values()]).toMatchObject([{ version: 3, revision: 4 }]);

    foldStoredEvent(catalog, stored({ ...changed, version: 4, revision: 5 }));
    expect(catalog.quarantined.size).toBe(0);
    expect(catalog.get('pipeline', 'p')).toMatchObject({ version: 4, revision: 5, definition: { query: 'SELECT 2' } });
    expect(catalog.referrers('events').map(({ name }) => name)).toEqual(['p']);
    expect(catalog.revision).toBe(5);
  });

  it('takes a type of event that it does not know for newer, but a head without any for corrupt', () => {
    const catalog = new Catalog();
    const headAlone = rewritten(created, { pipelineCreated: null });
    // Field 63 of the message, which is no event yet.
    const unknownType = Uint8Array.of(...headAlone, 0xfa, 0x03, 0);
    foldStoredEvent(catalog, stored(created, unknownType));
    expect(catalog.quarantineOf('pipeline', 'p')).toMatchObject({
      newer: true,
      reason: expect.stringMatching(/newer version of the software/),
    });
    foldStoredEvent(
      catalog,
      stored({ ...changed, revision: 2 }, rewritten(created, { pipelineCreated: null, version: 2 })),
    );
    expect(catalog.quarantineOf('pipeline', 'p')).toMatchObject({ newer: false });
  });

  it('drops nothing that a definition of newer software may name', () => {
    const catalog = new Catalog();
    const options = { servers: 'localhost:4222', subject: 'a', type: 'source', format: 'json' };
    const body = { type: 'ConnectionCreated', definition: { connector: 'nats', options } } as const;
    foldStoredEvent(catalog, stored({ ...created, kind: 'connection', name: 'used', body }));
    foldStoredEvent(catalog, stored({ ...created, revision: 2 }, Uint8Array.of(0x08, 99)));
    const drop = { type: 'Drop', kind: 'connection', name: 'used', cascade: false } as const;
    for (const cascade of [false, true])
      expect(() => decide({ ...drop, cascade }, catalog, bus)).toThrow(
        expect.objectContaining({
          code: 'conflict',
          message: expect.stringMatching(/"used" cannot be dropped here: the pipeline "p" may name it.*newer version/),
        }),
      );
    // What is merely corrupt is acted on by nobody, whatever version they are of.
    foldStoredEvent(catalog, stored({ ...changed, revision: 3 }, Uint8Array.of(1)));
    expect(decide(drop, catalog, bus)).toMatchObject([{ body: { type: 'ConnectionDropped' } }]);
  });

  it('keeps the incarnation of what was readable before', () => {
    const catalog = new Catalog();
    foldStoredEvent(catalog, stored(created));
    foldStoredEvent(catalog, stored(changed, Uint8Array.of(1)));
    foldStoredEvent(catalog, stored({ ...changed, version: 3, revision: 3 }));
    expect(catalog.get('pipeline', 'p')).toMatchObject({ incarnation: 1, createdAt: 1, version: 3 });
  });

  it('heals by a drop, and by a new life with an incarnation of its own', () => {
    const catalog = new Catalog();
    foldStoredEvent(catalog, stored(created, Uint8Array.of(1)));
    foldStoredEvent(catalog, stored({ ...created, version: 2, revision: 2, body: { type: 'PipelineDropped' } }));
    expect(catalog.quarantined.size).toBe(0);
    foldStoredEvent(catalog, stored({ ...created, version: 3, revision: 3 }));
    expect(catalog.get('pipeline', 'p')).toMatchObject({ incarnation: 3, version: 3 });
  });

  it('lets nobody write over what newer software wrote, until it is read', () => {
    const catalog = new Catalog();
    foldStoredEvent(catalog, stored(created));
    const newer = Uint8Array.of(0x08, 99);
    foldStoredEvent(catalog, stored({ ...changed, revision: 2 }, newer));
    expect([...catalog.quarantined.values()]).toMatchObject([{ version: 2, newer: true }]);
    const named = { kind: 'pipeline', name: 'p' } as const;
    const definition = changed.body.type === 'PipelineChanged' && changed.body.definition;
    if (!definition) throw new Error('it is a change');
    const commands: Command[] = [
      { ...named, type: 'Create', definition },
      { ...named, type: 'Put', definition },
      { ...named, type: 'Change', definition },
      { ...named, type: 'Drop', cascade: true },
      { ...named, type: 'Start' },
      { ...named, type: 'RollBack', toVersion: 1, definition },
    ];
    for (const command of commands)
      expect(() => decide(command, catalog, bus)).toThrow(
        expect.objectContaining({
          code: 'conflict',
          message: expect.stringContaining('newer version of the software'),
        }),
      );
    // What software that knows both writes in a form that is known here is read again.
    foldStoredEvent(catalog, stored({ ...changed, version: 3, revision: 3 }));
    expect(catalog.get('pipeline', 'p')).toMatchObject({ incarnation: 1, version: 3 });
  });

  it('moves on past an entry whose key says nothing', () => {
    const catalog = new Catalog();
    expect(foldStoredEvent(catalog, { key: 'whatever', revision: 1, data: encodeEvent(created) })).toBeUndefined();
    expect(catalog.revision).toBe(1);
    expect(catalog.quarantined.size).toBe(0);
  });
});
