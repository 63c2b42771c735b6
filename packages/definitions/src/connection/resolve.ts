import type { ConnectionDefinition } from '../definition.js';
import type { OptionValue } from '../option-value.js';
import { type Credentials, resolveCredentials } from './credentials.js';
import { type Format, resolveFormat } from './format.js';
import { type ConnectionOptionName, optionFacts } from './options.js';
import { parseServers } from './servers.js';
import { parseStart, type StartPosition } from './start.js';
import { resolveTls, type TlsSettings } from './tls.js';
import { listOf, roleOf } from './validate.js';

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

export interface CoreSource extends Endpoint {
  readonly role: 'source-core';
  readonly format: Format;
  readonly subject: string;
  readonly queueGroup: string | undefined;
  readonly pendingLimit: number;
  readonly onError: OnError;
  readonly parallelism: number;
}

export interface JetStreamSource extends Endpoint {
  readonly role: 'source-jetstream';
  readonly format: Format;
  readonly streamName: string;
  /** Undefined where the stream must exist. */
  readonly stream: StreamSpec | undefined;
  readonly consumer: {
    readonly name: string;
    /** Undefined for every subject of the stream. */
    readonly filterSubject: string | undefined;
    readonly ackWaitMs: number;
    readonly maxAckPending: number;
    readonly start: StartPosition;
  };
  readonly pullBatchSize: number;
  readonly pullTimeoutMs: number;
  readonly onError: OnError;
  readonly parallelism: number;
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
export type ResolvedConnection = CoreSource | JetStreamSource | CoreSink | JetStreamSink;

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
    randomizeServers: read.value('randomize_servers') === true,
    credentials: resolveCredentials(definition.options),
    tls: resolveTls(definition.options),
  };
  const role = roleOf(definition.options);
  switch (role) {
    case 'source-core':
      return {
        role,
        ...endpoint,
        format: resolveFormat(definition.options),
        subject: read.text('subject'),
        queueGroup: read.optionalText('queue_group'),
        pendingLimit: read.number('pending_limits'),
        onError: read.value('on_error') as OnError,
        parallelism: read.number('parallelism'),
      };
    case 'source-jetstream':
      return {
        role,
        ...endpoint,
        format: resolveFormat(definition.options),
        streamName: read.text('stream_name'),
        stream: streamSpec(definition, read),
        consumer: {
          name: read.optionalText('consumer_name') ?? `laminar-${name}`,
          filterSubject: read.optionalText('subject'),
          ackWaitMs: read.number('consumer_ack_wait_s') * 1000,
          maxAckPending: read.number('consumer_max_ack_pending'),
          start: parseStart(read.value('start')) ?? { from: 'all' },
        },
        pullBatchSize: read.number('pull_batch_size'),
        pullTimeoutMs: read.number('pull_timeout_ms'),
        onError: read.value('on_error') as OnError,
        parallelism: read.number('parallelism'),
      };
    case 'sink-core':
      return { role, ...endpoint, subject: read.text('subject') };
    case 'sink-jetstream':
      return {
        role,
        ...endpoint,
        subject: read.text('subject'),
        streamName: read.optionalText('stream_name'),
        stream: streamSpec(definition, read),
      };
  }
}

function streamSpec(definition: ConnectionDefinition, read: Reader): StreamSpec | undefined {
  if (definition.options.stream_subjects === undefined) return undefined;
  return {
    subjects: listOf(definition.options.stream_subjects),
    retention: read.value('stream_retention') as StreamSpec['retention'],
    maxMsgs: read.number('stream_max_msgs'),
    maxAgeS: read.number('stream_max_age'),
    storage: read.value('stream_storage') as StreamSpec['storage'],
  };
}

type Reader = ReturnType<typeof reader>;

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
  };
}
