import { type Kind, kinds } from '@laminar/protocol';
import fc from 'fast-check';
import type {
  ConnectionDefinition,
  DefinitionEventBody,
  FunctionDefinition,
  Options,
  PipelineDefinition,
  RecordedEvent,
  TableDefinition,
} from '../index.js';

const name = fc.constantFrom('a', 'b', 'orders', 'out', 'hasOwnProperty', '__proto__');
const text = fc.oneof(fc.constantFrom('x', "it's 😀", '\n', '__proto__'), fc.string({ minLength: 1, maxLength: 20 }));

/** Options with the keys that are set, the others left out. */
const options = (spec: { readonly [name: string]: fc.Arbitrary<unknown> }): fc.Arbitrary<Options> =>
  fc.record(spec, { requiredKeys: [], noNullPrototype: true }) as fc.Arbitrary<Options>;

const connectionDefinition: fc.Arbitrary<ConnectionDefinition> = fc
  .tuple(
    options({
      description: text,
      max_reconnects: fc.integer({ min: -1, max: 1_000_000 }),
      randomize_servers: fc.boolean(),
      on_error: fc.constantFrom('dead_letter', 'skip', 'stop'),
    }),
    fc.constantFrom<Options>(
      { subject: 'in.>' },
      { subject: 'in.a', queue_group: 'q', parallelism: 3 },
      { jetstream: true, stream_name: 'S', stream_subjects: ['in.>', 'also'], stream_max_msgs: -1, start: 7 },
      { jetstream: true, stream_name: 'S', subject: 'in.*', start: '2026-03-29', consumer_durable: true },
    ),
  )
  .map(([more, role]) => ({
    connector: 'nats',
    options: { servers: 'nats://localhost:4222', type: 'source', format: 'json', ...role, ...more },
  }));

const tableDefinition: fc.Arbitrary<TableDefinition> = fc.record({
  connector: fc.constantFrom('a', 'orders'),
  columns: fc.uniqueArray(
    fc.record({
      name: text.filter((column) => !column.includes('\0') && Buffer.byteLength(column) < 64),
      type: fc.constantFrom('TEXT', 'bigint'),
    }),
    { minLength: 1, maxLength: 4, selector: (column) => column.name.toLowerCase() },
  ),
  options: options({ include_metadata: fc.boolean(), description: text }),
});

const pipelineDefinition: fc.Arbitrary<PipelineDefinition> = fc.record({
  query: text.map((comment) => `SELECT * FROM orders -- ${comment}`),
  desired: fc.constantFrom('running', 'stopped'),
  options: options({ on_error: fc.constantFrom('skip', 'stop'), description: text }),
  reads: fc.array(name, { maxLength: 3 }),
  writes: fc.constantFrom('out', undefined),
  calls: fc.array(name, { maxLength: 2 }),
});

const functionDefinition: fc.Arbitrary<FunctionDefinition> = fc.record({
  arguments: fc.uniqueArray(fc.record({ name, type: fc.constantFrom('TEXT', 'bigint') }), {
    maxLength: 3,
    selector: (argument) => argument.name.toLowerCase(),
  }),
  returns: fc.constantFrom('JSON', 'NUMERIC'),
  language: fc.constantFrom('sql', 'nats', 'javascript'),
  body: fc.constantFrom('a.subject', '1'),
  calls: fc.array(name, { maxLength: 2 }),
});

const secretDefinition = fc.record({ valueId: fc.uuid() });

const bodies: { readonly [K in Kind]: fc.Arbitrary<DefinitionEventBody> } = {
  connection: fc.oneof(
    connectionDefinition.map((definition) => ({ type: 'ConnectionCreated' as const, definition })),
    connectionDefinition.map((definition) => ({ type: 'ConnectionChanged' as const, definition })),
    fc.constant({ type: 'ConnectionDropped' as const }),
  ),
  table: fc.oneof(
    tableDefinition.map((definition) => ({ type: 'TableCreated' as const, definition })),
    tableDefinition.map((definition) => ({ type: 'TableChanged' as const, definition })),
    fc.constant({ type: 'TableDropped' as const }),
  ),
  pipeline: fc.oneof(
    pipelineDefinition.map((definition) => ({ type: 'PipelineCreated' as const, definition })),
    pipelineDefinition.map((definition) => ({ type: 'PipelineChanged' as const, definition })),
    fc.constantFrom(
      { type: 'PipelineStarted' as const },
      { type: 'PipelineStopped' as const },
      { type: 'PipelineDropped' as const },
    ),
    fc
      .tuple(pipelineDefinition, fc.nat(1000))
      .map(([definition, toVersion]) => ({ type: 'PipelineRolledBack' as const, toVersion, definition })),
  ),
  function: fc.oneof(
    functionDefinition.map((definition) => ({ type: 'FunctionCreated' as const, definition })),
    functionDefinition.map((definition) => ({ type: 'FunctionChanged' as const, definition })),
    fc.constant({ type: 'FunctionDropped' as const }),
  ),
  secret: fc.oneof(
    secretDefinition.map((definition) => ({ type: 'SecretCreated' as const, definition })),
    secretDefinition.map((definition) => ({ type: 'SecretChanged' as const, definition })),
    fc.constant({ type: 'SecretDropped' as const }),
  ),
};

const metadata = {
  eventId: fc.uuid(),
  name,
  at: fc.integer({ min: 0, max: 8_640_000_000_000 }),
  actor: fc.string(),
  traceparent: fc.constantFrom('', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'),
};

/** Any event, as the log has it at `revision` and `version`. */
export const recordedEvent: fc.Arbitrary<RecordedEvent> = fc.constantFrom(...kinds).chain((kind) =>
  fc.record({
    ...metadata,
    kind: fc.constant(kind),
    version: fc.integer({ min: 1, max: 4_000_000_000 }),
    revision: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    body: bodies[kind],
  }),
);

/** A log: events in order, each with the next revision and the next version of its kind and name. */
export const log: fc.Arbitrary<RecordedEvent[]> = fc.array(recordedEvent, { maxLength: 40 }).map((events) => {
  const versions = new Map<string, number>();
  return events.map((event, index) => {
    const key = `${event.kind}.${event.name}`;
    const version = (versions.get(key) ?? 0) + 1;
    versions.set(key, version);
    return { ...event, version, revision: index + 1 };
  });
});
