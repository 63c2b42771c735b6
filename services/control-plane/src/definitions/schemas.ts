import { type DefinedKind, definedKinds, kinds } from '@laminar/protocol';
import Type, { type Static, type TSchema } from 'typebox';
import { type BodyOfKind, definitionKinds } from './kinds.js';

const timestamp = (description: string) => Type.String({ format: 'date-time', description });
const revision = Type.Integer({ description: 'Position of its newest event in the event log.' });
const version = Type.Integer({ description: 'How many events this kind and name has had, drops included.' });

const instanceStatus = Type.Object({
  instance: Type.String(),
  state: Type.String(),
  applied_revision: Type.Integer(),
  message: Type.String(),
});

const statusSchema = Type.Object(
  {
    state: Type.String({
      description:
        'Of a connection: idle, connecting, connected, reconnecting, blocked or failed. Of a pipeline: starting, running, blocked, stopped or failed. Of a table or function: defined or blocked.',
    }),
    applied_revision: Type.Integer({ description: 'The revision that is in effect everywhere; 0 for none.' }),
    message: Type.String({ description: 'Why, where there is something to say.' }),
    instances: Type.Array(instanceStatus),
  },
  { description: 'What the ingestion instances have made of it.' },
);
export type StatusView = Static<typeof statusSchema>;

const warningSchema = Type.Object(
  { code: Type.String(), message: Type.String() },
  { description: 'Something that was accepted and may need attention.' },
);

const deliverySchema = Type.Object(
  {
    guarantee: Type.Enum(['at_most_once', 'at_least_once', 'exactly_once']),
    mode: Type.Union([Type.Enum(['S', 'C']), Type.Null()], {
      description:
        'How exactly once is kept: S, by message ids that the output stream remembers; C, as the only writer of the output stream. Null for other guarantees.',
    }),
    because: Type.String(),
    limits: Type.Array(Type.String(), { description: 'What the guarantee rests on.' }),
  },
  { description: 'How often a row reaches its destination; null while the query waits for a relation.' },
);

const nullable = <S extends TSchema>(schema: S) => Type.Union([schema, Type.Null()]);

const recordMembers = {
  version,
  revision,
  created_at: timestamp('When it was created.'),
  updated_at: timestamp('When its newest event was decided.'),
  warnings: Type.Array(warningSchema),
  status: nullable(statusSchema),
};

/** Definitions that hold, each over the one before it. */
const examples: {
  readonly [K in DefinedKind]: { readonly name: string } & Omit<BodyOfKind[K], 'options'> & Partial<BodyOfKind[K]>;
} = {
  connection: {
    name: 'shop',
    connector: 'nats',
    options: { servers: 'nats://localhost:4222', type: 'source', format: 'json', subject: 'shop.orders.*' },
  },
  table: {
    name: 'orders',
    connector: 'shop',
    columns: [
      { name: 'id', type: 'BIGINT' },
      { name: 'total', type: 'NUMERIC' },
    ],
  },
  pipeline: { name: 'large_orders', query: 'SELECT id, total FROM orders WHERE total > 100', desired: 'running' },
  function: {
    name: 'gross',
    arguments: [{ name: 'net', type: 'NUMERIC' }],
    returns: 'NUMERIC',
    language: 'sql',
    body: 'net * 1.19',
  },
};

export const connectionExample = examples.connection;

/** What is asked in the body of a POST. */
export function requestSchema(kind: DefinedKind) {
  const { bodySchema } = definitionKinds[kind];
  const name = Type.String({ description: 'Letters, digits, _ and -, at most 63; begins with a letter or _.' });
  return Type.Object({ name, ...bodySchema.properties }, { additionalProperties: false, examples: [examples[kind]] });
}

/** What only answers say; a PUT may send it back, as whoever reads a definition, edits it and puts it does. */
const echoed = Object.fromEntries(
  [...Object.keys(recordMembers), 'delivery'].map((member) => [
    member,
    Type.Optional(
      Type.Unknown({ readOnly: true, description: 'Said by the service alone; what is sent here changes nothing.' }),
    ),
  ]),
);

/** What is asked in the body of a PUT, where the name stands in the path and may be repeated. */
export function replacementSchema(kind: DefinedKind) {
  const { bodySchema } = definitionKinds[kind];
  return Type.Object(
    { name: Type.Optional(Type.String()), ...bodySchema.properties, ...echoed },
    { additionalProperties: false, examples: [examples[kind]] },
  );
}

/** A merge patch of a definition; what it makes of the definition is judged after the merge. */
export function patchSchema(kind: DefinedKind) {
  const { properties } = definitionKinds[kind].bodySchema;
  const members = ['name', ...Object.keys(properties)].map((member) => [
    member,
    Type.Optional(
      Type.Unknown({ description: 'The new value, or of an object the members to change; null removes it.' }),
    ),
  ]);
  return Type.Object(Object.fromEntries(members), { additionalProperties: false });
}

/** A replacement without what is only echoed. */
export function withoutEcho(body: object): object {
  return Object.fromEntries(Object.entries(body).filter(([member]) => !Object.hasOwn(echoed, member)));
}

function answerSchema(kind: DefinedKind, $id: string) {
  const { properties } = definitionKinds[kind].bodySchema;
  const delivery = Type.Optional(nullable(deliverySchema));
  return Type.Object(
    { name: Type.String(), ...properties, ...recordMembers, ...(kind === 'pipeline' ? { delivery } : {}) },
    { $id },
  );
}

const historyMembers = {
  version: Type.Integer({ description: 'Counts the events of this kind and name from 1.' }),
  revision: Type.Integer({ description: 'Position in the event log.' }),
  type: Type.String({ description: 'Such as PipelineStarted; `Unreadable` where this service cannot read the event.' }),
  at: timestamp('When it was decided.'),
  actor: Type.String({ description: 'Whose bearer key decided it, as a fingerprint, or anonymous.' }),
};
const anyDefinition = (description: string) =>
  Type.Unsafe<object | null>({ type: ['object', 'null'], description, additionalProperties: true });

const deadLetterSchema = Type.Object(
  {
    id: Type.String(),
    timestamp: timestamp('When it was kept, in the form that it has now.'),
    connection: Type.String(),
    pipeline: nullable(
      Type.String({
        description: 'null where none got to see the message: it was not decoded, or ran out of deliveries.',
      }),
    ),
    subject: Type.String({ description: 'Of the message; empty where the message was gone.' }),
    sequence: nullable(Type.Integer({ description: 'Of the message in its stream; null for core NATS.' })),
    error: Type.String(),
    payload: Type.String(),
    payload_encoding: Type.Enum(['utf-8', 'base64'], { description: 'base64 where the payload is no UTF-8.' }),
    headers: nullable(
      Type.Record(Type.String(), Type.Array(Type.String()), { description: 'Of the message; null where it had none.' }),
    ),
    definition_revision: Type.Integer({ description: 'Of the pipeline that failed, else of the connection.' }),
  },
  { $id: 'DeadLetter', description: 'A message that could not be processed.' },
);
export type DeadLetterView = Static<typeof deadLetterSchema>;

/** Schemas of answers that the OpenAPI document names once. */
export const components = [
  ...definedKinds.map((kind) => answerSchema(kind, componentName(kind))),
  Type.Object(
    { ...historyMembers, definition: anyDefinition('The definition as this event left it; null once dropped.') },
    { $id: 'HistoryItem' },
  ),
  Type.Object(
    {
      revision: historyMembers.revision,
      kind: Type.Enum([...kinds]),
      name: Type.String(),
      version: historyMembers.version,
      type: historyMembers.type,
      at: historyMembers.at,
      actor: historyMembers.actor,
      event_id: Type.String(),
      traceparent: Type.String({ description: 'W3C trace context of the append; may be empty.' }),
      definition: anyDefinition('What the event says; null for one that carries no definition.'),
    },
    { $id: 'Event' },
  ),
  Type.Object(
    {
      name: Type.String(),
      version,
      revision,
      created_at: timestamp('When it was first stored.'),
      updated_at: timestamp('When its value was stored.'),
      used_by: Type.Array(Type.String(), { description: 'Connections that name it.' }),
    },
    { $id: 'Secret', description: 'A stored secret, without its value.' },
  ),
  deadLetterSchema,
  Type.Object(
    {
      id: Type.String(),
      outcome: Type.Enum(['processed', 'failed'], {
        description: 'processed: the dead letter is gone. failed: it stands, with the new error.',
      }),
      rows: Type.Integer({ description: 'Rows that were published.' }),
      error: nullable(Type.String({ description: 'Why it failed again.' })),
    },
    { $id: 'DeadLetterRetry', description: 'What became of a dead letter that was tried again.' },
  ),
  Type.Object(
    {
      type: Type.Literal('about:blank'),
      title: Type.String(),
      status: Type.Integer(),
      code: Type.String({ description: 'Stable; the list is in the description of this API.' }),
      detail: Type.String({ description: 'What is wrong and what to do.' }),
      errors: Type.Optional(
        Type.Array(
          Type.Object({
            code: Type.String(),
            detail: Type.String(),
            pointer: Type.Optional(Type.String({ description: 'JSON pointer (RFC 6901) into the body.' })),
          }),
        ),
      ),
      position: Type.Optional(
        Type.Object(
          { line: Type.Integer(), column: Type.Integer(), offset: Type.Integer() },
          { description: 'Line and column from 1, offset from 0, in code points of the text that was sent.' },
        ),
      ),
      excerpt: Type.Optional(Type.String({ description: 'The line and, under it, a caret.' })),
    },
    { $id: 'Problem', additionalProperties: true, description: 'What is wrong (RFC 9457).' },
  ),
];

export function componentName(kind: DefinedKind): string {
  return `${kind.charAt(0).toUpperCase()}${kind.slice(1)}`;
}

/** One page of a list whose items are `component`. */
export const pageOf = (component: string) =>
  Type.Object({
    items: Type.Array(Type.Unsafe<object>({ $ref: `${component}#` })),
    next_cursor: nullable(Type.String({ description: 'Hand it back as `cursor` for the next page; null at the end.' })),
  });
