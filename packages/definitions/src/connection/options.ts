import Type, { type TSchema } from 'typebox';
import type { OptionValue } from '../option-value.js';
import { consumerOptions, streamReadingOptions } from './consumer.js';
import { credentialOptions } from './credentials.js';
import { formatNames } from './format.js';
import { integer, natsName, oneOf, text, texts, yearMs } from './option-schema.js';
import { permissionOptions } from './permissions.js';
import { type Role, roles } from './role.js';
import { kvOptions, objectOptions } from './stores.js';
import { tlsOptions } from './tls.js';

interface OptionSpec<S extends TSchema = TSchema> {
  readonly schema: S;
  readonly roles: readonly Role[];
}

const every = roles;
const sources: readonly Role[] = roles.filter((role) => role.startsWith('source-'));
/** Sources whose payloads are read. */
const withPayloads: readonly Role[] = sources.filter((role) => role !== 'source-object');
const core: readonly Role[] = ['source-core'];
const pull: readonly Role[] = ['source-pull'];
/** Consumers that the server keeps track of. */
const consumers: readonly Role[] = ['source-pull', 'source-push'];
/** Readers of a stream by its subjects. */
const streamReaders: readonly Role[] = [...consumers, 'source-ordered'];
const overStreams: readonly Role[] = [...streamReaders, 'sink-jetstream'];

const option = <S extends TSchema>(roles: readonly Role[], schema: S): OptionSpec<S> => ({ schema, roles });
/** Options that mean something in the same roles. */
function forAll<const S extends { readonly [name: string]: TSchema }>(
  roles: readonly Role[],
  schemas: S,
): { readonly [N in keyof S]: OptionSpec<S[N]> } {
  const specs = Object.entries(schemas).map(([name, schema]) => [name, option(roles, schema)]);
  return Object.fromEntries(specs) as { readonly [N in keyof S]: OptionSpec<S[N]> };
}

/** Every option of the NATS connector: its schema is the one source of type, default, bounds and description. */
export const connectionOptions = {
  servers: option(
    every,
    text({ description: 'NATS servers, separated by commas: nats://host:port, or tls://host:port.' }),
  ),
  type: option(every, oneOf(['source', 'sink'], { description: 'Whether messages are read or written.' })),
  format: option(every, oneOf([...formatNames], { description: 'How payloads are encoded.', default: 'json' })),
  protobuf_message: option(
    withPayloads,
    text({ description: "With format = 'protobuf': the message that payloads are, such as com.example.Event." }),
  ),
  protobuf_descriptor: option(
    withPayloads,
    text({
      description:
        "With format = 'protobuf': the path of a descriptor set (protoc --include_imports --descriptor_set_out).",
    }),
  ),
  subject: option(
    [...core, ...streamReaders, 'sink-core', 'sink-jetstream'],
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

  ...forAll(every, credentialOptions),
  ...forAll(every, tlsOptions),
  ...forAll(every, permissionOptions),
  debug: option(
    every,
    Type.Boolean({ default: false, description: 'Log what the connection does, into system.nats_logs.' }),
  ),
  trace: option(
    every,
    Type.Boolean({
      default: false,
      description: 'Log each message too, by subject and size and never by content, into system.nats_logs.',
    }),
  ),

  on_error: option(
    sources,
    oneOf(['dead_letter', 'skip', 'retry', 'stop'], {
      description:
        'What happens to a message that cannot be decoded or evaluated: by default `retry` where consumer_max_deliver is more than 1, else `dead_letter`. `retry` needs a consumer with acknowledgements.',
    }),
  ),
  dead_letter_subject: option(
    sources,
    text({
      description:
        'Subject on the same servers that dead letters are published to as well; none that the connection reads itself.',
    }),
  ),
  batch_size: option(
    sources,
    integer(1, 100_000, { default: 1024, description: 'Messages that are processed together at most.' }),
  ),
  batch_timeout_ms: option(
    sources,
    integer(0, 60_000, {
      default: 0,
      description: 'Milliseconds that a batch which is not full waits for more; 0 processes what there is.',
    }),
  ),
  parallelism: option(
    [...core, ...consumers],
    integer(1, 64, { default: 1, description: 'Reader slots; more than one needs a queue group or JetStream.' }),
  ),
  queue_group: option(
    [...core, 'source-push'],
    natsName({ description: 'Queue group that the subscription joins; the deliver group of a push consumer.' }),
  ),
  enable_reply: option(
    core,
    Type.Boolean({ default: false, description: 'Pipelines may answer requests by INSERT INTO nats_responder.' }),
  ),
  pending_limits: option(
    core,
    integer(1, 10_000_000, {
      default: 65_536,
      description: 'Messages that may wait in memory before new ones are dropped and counted.',
    }),
  ),

  jetstream: option(every, Type.Boolean({ default: false, description: 'Use JetStream.' })),
  stream_name: option(overStreams, natsName({ description: 'JetStream stream.' })),
  stream_subjects: option(
    overStreams,
    texts({
      description: 'Subjects of the stream; with it the stream is created where it is missing.',
    }),
  ),
  stream_retention: option(
    overStreams,
    oneOf(['limits', 'interest', 'workqueue'], {
      default: 'limits',
      description: 'Retention of a stream that is created.',
    }),
  ),
  stream_max_msgs: option(
    overStreams,
    integer(-1, Number.MAX_SAFE_INTEGER, {
      default: -1,
      description: 'Messages that the stream keeps; -1 is without limit.',
    }),
  ),
  stream_max_age: option(
    overStreams,
    integer(0, yearMs / 1000, {
      default: 0,
      description: 'Seconds that the stream keeps a message; 0 is without limit.',
    }),
  ),
  stream_storage: option(
    overStreams,
    oneOf(['file', 'memory'], { default: 'file', description: 'Storage of a stream that is created.' }),
  ),

  consumer_pull: option(
    consumers,
    Type.Boolean({ default: true, description: 'Messages are pulled; false makes a push consumer.' }),
  ),
  consumer_ordered: option(
    streamReaders,
    Type.Boolean({
      default: false,
      description: 'Read in the order of the stream by one reader, without a consumer that the server keeps.',
    }),
  ),
  ...forAll(consumers, consumerOptions),
  ...forAll(streamReaders, streamReadingOptions),
  pull_batch_size: option(pull, integer(1, 100_000, { default: 500, description: 'Messages asked for in one pull.' })),
  pull_timeout_ms: option(
    pull,
    integer(1, 3_600_000, { default: 30_000, description: 'Milliseconds that a pull waits at the server.' }),
  ),
  start: option(
    streamReaders,
    Type.Union([text({}), Type.Integer({ minimum: 1 })], {
      default: 'all',
      description: 'Where a new consumer begins: all, new, last, a stream sequence, or an ISO 8601 timestamp.',
    }),
  ),

  ...forAll(['source-kv'], kvOptions),
  ...forAll(['source-object'], objectOptions),
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
