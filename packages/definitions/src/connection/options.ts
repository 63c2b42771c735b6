import Type, { type TSchema, type TSchemaOptions } from 'typebox';
import type { OptionValue } from '../option-value.js';
import { credentialOptions } from './credentials.js';
import { formatNames } from './format.js';
import { tlsOptions } from './tls.js';

/** The four ways in which a connection can be used; which options mean something depends on it. */
export const roles = ['source-core', 'source-jetstream', 'sink-core', 'sink-jetstream'] as const;
export type Role = (typeof roles)[number];

interface OptionSpec<S extends TSchema = TSchema> {
  readonly schema: S;
  readonly roles: readonly Role[];
}

const every = roles;
const sources: readonly Role[] = ['source-core', 'source-jetstream'];
const jetstream: readonly Role[] = ['source-jetstream', 'sink-jetstream'];
const core: readonly Role[] = ['source-core'];
const pull: readonly Role[] = ['source-jetstream'];

const option = <S extends TSchema>(roles: readonly Role[], schema: S): OptionSpec<S> => ({ schema, roles });
/** Options that mean something whatever the connection is used for. */
function forEvery<const S extends { readonly [name: string]: TSchema }>(
  schemas: S,
): { readonly [N in keyof S]: OptionSpec<S[N]> } {
  const specs = Object.entries(schemas).map(([name, schema]) => [name, option(every, schema)]);
  return Object.fromEntries(specs) as { readonly [N in keyof S]: OptionSpec<S[N]> };
}
const oneOf = <const T extends string[]>(values: [...T], options: TSchemaOptions) => Type.Enum(values, options);
const integer = (minimum: number, maximum: number, options: TSchemaOptions) =>
  Type.Integer({ minimum, maximum, ...options });
const text = (options: TSchemaOptions) => Type.String({ minLength: 1, maxLength: 4096, ...options });

/** A name of a stream, consumer or queue group (NATS ADR-6): no dots, wildcards, slashes or white space. */
const natsName = (options: TSchemaOptions) => Type.String({ pattern: '^[^\\s.*>/\\\\]{1,255}$', ...options });

const yearMs = 365 * 24 * 3_600_000;

/** Every option of the NATS connector: its schema is the one source of type, default, bounds and description. */
export const connectionOptions = {
  servers: option(
    every,
    text({ description: 'NATS servers, separated by commas: nats://host:port, or tls://host:port.' }),
  ),
  type: option(every, oneOf(['source', 'sink'], { description: 'Whether messages are read or written.' })),
  format: option(every, oneOf([...formatNames], { description: 'How payloads are encoded.', default: 'json' })),
  protobuf_message: option(
    sources,
    text({ description: "With format = 'protobuf': the message that payloads are, such as com.example.Event." }),
  ),
  protobuf_descriptor: option(
    sources,
    text({
      description:
        "With format = 'protobuf': the path of a descriptor set (protoc --include_imports --descriptor_set_out).",
    }),
  ),
  subject: option(
    every,
    text({ description: 'Subject to read, `*` and `>` allowed; for a sink the exact subject to publish to.' }),
  ),
  description: option(every, text({ description: 'A remark for people.' })),

  max_reconnects: option(
    every,
    integer(-1, 1_000_000, {
      default: 10,
      description: 'Attempts to reconnect before the connection is failed; -1 is without end.',
    }),
  ),
  reconnect_wait_ms: option(
    every,
    integer(1, yearMs, { default: 2000, description: 'Milliseconds between attempts to reconnect.' }),
  ),
  reconnect_jitter_ms: option(
    every,
    integer(0, yearMs, { default: 100, description: 'Random milliseconds added to each wait, at most.' }),
  ),
  ping_interval_s: option(every, integer(1, 86_400, { default: 120, description: 'Seconds between pings.' })),
  ping_max_outstanding: option(
    every,
    integer(1, 1000, { default: 2, description: 'Unanswered pings after which the connection counts as lost.' }),
  ),
  randomize_servers: option(every, Type.Boolean({ default: false, description: 'Try the servers in random order.' })),

  ...forEvery(credentialOptions),
  ...forEvery(tlsOptions),

  on_error: option(
    sources,
    oneOf(['dead_letter', 'skip', 'retry', 'stop'], {
      default: 'dead_letter',
      description: 'What happens to a message that cannot be decoded or evaluated; `retry` needs JetStream.',
    }),
  ),
  parallelism: option(
    sources,
    integer(1, 64, { default: 1, description: 'Reader slots; more than one needs a queue group or JetStream.' }),
  ),
  queue_group: option(core, natsName({ description: 'Queue group that the subscription joins.' })),
  pending_limits: option(
    core,
    integer(1, 10_000_000, {
      default: 65_536,
      description: 'Messages that may wait in memory before new ones are dropped and counted.',
    }),
  ),

  jetstream: option(every, Type.Boolean({ default: false, description: 'Use JetStream.' })),
  stream_name: option(jetstream, natsName({ description: 'JetStream stream.' })),
  stream_subjects: option(
    jetstream,
    Type.Union([text({}), Type.Array(text({}), { minItems: 1, maxItems: 100 })], {
      description: 'Subjects of the stream; with it the stream is created where it is missing.',
    }),
  ),
  stream_retention: option(
    jetstream,
    oneOf(['limits', 'interest', 'workqueue'], {
      default: 'limits',
      description: 'Retention of a stream that is created.',
    }),
  ),
  stream_max_msgs: option(
    jetstream,
    integer(-1, Number.MAX_SAFE_INTEGER, {
      default: -1,
      description: 'Messages that the stream keeps; -1 is without limit.',
    }),
  ),
  stream_max_age: option(
    jetstream,
    integer(0, yearMs / 1000, {
      default: 0,
      description: 'Seconds that the stream keeps a message; 0 is without limit.',
    }),
  ),
  stream_storage: option(
    jetstream,
    oneOf(['file', 'memory'], { default: 'file', description: 'Storage of a stream that is created.' }),
  ),

  consumer_name: option(
    pull,
    natsName({ description: 'Durable consumer; `laminar-<connection>` where it is left out.' }),
  ),
  consumer_durable: option(
    pull,
    Type.Literal(true, { default: true, description: 'The consumer outlives its readers.' }),
  ),
  consumer_pull: option(pull, Type.Literal(true, { default: true, description: 'Messages are pulled.' })),
  consumer_ack_policy: option(
    pull,
    oneOf(['explicit'], { default: 'explicit', description: 'Each message is acknowledged.' }),
  ),
  consumer_ack_wait_s: option(
    pull,
    integer(1, 86_400, {
      default: 6,
      description: 'Seconds after which an unacknowledged message is delivered again.',
    }),
  ),
  consumer_max_ack_pending: option(
    pull,
    integer(1, 1_000_000, {
      // The server's own default of 1,000 is less than what is under way at full speed between a publish and its acknowledgement.
      default: 5000,
      description: 'Messages that may be delivered and not yet acknowledged.',
    }),
  ),
  pull_batch_size: option(pull, integer(1, 100_000, { default: 500, description: 'Messages asked for in one pull.' })),
  pull_timeout_ms: option(
    pull,
    integer(1, 3_600_000, { default: 30_000, description: 'Milliseconds that a pull waits at the server.' }),
  ),
  start: option(
    pull,
    Type.Union([text({}), Type.Integer({ minimum: 1 })], {
      default: 'all',
      description: 'Where a new consumer begins: all, new, last, a stream sequence, or an ISO 8601 timestamp.',
    }),
  ),
} as const satisfies { [name: string]: OptionSpec };

export type ConnectionOptionName = keyof typeof connectionOptions;

/** What an option's schema says of it beside its form. */
export function optionFacts(name: ConnectionOptionName): {
  readonly description: string;
  readonly default?: OptionValue;
} {
  // The builder's types do not carry annotations, the schemas do.
  return connectionOptions[name].schema as unknown as { description: string; default?: OptionValue };
}

/** The options as one object schema, for OpenAPI. */
export const connectionOptionsSchema = Type.Object(
  Object.fromEntries(Object.entries(connectionOptions).map(([name, { schema }]) => [name, Type.Optional(schema)])),
  {
    additionalProperties: false,
    description: 'Options of the NATS connector; which of them apply depends on type and jetstream.',
  },
);
