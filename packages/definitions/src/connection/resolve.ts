import type { ConnectionDefinition } from '../definition.js';
import { listOf, type OptionValue } from '../option-value.js';
import { type AckPolicyName, type Redelivery, resolveRedelivery } from './consumer.js';
import { type Credentials, resolveCredentials } from './credentials.js';
import { type Format, resolveFormat } from './format.js';
import { type ConnectionOptionName, optionFacts } from './options.js';
import { type Permissions, resolvePermissions } from './permissions.js';
import { roleOf } from './role.js';
import { type ServerNeed, serverNeeds } from './server-needs.js';
import { parseServers } from './servers.js';
import { parseStart, type StartPosition } from './start.js';
import { resolveTls, type TlsSettings } from './tls.js';

export type OnError = 'dead_letter' | 'skip' | 'retry' | 'stop';

interface Endpoint {
  /** `nats://host:port`, at least one. */
  readonly servers: readonly string[];
  readonly maxReconnects: number;
  readonly reconnectWaitMs: number;
  readonly reconnectJitterMs: number;
  readonly pingIntervalMs: number;
  readonly pingMaxOutstanding: number;
  readonly randomizeServers: boolean;
  readonly credentials: Credentials;
  /** Undefined: as the server wants it. */
  readonly tls: TlsSettings | undefined;
  /** Undefined: whatever the server allows. */
  readonly permissions: Permissions | undefined;
  /** What not every server can do, and this connection asks for. */
  readonly needs: readonly ServerNeed[];
  /** What it does goes to the log. */
  readonly debug: boolean;
  /** Each message goes to the log too. */
  readonly trace: boolean;
}

/** What every source says of its messages. */
interface Reading extends Endpoint {
  readonly format: Format;
  readonly onError: OnError;
  /** Dead letters are published there as well. */
  readonly deadLetterSubject: string | undefined;
  /** Messages that are handed over together at most. */
  readonly batchSize: number;
  /** How long a batch that is not full waits for more. */
  readonly batchTimeoutMs: number;
}

/** How a stream is made where it is missing. */
export interface StreamSpec {
  readonly subjects: readonly string[];
  readonly retention: 'limits' | 'interest' | 'workqueue';
  /** -1 is without limit. */
  readonly maxMsgs: number;
  /** 0 is without limit. */
  readonly maxAgeS: number;
  readonly storage: 'file' | 'memory';
}

export interface CoreSource extends Reading {
  readonly role: 'source-core';
  readonly subject: string;
  readonly queueGroup: string | undefined;
  readonly pendingLimit: number;
  /** Pipelines may answer requests. */
  readonly enableReply: boolean;
  readonly parallelism: number;
}

/** Reads a stream by its subjects. */
interface StreamReading extends Reading {
  readonly streamName: string;
  /** Undefined where the stream must exist. */
  readonly stream: StreamSpec | undefined;
  /** Empty for every subject of the stream. */
  readonly filterSubjects: readonly string[];
  readonly start: StartPosition;
  /** Messages per second; undefined is without limit. */
  readonly rateLimit: number | undefined;
}

/** A consumer that the server keeps track of. */
export interface ConsumerSpec extends Redelivery {
  readonly name: string;
  readonly durable: boolean;
  readonly ackPolicy: AckPolicyName;
  readonly ackWaitMs: number;
  readonly maxAckPending: number;
}

export interface PullSource extends StreamReading {
  readonly role: 'source-pull';
  readonly consumer: ConsumerSpec;
  readonly pullBatchSize: number;
  readonly pullTimeoutMs: number;
  readonly parallelism: number;
}

export interface PushSource extends StreamReading {
  readonly role: 'source-push';
  readonly consumer: ConsumerSpec;
  readonly deliverGroup: string | undefined;
  readonly parallelism: number;
}

/** A source whose consumer the server keeps track of. */
export type ConsumerSource = PullSource | PushSource;

export interface OrderedSource extends StreamReading {
  readonly role: 'source-ordered';
}

export interface KvSource extends Reading {
  readonly role: 'source-kv';
  readonly bucket: string;
  /** A pattern. */
  readonly keys: string;
}

export interface ObjectSource extends Reading {
  readonly role: 'source-object';
  readonly bucket: string;
}

export interface CoreSink extends Endpoint {
  readonly role: 'sink-core';
  readonly subject: string;
}

export interface JetStreamSink extends Endpoint {
  readonly role: 'sink-jetstream';
  readonly subject: string;
  /** Undefined: whichever stream takes the subject. */
  readonly streamName: string | undefined;
  readonly stream: StreamSpec | undefined;
}

/** A connection's options with every default filled in, in the units that the names say. */
export type ResolvedConnection = Source | Sink;
export type Source = CoreSource | ConsumerSource | OrderedSource | KvSource | ObjectSource;
export type Sink = CoreSink | JetStreamSink;

export function isSink(connection: ResolvedConnection): connection is Sink {
  return connection.role === 'sink-core' || connection.role === 'sink-jetstream';
}

export function hasConsumer(connection: ResolvedConnection): connection is ConsumerSource {
  return connection.role === 'source-pull' || connection.role === 'source-push';
}

/** Whether a message that was not acknowledged is delivered again. */
export function isRedelivered(connection: ResolvedConnection): connection is ConsumerSource {
  return hasConsumer(connection) && connection.consumer.ackPolicy !== 'none';
}

/** Fills in defaults. The definition must have no `connectionIssues`. */
export function resolveConnection(name: string, definition: ConnectionDefinition): ResolvedConnection {
  const read = reader(definition);
  const endpoint: Endpoint = {
    servers: parseServers(read.text('servers')).flatMap((server) => ('url' in server ? [server.url] : [])),
    maxReconnects: read.number('max_reconnects'),
    reconnectWaitMs: read.number('reconnect_wait_ms'),
    reconnectJitterMs: read.number('reconnect_jitter_ms'),
    pingIntervalMs: read.number('ping_interval_s') * 1000,
    pingMaxOutstanding: read.number('ping_max_outstanding'),
    randomizeServers: read.flag('randomize_servers'),
    credentials: resolveCredentials(definition.options),
    tls: resolveTls(definition.options),
    permissions: resolvePermissions(definition.options),
    needs: serverNeeds(definition.options),
    debug: read.flag('debug'),
    trace: read.flag('trace'),
  };
  const role = roleOf(definition.options);
  if (role === 'sink-core') return { role, ...endpoint, subject: read.text('subject') };
  if (role === 'sink-jetstream') {
    const streamName = read.optionalText('stream_name');
    return { role, ...endpoint, subject: read.text('subject'), streamName, stream: streamSpec(definition, read) };
  }
  const redelivery = resolveRedelivery(definition.options);
  const reading: Reading = {
    ...endpoint,
    format: resolveFormat(definition.options),
    onError:
      (read.optionalText('on_error') as OnError | undefined) ?? (redelivery.maxDeliver > 1 ? 'retry' : 'dead_letter'),
    deadLetterSubject: read.optionalText('dead_letter_subject'),
    batchSize: read.number('batch_size'),
    batchTimeoutMs: read.number('batch_timeout_ms'),
  };
  if (role === 'source-kv') return { role, ...reading, bucket: read.text('kv_bucket'), keys: read.text('kv_keys') };
  if (role === 'source-object') return { role, ...reading, bucket: read.text('object_bucket') };
  if (role === 'source-core') {
    return {
      role,
      ...reading,
      subject: read.text('subject'),
      queueGroup: read.optionalText('queue_group'),
      pendingLimit: read.number('pending_limits'),
      enableReply: read.flag('enable_reply'),
      parallelism: read.number('parallelism'),
    };
  }
  const streamReading: StreamReading = {
    ...reading,
    streamName: read.text('stream_name'),
    stream: streamSpec(definition, read),
    filterSubjects: listOf(definition.options.filter_subjects ?? definition.options.subject),
    start: parseStart(read.value('start')) ?? { from: 'all' },
    rateLimit: definition.options.consumer_rate_limit === undefined ? undefined : read.number('consumer_rate_limit'),
  };
  if (role === 'source-ordered') return { role, ...streamReading };
  const consumer: ConsumerSpec = {
    name: read.optionalText('consumer_name') ?? `laminar-${name}`,
    durable: read.flag('consumer_durable'),
    ackPolicy: read.text('consumer_ack_policy') as AckPolicyName,
    ackWaitMs: read.number('consumer_ack_wait_s') * 1000,
    maxAckPending: read.number('consumer_max_ack_pending'),
    ...redelivery,
  };
  const parallelism = read.number('parallelism');
  if (role === 'source-push')
    return { role, ...streamReading, consumer, deliverGroup: read.optionalText('queue_group'), parallelism };
  return {
    role,
    ...streamReading,
    consumer,
    pullBatchSize: read.number('pull_batch_size'),
    pullTimeoutMs: read.number('pull_timeout_ms'),
    parallelism,
  };
}

function streamSpec(definition: ConnectionDefinition, read: OptionReader): StreamSpec | undefined {
  if (definition.options.stream_subjects === undefined) return undefined;
  return {
    subjects: listOf(definition.options.stream_subjects),
    retention: read.value('stream_retention') as StreamSpec['retention'],
    maxMsgs: read.number('stream_max_msgs'),
    maxAgeS: read.number('stream_max_age'),
    storage: read.value('stream_storage') as StreamSpec['storage'],
  };
}

type OptionReader = ReturnType<typeof reader>;

function reader({ options }: ConnectionDefinition) {
  const value = (name: ConnectionOptionName): OptionValue => {
    return options[name] ?? optionFacts(name).default ?? '';
  };
  const optionalText = (name: ConnectionOptionName): string | undefined => {
    const given = options[name];
    return typeof given === 'string' ? given : undefined;
  };
  return {
    value,
    optionalText,
    text: (name: ConnectionOptionName) => String(value(name)),
    number: (name: ConnectionOptionName) => Number(value(name)),
    flag: (name: ConnectionOptionName) => value(name) === true,
  };
}
